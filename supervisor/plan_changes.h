// What differs between two plans, as far as it matters to those who run. Pure.
#pragma once

#include "proto/plan.pb.h"

namespace supervisor {

bool same_plan(const hardshell::proto::WorkerPlan& a, const hardshell::proto::WorkerPlan& b);
bool same_listeners(const hardshell::proto::Plan& a, const hardshell::proto::Plan& b);

}  // namespace supervisor
