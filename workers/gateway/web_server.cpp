#include "workers/gateway/web_server.h"

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/control_frames.h"
#include "workers/gateway/first_bytes.h"
#include "workers/gateway/loopback_peer.h"
#include "workers/gateway/lws_request.h"
#include "workers/gateway/websocket_rules.h"

namespace gateway {

namespace {

static_assert(OutFrame::headroom >= LWS_PRE, "libwebsockets writes that much before a frame");

// A client that does not take its close frame, or does not answer it, is cut off.
constexpr int close_patience_s = 10;

// Per client, so small; messages are put together here.
constexpr size_t receive_buffer = 1024;
// Bytes offered to the kernel at once. Left to itself libwebsockets offers a receive buffer's worth
// per turn of the loop, and copies the rest.
constexpr size_t most_written = 1u << 30;

// Libwebsockets' own remarks: mostly about what strangers send.
void log_remark(int, const char* line) {
    std::string_view text = line;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    log_debug("libwebsockets: {}", text);
}

// Of plain HTTP requests, besides what every request is looked at for.
constexpr const char* own_headers[] = {"x-openclaw-agent-id", "x-openclaw-agent",
                                       "x-openclaw-session-key", "x-openclaw-message-channel",
                                       "x-openclaw-account-id"};

bool is_about_http(lws_callback_reasons reason) {
    return reason == LWS_CALLBACK_HTTP || reason == LWS_CALLBACK_HTTP_BODY ||
           reason == LWS_CALLBACK_HTTP_BODY_COMPLETION || reason == LWS_CALLBACK_HTTP_WRITEABLE;
}

// None: only a pong counts for libwebsockets, so that a client that sends request after request but
// answers no ping would be cut off; and each connection walks a list of all. See Liveness.
constexpr lws_retry_bo_t no_idle_policy{};

}  // namespace

struct WebServer::Socket final : HttpExchange::Connection {
    explicit Socket(WebServer& its) : server(its), http(*this, its.loop_, its.bodies_) {}
    lws* wsi() const override { return handle; }
    void has_shown_itself() override { server.is_known(*this); }
    void must_come_on() override { server.is_stranger(*this); }
    void kill() override { server.kill(*this); }

    WebServer& server;
    lws* handle = nullptr;   // known once libwebsockets has adopted the connection
    FirstBytes first_bytes;  // until they say whose it is; libwebsockets has none of it
    std::string peer;
    std::string source;  // whom its failures count for; the peer's until it has spoken
    Door door = Door::everybody;
    RequestHeaders headers;
    HttpExchange http;
    std::unique_ptr<Client> client;
    std::optional<Liveness> life;
    bool is_woken = false;       // among those that are to be written before the loop sleeps…
    size_t woken_at = 0;         // …and which
    std::unique_ptr<Echo> echo;  // in place of a client
    std::string incoming;
    bool asks_for_echo = false;
    bool close_timed = false;    // the time for our close has begun
    bool close_sent = false;     // our close frame is out
    bool is_doomed = false;      // to be ended, whatever it still sends
    int peer_close_code = 1006;  // no close frame seen
    std::string peer_close_reason;
};

int WebServer::on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
    // What belongs to no connection of ours carries no socket.
    auto* socket = static_cast<Socket*>(lws_get_opaque_user_data(wsi));
    if (!socket) return 0;
    auto* server = static_cast<WebServer*>(lws_context_user(lws_get_context(wsi)));
    socket->handle = wsi;
    return server->handle(*socket, reason, in, length);
}

