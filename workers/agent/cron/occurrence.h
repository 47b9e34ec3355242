// One time a job was begun for, as it is noted in the agent's database: what was started, and what
// came of it. The note is the memory that makes a run happen once. Pure.
#pragma once

#include <optional>
#include <string>

#include "workers/agent/session_store.h"

namespace agent {

struct Outcome {
    std::string status = "ok";  // ok, error, skipped
    std::string error;
    std::string summary;  // of the answer, at most 2000 characters
    std::string answer;   // the whole of it, as long as this process lives
    int64_t ended_ms = 0;
};

struct Occurrence {
    std::string job_id;
    int64_t due_ms = 0;
    int64_t started_ms = 0;
    std::string run_id;  // of an isolated turn; empty: an event for the main session
    std::string agent;
    bool forced = false;  // by cron.run
    int attempt = 1;      // 2: begun again because a stop had cut it off
    int failures = 0;     // of a job that runs once, up to here
    bool is_open = true;  // something is still to be done
    // The run was cut off by the end of the process and has no outcome.
    bool cut_off = false;
    std::optional<Outcome> outcome;

    SessionStore::Note note() const;
    static std::optional<Occurrence> read(const SessionStore::Note& note);
    static constexpr const char* prefix = "cron:";
};

// "cron:<job>:<due>", with ":2" for the second attempt.
std::string run_id_for(const Occurrence& occurrence);
// Null or the job's id.
std::string job_of_run(const std::string& run_id);

}  // namespace agent
