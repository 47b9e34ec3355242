// A job as clients write it and jobs.json keeps it: checked, completed, changed. Pure but for the
// time zones that a schedule names.
//
// Promises that what it returns can be scheduled and run, and that a refusal names the key. Keeps
// every member that it does not know.
#pragma once

#include <string>

#include "workers/agent/agent_config.h"
#include "workers/agent/cron/schedule.h"

namespace agent {

struct JobRules {
    const AgentConfig& config;
    TimeZones& zones;
    int64_t now_ms;
};

// From the params of cron.add: id, times, inferred kinds and defaults added.
Result<Json> new_job(const Json& params, const JobRules& rules);
// The job after cron.update's patch; members of the payload that the patch leaves out stay.
Result<Json> patched_job(const Json& job, const Json& patch, const JobRules& rules);

// The schedule of a stored job.
Result<Schedule> schedule_of(const Json& job, TimeZones& zones);
// Whose job it is; the default agent's unless it says otherwise.
std::string agent_of(const Json& job, const AgentConfig& config);

inline bool is_isolated(const Json& job) {
    return text_view(job, "sessionTarget") == "isolated";
}

}  // namespace agent
