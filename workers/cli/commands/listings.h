// `hardshell sessions`, `agents list`, `models list`: what the running gateway has of each. With
// --store a file of sessions is read instead.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// {path, count, activeMinutes, sessions}, as OpenClaw prints it. `list` is the payload of
// sessions.list.
Json sessions_json(const Json& list, const Json& active_minutes, int64_t now_ms);
std::string sessions_text(const Json& sessions, const Style& style);
// What a sessions.json holds, as the payload of sessions.list; newest first.
Result<Json> sessions_in_file(const std::string& path, const Json& active_minutes, int64_t now_ms);
// [{id, name?, identityName?, isDefault, …}]
Json agents_json(const Json& list);
// {count, models: [{key, name, input, contextWindow, …}]}
Json models_json(const Json& list, const std::string& provider);

int run_sessions(const Context& context);
int run_agents_list(const Context& context);
int run_models_list(const Context& context);

}  // namespace cli
