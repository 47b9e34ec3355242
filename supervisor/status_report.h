// What `hardshell status` and `doctor` are told.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/control.pb.h"
#include "proto/plan.pb.h"
#include "supervisor/layers.h"
#include "supervisor/worker_process.h"

namespace supervisor {

struct Situation {
    const hardshell::proto::Plan& plan;
    const std::vector<std::unique_ptr<WorkerProcess>>& workers;
    LayerFacts layers;
    std::vector<std::string> missing_listeners;  // as sentences
};

hardshell::proto::StatusReport describe(const Situation& situation);

// "error", "warn" or nothing.
const char* severity_word(hardshell::proto::Notice::Severity severity);

}  // namespace supervisor
