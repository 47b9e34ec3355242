#include "workers/gateway/web_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/loopback_peer.h"
#include "workers/gateway/lws_request.h"
#include "workers/gateway/websocket_rules.h"

namespace gateway {

namespace {

static_assert(OutFrame::headroom >= LWS_PRE, "libwebsockets writes that much before a frame");

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};
// A client that does not take its close frame, or does not answer it, is cut off.
constexpr int close_patience_s = 10;

// The number that libwebsockets itself uses for close frames; its header leaves it out.
constexpr auto write_close_frame = static_cast<lws_write_protocol>(4);

// Per client, so small; messages are put together here.
constexpr size_t receive_buffer = 1024;

// Libwebsockets' own remarks: mostly about what strangers send.
void log_remark(int, const char* line) {
    std::string_view text = line;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    log_debug("libwebsockets: {}", text);
}

constexpr lws_retry_bo_t idle_policy = {nullptr, 0, 0, 120, 150, 0};

}  // namespace

struct WebServer::Socket {
    lws* wsi = nullptr;
    std::string peer;
    Door door = Door::everybody;
    RequestHeaders headers;
    std::unique_ptr<Client> client;
    std::unique_ptr<Echo> echo;  // in place of a client
    std::string incoming;
    bool asks_for_echo = false;
    bool close_timed = false;     // the time for our close has begun
    bool close_sent = false;      // our close frame is out
    bool ends_when_sent = false;  // HTTP: the connection ends with this answer
    int peer_close_code = 1006;   // no close frame seen
    std::string peer_close_reason;
};

int WebServer::on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
    // What belongs to no connection of ours carries no socket.
    auto* socket = static_cast<Socket*>(lws_get_opaque_user_data(wsi));
    if (!socket) return 0;
    auto* server = static_cast<WebServer*>(lws_context_user(lws_get_context(wsi)));
    socket->wsi = wsi;
    return server->handle(*socket, reason, in, length);
}

WebServer::WebServer(UvLoop& loop, const GatewaySettings& settings, FrontDesk& desk,
                     std::function<HttpFacts()> facts)
    : loop_(loop), settings_(settings), desk_(desk), facts_(std::move(facts)) {
    static const lws_protocols protocols[] = {
        {"gateway", WebServer::on_lws, 0, receive_buffer, 0, nullptr, 0},
        {nullptr, nullptr, 0, 0, 0, nullptr, 0},
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, log_remark);
    void* loops[] = {loop_.native()};
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.foreign_loops = loops;
    info.protocols = protocols;
    info.gid = static_cast<gid_t>(-1);
    info.uid = static_cast<uid_t>(-1);
    info.user = this;
    info.max_http_header_data = 16384;
    info.timeout_secs = 10;
    info.keepalive_timeout = 5;
    info.retry_and_idle_policy = &idle_policy;
    info.pcontext = &context_;
    context_ = lws_create_context(&info);
    if (!context_) return;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.vhost_name = "gateway";
    vhost_ = lws_create_vhost(context_, &info);
}

WebServer::~WebServer() {
    watches_.clear();
    stranger_timer_.reset();
    accept_pause_.reset();
    shut_down_timer_.reset();
    // With a loop of ours it takes two calls: the first starts to close the handles, and the last
    // of them to be closed, in settle(), may finish the job and reset the pointer.
    for (int attempt = 0; context_ && attempt < 3; ++attempt) {
        lws_context_destroy(context_);
        loop_.settle();
    }
}

Done WebServer::listen(const std::vector<int>& descriptors) {
    if (!context_ || !vhost_)
        return Error{Fault::system,
                     "libwebsockets cannot start; is libwebsockets-evlib-uv installed?"};
    if (descriptors.empty())
        return Error{Fault::bad_config, "the gateway was given no listening socket"};
    open_door(descriptors, Door::everybody);
    return {};
}

void WebServer::serve_metrics(const std::vector<int>& descriptors,
                              std::function<std::string()> text) {
    metrics_ = std::move(text);
    open_door(descriptors, Door::metrics);
}

