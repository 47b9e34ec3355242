// The states of a worker and the moves allowed between them.
#pragma once

#include <cstdint>

namespace supervisor {

enum class WorkerState : uint8_t { stopped, waiting, starting, ready, stopping, held };

// Whether a worker may go from one state to the other.
bool may_move(WorkerState from, WorkerState to);
// Whether a process exists in this state.
bool is_running(WorkerState state);
const char* name_of(WorkerState state);

}  // namespace supervisor
