// From a person's message to the answer: who answers, the run, its reply into the outbox.
//
// Promises that a message that is in the journal is answered, once: by this process or a later one.
// A run is named after its message, so that a later process finds what an earlier one began. One
// that has no run after `most_tries` processes began to handle it is put aside, and said so: it may
// be what ended them. A message that was changed is not answered again: the change goes into what
// waits for its turn, or is told to the session's next one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/channel_store.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/outbox.h"
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
    // `draft_id` of the answer, empty where no drafts are shown. This life of the agent or an
    // earlier one may have shown it.
    virtual std::string turn_ended(const ChannelTurn& turn) = 0;
    // Nothing was said in its place.
    virtual void draft_is_over(const ChannelTurn& turn, const std::string& draft_id) = 0;
};

class BlockStreams;
class ReplyRows;

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
        BlockStreams& blocks;
        const ReplyRows& rows;
        std::function<int64_t()> now_ms;
        std::string state_dir = ".";  // below which the files of messages are
        // What a session's next turn is to know of.
        std::function<void(const SessionKey&, const std::string&)> add_event = nullptr;
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

    static constexpr int most_tries = 3;
    static constexpr size_t most_open = 1'000;
    static constexpr size_t most_open_bytes = 16u << 20;  // of their messages

  private:
    enum class Begun { done, later };
    void work();
    void work_later();
    Begun begin(InboundRow row);
    Begun begin_again(ChannelTurn turn);
    Begun begin_new(ChannelTurn turn);
    Begun hand_in(ChannelTurn turn);
    Begun take_change(const ChannelTurn& turn);
    bool change_waiting(const ChannelTurn& change);
    Said said_in(const ChannelTurn& turn) const;
    Begun taken_in(const ChannelTurn& turn, const Taken& taken);
    Begun not_taken(const ChannelTurn& turn, const Error& error);
    Begun take_up(ChannelTurn turn, const RunRecord& run);
    Json user_message(const ChannelTurn& turn, const std::string& text, int64_t previous_ms) const;
    Done fork_parent(const ChannelTurn& turn, const Session& thread);
    Result<int64_t> remember_route(const ChannelTurn& turn);
    void run_ended(const RunRecord& run);
    void reply(const ChannelTurn& turn, const RunRecord& run);
    struct Extras {
        std::string before;
        std::string after;
    };
    Extras extras(const ChannelTurn& turn, const RunRecord& run);
    std::vector<OutboundRow> answer_rows(const ChannelTurn& turn, const RunRecord& run,
                                         const std::string& said, const std::string& draft);
    void settle(const ChannelTurn& turn, std::vector<OutboundRow> replies);
    void settle_decided();
    OutboundRow notice(const ChannelTurn& turn, const std::string& text,
                       const std::string& draft = {}) const;

    // A message that is done with, and what is to be told: until that is written down.
    struct Decided {
        InboundRow row;  // its key alone
        std::vector<OutboundRow> replies;
    };
    Services services_;
    std::deque<InboundRow> waiting_;
    std::set<std::string> left_;  // run ids of what an earlier process left, not tried yet
    std::map<std::string, ChannelTurn> running_;  // by run id
    std::deque<Decided> decided_;
    std::string trouble_;  // last said of those
    Loop::Registration retry_;
    Loop::Registration settle_again_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
