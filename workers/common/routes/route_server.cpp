#include "workers/common/routes/route_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "workers/common/routes/watched_socket.h"

namespace {

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds rest_time{3'000};
constexpr std::chrono::milliseconds write_time{30'000};
constexpr uint64_t most_discarded_bytes = 2u << 20;
constexpr size_t piece = 64 * 1024;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

std::string text_of(const RouteAnswer& answer) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                       std::string(reason_phrase(answer.status)) + "\r\n";
    if (!answer.body.empty()) text += "Content-Type: " + answer.content_type + "\r\n";
    text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
    return text + "Connection: close\r\n\r\n" + answer.body;
}

}  // namespace

class RouteConnection : public std::enable_shared_from_this<RouteConnection> {
  public:
    RouteConnection(Loop& loop, RouteServer& server)
        : loop_(loop),
          server_(&server),
          socket_(loop, [this](unsigned events) { is_ready(events); }) {}

    void begin(Fd descriptor) {
        socket_.open(std::move(descriptor));
        deadline_ = loop_.after(server_->limits().head_time, [this] { fail(408); });
        // Most often everything is there already: it is looked for before the loop is asked to,
        // which costs as much as all the rest.
        read_head();
        if (stage_ == Stage::head) socket_.want(Loop::readable);
    }

    void answer(RouteAnswer answer) {
        if (stage_ != Stage::asked) return;
        body_then_ = nullptr;
        outgoing_ += text_of(answer);
        stage_ = Stage::answering;
        deadline_ = loop_.after(write_time, [this] { end(); });
        write();
    }

    void read_body(size_t most, RouteCall::Body then) {
        if (stage_ != Stage::asked || body_then_ || body_was_read_) return;
        if (head_.body_bytes > most) return fail(413);
        body_was_read_ = true;
        body_then_ = std::move(then);
        deadline_ = loop_.after(server_->limits().body_time, [this] { fail(408); });
        if (head_.expects_continue && incoming_.size() < head_.body_bytes) {
            outgoing_ += "HTTP/1.1 100 Continue\r\n\r\n";
            if (!socket_.write(outgoing_)) return end();
        }
        read_more();
        if (body_then_) socket_.want(Loop::readable);
    }

    RouteStream take_stream() {
        if (stage_ != Stage::asked) return {};
        RouteStream stream{socket_.release(), std::move(incoming_)};
        end();
        return stream;
    }

    bool is_open() const { return stage_ == Stage::asked; }

    void end() {
        if (stage_ == Stage::ended) return;
        stage_ = Stage::ended;
        body_then_ = nullptr;
        deadline_.reset();
        socket_.close();
        server_->forget(*this);
    }

  private:
    // asked: the handler has the request.
    enum class Stage { head, asked, answering, rest, ended };

    void is_ready(unsigned events) {
        if (stage_ == Stage::head) return read_head();
        if (stage_ == Stage::asked) return read_more();
        if (stage_ == Stage::answering && (events & Loop::writable)) return write();
        if (stage_ == Stage::rest) read_rest();
    }

    void read_head() {
        const ptrdiff_t got = socket_.read(incoming_, RequestHead::most_bytes - incoming_.size());
        if (got < 0) return end();
        HeadReading reading = read_request_head(incoming_);
        if (reading.refusal != 0) return fail(reading.refusal);
        if (!reading.head) return;
        head_ = std::move(*reading.head);
        incoming_.erase(0, reading.size);
        stage_ = Stage::asked;
        deadline_ = loop_.after(server_->limits().answer_time, [this] { fail(504); });
        socket_.want(0);  // the body stays where it is until somebody wants it
        server_->handler()(head_, RouteCall(weak_from_this()));
    }