WebServer::WebServer(UvLoop& loop, const GatewaySettings& settings, Patience patience,
                     FrontDesk& desk, HttpDesk http, PathDoor& door, BodyBudget& bodies)
    : loop_(loop),
      settings_(settings),
      patience_(patience),
      desk_(desk),
      http_(std::move(http)),
      door_(door),
      headers_(settings.http.hooks.headers()),
      bodies_(bodies),
      acceptor_(loop, [this] { return sockets_.size(); }) {
    headers_.insert(headers_.end(), std::begin(own_headers), std::end(own_headers));
    static const lws_protocols protocols[] = {
        {subprotocol, WebServer::on_lws, 0, receive_buffer, 0, nullptr, most_written},
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
    info.retry_and_idle_policy = &no_idle_policy;
    info.pcontext = &context_;
    context_ = lws_create_context(&info);
    if (!context_) return;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.vhost_name = "gateway";
    vhost_ = lws_create_vhost(context_, &info);
}

WebServer::~WebServer() {
    acceptor_.stop();
    looks_.reset();
    stranger_timer_.reset();
    shut_down_timer_.reset();
    for (const auto& [socket, owned] : sockets_) socket->first_bytes.stop();
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
    acceptor_.listen(descriptors, [this](Fd made) { adopt(std::move(made), Door::everybody); });
    looks_ = loop_.every(patience_.between_looks(), [this] { look_after_clients(); });
    return {};
}

void WebServer::serve_metrics(const std::vector<int>& descriptors,
                              std::function<std::string()> text) {
    metrics_ = std::move(text);
    acceptor_.listen(descriptors, [this](Fd made) { adopt(std::move(made), Door::metrics); });
}

void WebServer::adopt(Fd connection, Door door) {
    auto made = std::make_unique<Socket>(*this);
    Socket* socket = made.get();
    socket->peer = socket->source = peer_address(connection.get());
    socket->door = door;
    sockets_[socket] = std::move(made);
    is_stranger(*socket);
    if (door == Door::everybody && !door_.empty())
        socket->first_bytes.wait(loop_, std::move(connection), [this, socket](auto path, Fd same) {
            hand_on(*socket, path, std::move(same));
        });
    else
        hand_to_libwebsockets(*socket, std::move(connection));
    if (strangers_.size() > most_strangers) make_room();
}

void WebServer::hand_on(Socket& socket, std::optional<std::string_view> path, Fd connection) {
    if (socket.is_doomed) return;
    if (!connection) return kill(socket);
    if (!path || !door_.has(*path)) return hand_to_libwebsockets(socket, std::move(connection));
    destroy(socket);
    if (!shut_down_done_) door_.take(std::move(connection));
}

void WebServer::hand_to_libwebsockets(Socket& socket_, Fd connection) {
    Socket* socket = &socket_;
    lws_adopt_desc_t adoption{};
    adoption.vh = vhost_;
    adoption.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP);
    adoption.fd.sockfd = connection.release();  // closed by libwebsockets, whatever happens
    adoption.opaque = socket;
    lws* wsi = lws_adopt_descriptor_vhost_via_info(&adoption);
    // A failed adoption may or may not have said that the connection is destroyed.
    if (!wsi && sockets_.count(socket)) return destroy(*socket);
    if (wsi) socket->handle = wsi;
}