void WebServer::open_door(const std::vector<int>& descriptors, Door door) {
    for (const int descriptor : descriptors) {
        listeners_.emplace_back(descriptor);
        watches_.push_back(
            loop_.watch(descriptor, Loop::readable,
                        [this, descriptor, door](unsigned) { accept_some(descriptor, door); }));
    }
}

void WebServer::accept_some(int listener, Door door) {
    for (int count = 0; count < accepts_per_turn; ++count) {
        Fd connection(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection) {
            adopt(std::move(connection), door);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
        if (const int64_t now = monotonic_ms(); now - refused_log_ms_ > 60'000) {
            refused_log_ms_ = now;
            log_warn("cannot accept a connection: out of descriptors or memory ({} are open)",
                     sockets_.size());
        }
        // Others may end meanwhile; spinning would keep them from it.
        for (const Fd& open : listeners_) loop_.rewatch(open.get(), 0);
        accept_pause_ = loop_.after(pause_without_descriptors, [this] {
            for (const Fd& open : listeners_) loop_.rewatch(open.get(), Loop::readable);
        });
        return;
    }
}

void WebServer::adopt(Fd connection, Door door) {
    const int on = 1;
    setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto made = std::make_unique<Socket>();
    Socket* socket = made.get();
    socket->peer = peer_address(connection.get());
    socket->door = door;
    sockets_[socket] = std::move(made);
    is_stranger(*socket);
    lws_adopt_desc_t adoption{};
    adoption.vh = vhost_;
    adoption.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP);
    adoption.fd.sockfd = connection.release();  // closed by libwebsockets, whatever happens
    adoption.opaque = socket;
    lws* wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    // A failed adoption may or may not have said that the connection is destroyed.
    if (!wsi && sockets_.count(socket)) return destroy(*socket);
    if (wsi) socket->wsi = wsi;
    if (strangers_.size() > most_strangers) make_room();
}

int WebServer::handle(Socket& socket, lws_callback_reasons reason, void* in, size_t length) {
    const std::string_view bytes(static_cast<const char*>(in), in ? length : 0);
    if (socket.echo && reason == LWS_CALLBACK_RECEIVE) return socket.echo->receive(bytes);
    if (socket.echo && reason == LWS_CALLBACK_SERVER_WRITEABLE) return socket.echo->write_some();
    switch (reason) {
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
            return is_refused(socket) ? 1 : 0;
        case LWS_CALLBACK_HTTP:
            return answer(socket);
        case LWS_CALLBACK_HTTP_WRITEABLE:
            return socket.ends_when_sent ? -1 : 0;
        case LWS_CALLBACK_ESTABLISHED:
            open(socket);
            return 0;
        case LWS_CALLBACK_RECEIVE:
            return receive(socket, bytes);
        case LWS_CALLBACK_SERVER_WRITEABLE:
            return write_some(socket);
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
            return take_close(socket, bytes);
        case LWS_CALLBACK_CLOSED:
            close_client(socket);
            return 0;
        case LWS_CALLBACK_WSI_DESTROY:
            destroy(socket);
            return 0;
        default:
            return 0;
    }
}

bool WebServer::is_refused(Socket& socket) {
    socket.headers = read_headers(socket.wsi);
    socket.headers.peer = socket.peer;
    socket.asks_for_echo =
        !settings_.echo_path.empty() && read_ask(socket.wsi).path == settings_.echo_path;
    strangers_.comes_from(socket, source_of(socket.headers, settings_).limiter_key);
    if (shut_down_done_) {
        write_answer(socket, refusal_answer(503, "The gateway is stopping"), true);
        return true;
    }
    if (socket.door == Door::metrics) {
        write_answer(socket, refusal_answer(404, "Not Found"), true);
        return true;
    }
    if (const int status = opening_fault(socket.wsi)) {
        write_answer(socket, refusal_answer(status, "This is no opening of a WebSocket (RFC 6455)"),
                     true);
        return true;
    }
    if (origin_allowed(socket.headers, settings_)) {
        if (!claimed_tailscale_address(socket.headers, settings_).empty())
            socket.headers.sender = user_at_other_end(lws_get_socket_fd(socket.wsi));
        return false;
    }
    if (origin_log_.allows(monotonic_ms()))
        log_warn(
            "[ws] refused the origin {} (host {}) from {}; allow it in "
            "gateway.controlUi.allowedOrigins{}",
            log_safe(socket.headers.origin), log_safe(socket.headers.host), log_safe(socket.peer),
            origin_log_.remark());
    write_answer(socket,
                 refusal_answer(403,
                                "Forbidden: origin not allowed; the owner can add it to "
                                "gateway.controlUi.allowedOrigins"),
                 true);
    return true;
}

