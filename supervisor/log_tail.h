// Answers what a worker asks about the log: the last lines of all workers or of one, or those
// after a cursor.
//
// A cursor counts lines, from the moment at which the supervisor began: one of an earlier
// supervisor lies before all of this one's, so that its owner is told that it starts anew. What was
// written before a secret was known is masked now.
#pragma once

#include "proto/supervisor_worker.pb.h"
#include "supervisor/log_pump.h"

namespace supervisor {

hardshell::proto::LogAnswer log_tail(const LogPump& log, const hardshell::proto::LogQuery& query);

}  // namespace supervisor
