// What each kind of worker may know: sections of the configuration and environment variables.
//
// A channel joins by has_worker in its row of channels().
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"

namespace planner {

struct WorkerKind {
    std::string_view kind;
    std::initializer_list<std::string_view> sections;   // a change elsewhere does not restart it
    std::initializer_list<std::string_view> variables;  // HARDSHELL_* without secrets: always
    void (*reduce)(Json& config);                       // null: nothing more to cut
};

extern const WorkerKind worker_kinds[];
extern const size_t worker_kind_count;

struct ChannelKind {
    std::string_view id;
    std::initializer_list<std::string_view> token_variables;  // any of them configures it too
    bool has_worker;
};

// In channels_table.cpp, so that a test can bring its own.
std::span<const ChannelKind> channels();
// What all channel workers have in common; their sections are chosen in channel_accounts.cpp.
extern const WorkerKind channel_worker;

// The worker that drives the agents of ngrok and Tailscale; its part is chosen in tunnels.cpp.
extern const WorkerKind tunnel_worker;

// `config` cut down to what that kind may know, secrets removed.
Json config_for(const WorkerKind& kind, const Json& config);
// The environment variables of that kind's row that are set, by name.
std::vector<std::pair<std::string, std::string>> environment_for(const WorkerKind& kind,
                                                                 const Environment& environment);
// Whether the owner asked for that channel.
bool is_configured(const ChannelKind& channel, const Json& config, const Environment& environment);

}  // namespace planner
