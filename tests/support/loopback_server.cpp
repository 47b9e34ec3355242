#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "tests/support/test_certificate.h"
#include "workers/common/base/fd.h"

namespace {

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
            const int size = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20));
            const auto count =
                ssl_ ? SSL_write(ssl_, bytes.data(), size)
                     : static_cast<int>(send(socket_.get(), bytes.data(), static_cast<size_t>(size),
                                             MSG_NOSIGNAL));
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(count));
        }
        return true;
    }

    bool has_left() const {
        pollfd entry{socket_.get(), POLLRDHUP, 0};
        return poll(&entry, 1, 0) != 0;
    }

    // The peer is told by a reset, not by an orderly end. From any thread.
    void reset() {
        const linger now{1, 0};
        setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        shutdown(socket_.get(), SHUT_RD);
        is_reset_ = true;
    }
    bool is_reset() const { return is_reset_; }

  private:
    Fd socket_;
    SSL* ssl_ = nullptr;
    std::atomic<bool> is_reset_{false};
};

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

void parse_head(const std::string& head, LoopbackRequest& request) {
    size_t line_end = head.find("\r\n");
    const std::string first = head.substr(0, line_end);
    const size_t space = first.find(' ');
    request.method = first.substr(0, space);
    request.path = first.substr(space + 1, first.rfind(' ') - space - 1);
    while (line_end != std::string::npos) {
        const size_t begin = line_end + 2;
        line_end = head.find("\r\n", begin);
        const std::string line = head.substr(begin, line_end - begin);
        const size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
        request.headers[lower(line.substr(0, colon))] = line.substr(value);
    }
}

// Chunks of a body whose length was not known, joined.
std::optional<std::string> read_chunks(Connection& connection, std::string& buffer) {
    std::string body;
    while (true) {
        size_t line;
        while ((line = buffer.find("\r\n")) == std::string::npos)
            if (!connection.read_more(buffer)) return {};
        const size_t size = std::strtoul(buffer.c_str(), nullptr, 16);
        while (buffer.size() < line + 2 + size + 2)
            if (!connection.read_more(buffer)) return {};
        body += buffer.substr(line + 2, size);
        buffer.erase(0, line + 2 + size + 2);
        if (size == 0) return body;
    }
}

std::optional<LoopbackRequest> read_request(Connection& connection, std::string& buffer) {
    size_t end;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
        if (!connection.read_more(buffer)) return {};
    LoopbackRequest request;
    parse_head(buffer.substr(0, end), request);
    buffer.erase(0, end + 4);
    if (lower(request.headers["transfer-encoding"]) == "chunked") {
        const auto body = read_chunks(connection, buffer);
        if (!body) return {};
        request.body = *body;
        return request;
    }
    const size_t length = std::strtoul(request.headers["content-length"].c_str(), nullptr, 10);
    while (buffer.size() < length)
        if (!connection.read_more(buffer)) return {};
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    return request;
}

std::string bytes_of(const LoopbackAnswer& answer) {
    std::string bytes = "HTTP/1.1 " + std::to_string(answer.status) +
                        " X\r\ncontent-type: " + answer.content_type +
                        "\r\ncontent-length: " + std::to_string(answer.body.size()) + "\r\n";
    for (const auto& [name, value] : answer.headers) bytes += name + ": " + value + "\r\n";
    bytes += answer.then_close ? "connection: close\r\n\r\n" : "connection: keep-alive\r\n\r\n";
    return bytes + answer.body;
}

Fd listen_on(uint16_t& port) {
    Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener.get(), generic, size) != 0 || listen(listener.get(), 128) != 0 ||
        getsockname(listener.get(), generic, &size) != 0) {
        std::perror("loopback server");
        std::abort();
    }
    port = ntohs(address.sin_port);
    return listener;
}

std::string write_certificate(const std::string& pem) {
    char name[] = "/tmp/hardshell-authority-XXXXXX";
    const Fd file(mkstemp(name));
    if (!file || fchmod(file.get(), 0644) != 0 ||  // workers of other users read it
        write(file.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()))
        std::abort();
    return name;
}

}  // namespace

