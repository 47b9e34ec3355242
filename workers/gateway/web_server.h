// The public port: takes connections from the inherited listening sockets, answers HTTP, carries
// WebSocket clients to the front desk. The port for /metrics, where there is one, is served with
// it.
//
// Keeps strangers cheap: a bounded number of connections that have not shown who they are, shared
// out among the addresses they come from, ten seconds to do so, small frames until then. The body
// of a request is read only once its head has shown a credential, and all bodies together have a
// budget. No TLS, no compression, no HTTP/2, no body in chunks.
//
// Requests for public paths of other workers are seen by their first bytes and left to the path
// door before libwebsockets has read any of them. So that none arrives on a connection that
// libwebsockets has already, each plain HTTP request has a connection of its own while there are
// such paths.
#pragma once

#include <libwebsockets.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/routes/path_door.h"
#include "workers/common/uv_loop.h"
#include "workers/gateway/acceptor.h"
#include "workers/gateway/body_budget.h"
#include "workers/gateway/client.h"
#include "workers/gateway/echo.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/http_exchange.h"
#include "workers/gateway/liveness.h"
#include "workers/gateway/log_budget.h"
#include "workers/gateway/strangers.h"

namespace gateway {

class WebServer {
  public:
    static constexpr size_t most_strangers = 128;
    static constexpr std::chrono::milliseconds handshake_time{10'000};

    // Says what becomes of a request, from its head.
    using HttpDesk = std::function<HttpVerdict(const HttpAsk&)>;

    // `door`: takes what is for other workers; empty where nothing is.
    WebServer(UvLoop& loop, const GatewaySettings& settings, Patience patience, FrontDesk& desk,
              HttpDesk http, PathDoor& door, BodyBudget& bodies);
    ~WebServer();
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    // Takes over the listening sockets.
    Done listen(const std::vector<int>& descriptors);
    // The same for sockets where nothing but /metrics is answered.
    void serve_metrics(const std::vector<int>& descriptors, std::function<std::string()> text);
    // No new connections; every client is closed with that code, then `done` is called: when all
    // are gone, or after the time.
    void shut_down(int code, const std::string& reason, std::chrono::milliseconds at_most,
                   std::function<void()> done);
    size_t connections() const { return sockets_.size(); }

  private:
    struct Socket;

    static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t length);
    int handle(Socket& socket, lws_callback_reasons reason, void* in, size_t length);

    enum class Door { everybody, metrics };
    void adopt(Fd connection, Door door);
    // To whoever its first request is for.
    void hand_on(Socket& socket, std::optional<std::string_view> path, Fd connection);
    void hand_to_libwebsockets(Socket& socket, Fd connection);
    bool is_refused(Socket& socket);
    int answer(Socket& socket);
    void open(Socket& socket);
    int receive(Socket& socket, std::string_view part);
    void wake(Socket& socket);
    void write_woken();
    int write_some(Socket& socket);
    int send_close(Socket& socket, int code, std::string_view reason);
    void look_after_clients();
    int take_close(Socket& socket, std::string_view payload);
    void close_client(Socket& socket);
    void destroy(Socket& socket);

    void is_stranger(Socket& socket);
    void is_known(Socket& socket);
    void make_room();
    void watch_strangers();
    void end_late_strangers();
    void kill(Socket& socket);
    void finish_shut_down();

    UvLoop& loop_;
    const GatewaySettings& settings_;
    const Patience patience_;
    FrontDesk& desk_;
    HttpDesk http_;
    PathDoor& door_;
    // Request headers that somebody reads.
    std::vector<std::string> headers_;
    BodyBudget& bodies_;
    std::function<std::string()> metrics_;
    lws_context* context_ = nullptr;
    lws_vhost* vhost_ = nullptr;
    Acceptor acceptor_;
    std::unordered_map<Socket*, std::unique_ptr<Socket>> sockets_;
    std::vector<Socket*> woken_;  // null: gone since
    Loop::Registration looks_;
    Strangers<Socket> strangers_;
    LogBudget origin_log_{LogBudget::of_strangers};
    Loop::Registration stranger_timer_;
    uint64_t next_client_ = 1;
    std::function<void()> shut_down_done_;
    Loop::Registration shut_down_timer_;
};

}  // namespace gateway
