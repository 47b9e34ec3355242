// One bot account: its parts, and what flows between them, the gateway and the agent.
#pragma once

#include <memory>
#include <string>

#include "workers/common/channel/agent_link.h"
#include "workers/discord/gateway_connection.h"
#include "workers/discord/inbox.h"
#include "workers/discord/interactions.h"
#include "workers/discord/media_fetch.h"
#include "workers/discord/outbox.h"
#include "workers/discord/places.h"
#include "workers/discord/rest.h"
#include "workers/discord/settings.h"
#include "workers/discord/typing.h"

namespace discord {

class Account {
  public:
    struct Options {
        std::string name;  // "default"
        Settings settings;
        std::shared_ptr<const channel::MentionPatterns>
            calls;  // kept by whoever copies the options
        std::string token;
        std::string token_source;
        std::string certificate_file;
        std::string folder = "discord";  // below the current directory, which is the state's
    };

    Account(UvLoop& loop, std::unique_ptr<Link> link, Options options);

    void start();
    // Keeps the session; `done` once it is closed. Waits a moment for what the agent is taking.
    void stop(std::function<void()> done);
    void shed();
    // The machine stood still: every connection is dead, whatever the kernel says.
    void machine_slept();
    // Why the worker has to end; what is fine as long as there is no reason.
    const Done& outcome() const { return outcome_; }
    // Called once there is one.
    void on_end(std::function<void()> handler) { on_end_ = std::move(handler); }

  private:
    channel::AgentLink::Handlers agent_handlers();
    GatewayConnection::Handlers gateway_handlers();
    void identify();
    void learn_bot(const Json& user);
    void check_intents(const Json& application);
    void learn_application(const Json& ready);
    void dispatch(const std::string& type, const Json& data, uint64_t sequence);
    void up(bool is_new_session);
    void down(const std::string& why);
    void keep_up();
    void probe(uint64_t id, std::chrono::milliseconds timeout);
    void log_out();
    void end(const Error& error);
    void finish_stop();
    void tell_status();
    // For what happens often: at most once a second.
    void tell_status_soon();
    Error refused_token() const;

    UvLoop& loop_;
    Options options_;
    Bot bot_;
    ClientContext context_;
    channel::AgentLink agent_;
    Rest rest_;
    Places places_;
    PlaceFinder finder_;
    MediaFetch media_;
    GatewayConnection gateway_;
    std::unique_ptr<Inbox> inbox_;  // once the bot is known: it counts in its session
    std::unique_ptr<Interactions> interactions_;
    std::unique_ptr<Outbox> outbox_;
    Typing typing_;
    hardshell::proto::AccountStatus status_;
    hardshell::proto::CommandList commands_;
    bool has_commands_ = false;
    // Before the bot was known.
    std::vector<hardshell::proto::DeliverMessage> early_;
    std::vector<hardshell::proto::ChangeMessage> early_changes_;
    bool is_paused_ = false;
    bool has_been_up_ = false;
    int identify_failures_ = 0;
    Loop::Registration again_;
    Loop::Registration status_timer_;
    Loop::Registration status_soon_;
    std::function<void()> stopped_;  // while it stops
    Loop::Registration stop_deadline_;
    Done outcome_;
    std::function<void()> on_end_;
};

}  // namespace discord
