// Settings that OpenClaw does not have: hardshell.json beside openclaw.json, read as JSON5, and
// HARDSHELL_* variables, which win over the file.
//
// Never fatal: what is wrong is named with file and key, and its default applies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/notices.h"

namespace planner {

struct OwnSettings {
    hardshell::proto::SupervisorSettings supervisor;
    std::string metrics_bind;  // "loopback", "all" or "off"
    uint32_t metrics_port = 9091;
    Json mcp_servers = Json::object();  // by name: {command, args, env, network}
};

// Where the file is looked for.
std::string own_settings_file(const std::string& config_path);

OwnSettings read_own_settings(const std::string& config_path, const Environment& environment,
                              Notices& notices);

// Where the gateway answers /metrics; nothing when that is off. Its addresses are optional: for
// numbers nobody reads, no gateway stays down.
std::optional<hardshell::proto::Listener> metrics_listener(const OwnSettings& settings,
                                                           uint32_t gateway_port, Notices& notices);

// "256MiB", "200 MB", "1.5g", "1048576": bytes. K, M and G alone are binary. Nothing when it is no
// size.
std::optional<uint64_t> size_in(std::string_view text);

}  // namespace planner
