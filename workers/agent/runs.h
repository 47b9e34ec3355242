// All runs: accepted durably, queued per session, started in order, ended durably, remembered for
// duplicates and for those who wait.
//
// Promises that an accepted run ends, be it by a later process: recover() takes up what an earlier
// one left behind. Never answers one twice: a run is begun again only while its answer is not
// written, and `most_attempts` times in all, counted on the disk before each.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "workers/agent/backlog.h"
#include "workers/agent/run.h"
#include "workers/agent/run_queue.h"

namespace agent {

std::string lane_of(const SessionKey& session);
Pool pool_of(const RunRecord& run);

class Runs {
  public:
    explicit Runs(RunServices services);
    ~Runs();

    // Records it; returns once that is durable. It starts when the loop is next free, after the
    // caller has answered, or waits as the order says. Fills in what the order leaves open:
    // session, ids, timeout. out_of_room: as many wait as may, and this one is to be dropped.
    struct Accepted {
        std::string run_id;
        int64_t accepted_ms = 0;
    };
    Result<Accepted> accept(RunOrder order);
    // For a turn that is between two tools: whether messages of its session and route wait that may
    // go into it; that they do: they are in its conversation then, and get no turn of their own.
    bool has_steering(const Run& into) const;
    size_t steer(const Run& into);
    // Called for every run of that method that has ended, also one of an earlier process, once that
    // is recorded.
    using Ended = std::function<void(const RunRecord&)>;
    void on_ended(const std::string& method, Ended handler) {
        on_ended_[method] = std::move(handler);
    }
    // A command that is answered already: for duplicates only.
    void remember(RunRecord record);

    // A run under way, waiting, or ended not longer than five minutes ago.
    Result<std::optional<RunRecord>> known(const std::string& method, const std::string& run_id);
    // Calls back once: with the run when it has ended, with null after the time.
    using Waiter = std::function<void(const RunRecord* run)>;
    void wait(const std::string& run_id, std::chrono::milliseconds at_most, Waiter waiter);

    // Aborts a session's runs; returns their ids.
    std::vector<std::string> abort_session(const SessionKey& session, const std::string& why);
    // A run under way or waiting; null when there is none.
    Run* find(const std::string& run_id) const;
    // Its message is another one now, durably; false when its turn has begun, or there is none.
    bool replace_waiting(const std::string& run_id, Json message);
    // The session of a run that has not ended; null when there is none.
    const SessionKey* session_of(const std::string& run_id) const;
    bool abort_run(const std::string& run_id, const std::string& why);

    // Calls back once: when nothing of the session runs or waits, with false after the time.
    void when_idle(const SessionKey& session, std::chrono::milliseconds at_most,
                   std::function<void(bool idle)> then);
    bool is_busy(const SessionKey& session) const;
    // Those that have a run that has not ended.
    std::vector<SessionKey> busy_sessions() const;

    // What a session's entry is before its next run: existing, or new where there is none, where it
    // is outdated (`fresh` says so), or where it cannot be used. Where a conversation is continued,
    // none is outdated.
    struct Opened {
        Session session;
        bool fresh = false;
    };
    Result<Opened> open_session(const SessionKey& key, bool continues = false);
    // A heartbeat begins no session; the one it belongs to may not be there yet.
    Result<Opened> session_for(const RunRecord& record);

    // What waits for an answer, the ones being answered among it.
    Backlog unanswered() const;
    // How many of the session wait, and whether one is under way.
    size_t waiting_for(const SessionKey& session) const;
    bool is_running(const SessionKey& session) const { return queue_.is_running(lane_of(session)); }
    size_t active() const { return queue_.running(); }
    size_t waiting() const { return queue_.waiting(); }
    bool is_stopping() const { return stopping_; }

