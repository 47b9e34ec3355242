// The session's wire: its WebSocket, its timers and its file.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "workers/common/websocket_client.h"
#include "workers/discord/gateway_session.h"
#include "workers/discord/rest.h"

namespace discord {

class GatewayConnection final : public GatewayWire, private WebSocketReceiver {
  public:
    struct Handlers {
        std::function<void(const std::string& type, const Json& data, uint64_t sequence)> dispatch;
        std::function<void(bool is_new_session)> up;
        std::function<void(const std::string& why)> down;
        std::function<void(const Error& error)> cannot_work;
    };
    struct Options {
        GatewaySession::Options session;
        std::string gateway_url;  // empty: what the API says
        std::string session_file;
    };

    GatewayConnection(UvLoop& loop, ClientContext& context, Rest& rest, Options options,
                      Handlers handlers);
    ~GatewayConnection() override;

    // `bot_id`: whose kept session may be resumed.
    void start(const std::string& bot_id);
    GatewaySession& session() { return *session_; }
    // Writes what has changed since, at most once a second.
    void keep_soon();
    // Keeps the session for the next process; `done` is called when the close has been sent, or
    // shortly after.
    void stop(std::function<void()> done);
    // Ends the session for good.
    void end_session();
    void machine_slept();

  private:
    class Farewell;

    void ask_for_gateway() override;
    void open(const std::string& url) override;
    void send(const std::string& payload) override;
    void close(int code) override;
    void cut() override;
    void set_timer(Timer timer, std::chrono::milliseconds delay) override;
    void clear_timers() override;
    void keep(const SessionRecord& record) override;
    void dispatch(const std::string& type, const Json& data, uint64_t sequence) override;
    void is_up(bool is_new_session) override;
    void is_down(const std::string& why) override;
    void cannot_work(const Error& error) override;
    double random() override;

    void websocket_opened() override;
    void websocket_message(std::string_view message, bool is_binary) override;
    void websocket_ended(const WebSocketEnd& end) override;

    UvLoop& loop_;
    Rest& rest_;
    Options options_;
    Handlers handlers_;
    WebSocketClient websockets_;
    SessionFile file_;
    std::string kept_;  // as the file has it
    std::unique_ptr<GatewaySession> session_;
    std::unique_ptr<WebSocket> socket_;
    std::unique_ptr<Farewell> farewell_;
    std::array<Loop::Registration, 3> timers_;
    Loop::Registration keeping_;
    bool cannot_keep_ = false;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace discord
