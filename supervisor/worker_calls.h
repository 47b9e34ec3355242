// The table of what a worker may ask of the supervisor for the clients it has let in.
#pragma once

#include <functional>

#include "proto/supervisor_worker.pb.h"

namespace supervisor {

class Supervisor;

struct WorkerCallOutcome {
    hardshell::proto::SupervisorAnswer answer;
    std::function<void()> then;  // what is done once that was answered; null: nothing
};

// Refuses a verb that is not in the table by naming those that are.
WorkerCallOutcome take_call(Supervisor& supervisor, const hardshell::proto::SupervisorCall& call);

}  // namespace supervisor
