// What /metrics says: the state of the whole and of every worker, as Prometheus reads it (text
// format 0.0.4). Pure: built from what the supervisor says about the workers and from the status
// board, so that it costs no message and still answers while a worker hangs. What channel accounts
// are like is what the agent last told of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "workers/common/base/board_page.h"
#include "workers/common/base/json.h"
#include "workers/common/routes/path_door.h"
#include "workers/gateway/reports.h"

namespace gateway {

struct MetricsFacts {
    const WorkerStates& workers;
    // The page of that worker; null when there is none to read.
    std::function<const BoardPage*(const std::string& worker)> page;
    Readiness readiness;
    bool degraded = false;
    std::string_view version;
    std::string_view commit;
    int64_t now_ms = 0;    // monotonic, as heartbeats are
    const Json& channels;  // as in channel_reports.h
    // Null, or without a provider: there is no tunnel.
    const hardshell::proto::PublicUrl* tunnel = nullptr;
    // Null: there are no public paths.
    const PathDoor::Counts* door = nullptr;
    int volume_alarm = 0;  // see the family's help
};

std::string metrics_text(const MetricsFacts& facts);

}  // namespace gateway
