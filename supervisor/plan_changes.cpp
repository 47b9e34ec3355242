#include "supervisor/plan_changes.h"

#include <algorithm>
#include <string>

#include "workers/common/base/stable_bytes.h"

namespace supervisor {

const hardshell::proto::WorkerPlan* find_in(const hardshell::proto::Plan& plan,
                                            const std::string& worker) {
    for (const auto& found : plan.workers())
        if (found.name() == worker) return &found;
    return nullptr;
}

// Why the file is not in force, and which commands may run, is told to a worker that runs; it is
// not restarted for it.
bool same_plan(const hardshell::proto::WorkerPlan& a, const hardshell::proto::WorkerPlan& b) {
    hardshell::proto::WorkerPlan one = a, other = b;
    one.mutable_settings()->clear_degraded();
    other.mutable_settings()->clear_degraded();
    one.mutable_settings()->clear_exec_approvals_json();
    other.mutable_settings()->clear_exec_approvals_json();
    return stable_bytes(one) == stable_bytes(other);
}

bool same_listeners(const hardshell::proto::Plan& a, const hardshell::proto::Plan& b) {
    return std::equal(a.listeners().begin(), a.listeners().end(), b.listeners().begin(),
                      b.listeners().end(), [](const auto& one, const auto& other) {
                          return stable_bytes(one) == stable_bytes(other);
                      });
}

}  // namespace supervisor
