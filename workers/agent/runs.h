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

#include "workers/agent/run.h"
#include "workers/agent/run_queue.h"

namespace agent {

class Runs {
  public:
    explicit Runs(RunServices services);
    ~Runs();

    // Records it; returns once that is durable. It starts when the loop is next free, after the
    // caller has answered. Fills in what the order leaves open: session, ids, timeout.
    Result<RunRecord> accept(RunOrder order);
    // A command that is answered already: for duplicates only.
    void remember(RunRecord record);

    // A run under way, waiting, or ended not longer than five minutes ago.
    Result<std::optional<RunRecord>> known(const std::string& method, const std::string& run_id);
    // Calls back once: with the run when it has ended, with null after the time.
    using Waiter = std::function<void(const RunRecord* run)>;
    void wait(const std::string& run_id, std::chrono::milliseconds at_most, Waiter waiter);

    // Aborts a session's runs; returns their ids.
    std::vector<std::string> abort_session(const SessionKey& session, const std::string& why);
    // The session of a run that has not ended; null when there is none.
    const SessionKey* session_of(const std::string& run_id) const;
    bool abort_run(const std::string& run_id, const std::string& why);

    // Calls back once: when nothing of the session runs or waits, with false after the time.
    void when_idle(const SessionKey& session, std::chrono::milliseconds at_most,
                   std::function<void(bool idle)> then);
    bool is_busy(const SessionKey& session) const;

    // What a session's entry is before its next run: existing, or new where there is none, where it
    // is outdated (`fresh` says so), or where it cannot be used.
    struct Opened {
        Session session;
        bool fresh = false;
    };
    Result<Opened> open_session(const SessionKey& key);

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
    // Nothing new starts; what runs may finish for so long, then is ended with an error. Calls
    // back when all is recorded.
    void drain(std::chrono::milliseconds budget, std::function<void()> drained);

    static constexpr int most_attempts = 2;
    static constexpr int64_t duplicate_ms = 300'000;
    // Accepted and not yet answered; more is refused. All of it is in memory, and a successor must
    // be able to take it up before anybody waits for it.
    static constexpr size_t most_held = 200;
    static constexpr size_t most_held_bytes = 16u << 20;

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
    void start_ready();
    std::vector<Run*> take_ready();
    void start(const std::vector<Run*>& runs, const Done& recorded);
    void run_has_ended(uint64_t ticket);
    void record_ends();
    std::vector<SessionStore::RunChange> durable_ends(
        const std::vector<std::unique_ptr<Run>>& ended);
    void announce_ends(const std::vector<std::unique_ptr<Run>>& ended);
    void tell_decided(const std::vector<Run*>& runs);
    void tell_idle();
    void wake_waiters(const RunRecord& record);
    void end_wait(const std::string& run_id, uint64_t wait_id);
    // Ids of a session's written entries, by session key.
    using WrittenIds = std::map<std::string, std::set<std::string>>;
    Result<std::set<std::string>*> ids_of(const Session& session, WrittenIds& written);
    Result<RunOrder> taken_up(RunRecord run, WrittenIds& written);
    void interrupt_all(const std::string& text);
    void soon(void (Runs::*action)());
    Run* find(const std::string& run_id) const;

    RunServices services_;
    RunQueue queue_;
    uint64_t next_ticket_ = 1;
    uint64_t next_wait_ = 1;
    std::map<uint64_t, std::unique_ptr<Run>> runs_;  // by ticket: in order of arrival
    std::vector<uint64_t> ended_;                    // to be recorded
    std::map<std::string, std::map<uint64_t, Wait>> waits_;
    std::map<uint64_t, IdleWait> idle_waits_;
    size_t held_bytes_ = 0;  // of the messages of runs_
    bool stopping_ = false;
    std::function<void()> drained_;
    Loop::Registration drain_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
