// What differs between two plans, as far as it matters to those who run. Pure.
#pragma once

#include <string>

#include "proto/plan.pb.h"

namespace supervisor {

// Null when it is not in there.
const hardshell::proto::WorkerPlan* find_in(const hardshell::proto::Plan& plan,
                                            const std::string& worker);
bool same_plan(const hardshell::proto::WorkerPlan& a, const hardshell::proto::WorkerPlan& b);
bool same_listeners(const hardshell::proto::Plan& a, const hardshell::proto::Plan& b);

}  // namespace supervisor