    void read_more() {
        if (!body_then_) return socket_.want(0);
        const size_t left =
            static_cast<size_t>(head_.body_bytes) -
            std::min<size_t>(incoming_.size(), static_cast<size_t>(head_.body_bytes));
        if (socket_.read(incoming_, left) < 0) return end();
        if (incoming_.size() < head_.body_bytes) return;
        socket_.want(0);
        deadline_ = loop_.after(server_->limits().answer_time, [this] { fail(504); });
        const RouteCall::Body then = std::exchange(body_then_, nullptr);
        incoming_.resize(static_cast<size_t>(head_.body_bytes));
        then(std::exchange(incoming_, {}), RouteCall(weak_from_this()));
    }

    void write() {
        if (!socket_.write(outgoing_)) return end();
        if (!outgoing_.empty()) return socket_.want(Loop::writable);
        stage_ = Stage::rest;
        socket_.end_writing();
        deadline_ = loop_.after(rest_time, [this] { end(); });
        read_rest();
        if (stage_ == Stage::rest) socket_.want(Loop::readable);
    }

    // Closed on what was not read, a connection would take the answer with it.
    void read_rest() {
        std::string rest;
        const ptrdiff_t got = socket_.read(rest, piece);
        discarded_ += rest.size();
        if (got < 0 || discarded_ > most_discarded_bytes) end();
    }

    void fail(int status) {
        if (stage_ != Stage::head && stage_ != Stage::asked) return;
        stage_ = Stage::asked;
        answer({status, std::string(reason_phrase(status))});
    }

    Loop& loop_;
    RouteServer* server_;
    WatchedSocket socket_;
    Stage stage_ = Stage::head;
    RequestHead head_;
    std::string incoming_;
    std::string outgoing_;
    RouteCall::Body body_then_;
    bool body_was_read_ = false;
    uint64_t discarded_ = 0;
    Loop::Registration deadline_;
};

void RouteCall::answer(RouteAnswer answer) const {
    if (const auto connection = connection_.lock()) connection->answer(std::move(answer));
}

void RouteCall::read_body(size_t most_bytes, Body then) const {
    if (const auto connection = connection_.lock())
        connection->read_body(most_bytes, std::move(then));
}

RouteStream RouteCall::take_stream() const {
    const auto connection = connection_.lock();
    return connection ? connection->take_stream() : RouteStream{};
}

bool RouteCall::is_open() const {
    const auto connection = connection_.lock();
    return connection && connection->is_open();
}

RouteServer::RouteServer(Loop& loop, const std::vector<int>& listeners, Limits limits,
                         Handler handler)
    : loop_(loop), limits_(limits), handler_(std::move(handler)) {
    for (const int listener : listeners) {
        listeners_.emplace_back(listener);
        watches_.push_back(loop_.watch(listener, Loop::readable,
                                       [this, listener](unsigned) { accept_some(listener); }));
    }
}

RouteServer::~RouteServer() {
    stop_taking();
    while (!connections_.empty()) connections_.begin()->second->end();
}

void RouteServer::stop_taking() {
    pause_.reset();
    watches_.clear();
    listeners_.clear();
}

void RouteServer::watch_listeners(unsigned events) {
    for (const Fd& open : listeners_) loop_.rewatch(open.get(), events);
}

// With all places taken nobody is accepted: the kernel keeps them waiting.
void RouteServer::accept_some(int listener) {
    for (int count = 0; count < accepts_per_turn; ++count) {
        if (connections_.size() >= limits_.most_connections) return watch_listeners(0);
        Fd accepted(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!accepted && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (!accepted && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (!accepted) {  // no descriptors, no memory: spinning would not bring them
            watch_listeners(0);
            pause_ =
                loop_.after(pause_without_descriptors, [this] { watch_listeners(Loop::readable); });
            return;
        }
        auto connection = std::make_shared<RouteConnection>(loop_, *this);
        connections_[connection.get()] = connection;
        connection->begin(std::move(accepted));
    }
}

void RouteServer::forget(RouteConnection& connection) {
    const auto found = connections_.find(&connection);
    if (found == connections_.end()) return;
    const bool was_full = connections_.size() >= limits_.most_connections;
    loop_.soon([ended = found->second] {});
    connections_.erase(found);
    if (was_full) watch_listeners(Loop::readable);
}
