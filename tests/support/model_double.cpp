#include "tests/support/model_double.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/support/test_certificate.h"
#include "workers/common/base/fd.h"

namespace {

using std::chrono::milliseconds;

constexpr milliseconds patience_of_waits{30'000};

// One accepted connection, plain or TLS.
class Connection {
  public:
    Connection(Fd socket, SSL_CTX* tls) : socket_(std::move(socket)) {
        const int on = 1;
        setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!tls) return;
        ssl_ = SSL_new(tls);
        SSL_set_fd(ssl_, socket_.get());
    }
    ~Connection() {
        if (ssl_) SSL_free(ssl_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool shake_hands() { return !ssl_ || SSL_accept(ssl_) == 1; }

    // Bytes into `buffer`; false at the end.
    bool read_more(std::string& buffer) {
        char bytes[16384];
        const auto count = ssl_ ? SSL_read(ssl_, bytes, sizeof bytes)
                                : static_cast<int>(recv(socket_.get(), bytes, sizeof bytes, 0));
        if (count <= 0) return false;
        buffer.append(bytes, static_cast<size_t>(count));
        return true;
    }

    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto count = ssl_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                    : static_cast<int>(send(socket_.get(), bytes.data(),
                                                            bytes.size(), MSG_NOSIGNAL));
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(count));
        }
        return true;
    }

    // Waits; false as soon as the client leaves.
    bool stays_for(milliseconds time) {
        if (time.count() == 0) return true;
        pollfd entry{socket_.get(), POLLRDHUP, 0};
        const int ready = poll(&entry, 1, time.count() < 0 ? -1 : static_cast<int>(time.count()));
        return ready == 0;
    }

    void interrupt() { shutdown(socket_.get(), SHUT_RDWR); }

  private:
    Fd socket_;
    SSL* ssl_ = nullptr;
};

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

void parse_head(const std::string& head, ModelRequestSeen& request) {
    size_t line_end = head.find("\r\n");
    const std::string first = head.substr(0, line_end);
    const size_t space = first.find(' ');
    request.method = first.substr(0, space);
    request.path = first.substr(space + 1, first.rfind(' ') - space - 1);
    while (line_end != std::string::npos) {
        const size_t begin = line_end + 2;
        line_end = head.find("\r\n", begin);
        const std::string line = head.substr(begin, line_end - begin);
        const size_t colon = line.find(": ");
        if (colon == std::string::npos) continue;
        request.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    }
}

std::optional<ModelRequestSeen> read_request(Connection& connection, std::string& buffer) {
    size_t end;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
        if (!connection.read_more(buffer)) return {};
    ModelRequestSeen request;
    parse_head(buffer.substr(0, end), request);
    buffer.erase(0, end + 4);
    const size_t length = std::strtoul(request.headers["content-length"].c_str(), nullptr, 10);
    while (buffer.size() < length)
        if (!connection.read_more(buffer)) return {};
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return request;
}

std::string head_of(const ModelReply& reply, const std::string& usual_type) {
    std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\ncontent-type: " +
                       (reply.content_type.empty() ? usual_type : reply.content_type) + "\r\n";
    if (!reply.retry_after.empty()) head += "retry-after: " + reply.retry_after + "\r\n";
    if (reply.claimed_length > 0)
        return head + "content-length: " + std::to_string(reply.claimed_length) + "\r\n\r\n";
    return head + "transfer-encoding: chunked\r\n\r\n";
}

// The body in the pieces that are written one by one.
std::vector<std::string> pieces_of(const std::string& body, size_t size) {
    std::vector<std::string> pieces;
    size_t begin = 0;
    while (begin < body.size()) {
        size_t end = begin + size;
        if (size == 0) {
            const size_t blank = body.find("\n\n", begin);
            end = blank == std::string::npos ? body.size() : blank + 2;
        }
        pieces.push_back(body.substr(begin, end - begin));
        begin = end;
    }
    return pieces;
}

std::string chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

// False when the connection is not to be used again.
bool send_body(Connection& connection, const ModelReply& reply, const std::string& head,
               const std::string& body) {
    if (reply.claimed_length > 0) {
        (void)connection.write(head + body);
        return false;
    }
    const bool breaks_off = reply.break_off_at < body.size();
    const bool at_once = reply.piece == 0 && reply.between.count() == 0;
    std::string pending = head;
    for (const std::string& piece :
         pieces_of(breaks_off ? body.substr(0, reply.break_off_at) : body, reply.piece)) {
        pending += chunk(piece);
        if (at_once) continue;
        if (!connection.write(pending) || !connection.stays_for(reply.between)) return false;
        pending.clear();
    }
    if (breaks_off) {
        (void)connection.write(pending);
        return false;
    }
    return connection.write(pending + "0\r\n\r\n");
}

bool reply_to(Connection& connection, const ModelRequestSeen& request, const ModelReply& reply) {
    if (reply.manner == ModelReply::Manner::close_at_once) return false;
    if (reply.manner == ModelReply::Manner::no_answer) {
        (void)connection.stays_for(milliseconds(-1));
        return false;
    }
    if (!connection.stays_for(reply.before_first)) return false;
    if (reply.status != 200)
        return send_body(connection, reply, head_of(reply, "application/json"),
                         reply.body.empty() ? model_error_body(request.path, reply) : reply.body);
    std::string body = reply.body;
    if (body.empty())
        body = reply.manner == ModelReply::Manner::garbage
                   ? std::string("data: }{ this is no JSON\n\n\xff\xfe\0garbage\n\n", 36)
                   : model_stream(request.path, reply);
    return send_body(connection, reply, head_of(reply, "text/event-stream; charset=utf-8"), body);
}

