// `hardshell cron`: the jobs of the gateway's scheduler, as OpenClaw's command of that name.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

int run_cron_status(const Context& context);
int run_cron_list(const Context& context);
int run_cron_add(const Context& context);
int run_cron_edit(const Context& context);
int run_cron_remove(const Context& context);
int run_cron_enable(const Context& context);
int run_cron_disable(const Context& context);
int run_cron_runs(const Context& context);
int run_cron_run(const Context& context);

// The params of cron.add, and the patch of cron.update, that the options mean.
Result<Json> cron_job(const Arguments& given, int64_t now_ms);
Result<Json> cron_patch(const Arguments& given, int64_t now_ms);
// For people.
std::string cron_jobs_text(const Json& list, const Style& style, int64_t now_ms);
std::string cron_runs_text(const Json& list, const Style& style);
std::string schedule_text(const Json& schedule);

// "2026-01-30T10:00:00Z", "20m" from now or milliseconds since 1970; as the gateway takes it.
Result<Json> time_of(const std::string& text, int64_t now_ms);
// "30s", "10m", "1h", "1d"; milliseconds without a unit.
Result<int64_t> duration_of(const std::string& option, const std::string& text);

}  // namespace cli
