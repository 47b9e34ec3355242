// From a person's message to the answer: who answers, the run, its reply into the outbox.
//
// Promises that a message that is in the journal is answered, once: by this process or a later one.
// A run is named after its message, so that a later process finds what an earlier one began.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/channel_store.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/outbox.h"
#include "workers/agent/channels/outgoing_files.h"
#include "workers/agent/channels/reply_text.h"
#include "workers/agent/channels/routing.h"
#include "workers/agent/front_desk.h"
#include "workers/agent/runs.h"

namespace agent {

struct ChannelTurn {
    InboundRow row;
    hardshell::proto::InboundMessage message;
    ChannelAccount account;
    Route route;
    std::string run_id;
};

// What a person sees of a turn before its answer.
class TurnWatcher {
  public:
    virtual ~TurnWatcher() = default;
    virtual void turn_accepted(const ChannelTurn& turn) = 0;
    // `draft_id` of the answer, empty when no draft was shown.
    virtual std::string turn_ended(const ChannelTurn& turn) = 0;
};

class ChannelTurns {
  public:
    struct Services {
        Loop& loop;
        SessionStore& store;
        ChannelStore& channels;
        Runs& runs;
        FrontDesk& desk;
        const AgentConfig& config;
        Outbox& outbox;
        TurnWatcher& watcher;
        OutgoingFiles& files;
        std::function<int64_t()> now_ms;
        std::string state_dir = ".";  // below which the files of messages are
    };
    static constexpr const char* method = "channel";

    explicit ChannelTurns(Services services);
    ~ChannelTurns();

    // Takes up what an earlier process left; after the runs' own recovery.
    Done recover();
    // Messages that the journal has now.
    void take(std::vector<InboundRow> rows);
    // Whether more may be accepted: what is open is in memory, and a successor must be able to take
    // it up.
    bool has_room() const;
    // Messages that have no run yet.
    Backlog waiting() const;

    static constexpr size_t most_open = 1'000;
    static constexpr size_t most_open_bytes = 16u << 20;  // of their messages

  private:
    enum class Begun { done, later };
    void work();
    void work_later();
    Begun begin(InboundRow row);
    Begun hand_in(ChannelTurn turn);
    Said said_in(const ChannelTurn& turn) const;
    Begun taken_in(const ChannelTurn& turn, const Taken& taken);
    Begun not_taken(const ChannelTurn& turn, const Error& error);
    Begun take_up(ChannelTurn turn, const RunRecord& run);
    Json user_message(const ChannelTurn& turn, const std::string& text, int64_t previous_ms) const;
    Done fork_parent(const ChannelTurn& turn, const Session& thread);
    Result<int64_t> remember_route(const ChannelTurn& turn);
    void run_ended(const RunRecord& run);
    void reply(const ChannelTurn& turn, const RunRecord& run);
    std::string with_extras(const ChannelTurn& turn, const RunRecord& run, std::string text);
    void attach(const ChannelTurn& turn, const ChannelReply& said, Delivery& delivery);
    bool quotes(const ChannelTurn& turn, const ChannelReply& reply) const;
    void settle(const ChannelTurn& turn, std::vector<OutboundRow> replies);
    OutboundRow notice(const ChannelTurn& turn, const std::string& text) const;

    Services services_;
    std::deque<InboundRow> waiting_;
    std::map<std::string, ChannelTurn> running_;  // by run id
    Loop::Registration retry_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
