#include "workers/planner/gateway_flags.h"

#include <string_view>

namespace planner {

namespace {

struct Flag {
    std::string_view name;
    std::string GatewayFlags::*value;  // takes a value, kept here
    bool GatewayFlags::*present;       // takes none
    bool takes_value;                  // accepted for its sake only, when neither is set
};

constexpr Flag flags[] = {
    // name                   value                     present                            value?
    {"--port", &GatewayFlags::port, nullptr, true},
    {"--bind", &GatewayFlags::bind, nullptr, true},
    {"--token", &GatewayFlags::token, nullptr, true},
    {"--password", &GatewayFlags::password, nullptr, true},
    {"--auth", &GatewayFlags::auth, nullptr, true},
    {"--tailscale", &GatewayFlags::tailscale, nullptr, true},
    {"--allow-unconfigured", nullptr, &GatewayFlags::allow_unconfigured, false},
    {"--verbose", nullptr, &GatewayFlags::verbose, false},
    // Known to the command line and without meaning for a plan.
    {"--ws-log", nullptr, nullptr, true},
    {"--raw-stream-path", nullptr, nullptr, true},
    {"--tailscale-reset-on-exit", nullptr, nullptr, false},
    {"--compact", nullptr, nullptr, false},
    {"--dev", nullptr, nullptr, false},
    {"--reset", nullptr, nullptr, false},
    {"--force", nullptr, nullptr, false},
    {"--claude-cli-logs", nullptr, nullptr, false},
    {"--raw-stream", nullptr, nullptr, false},
    {"run", nullptr, nullptr, false},
};

const Flag* find_flag(std::string_view name) {
    for (const Flag& flag : flags)
        if (flag.name == name) return &flag;
    return nullptr;
}

}  // namespace

GatewayFlags read_gateway_flags(const std::vector<std::string>& arguments) {
    GatewayFlags read;
    for (size_t index = 0; index < arguments.size(); ++index) {
        const std::string& argument = arguments[index];
        const size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const Flag* flag = find_flag(name);
        if (!flag) {
            // Only the name: a value may be a secret.
            if (argument.compare(0, 1, "-") == 0) read.unknown.push_back(name);
            continue;
        }
        std::string value;
        if (equals != std::string::npos)
            value = argument.substr(equals + 1);
        else if (flag->takes_value && index + 1 < arguments.size())
            value = arguments[++index];
        if (flag->value) read.*flag->value = value;
        if (flag->present) read.*flag->present = true;
    }
    return read;
}

}  // namespace planner
