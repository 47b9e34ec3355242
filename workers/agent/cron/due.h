// When a job is due next, from what jobs.json and the agent's own notes tell of it. Pure.
//
// The rules: what was missed runs once; what was begun is not begun again. A clock that is set back
// brings no time a second time while that costs little: a job of every so often waits one period at
// most, one of fixed times three hours; beyond, the new time counts alone.
#pragma once

#include <optional>

#include "workers/agent/cron/schedule.h"

namespace agent {

struct DueFacts {
    bool enabled = true;
    std::optional<int64_t> next_ms;   // as planned when it last ran or changed
    std::optional<int64_t> begun_ms;  // the last time it was begun for
    bool is_done = false;             // a job that runs once has succeeded
};

std::optional<int64_t> due_at(const Schedule& schedule, const DueFacts& facts, int64_t now_ms);

// Before a job that runs once is tried again after its `failures`th failure; nothing: not again.
std::optional<int64_t> retry_pause_ms(int failures);

// A job that is due more often runs this often.
inline constexpr int64_t shortest_period_ms = 1000;

}  // namespace agent
