#include "workers/planner/config_check.h"

#include <algorithm>

#include "workers/common/base/stable_bytes.h"
#include "workers/planner/plan.h"

namespace planner {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::WorkerPlan;

const WorkerPlan* find_in(const Plan& plan, const std::string& worker) {
    for (const WorkerPlan& found : plan.workers())
        if (found.name() == worker) return &found;
    return nullptr;
}

// The gateway is handed its sockets at its start.
bool same_listeners(const Plan& one, const Plan& other) {
    return std::equal(one.listeners().begin(), one.listeners().end(), other.listeners().begin(),
                      other.listeners().end(), [](const auto& a, const auto& b) {
                          return stable_bytes(a) == stable_bytes(b);
                      });
}

// Where no token is known a plan makes one and keeps it; a question must not.
LoadedConfig with_some_token(LoadedConfig config) {
    constexpr const char* name = "OPENCLAW_GATEWAY_TOKEN";
    if (config.environment.get(name).empty())
        config.environment.add(name, "stands in for one that is made", "a question");
    return config;
}

}  // namespace

Json effect_of(const hardshell::proto::PlanRequest& request, const LoadedConfig& present,
               const LoadedConfig& next) {
    const Plan before = plan_of(request, with_some_token(present));
    const Plan after = plan_of(request, with_some_token(next));
    const bool moves = !same_listeners(before, after);
    Json restarts = Json::array();
    Json starts = Json::array();
    Json stops = Json::array();
    for (const WorkerPlan& wanted : after.workers()) {
        const WorkerPlan* known = find_in(before, wanted.name());
        if (!known)
            starts.push_back(wanted.name());
        else if (stable_bytes(*known) != stable_bytes(wanted) ||
                 (moves && wanted.kind() == "gateway"))
            restarts.push_back(wanted.name());
    }
    for (const WorkerPlan& known : before.workers())
        if (!find_in(after, known.name())) stops.push_back(known.name());
    const std::string& mode = after.supervisor().reload_mode();
    return {{"restarts", std::move(restarts)},
            {"starts", std::move(starts)},
            {"stops", std::move(stops)},
            {"reloadMode", mode.empty() ? "hybrid" : mode}};
}

}  // namespace planner