Fd listen_on_loopback(uint16_t port, uint16_t& bound) {
    Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener.get(), 512) != 0 ||
        getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        std::perror("model double");
        std::abort();
    }
    bound = ntohs(address.sin_port);
    return listener;
}

std::string write_to_temporary_file(const std::string& text) {
    char path[] = "/tmp/model-double-XXXXXX";
    const Fd file(mkstemp(path));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        std::abort();
    return path;
}

}  // namespace

struct ModelDouble::State {
    explicit State(Options options_) : options(options_) {
        signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
        if (options.tls) {
            certificate = make_test_certificate();
            certificate_file = write_to_temporary_file(certificate.authority_pem);
        }
        listener = listen_on_loopback(options.port, port);
        acceptor = std::thread([this] { accept_all(); });
    }

    ~State() {
        stopping = true;
        shutdown(listener.get(), SHUT_RDWR);
        acceptor.join();
        {
            const std::lock_guard lock(mutex);
            for (Connection* connection : open) connection->interrupt();
        }
        for (std::thread& thread : threads) thread.join();
        if (!certificate_file.empty()) unlink(certificate_file.c_str());
    }

    void accept_all() {
        while (!stopping) {
            Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket) {
                if (stopping) return;
                continue;
            }
            const std::lock_guard lock(mutex);
            const uint64_t number = ++accepted;
            threads.emplace_back(
                [this, number, descriptor = socket.release()] { serve(Fd(descriptor), number); });
        }
    }

    void serve(Fd socket, uint64_t number) {
        {
            Connection connection(std::move(socket), certificate.server.get());
            if (enter(connection)) {
                if (connection.shake_hands()) serve_requests(connection, number);
                leave(connection);
            }
        }
        const std::lock_guard lock(mutex);
        ++closed;
        changed.notify_all();
    }

    bool enter(Connection& connection) {
        const std::lock_guard lock(mutex);
        if (stopping) return false;
        open.push_back(&connection);
        return true;
    }

    void leave(Connection& connection) {
        const std::lock_guard lock(mutex);
        open.erase(std::find(open.begin(), open.end(), &connection));
    }

    void serve_requests(Connection& connection, uint64_t number) {
        std::string buffer;
        while (!stopping) {
            std::optional<ModelRequestSeen> request = read_request(connection, buffer);
            if (!request) return;
            request->connection = number;
            const ModelReply reply = take(*request);
            if (!reply_to(connection, *request, reply)) return;
        }
    }

    ModelReply take(const ModelRequestSeen& request) {
        std::unique_lock lock(mutex);
        seen.push_back(request);
        changed.notify_all();
        if (decide) {
            const auto function = decide;
            lock.unlock();
            return function(request);
        }
        if (queue.empty()) return usual;
        ModelReply reply = queue.front();
        queue.pop_front();
        return reply;
    }

    template <typename Condition>
    bool wait(Condition condition) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, patience_of_waits, condition);
    }

    const Options options;
    TestCertificate certificate;
    std::string certificate_file;
    uint16_t port = 0;
    Fd listener;
    std::atomic<bool> stopping{false};
    std::thread acceptor;

    std::mutex mutex;  // for everything below
    std::condition_variable changed;
    std::vector<std::thread> threads;
    std::vector<Connection*> open;
    std::deque<ModelReply> queue;
    ModelReply usual;
    std::function<ModelReply(const ModelRequestSeen&)> decide;
    std::vector<ModelRequestSeen> seen;
    uint64_t accepted = 0;
    size_t closed = 0;
};

ModelDouble::ModelDouble(Options options) : state_(std::make_unique<State>(options)) {}
ModelDouble::~ModelDouble() = default;

uint16_t ModelDouble::port() const {
    return state_->port;
}

std::string ModelDouble::url() const {
    return (state_->options.tls ? "https://localhost:" : "http://127.0.0.1:") +
           std::to_string(state_->port);
}

std::string ModelDouble::certificate_file() const {
    return state_->certificate_file;
}

void ModelDouble::next(ModelReply reply) {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(reply));
}

void ModelDouble::always(ModelReply reply) {
    const std::lock_guard lock(state_->mutex);
    state_->usual = std::move(reply);
}

void ModelDouble::answer_with(std::function<ModelReply(const ModelRequestSeen&)> decide) {
    const std::lock_guard lock(state_->mutex);
    state_->decide = std::move(decide);
}

std::vector<ModelRequestSeen> ModelDouble::requests() const {
    const std::lock_guard lock(state_->mutex);
    return state_->seen;
}

uint64_t ModelDouble::connections() const {
    const std::lock_guard lock(state_->mutex);
    return state_->accepted;
}

bool ModelDouble::wait_for_requests(size_t count) {
    return state_->wait([&] { return state_->seen.size() >= count; });
}

bool ModelDouble::wait_for_closed_connections(size_t count) {
    return state_->wait([&] { return state_->closed >= count; });
}
