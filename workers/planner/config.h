// From the text of openclaw.json to the configuration that workers are told: parse, includes,
// variables, checks, paths, defaults. Never ends the process, whatever the text is.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/problem.h"
#include "workers/planner/substitution.h"

namespace planner {

struct LoadedConfig {
    Json merged = Json::object();    // includes applied, variables not: what is kept as last good
    Json resolved = Json::object();  // what workers are told, secrets still inside
    Files files;                     // the file itself first, then those it includes
    Source source;                   // of `merged`
    Environment environment;         // with the variables that the configuration sets
    Problems problems;               // not empty: unusable, and `resolved` means nothing
    Problems unknown_keys;           // ignored, and not in `resolved`
    Problems warnings;               // usable, but the owner should know

    bool usable() const { return problems.empty(); }
};

// `path` is where the text stands, for includes and messages.
LoadedConfig load_config(const std::string& path, std::string_view text,
                         const Environment& environment);

// The same from `merged` of an earlier time. Variables that are gone take their keys with them.
LoadedConfig load_merged(const std::string& path, Json merged, const Environment& environment);

// What is in force without any configuration.
LoadedConfig no_config(const Environment& environment);

}  // namespace planner
