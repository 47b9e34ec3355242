// One worker as the supervisor tells of it: in words, in a row of the table, with its obituary, and
// as JSON.
#pragma once

#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "workers/cli/output.h"
#include "workers/common/base/json.h"
#include "workers/common/doctor/words.h"

namespace cli {

using doctor::last_error;
using doctor::memory_of_limit;
using doctor::state_name;

std::vector<Cell> worker_heading();
std::vector<Cell> worker_row(const hardshell::proto::WorkerStatus& worker, int64_t now_ms);
// Everything known about it, down to the last lines of its last life.
std::string worker_text(const hardshell::proto::WorkerStatus& worker, int64_t now_ms,
                        const Style& style);
Json worker_json(const hardshell::proto::WorkerStatus& worker, int64_t now_ms);

}  // namespace cli
