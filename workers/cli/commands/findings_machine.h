// What `hardshell doctor` can find about the machine and its network: Fly.io's traps, the clock,
// the names and addresses of the model providers. Each judged from evidence that is handed in, but
// for reach(), which asks the network.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/cli/commands/findings.h"
#include "workers/common/base/paths.h"
#include "workers/common/base/sleep_watch.h"

namespace cli {

struct FlyEvidence {
    paths::Environment environment;
    std::string state_dir;
    std::string mountinfo;   // text of /proc/self/mountinfo
    bool asked_for = false;  // by --fly: also said when this is no machine of Fly
    int64_t stood_still_ms = 0;
};
// The volume, the memory, the bind mode, the time to stop, autostop. Nothing elsewhere than on Fly.
Findings judge_fly(const FlyEvidence& evidence, const Result<hardshell::proto::Plan>& plan);

// How long the machine was suspended since a process started: what the wall clock counts more than
// the kernel, and what the kernel itself knows. `stat`: text of the process's /proc/<pid>/stat;
// 0 when that is none.
int64_t stood_still_ms(const std::string& stat, int64_t started_wall_ms, const ClockReadings& now);

// A clock that stands before the day the newest file of the state directory was written.
Findings judge_clock(const std::string& state_dir, int64_t now_seconds);

struct Place {
    std::string subject;  // "anthropic"
    std::string host;
    std::string port;
};
// The APIs that the plan's workers will call: of providers with a key, and of configured ones.
std::vector<Place> places_of(const hardshell::proto::Plan& plan);
// Empty when a connection could be made; else why not, with the step that failed.
using Reach = std::function<std::string(const Place& place)>;
std::string reach(const Place& place);
// Through a proxy nothing is judged: it is the proxy that connects.
Findings judge_places(const std::vector<Place>& places, const paths::Environment& environment,
                      const Reach& reach_place);

// The first line of what GET /startupz is answered there, which Fly's health check asks for; the
// error says why there is none.
Result<std::string> ask_check_path(const Place& place,
                                   std::chrono::milliseconds patience = std::chrono::seconds(3));
Findings judge_check_path(const Place& place, const Result<std::string>& first_line);

}  // namespace cli
