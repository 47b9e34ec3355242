// Section `hooks` of the configuration: where hooks are served, and what each of them does. The
// token is no part of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/hook_template.h"

namespace gateway {

// What is done with a request: the texts are templates, filled in from it.
struct HookMapping {
    std::string key;  // "hooks.mappings[2]", or "hooks.presets (gmail)": for messages
    // Empty: whatever it is.
    std::string path;
    std::string source;
    bool wakes = false;  // else the agent gets a message
    bool wake_now = true;
    HookTemplate name;
    HookTemplate session_key;
    HookTemplate message;
    HookTemplate text;
    HookTemplate to;
    HookTemplate model;
    HookTemplate thinking;
    std::string channel = "last";
    std::optional<bool> deliver;
    int64_t timeout_s = 0;
    bool is_trusted = false;  // allowUnsafeExternalContent
    // transform.module, which is JavaScript: cannot be done here.
    std::string transform;
};

struct HookSettings {
    bool enabled = false;
    std::string path = "/hooks";
    size_t body = 262144;
    std::vector<HookMapping> mappings;  // the first that fits decides

    // Names of request headers that templates use, in lower case.
    std::vector<std::string> headers() const;
};

HookSettings read_hook_settings(const Json& hooks);

}  // namespace gateway
