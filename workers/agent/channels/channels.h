// The agent's side of all channel accounts: their links, and what comes of each message on them.
//
// Promises that a channel process may die or be replaced at any moment, this process too: what was
// accepted is answered, what is to be delivered is delivered. An account is known by its link,
// never by what it says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/agent/channels/activations.h"
#include "workers/agent/channels/addresses.h"
#include "workers/agent/channels/block_streams.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/inbox.h"
#include "workers/agent/channels/moved_groups.h"
#include "workers/agent/channels/outbox.h"
#include "workers/agent/channels/pairing.h"
#include "workers/agent/channels/promised_answers.h"
#include "workers/agent/channels/reply_rows.h"
#include "workers/agent/channels/turn_signs.h"
#include "workers/agent/channels/turns.h"
#include "workers/agent/channels/worker_calls.h"
#include "workers/agent/deliverer.h"
#include "workers/common/base/loop.h"
#include "workers/common/link.h"

namespace agent {

class Channels final : public Deliverer {
  public:
    struct Services {
        Loop& loop;
        SessionStore& store;
        ChannelStore& channels;
        Runs& runs;
        FrontDesk& desk;
        const AgentConfig& config;
        MovedGroups& moved_groups;
        SystemEvents& system_events;
        TurnEvents& events;
        std::function<int64_t()> now_ms;
        Json accounts = Json::object();  // the planner's summary of configured accounts
        std::string state_dir = ".";     // as this process reaches it
    };
    explicit Channels(Services services);
    ~Channels() override;

    // Before start().
    void add(const ChannelAccount& account, std::unique_ptr<Link> link);
    // One that is reached otherwise: its frames come by take(), its lives by peer_is().
    using Send = std::function<Done(const hardshell::proto::AgentToChannel&)>;
    void add(const ChannelAccount& account, Send send);
    void take(const std::string& worker, std::string_view frame);
    void peer_is(const std::string& worker, uint64_t incarnation);
    // Takes up what an earlier process left; the runs have recovered.
    Done start();
    // Nothing new is begun.
    void stop_taking() { taking_ = false; }

    Result<DeliveryWish> resolve(DeliveryWish wish) override;
    Done deliver(const DeliveryWish& resolved, const std::string& text, const std::string& origin,
                 std::function<void(const DeliveryOutcome&)> settled) override;

    // Whether something of that origin was to be delivered before.
    Result<bool> is_known(const std::string& origin) const;

    const Outbox& outbox() const { return outbox_; }
    const ChannelTurns& turns() const { return turns_; }

    // What the model's message tool does; all with a wish that is resolved.
    using Told = std::function<void(const DeliveryOutcome&)>;
    struct OutgoingMessage {
        DeliveryWish to;
        std::string text;
        std::string reply_to;  // the message's id
        std::string file;      // of the workspace; empty: none
        std::string workspace;
        bool silent = false;
    };
    Done deliver(const OutgoingMessage& wanted, const std::string& origin, Told settled);
    struct MessageChange {
        DeliveryWish where;
        std::string message_id;
        bool remove = false;
        std::string text;
    };
    Done change(const MessageChange& wanted, const std::string& origin, Told settled);
    // May be lost.
    Done react(const DeliveryWish& where, const std::string& message_id, const std::string& emoji,
               bool remove);
    bool has_accounts() const { return !accounts_.empty(); }

    // The summary with what the accounts say of themselves ("live").
    Json report() const;
    void on_report_changed(std::function<void()> handler) { on_report_ = std::move(handler); }
    // Asks every account that runs to look whether it works; calls back once all have answered or
    // the time is over.
    void probe(std::chrono::milliseconds timeout, std::function<void()> done);
    // The account gives its session up and ends; unreachable when it does not run.
    Done log_out(const ChannelAccount& account);
    PairingDesk& pairing() { return pairing_; }
    // Whether the plan has that account.
    bool has(const ChannelAccount& account) const { return accounts_.contains(account.worker()); }
    // A method that only that account's process can serve; unreachable when it does not run.
    void call_worker(const ChannelAccount& account, const std::string& method, const Json& params,
                     bool by_model, WorkerCalls::Reply reply);

  private:
    struct Account {
        ChannelAccount name;
        std::unique_ptr<Link> link;  // null: reached otherwise
        Send send;
        bool is_up = false;
        uint64_t life = 0;
        Json live = Json::object();
        std::map<uint64_t, std::function<void(Json)>> probes;
        std::vector<std::function<void(bool is_up)>> held;  // until it is up, or was long enough
        Loop::Registration held_end;
    };
    Account* find(const std::string& worker);
    Done send(const std::string& worker, const hardshell::proto::AgentToChannel& message);
    void take(Account& account, std::string_view frame);
    void link_up(Account& account, bool answers);
    void say_up(Account& account, bool answers);
    void let_go(Account& account);  // of what is held
    void send_activations(Account& account);
    void send_allow_list(Account& account);
    void send_commands(Account& account);
    void pairing_wanted(Account& account, const hardshell::proto::PairingWanted& wanted);
    void approved(const std::string& channel, const std::string& account, const std::string& id);
    void status_changed(Account& account, const hardshell::proto::AccountStatus& status);
    void probe_answered(Account& account, const hardshell::proto::ProbeAnswer& answer);
    void reacted(Account& account, const hardshell::proto::InboundReaction& reaction);
    void chat_moved(Account& account, const hardshell::proto::ChatMoved& moved);
    void settled(const OutboundRow& row);
    void add_event(const SessionKey& session, const std::string& text);
    void report_soon();
    // channels_sending.cpp
    static Outbox::Settled teller(const DeliveryWish& to, Told settled);
    Result<bool> tell_known(const DeliveryWish& to, const std::string& origin, const Told& settled);
    std::string only_account(const std::string& channel) const;
    Result<std::string> only_channel() const;

    Services services_;
    std::map<std::string, Account> accounts_;  // by worker
    OutgoingFiles files_;
    Outbox outbox_;
    TurnSigns signs_;
    ReplyRows rows_;
    BlockStreams blocks_;
    ChannelTurns turns_;
    Inbox inbox_;
    PairingDesk pairing_;
    Activations activations_;
    PromisedAnswers promised_;
    WorkerCalls calls_;
    bool taking_ = true;
    uint64_t last_probe_ = 0;
    std::function<void()> on_report_;
    bool report_planned_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
