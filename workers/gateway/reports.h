// What the gateway tells about the whole: health, status, readiness, and the greeting of a new
// client. Pure: built from the agent's part and what the supervisor says about the workers, so
// that there is an answer while the agent is down.
#pragma once

#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/json.h"
#include "workers/common/doctor/words.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/gateway_settings.h"
#include "workers/gateway/handshake.h"

namespace gateway {

using WorkerStates = std::vector<hardshell::proto::WorkerStatus>;
using WorkerState = hardshell::proto::WorkerStatus;

// Null when there is none of that name.
const WorkerState* find_worker(const WorkerStates& workers, std::string_view name);
using doctor::state_name;
// [{name, state, pid, restarts, lastEnd}]
Json worker_list(const WorkerStates& workers);

// A worker that keeps the whole from being ready.
struct NotReady {
    std::string worker;
    std::string why;
};

struct Readiness {
    bool started = false;  // gateway and agent have served
    bool ready = false;    // …and they and every critical worker do now, none is held, and the
                           // volume has room
    bool draining = false;
    std::vector<NotReady> missing;
    std::string volume = {};  // what is wrong with it; empty: nothing
};
// What the gateway knows about itself; the rest it is told.
struct OwnReadiness {
    bool ready = false;
    bool draining = false;
    // Gateway and agent have served at the same time: from then on the agent's successors are
    // waited for, and the port keeps its traffic.
    bool has_started = false;
    // As the supervisor told of it; null: nothing yet.
    const hardshell::proto::VolumeState* volume = nullptr;
};
// 0: it has room; 1: it is filling; 2: it takes nothing any more.
int volume_alarm(const hardshell::proto::VolumeState& volume);
Readiness readiness_of(const WorkerStates& workers, const OwnReadiness& own);

// `agent_part` is the agent's answer to internal.health, or its last one, or null.
Json health_report(const Json& agent_part, const WorkerStates& workers,
                   const GatewaySettings& settings, bool ok, int64_t now_ms, int64_t duration_ms);
// `agent_part` is the agent's answer to internal.status, or null.
Json status_report(const Json& agent_part, const WorkerStates& workers,
                   const GatewaySettings& settings);

struct Surroundings {
    std::string connection_id;
    // The presence list as JSON text.
    std::string presence_json;
    // The last health report as JSON text; empty when there is none.
    std::string health_json;
    StateVersion version;
    int64_t uptime_ms = 0;
};
// The payload of hello-ok.
std::string hello_text(const Admission& admission, const GatewaySettings& settings,
                       const Surroundings& around);

// What the presence list says about a client.
Json presence_facts(const Admission& admission, const RequestSource& source);

}  // namespace gateway