struct LoopbackServer::State {
    State(Options asked, Handler handle) : options(asked), handler(std::move(handle)) {
        signal(SIGPIPE, SIG_IGN);
        port = options.port;
        listener = listen_on(port);
        if (options.tls) {
            certificate = make_test_certificate();
            certificate_file = write_certificate(certificate.authority_pem);
        }
        acceptor = std::thread([this] { accept_all(); });
    }

    ~State() {
        stopping = true;
        shutdown(listener.get(), SHUT_RDWR);
        acceptor.join();
        cut();
        std::list<std::thread> rest;
        {
            const std::lock_guard lock(mutex);
            rest.swap(threads);
        }
        for (std::thread& thread : rest) thread.join();
        if (!certificate_file.empty()) unlink(certificate_file.c_str());
    }

    void accept_all() {
        while (!stopping) {
            Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket) continue;
            const std::lock_guard lock(mutex);
            const uint64_t number = ++accepted;
            threads.emplace_back(
                [this, number, descriptor = socket.release()] { serve(Fd(descriptor), number); });
        }
    }

    void serve(Fd socket, uint64_t number) {
        Connection connection(std::move(socket), certificate.server.get());
        if (refusing) return connection.reset();
        if (!enter(connection)) return;
        if (connection.shake_hands()) serve_requests(connection, number);
        const std::lock_guard lock(mutex);
        open.erase(std::find(open.begin(), open.end(), &connection));
    }

    bool enter(Connection& connection) {
        const std::lock_guard lock(mutex);
        if (stopping) return false;
        open.push_back(&connection);
        return true;
    }

    void serve_requests(Connection& connection, uint64_t number) {
        std::string buffer;
        while (!stopping && !connection.is_reset()) {
            std::optional<LoopbackRequest> request = read_request(connection, buffer);
            if (!request) return;
            request->connection = number;
            request->has_left = [&] {
                return stopping || connection.is_reset() || connection.has_left();
            };
            const LoopbackAnswer answer = handler(*request);
            if (connection.is_reset() || answer.manner == LoopbackAnswer::Manner::none)
                return connection.reset();
            const std::string bytes = bytes_of(answer);
            if (answer.manner == LoopbackAnswer::Manner::half) {
                connection.write(bytes.substr(0, bytes.size() / 2));
                return connection.reset();
            }
            if (!connection.write(bytes) || answer.then_close) return;
        }
    }

    void cut() {
        const std::lock_guard lock(mutex);
        for (Connection* connection : open) connection->reset();
    }

    const Options options;
    const Handler handler;
    TestCertificate certificate;
    std::string certificate_file;
    uint16_t port = 0;
    Fd listener;
    std::atomic<bool> stopping{false};
    std::atomic<bool> refusing{false};
    std::thread acceptor;

    mutable std::mutex mutex;  // for everything below
    std::list<std::thread> threads;
    std::list<Connection*> open;
    uint64_t accepted = 0;
};

LoopbackServer::LoopbackServer(Options options, Handler handler)
    : state_(std::make_unique<State>(options, std::move(handler))) {}
LoopbackServer::~LoopbackServer() = default;

uint16_t LoopbackServer::port() const {
    return state_->port;
}
std::string LoopbackServer::url() const {
    return (state_->options.tls ? "https://localhost:" : "http://127.0.0.1:") +
           std::to_string(state_->port);
}
std::string LoopbackServer::certificate_file() const {
    return state_->certificate_file;
}
bool LoopbackServer::is_stopping() const {
    return state_->stopping;
}
uint64_t LoopbackServer::connections() const {
    const std::lock_guard lock(state_->mutex);
    return state_->accepted;
}
size_t LoopbackServer::open_connections() const {
    const std::lock_guard lock(state_->mutex);
    return state_->open.size();
}
void LoopbackServer::cut_connections() {
    state_->cut();
}
void LoopbackServer::refuse_connections(bool refuse) {
    state_->refusing = refuse;
}
