// cron/runs/<jobId>.jsonl: a line for each run of a job that has ended, as cron.runs returns it.
//
// Promises that a line is written whole or not at all, that no run has two, and that a file of more
// than 2 MB keeps its last 2000 lines.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

class RunLog {
  public:
    explicit RunLog(std::string directory) : directory_(std::move(directory)) {}

    // Nothing happens when the last line is of the same run already.
    Done add(const std::string& job_id, const Json& entry) const;
    // The last ones, oldest first; lines that cannot be read are passed over.
    Result<std::vector<Json>> last(const std::string& job_id, size_t most) const;
    // When its job is removed.
    void remove(const std::string& job_id) const;

    static constexpr uint64_t prune_beyond = 2'000'000;  // bytes
    static constexpr size_t kept_lines = 2000;

  private:
    std::string path_of(const std::string& job_id) const;
    Done prune(const std::string& path) const;

    std::string directory_;
};

}  // namespace agent
