// The scheduler: which jobs there are, when each is due, and what becomes of its runs.
//
// Promises that a job runs once for each time it is due, whenever the process ends: the time is
// noted, durably and together with the run or the event it starts, before anything else happens;
// the outcome is noted before it is told and written down. A job that was due while nothing ran
// runs once. The only writer of cron/.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/agent/cron/due.h"
#include "workers/agent/cron/job_file.h"
#include "workers/agent/cron/occurrence.h"
#include "workers/agent/cron/run_log.h"
#include "workers/agent/deliverer.h"
#include "workers/agent/heartbeats.h"

namespace agent {

class Cron {
  public:
    struct Services {
        Loop& loop;
        SessionStore& store;
        Runs& runs;
        ModelStarter& models;
        EventSink& events;
        const AgentConfig& config;
        SystemEvents& system_events;
        Heartbeats& heartbeats;
        TimeZones& zones;
        std::function<int64_t()> now_ms;
        Deliverer* deliverer = nullptr;  // none: no answer reaches a channel
    };
    struct Options {
        std::string directory = "cron";  // as this process reaches it
        std::string shown_directory;     // the same, absolute, for clients
        bool is_enabled = true;          // else jobs are kept and run only when asked for
        size_t most_at_once = 1;
    };
    Cron(Services services, Options options);
    ~Cron();

    // Takes up what an earlier process began, then what is due. Runs must have recovered.
    void start();

    // The methods. Errors of bad_message are the caller's.
    Result<Json> list(bool with_disabled);
    Result<Json> status();
    Result<Json> add(const Json& params);
    Result<Json> update(const std::string& id, const Json& patch);
    Result<Json> remove(const std::string& id);
    Result<Json> runs(const std::string& id, size_t most);
    // Calls back once, when the run has ended or cannot begin.
    using Answer = std::function<void(Result<Json>)>;
    void run(const std::string& id, bool forced, Answer answer);

    static constexpr size_t most_jobs = 1000;
    static constexpr std::chrono::milliseconds longest_sleep{60'000};
    // A run that has not ended after so long is aborted.
    static constexpr int64_t longest_run_ms = 2 * 3600 * 1000;

  private:
    struct Due {
        int64_t at_ms = 0;
        std::string id;
        auto operator<=>(const Due&) const = default;
    };
    Outcome outcome_of(const RunRecord& record, const Json& job);
    Done refresh();
    // The model that a job asks for is one that may be used.
    Done check_model(const Json& job) const;
    void schedule_all();
    // Writes into its state when it is due next.
    void plan(Json& job);
    // Read once for each form of it: reading one looks decades ahead.
    const Result<Schedule>& schedule_of(const Json& job);
    std::optional<int64_t> due_of(const Json& job);
    // Those that do not run, the earliest first.
    std::vector<Due> planned();
    void tick();
    // Begins what is due, as much as may run; returns how long until there is more to do.
    int64_t begin_due(int64_t now);
    void look_soon();
    void forget_begun(const std::string& id);
    void tell(const char* action, const Json& job);
    void answer(const std::string& id, const Result<Json>& result);

    // cron_runs.cpp
    Done begin(Json& job, int64_t due_ms, bool forced);
    Done begin_turn(const Json& job, Occurrence& occurrence);
    Done begin_event(const Json& job, Occurrence& occurrence);
    void see_to_event(const std::string& id);
    void take_up_all();
    void take_up(Occurrence occurrence);
    void turn_ended(const RunRecord& record);
    void finish(const std::string& id, Outcome outcome);
    // False when there is nothing to post.
    bool post_to_main(const Occurrence& occurrence, SystemEvents& events) const;
    void conclude(const std::string& id);
    void apply(const Outcome& outcome, const Occurrence& occurrence, const std::string& id);

    Services services_;
    Options options_;
    JobFile file_;
    RunLog log_;
    std::map<std::string, Occurrence> under_way_;   // by job id
    std::map<std::string, Occurrence> last_begun_;  // by job id: the notes
    std::map<std::string, std::vector<Answer>> answers_;
    struct KnownSchedule {
        Json written;
        int64_t created_ms = 0;
        Result<Schedule> read;
    };
    std::map<std::string, KnownSchedule> schedules_;  // by job id
    bool taken_up_ = false;  // what an earlier process began; needs the file to be readable
    bool looks_soon_ = false;
    Loop::Registration timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
