#include "workers/agent/cron_settings.h"

#include <algorithm>

#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t most_at_once = 100;

bool is_true(const std::string& variable) {
    const std::string value = lower_case(trimmed(variable));
    return !value.empty() && value != "0" && value != "false" && value != "no" && value != "off";
}

}  // namespace

Cron::Options cron_options(const AgentConfig& config, const std::string& state_dir,
                           const std::string& skip) {
    const Json& cron = member(config.json(), "cron");
    Cron::Options options;
    options.directory = "cron";
    options.shown_directory = state_dir + "/cron";
    options.is_enabled = bool_member(cron, "enabled", true) && !is_true(skip);
    options.most_at_once = static_cast<size_t>(
        std::clamp<int64_t>(int_member(cron, "maxConcurrentRuns", 1), 1, most_at_once));
    const std::string store(trimmed(text_member(cron, "store")));
    if (!store.empty() && store != options.shown_directory + "/jobs.json")
        log_warn(
            "cron.store is {}, where the agent may not write; the jobs are those of "
            "{}/jobs.json (move the file there and remove cron.store)",
            store, options.shown_directory);
    return options;
}

}  // namespace agent
