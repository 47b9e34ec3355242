// One bot account: wires its parts, logs in, takes updates once the agent has said who may write.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "workers/common/channel/agent_link.h"
#include "workers/telegram/account_status.h"
#include "workers/telegram/drafts.h"
#include "workers/telegram/group_moves.h"
#include "workers/telegram/inbox.h"
#include "workers/telegram/outbox.h"
#include "workers/telegram/poller.h"
#include "workers/telegram/settings.h"
#include "workers/telegram/typing.h"
#include "workers/telegram/webhook_requests.h"

namespace telegram {

class Account {
  public:
    struct Parts {
        Loop& loop;
        ClientContext& client;
        std::unique_ptr<Link> link;
        Settings settings;
        Naming named;
        std::string account;
        std::string state_dir;
        Secret token;
        std::string token_source;  // for messages: "environment variable TELEGRAM_BOT_TOKEN"
        // Logged in, or cannot be for now: the worker serves.
        std::function<void()> ready;
        // Nothing but the owner can help.
        std::function<void(const Error&)> fatal;
        // Where requests for the webhook arrive; empty: Telegram is polled.
        std::vector<int> webhook_listeners;
        Secret webhook_secret;
        // Brings a question to the planner.
        std::function<Done(const hardshell::proto::ConfigCall&)> ask_config;
    };
    explicit Account(Parts parts);
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    void start();
    // Takes nothing any more and finishes what is under way.
    void stop(std::function<void()> done);
    void machine_slept();
    // Where the internet reaches this machine through a tunnel; empty: nowhere for now.
    void tunnel_is_at(std::string origin);
    void config_answered(const hardshell::proto::ConfigAnswer& answer) {
        group_moves_.answered(answer);
    }
    void release_memory() { inbox_.release_memory(); }
    size_t waiting() const { return inbox_.waiting(); }
    const Link& link() const { return agent_.link(); }

  private:
    channel::AgentLink::Handlers link_handlers();
    void log_in();
    void logged_in(const ApiAnswer& answer);
    void take_updates();
    void listen_to_telegram();
    bool has_webhook() const { return !parts_.webhook_listeners.empty(); }
    std::string webhook_url() const;
    void show_commands(const hardshell::proto::CommandList& list);
    void ready();
    void end(const Error& error);
    void settle(int64_t update_id);
    void group_moved(const std::string& from, const std::string& to, std::function<void()> done);

    Parts parts_;
    Bot bot_;
    BotApi api_;
    Pace pace_;
    channel::AgentLink agent_;
    AccountStatus status_;
    GroupMoves group_moves_;
    SentMessages sent_;
    Typing typing_;
    Drafts drafts_;
    Inbox inbox_;
    Outbox outbox_;
    Poller poller_;
    std::unique_ptr<Webhook> webhook_;  // in place of polling
    std::unique_ptr<WebhookRequests> requests_;
    std::string tunnel_;
    bool is_logged_in_ = false;
    bool takes_updates_ = false;
    bool is_ready_ = false;
    std::optional<hardshell::proto::CommandList> commands_;
    std::string shown_commands_;  // as JSON, to tell Telegram only of changes
    Backoff log_in_again_{std::chrono::seconds(1), std::chrono::seconds(30), 2};
    Loop::Registration timer_;
    Loop::Registration menu_again_;
};

}  // namespace telegram