int WebServer::handle(Socket& socket, lws_callback_reasons reason, void* in, size_t length) {
    const std::string_view bytes(static_cast<const char*>(in), in ? length : 0);
    if (socket.life && reason == LWS_CALLBACK_RECEIVE) socket.life->heard(monotonic_ms());
    if (socket.echo && reason == LWS_CALLBACK_RECEIVE) return socket.echo->receive(bytes);
    if (socket.echo && reason == LWS_CALLBACK_SERVER_WRITEABLE) return socket.echo->write_some();
    if (socket.is_doomed && is_about_http(reason)) return -1;
    switch (reason) {
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
            return is_refused(socket) ? 1 : 0;
        case LWS_CALLBACK_HTTP:
            return answer(socket);
        case LWS_CALLBACK_HTTP_BODY:
            return socket.http.read_body(bytes);
        case LWS_CALLBACK_HTTP_BODY_COMPLETION:
            return socket.http.body_is_there();
        case LWS_CALLBACK_HTTP_WRITEABLE:
            return socket.http.writeable();
        case LWS_CALLBACK_ESTABLISHED:
            open(socket);
            return 0;
        case LWS_CALLBACK_RECEIVE:
            return receive(socket, bytes);
        case LWS_CALLBACK_SERVER_WRITEABLE:
            return write_some(socket);
        case LWS_CALLBACK_RECEIVE_PONG:
            if (socket.life) socket.life->heard(monotonic_ms());
            return 0;
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
    socket.headers = read_headers(socket.handle);
    socket.headers.peer = socket.peer;
    socket.asks_for_echo =
        !settings_.echo_path.empty() && read_ask(socket.handle).path == settings_.echo_path;
    socket.source = source_of(socket.headers, settings_).limiter_key;
    strangers_.comes_from(socket, socket.source);
    if (shut_down_done_) {
        socket.http.write_answer(refusal_answer(503, "The gateway is stopping"), true);
        return true;
    }
    if (socket.door == Door::metrics) {
        socket.http.write_answer(refusal_answer(404, "Not Found"), true);
        return true;
    }
    if (const int status = opening_fault(socket.handle)) {
        socket.http.write_answer(
            refusal_answer(status,
                           "This is no opening of a WebSocket (RFC 6455) that is spoken here"),
            true);
        return true;
    }
    if (origin_allowed(socket.headers, settings_)) {
        if (!claimed_tailscale_address(socket.headers, settings_).empty())
            socket.headers.sender = user_at_other_end(lws_get_socket_fd(socket.handle));
        return false;
    }
    if (origin_log_.allows(monotonic_ms()))
        log_warn(
            "[ws] refused the origin {} (host {}) from {}; allow it in "
            "gateway.controlUi.allowedOrigins{}",
            log_safe(socket.headers.origin), log_safe(socket.headers.host), log_safe(socket.peer),
            origin_log_.remark());
    socket.http.write_answer(
        refusal_answer(403,
                       "Forbidden: origin not allowed; the owner can add it to "
                       "gateway.controlUi.allowedOrigins"),
        true);
    return true;
}

int WebServer::answer(Socket& socket) {
    if (socket.http.is_taken()) return -1;
    RequestHeaders headers = read_headers(socket.handle);
    headers.peer = socket.peer;
    HttpAsk ask = read_ask(socket.handle, headers_);
    ask.source = source_of(headers, settings_);
    ask.local = ask.source.local;
    // Waits anew for who keeps the connection: a check from a proxy is no handshake that is late.
    socket.source = ask.source.limiter_key;
    is_stranger(socket);
    if (socket.door == Door::metrics)
        return socket.http.write_answer(metrics_answer(ask, metrics_), ask.method != "HEAD");
    return socket.http.serve(ask, http_(ask));
}

void WebServer::open(Socket& socket) {
    socket.life.emplace(monotonic_ms());
    if (socket.asks_for_echo) {
        socket.echo = std::make_unique<Echo>(socket.handle);
        return is_known(socket);
    }
    RequestSource source = source_of(socket.headers, settings_);
    socket.client = std::make_unique<Client>(next_client_++, std::move(socket.headers),
                                             std::move(source), [this, &socket] { wake(socket); });
    desk_.greet(*socket.client);
}

int WebServer::receive(Socket& socket, std::string_view part) {
    if (!socket.client || socket.client->is_closing()) return 0;
    const size_t most = socket.client->is_admitted() ? largest_frame : largest_early_frame;
    const size_t announced = lws_remaining_packet_payload(socket.handle);
    if (socket.incoming.size() + part.size() + announced > most) {
        socket.incoming = {};
        socket.client->drop(close_too_big, "message too big");
        return 0;
    }
    if (lws_is_first_fragment(socket.handle)) socket.incoming.clear();
    socket.incoming += part;
    if (announced > 0 || !lws_is_final_fragment(socket.handle)) return 0;
    const std::string message = std::move(socket.incoming);
    socket.incoming = {};
    desk_.take(*socket.client, message);
    if (socket.client->is_admitted()) is_known(socket);
    return 0;
}

// Written before the loop sleeps: waiting for libwebsockets to call back costs two changes of what
// the descriptor is watched for, and a turn of the loop.
void WebServer::wake(Socket& socket) {
    if (!socket.client) return;  // on its way out
    if (!socket.is_woken) {
        if (woken_.empty()) loop_.soon([this] { write_woken(); });
        socket.is_woken = true;
        socket.woken_at = woken_.size();
        woken_.push_back(&socket);
    }
    if (!socket.client->is_closing() || socket.close_timed) return;
    socket.close_timed = true;
    lws_set_timeout(socket.handle, PENDING_TIMEOUT_CLOSE_SEND, close_patience_s);
}

void WebServer::write_woken() {
    for (size_t at = 0; at < woken_.size(); ++at) {
        Socket* socket = woken_[at];
        if (!socket) continue;
        socket->is_woken = false;
        if (write_some(*socket) != 0) kill(*socket);
    }
    woken_.clear();
}

void WebServer::look_after_clients() {
    const int64_t now = monotonic_ms();
    for (const auto& [socket, owned] : sockets_) {
        const auto next =
            socket->life ? socket->life->next(patience_, now) : Liveness::Next::nothing;
        if (next == Liveness::Next::ask && !socket->close_sent) write_ping(socket->handle);
        if (next == Liveness::Next::give_up) kill(*socket);
    }
}

int WebServer::take_close(Socket& socket, std::string_view payload) {
    read_close(payload, socket.peer_close_code, socket.peer_close_reason);
    if (socket.close_sent) return -1;  // the answer to ours needs none
    if (is_close_payload(payload)) return 0;
    if (!lws_partial_buffered(socket.handle)) (void)send_close(socket, close_protocol, "");
    return -1;
}

// All that waits, as long as the kernel takes it. Libwebsockets keeps what it does not take, and
// calls again when that is gone.
int WebServer::write_some(Socket& socket) {
    // Nothing goes out after a close frame, also where libwebsockets has sent one by itself.
    if (!socket.client || socket.close_sent || lws_get_close_length(socket.handle) > 0) return 0;
    Client& client = *socket.client;
    while (!lws_partial_buffered(socket.handle)) {
        client.frame_sent();
        const Outgoing next = client.take_frame();
        if (!next)
            return client.is_closing()
                       ? send_close(socket, client.close_code(), client.close_reason())
                       : 0;
        // What the kernel does not take is copied, so the frame is free for the next client.
        if (lws_write(socket.handle, next.data(), next.size(), LWS_WRITE_TEXT) < 0) return -1;
    }
    return 0;
}

int WebServer::send_close(Socket& socket, int code, std::string_view reason) {
    socket.close_sent = true;
    return write_close(socket.handle, code, reason) ? 0 : -1;
}

void WebServer::close_client(Socket& socket) {
    if (!socket.client) return;
    if (socket.is_woken) woken_[socket.woken_at] = nullptr;
    socket.is_woken = false;
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
    strangers_.add(socket, socket.source, monotonic_ms() + handshake_time.count());
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

// Libwebsockets gives a connection more time with each piece of a body, this one too.
void WebServer::kill(Socket& socket) {
    socket.is_doomed = true;
    if (!socket.handle) {
        // Later: whoever walks through the sockets goes on to the next.
        loop_.soon([this, doomed = &socket] {
            if (sockets_.count(doomed) && doomed->is_doomed) destroy(*doomed);
        });
        return;
    }
    lws_set_timeout(socket.handle, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

void WebServer::shut_down(int code, const std::string& reason, std::chrono::milliseconds at_most,
                          std::function<void()> done) {
    if (shut_down_done_) return;
    acceptor_.stop();
    shut_down_done_ = std::move(done);
    shut_down_timer_ = loop_.after(at_most, [this] {
        if (const auto finished = std::move(shut_down_done_)) finished();
    });
    door_.close_all();
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
