#include "workers/planner/config.h"

#include "workers/planner/defaults.h"
#include "workers/planner/includes.h"
#include "workers/planner/rules.h"
#include "workers/planner/schema.h"

namespace planner {

namespace {

void remove_at(Json& config, const Path& path) {
    Json* at = &config;
    for (size_t index = 0; index + 1 < path.size(); ++index)
        at = at->is_array() ? &(*at)[std::stoul(path[index])] : &(*at)[path[index]];
    at->erase(path.back());
}

void check_fields(LoadedConfig& config) {
    const std::vector<Finding> findings = check_schema(config.resolved);
    for (const Finding& finding : findings) {
        Problems& where = finding.unknown_key ? config.unknown_keys : config.problems;
        where.push_back(problem_at(config.files, config.source, finding.path, finding.what,
                                   finding.cure, finding.unknown_key));
    }
    for (const Finding& finding : findings)
        if (finding.unknown_key) remove_at(config.resolved, finding.path);
}

void check_across(LoadedConfig& config) {
    for (const RuleFinding& finding : check_rules(config.resolved)) {
        Problems& where = finding.is_error ? config.problems : config.warnings;
        where.push_back(
            problem_at(config.files, config.source, finding.path, finding.what, finding.cure));
    }
}

void resolve(LoadedConfig& config, Missing missing) {
    add_config_variables(config.merged, config.files.front(), config.environment);
    config.resolved = config.merged;
    substitute(config.resolved, config.environment, config.files, config.source, missing,
               config.problems);
    check_fields(config);
    if (!config.usable()) return;
    check_across(config);
    if (!config.usable()) return;
    expand_home(config.resolved, config.environment.get("HOME"));
    apply_defaults(config.resolved, config.environment);
}

}  // namespace

LoadedConfig load_config(const std::string& path, std::string_view text,
                         const Environment& environment) {
    LoadedConfig config;
    config.environment = environment;
    Document document = read_with_includes(path, text, config.files, config.problems);
    if (!config.usable()) return config;
    config.merged = std::move(document.value);
    config.source = std::move(document.source);
    resolve(config, Missing::is_a_problem);
    return config;
}

LoadedConfig load_merged(const std::string& path, Json merged, const Environment& environment) {
    LoadedConfig config;
    config.environment = environment;
    config.merged = std::move(merged);
    config.files = {path};
    resolve(config, Missing::leaves_the_key_out);
    return config;
}

LoadedConfig no_config(const Environment& environment) {
    return load_merged("", Json::object(), environment);
}

}  // namespace planner