int WebServer::answer(Socket& socket) {
    RequestHeaders headers = read_headers(socket.wsi);
    headers.peer = socket.peer;
    const RequestSource source = source_of(headers, settings_);
    HttpAsk ask = read_ask(socket.wsi);
    ask.local = source.local;
    const HttpAnswer made =
        socket.door == Door::metrics ? metrics_answer(ask, metrics_) : answer_http(ask, facts_());
    // Waits anew for who keeps the connection: a check from a proxy is no handshake that is late.
    is_stranger(socket);
    strangers_.comes_from(socket, source.limiter_key);
    return write_answer(socket, made, ask.method != "HEAD");
}

int WebServer::write_answer(Socket& socket, const HttpAnswer& answer, bool with_body) {
    std::string text(LWS_PRE, '\0');
    text += answer.head;
    if (with_body) text += answer.content();
    auto* bytes = reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE;
    if (lws_write(socket.wsi, bytes, text.size() - LWS_PRE, LWS_WRITE_HTTP) < 0) return -1;
    if (!answer.close) return lws_http_transaction_completed(socket.wsi) ? -1 : 0;
    socket.ends_when_sent = true;
    lws_callback_on_writable(socket.wsi);
    return 0;
}

void WebServer::open(Socket& socket) {
    if (socket.asks_for_echo) {
        socket.echo = std::make_unique<Echo>(socket.wsi);
        return is_known(socket);
    }
    RequestSource source = source_of(socket.headers, settings_);
    socket.client = std::make_unique<Client>(next_client_++, std::move(socket.headers),
                                             std::move(source), [&socket] { wake(socket); });
    desk_.greet(*socket.client);
}

int WebServer::receive(Socket& socket, std::string_view part) {
    if (!socket.client || socket.client->is_closing()) return 0;
    const size_t most = socket.client->is_admitted() ? largest_frame : largest_early_frame;
    const size_t announced = lws_remaining_packet_payload(socket.wsi);
    if (socket.incoming.size() + part.size() + announced > most) {
        socket.incoming = {};
        socket.client->drop(close_too_big, "message too big");
        return 0;
    }
    if (lws_is_first_fragment(socket.wsi)) socket.incoming.clear();
    socket.incoming += part;
    if (announced > 0 || !lws_is_final_fragment(socket.wsi)) return 0;
    const std::string message = std::move(socket.incoming);
    socket.incoming = {};
    desk_.take(*socket.client, message);
    if (socket.client->is_admitted()) is_known(socket);
    return 0;
}

void WebServer::wake(Socket& socket) {
    lws_callback_on_writable(socket.wsi);
    if (!socket.client || !socket.client->is_closing() || socket.close_timed) return;
    socket.close_timed = true;
    lws_set_timeout(socket.wsi, PENDING_TIMEOUT_CLOSE_SEND, close_patience_s);
}

int WebServer::take_close(Socket& socket, std::string_view payload) {
    read_close(payload, socket.peer_close_code, socket.peer_close_reason);
    if (socket.close_sent) return -1;  // the answer to ours needs none
    if (is_close_payload(payload)) return 0;
    if (!lws_partial_buffered(socket.wsi)) (void)send_close(socket, close_protocol, "");
    return -1;
}

