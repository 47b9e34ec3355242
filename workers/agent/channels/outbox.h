// Messages on their way to people: kept until their channel reports what came of them.
//
// Promises that none is lost with a process, that those to one chat keep their order, and that a
// part of which nobody knows whether the platform has it is never blindly sent again: the channel
// is told so, and decides. What is put off is tried again with growing pauses, at most
// `most_attempts` times and for `time_to_live`; then it is given up and said so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/agent/backlog.h"
#include "workers/agent/channels/channel_store.h"
#include "workers/common/base/loop.h"

namespace agent {

class Outbox {
  public:
    struct Services {
        Loop& loop;
        ChannelStore& store;
        std::function<int64_t()> now_ms;
        std::function<Done(const std::string& worker, const hardshell::proto::AgentToChannel&)>
            send;
    };
    using Settled = std::function<void(const OutboundRow&)>;

    explicit Outbox(Services services);
    ~Outbox();

    // Takes up what an earlier process left.
    Done recover();
    // Of every message, once that is written down.
    void on_settled(Settled handler) { on_settled_ = std::move(handler); }

    // Writes it down and sends it when its turn comes; `settled` may be empty. busy when too many
    // wait.
    Done add(OutboundRow row, Settled settled = nullptr);
    // Somebody else wants to know what becomes of a message that waits; false when it does not.
    bool also_tell(const std::string& id, Settled settled);
    // The same for what the store has already.
    void add_stored(std::vector<OutboundRow> rows);
    bool has_room(size_t more) const { return rows_.size() + more <= most_waiting; }

    // The account's process is there, or a new one is.
    void account_up(const std::string& worker);
    void take_report(const std::string& worker, const hardshell::proto::DeliveryReport& report);

    size_t waiting() const { return rows_.size(); }
    Backlog undelivered() const;
    // In this life of the process: refused, given up, or not known whether they arrived.
    size_t failed() const { return failed_; }

    static constexpr int64_t time_to_live_ms = 24 * 3'600'000LL;
    static constexpr int most_attempts = 40;
    static constexpr size_t most_waiting = 5'000;
    static constexpr size_t most_in_hand = 32;  // per account
    // After the n-th time it was put off.
    static int64_t pause_ms(int attempts);

  private:
    struct Waiting {
        OutboundRow row;
        bool in_hand = false;  // with the channel
        Settled settled;
    };
    Waiting* find(const std::string& worker, const std::string& id);
    void insert(OutboundRow row, Settled settled);
    void dispatch(const std::string& worker);
    void dispatch_soon(const std::string& worker);
    bool hand_over(Waiting& waiting);
    void settle(Waiting& waiting, OutboundRow::State state, const std::string& reason);
    void put_off(Waiting& waiting, const hardshell::proto::DeliveryReport& report);
    void changed(const std::string& id);
    void commit();
    void finish_commit();
    void expire();
    void wake_at(int64_t time_ms);

    Services services_;
    Settled on_settled_;
    std::map<uint64_t, Waiting> rows_;  // in order
    std::map<std::string, uint64_t> by_id_;
    uint64_t next_ = 1;
    std::set<std::string> up_;     // accounts
    std::set<std::string> dirty_;  // ids to be written
    std::vector<std::function<void()>> after_commit_;
    bool commit_planned_ = false;
    int64_t wake_ms_ = 0;
    Loop::Registration wake_timer_;
    Loop::Registration commit_retry_;
    Loop::Registration expiry_;
    size_t failed_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
