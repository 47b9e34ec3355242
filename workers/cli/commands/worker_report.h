// One worker as the supervisor tells of it: in words, in a row of the table, with its obituary, and
// as JSON.
#pragma once

#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "workers/cli/output.h"
#include "workers/common/base/json.h"

namespace cli {

// "ready", "waiting", …
std::string state_name(hardshell::proto::WorkerStatus::State state);
// How it last failed: cause and text in one line; empty before the first time.
std::string last_error(const hardshell::proto::WorkerStatus& worker);
// "12.3 of 40 MiB"; "-" when it is not known.
std::string memory_of_limit(const hardshell::proto::WorkerStatus& worker);

std::vector<Cell> worker_heading();
std::vector<Cell> worker_row(const hardshell::proto::WorkerStatus& worker, int64_t now_ms);
// Everything known about it, down to the last lines of its last life.
std::string worker_text(const hardshell::proto::WorkerStatus& worker, int64_t now_ms,
                        const Style& style);
Json worker_json(const hardshell::proto::WorkerStatus& worker, int64_t now_ms);

}  // namespace cli