// One frame per call; libwebsockets keeps what the kernel does not take, and calls again when it
// is gone.
int WebServer::write_some(Socket& socket) {
    // Nothing goes out after a close frame, also where libwebsockets has sent one by itself.
    if (!socket.client || socket.close_sent || lws_get_close_length(socket.wsi) > 0) return 0;
    Client& client = *socket.client;
    client.frame_sent();
    const SharedFrame frame = client.take_frame();
    if (!frame)
        return client.is_closing() ? send_close(socket, client.close_code(), client.close_reason())
                                   : 0;
    if (lws_write(socket.wsi, frame->data(), frame->size(), LWS_WRITE_TEXT) < 0) return -1;
    if (client.has_frames() || client.is_closing() || lws_partial_buffered(socket.wsi))
        lws_callback_on_writable(socket.wsi);
    else
        client.frame_sent();
    return 0;
}

// Written by hand: in 4.1.6 lws_close_reason() followed by -1 from the writeable callback ends the
// connection without a close frame.
int WebServer::send_close(Socket& socket, int code, std::string_view reason) {
    std::string bytes(LWS_PRE, '\0');
    bytes += static_cast<char>(code >> 8);
    bytes += static_cast<char>(code & 0xff);
    bytes += reason;
    socket.close_sent = true;
    auto* payload = reinterpret_cast<unsigned char*>(bytes.data()) + LWS_PRE;
    return lws_write(socket.wsi, payload, bytes.size() - LWS_PRE, write_close_frame) < 0 ? -1 : 0;
}

void WebServer::close_client(Socket& socket) {
    if (!socket.client) return;
    const std::unique_ptr<Client> client = std::move(socket.client);
    const bool ours = client->is_closing();
    desk_.farewell(*client, ours ? client->close_code() : socket.peer_close_code,
                   ours ? client->close_reason() : socket.peer_close_reason);
}

void WebServer::destroy(Socket& socket) {
    close_client(socket);
    is_known(socket);
    sockets_.erase(&socket);
    finish_shut_down();
}

void WebServer::is_stranger(Socket& socket) {
    strangers_.add(socket, socket.peer, monotonic_ms() + handshake_time.count());
    if (!stranger_timer_) watch_strangers();
}

void WebServer::is_known(Socket& socket) {
    strangers_.remove(socket);
}

void WebServer::make_room() {
    Socket& leaves = *strangers_.who_makes_room();
    is_known(leaves);
    log_debug(
        "[ws] too many connections that have not shown who they are; ended the oldest of "
        "those from {}",
        log_safe(leaves.peer));
    kill(leaves);
}

void WebServer::watch_strangers() {
    stranger_timer_.reset();
    if (strangers_.empty()) return;
    const int64_t left = strangers_.next_deadline_ms() - monotonic_ms();
    stranger_timer_ = loop_.after(std::chrono::milliseconds(std::max<int64_t>(left, 0) + 1),
                                  [this] { end_late_strangers(); });
}

void WebServer::end_late_strangers() {
    const int64_t now = monotonic_ms();
    while (Socket* late = strangers_.late(now)) {
        is_known(*late);
        if (late->client)
            late->client->close(close_normal, "handshake timeout");
        else
            kill(*late);
    }
    watch_strangers();
}

void WebServer::kill(Socket& socket) {
    if (socket.wsi) lws_set_timeout(socket.wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

void WebServer::shut_down(int code, const std::string& reason, std::chrono::milliseconds at_most,
                          std::function<void()> done) {
    if (shut_down_done_) return;
    watches_.clear();
    accept_pause_.reset();
    listeners_.clear();
    shut_down_done_ = std::move(done);
    shut_down_timer_ = loop_.after(at_most, [this] {
        if (const auto finished = std::move(shut_down_done_)) finished();
    });
    for (const auto& [socket, owned] : sockets_) {
        if (socket->client)
            socket->client->close(code, reason);
        else
            kill(*socket);
    }
    loop_.soon([this] { finish_shut_down(); });
}

void WebServer::finish_shut_down() {
    if (!shut_down_done_ || !sockets_.empty()) return;
    shut_down_timer_.reset();
    const auto finished = std::move(shut_down_done_);
    shut_down_done_ = nullptr;
    // Not from inside a callback of libwebsockets: the loop ends with this.
    loop_.soon(finished);
}

}  // namespace gateway
