// `hardshell logs`: the supervisor's memory of what the workers said.
#pragma once

#include <string>

#include "proto/supervisor_worker.pb.h"
#include "workers/cli/context.h"

namespace cli {

std::string log_text(const hardshell::proto::LogLine& line, const Style& style);
std::string log_json(const hardshell::proto::LogLine& line);

int run_logs(const Context& context);

}  // namespace cli
