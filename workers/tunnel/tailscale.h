// Tailscale: the daemon of this machine's node, logged in, and one `serve` or `funnel` in the
// foreground, which is taken back by the daemon when it ends.
//
// Promises: the key is read from memory, it is in no argument, file or log; the node's identity
// stays on the volume; after stop() nothing of ours is served. Where the owner runs a daemon of his
// own (TS_SOCKET) that one is used, never logged in or out, and only what is ours is taken back.
// What runs and does not answer, or does not serve, is started anew.
#pragma once

#include <optional>
#include <string>

#include "workers/tunnel/child.h"
#include "workers/tunnel/command.h"
#include "workers/tunnel/provider.h"
#include "workers/tunnel/tailscale_words.h"

namespace tunnel {

class Tailscale final : public Provider {
  public:
    enum class Mode { serve, funnel };
    static constexpr std::chrono::milliseconds start_time{30'000};
    static constexpr std::chrono::milliseconds login_time{40'000};
    // The first certificate takes up to a minute.
    static constexpr std::chrono::milliseconds publish_time{75'000};
    static constexpr std::chrono::milliseconds command_time{10'000};
    static constexpr std::chrono::milliseconds look_period{20'000};
    static constexpr std::chrono::milliseconds stop_time{1'500};
    static constexpr int most_vain_looks = 3;

    // `own_socket`: of a daemon that runs already; empty: ours is started. `host_name`: of the
    // node, when it is new.
    Tailscale(ProviderParts parts, Mode mode, std::string own_socket, std::string host_name);

    void start() override;
    void stop(std::function<void()> done) override;

  private:
    enum class Stage { down, waking, logging_in, publishing, up, stopping };

    bool has_own_daemon() const { return own_socket_.empty(); }
    const char* verb() const { return mode_ == Mode::serve ? "serve" : "funnel"; }
    std::string socket() const;
    ChildOrder command(std::vector<std::string> words) const;
    std::vector<std::string> take_back() const;
    void ask(std::vector<std::string> words, Command::Done done);
    void wait_for_daemon(const std::string& why);
    void daemon_is_late(std::string why);  // its own: the timer that says so goes
    void look_at_node();
    void saw_node(const CommandResult& result);
    void needs_login(const NodeStatus& node);
    void log_in(bool with_key);
    void logged_in(const CommandResult& result);
    void publish();
    void said(std::string_view line);
    void look_at_served();
    void saw_served(const CommandResult& result);
    void is_up();
    void look();
    void publisher_ended(int code);
    void take_back_older();
    void become(TunnelState next);
    void start_again(const std::string& why);
    void looked_in_vain(const std::string& why);
    void replace_daemon(const std::string& why);
    void daemon_ended(int code);
    void tear_down();
    void check_nothing_is_served();
    void end_daemon();
    void finish_stop();

    ProviderParts parts_;
    Mode mode_;
    std::string own_socket_;
    std::string host_name_;
    std::string program_;
    Child daemon_;
    Child publisher_;
    Command command_;
    Stage stage_ = Stage::down;
    std::string host_;
    std::string last_line_;
    bool waits_for_owner_ = false;
    bool took_back_ = false;
    bool tried_login_ = false;
    bool answers_ = false;  // the daemon, since it was last waited for
    int vain_looks_ = 0;
    std::string silence_;  // why the daemon is being replaced
    TunnelState state_;
    int64_t up_since_ms_ = 0;  // monotonic
    StartPacing pacing_;
    Loop::Registration timer_;     // the next look or start
    Loop::Registration deadline_;  // of the stage
    std::function<void()> stopped_;
};

}  // namespace tunnel
