// One start of a worker: its pipes, its link to us, its confinement, its process, and the first
// message it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/plan.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "supervisor/roster.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

struct LaunchRequest {
    const KindOfWorker& kind;
    const hardshell::proto::WorkerPlan& plan;
    std::string libexec;
    int state_dir = -1;
    std::vector<std::string> base_environment;
    std::optional<unsigned> user;
    std::vector<int> groups;  // see SpawnRequest
    uint64_t data_limit = 0;  // see SpawnRequest
    std::string log_level;
    uint64_t incarnation = 0;
    std::vector<hardshell::proto::LinkEnd> links;
    std::vector<hardshell::proto::StreamEnd> streams;
    std::optional<hardshell::proto::PublicUrl> public_url;
    std::vector<hardshell::proto::WorkerStatus> visible_workers;
    std::vector<std::pair<std::string, int>> handles;  // by name, owned by the caller
};

struct Launched {
    pid_t pid = -1;
    Fd pidfd;
    Fd link;  // our end
    Fd output;
    Fd errors;
};

Result<Launched> launch(const LaunchRequest& request);
hardshell::proto::ToWorker start_message(const LaunchRequest& request);

}  // namespace supervisor