    // Takes up what an earlier process left unfinished, in the order it was accepted: what was
    // answered is recorded, the rest queued, to be answered or, after `most_attempts`, given up.
    struct Recovered {
        size_t answered = 0;
        size_t resumed = 0;
        size_t given_up = 0;
        size_t all() const { return answered + resumed + given_up; }
    };
    Result<Recovered> recover();
    // Nothing new starts; what runs may finish for so long, then is ended with an error, or, where
    // it comes from a channel, left for the next process. Calls back when all is recorded.
    void drain(std::chrono::milliseconds budget, std::function<void()> drained);

    static constexpr int most_attempts = 2;
    static constexpr int64_t duplicate_ms = 300'000;
    // Accepted and not yet answered; more is refused. All of it is in memory, and a successor must
    // be able to take it up before anybody waits for it.
    static constexpr size_t most_held = 200;
    static constexpr size_t most_held_bytes = 16u << 20;

    // A lane that is never quiet starts after so many times its pause.
    static constexpr int most_pauses = 10;

  private:
    struct Wait {
        Waiter waiter;
        Loop::Registration timer;
    };
    struct IdleWait {
        SessionKey session;
        std::function<void(bool idle)> then;
        Loop::Registration timer;
    };
    void add(RunOrder order);
    Result<Run*> place_for(const RunOrder& order);
    // runs_queue.cpp
    std::vector<Run*> waiting_in(const std::string& lane) const;
    static bool fits_into(const RunRecord& message, const RunRecord& turn);
    bool may_steer(const Run& waiting, const Run& into) const;
    void drop(Run& run);
    void hold(const std::string& lane);
    std::chrono::milliseconds pause_before(const RunOrder& order, const std::string& lane) const;
    void gather(Run& run);
    void note_wait(const RunQueue::Place& place) const;
    void let_go_later();
    void start_ready();
    std::vector<Run*> take_ready();
    void start(const std::vector<Run*>& runs, const Done& recorded);
    void run_has_ended(uint64_t ticket);
    void record_ends();
    void record_ends_later();
    // What is written down before they start: one more attempt, and what they took in.
    void note_begun(const std::vector<Run*>& ready, std::vector<SessionStore::RunChange>& changes);
    std::vector<SessionStore::RunChange> durable_ends(
        const std::vector<std::unique_ptr<Run>>& ended);
    void announce_ends(const std::vector<std::unique_ptr<Run>>& ended);
    void flush_memory(const Run& run);
    void tell_decided(const std::vector<Run*>& runs);
    void tell_idle();
    void wake_waiters(const RunRecord& record);
    void end_wait(const std::string& run_id, uint64_t wait_id);
    // Ids of a session's written entries, by session key.
    using WrittenIds = std::map<std::string, std::set<std::string>>;
    Result<std::set<std::string>*> ids_of(const Session& session, WrittenIds& written);
    Result<RunOrder> taken_up(RunRecord run, WrittenIds& written);
    const Run* taken_in_by(const RunOrder& order) const;
    void interrupt_all(const std::string& text);
    void leave_to_successor();
    void leave_place(const std::string& lane, uint64_t ticket);
    void tell_drained();
    void soon(void (Runs::*action)());

    RunServices services_;
    RunQueue queue_;
    uint64_t next_ticket_ = 1;
    uint64_t next_wait_ = 1;
    std::map<uint64_t, std::unique_ptr<Run>> runs_;  // by ticket: in order of arrival
    std::vector<uint64_t> ended_;                    // to be recorded
    std::vector<Run*> gathered_;  // passed over, to be told once that is recorded
    // Ended and told, while the disk took nothing.
    std::vector<RunRecord> unrecorded_;
    Loop::Registration record_timer_;
    Loop::Registration release_timer_;
    std::map<std::string, std::map<uint64_t, Wait>> waits_;
    std::map<uint64_t, IdleWait> idle_waits_;
    std::map<std::string, Ended> on_ended_;  // by method
    size_t held_bytes_ = 0;                  // of what runs_ were given
    bool stopping_ = false;
    std::set<std::string> left_lanes_;  // their next turn is a successor's
    std::function<void()> drained_;
    Loop::Registration drain_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
