// What the methods about the configuration take, and how their refusals read.
#pragma once

#include <string_view>

#include "proto/plan.pb.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/shape.h"

namespace gateway {

// Null: no such method.
const Shape* config_params(std::string_view method);

Failure failure_of(const hardshell::proto::ConfigAnswer& answer);

}  // namespace gateway
