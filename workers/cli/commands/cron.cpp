#include "workers/cli/commands/cron.h"

#include <algorithm>
#include <limits>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

// A run takes as long as an answer.
constexpr int64_t run_timeout_ms = 600'000;
constexpr int64_t longest_timeout_s = 24 * 3600;
constexpr int64_t most_posted = 64 << 10;

Error bad(const std::string& what) {
    return {Fault::bad_message, what};
}

int finish(const Context& context, const Result<Json>& answer, const std::string& text) {
    if (!answer) return fail(answer.error());
    print(context.arguments.has("json") || text.empty() ? pretty(*answer) : text);
    return 0;
}

std::string name_and_id(const Json& job) {
    return printable(text_member(job, "name")) + " (" + printable(text_member(job, "id")) + ")";
}

std::string when(int64_t at_ms, int64_t now_ms) {
    if (at_ms >= now_ms) return "in " + duration(at_ms - now_ms);
    return duration(now_ms - at_ms) + " ago";
}

std::string next_text(const Json& job, int64_t now_ms) {
    const Json& state = member(job, "state");
    if (member(state, "runningAtMs").is_number()) return "running";
    const Json& next = member(state, "nextRunAtMs");
    return next.is_number() ? when(int_member(state, "nextRunAtMs"), now_ms) : "-";
}

std::string last_text(const Json& job, int64_t now_ms) {
    const Json& state = member(job, "state");
    if (!member(state, "lastRunAtMs").is_number()) return "-";
    return printable(text_member(state, "lastStatus", "?")) + ", " +
           when(int_member(state, "lastRunAtMs"), now_ms);
}

// Exactly one of --at, --every and --cron, or none.
Result<Json> schedule_in(const Arguments& given, int64_t now_ms) {
    int count = 0;
    for (const char* name : {"at", "every", "cron"}) count += given.has(name) ? 1 : 0;
    if (count > 1) return bad("--at, --every and --cron exclude each other");
    if (given.has("tz") && !given.has("cron")) return bad("--tz belongs to --cron");
    if (given.has("at")) {
        Result<Json> at = time_of(given.text("at"), now_ms);
        if (!at) return at.error();
        return Json{{"kind", "at"}, {"atMs", std::move(*at)}};
    }
    if (given.has("every")) {
        const Result<int64_t> every = duration_of("every", given.text("every"));
        if (!every) return every.error();
        return Json{{"kind", "every"}, {"everyMs", *every}};
    }
    if (!given.has("cron")) return Json();
    Json schedule{{"kind", "cron"}, {"expr", given.text("cron")}};
    if (given.has("tz")) schedule["tz"] = given.text("tz");
    return schedule;
}

// What the message and its options say; null when nothing does.
Result<Json> payload_in(const Arguments& given) {
    if (given.has("system-event") && given.has("message"))
        return bad("--system-event and --message exclude each other");
    if (given.has("system-event"))
        return Json{{"kind", "systemEvent"}, {"text", given.text("system-event")}};
    Json payload = Json::object();
    if (given.has("message")) payload["message"] = given.text("message");
    for (const char* name : {"model", "thinking", "channel", "to"})
        if (given.has(name)) payload[name] = given.text(name);
    if (given.has("timeout-seconds")) {
        const Result<int64_t> seconds = given.number("timeout-seconds", 0, longest_timeout_s);
        if (!seconds) return seconds.error();
        payload["timeoutSeconds"] = *seconds;
    }
    if (given.has("deliver")) payload["deliver"] = true;
    if (given.has("best-effort-deliver")) payload["bestEffortDeliver"] = true;
    if (given.has("no-deliver")) payload["deliver"] = false;
    if (given.has("no-best-effort-deliver")) payload["bestEffortDeliver"] = false;
    if (payload.empty()) return Json();
    payload["kind"] = "agentTurn";
    return payload;
}

Result<Json> common_members(const Arguments& given, int64_t now_ms) {
    Json job = Json::object();
    constexpr std::pair<const char*, const char*> texts[] = {
        {"name", "name"},     {"description", "description"},
        {"agent", "agentId"}, {"session", "sessionTarget"},
        {"wake", "wakeMode"},
    };
    for (const auto& [option, key] : texts)
        if (given.has(option)) job[key] = given.text(option);
    Result<Json> schedule = schedule_in(given, now_ms);
    if (!schedule) return schedule;
    if (!schedule->is_null()) job["schedule"] = std::move(*schedule);
    Result<Json> payload = payload_in(given);
    if (!payload) return payload;
    if (!payload->is_null()) job["payload"] = std::move(*payload);
    if (given.has("delete-after-run")) job["deleteAfterRun"] = true;
    if (given.has("post-prefix")) job["isolation"]["postToMainPrefix"] = given.text("post-prefix");
    if (given.has("post-mode")) job["isolation"]["postToMainMode"] = given.text("post-mode");
    if (given.has("post-max-chars")) {
        const Result<int64_t> most = given.number("post-max-chars", 0, most_posted);
        if (!most) return most.error();
        job["isolation"]["postToMainMaxChars"] = *most;
    }
    return job;
}

int set_enabled(const Context& context, bool enabled) {
    const Result<Json> answer = call_gateway(
        context, "cron.update",
        {{"id", context.arguments.operands().front()}, {"patch", {{"enabled", enabled}}}});
    return finish(
        context, answer,
        answer ? (enabled ? "Enabled " : "Disabled ") + name_and_id(*answer) + ".\n" : "");
}

}  // namespace

Result<int64_t> duration_of(const std::string& option, const std::string& text) {
    struct Unit {
        const char* name;
        int64_t milliseconds;
    };
    constexpr Unit units[] = {{"", 1},          {"ms", 1},         {"s", 1000},       {"m", 60'000},
                              {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
    const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    int64_t number = 0;
    if (end > 0 && parse_number(text.substr(0, end), 1'000'000'000'000, number) && number > 0)
        for (const Unit& unit : units)
            if (text.substr(end) == unit.name) return number * unit.milliseconds;
    return bad("--" + option + " must be a time span like 30s, 10m, 1h or 1d, not \"" + text +
               "\"");
}

Result<Json> time_of(const std::string& text, int64_t now_ms) {
    const std::string bare = text.starts_with("+") ? text.substr(1) : text;
    if (bare.empty()) return bad("--at must be a time like 2026-01-30T10:00:00Z, or 20m from now");
    const bool has_unit = bare.find_first_not_of("0123456789") != std::string::npos;
    const bool is_date = bare.find('-') != std::string::npos || bare.find(':') != std::string::npos;
    if (!has_unit || is_date) return Json(bare);
    const Result<int64_t> span = duration_of("at", bare);
    if (!span) return span.error();
    return Json(now_ms + *span);
}

Result<Json> cron_job(const Arguments& given, int64_t now_ms) {
    Result<Json> job = common_members(given, now_ms);
    if (!job) return job;
    if (given.text("name").empty()) return bad("--name is missing");
    if (!job->contains("schedule")) return bad("--at, --every or --cron is missing: when to run");
    if (!job->contains("payload") || (!given.has("system-event") && !given.has("message")))
        return bad("--system-event or --message is missing: what to do");
    if (given.has("disabled")) (*job)["enabled"] = false;
    return job;
}

Result<Json> cron_patch(const Arguments& given, int64_t now_ms) {
    Result<Json> patch = common_members(given, now_ms);
    if (!patch) return patch;
    if (given.has("enable") && given.has("disable"))
        return bad("--enable and --disable exclude each other");
    if (given.has("enable")) (*patch)["enabled"] = true;
    if (given.has("disable")) (*patch)["enabled"] = false;
    if (given.has("keep-after-run")) (*patch)["deleteAfterRun"] = false;
    if (given.has("clear-agent")) (*patch)["agentId"] = nullptr;
    if (patch->empty()) return bad("nothing to change was given; see `hardshell cron edit --help`");
    return patch;
}

std::string schedule_text(const Json& schedule) {
    const std::string kind = text_member(schedule, "kind");
    if (kind == "at") return "at " + iso_time(int_member(schedule, "atMs")).substr(0, 19) + "Z";
    if (kind == "every") return "every " + duration(int_member(schedule, "everyMs"));
    const std::string zone = text_member(schedule, "tz");
    return printable(text_member(schedule, "expr", "?")) +
           (zone.empty() ? "" : " " + printable(zone));
}

std::string cron_jobs_text(const Json& list, const Style& style, int64_t now_ms) {
    const Json& jobs = member(list, "jobs");
    if (!jobs.is_array() || jobs.empty()) return "There are no cron jobs.\n";
    std::vector<std::vector<Cell>> rows = {
        {{"id"}, {"name"}, {"schedule"}, {"next"}, {"last"}, {"session"}, {"agent"}, {"note"}}};
    for (const Json& job : jobs) {
        const std::string status = text_member(member(job, "state"), "lastStatus");
        rows.push_back({{printable(text_member(job, "id"))},
                        {printable(text_member(job, "name"))},
                        {schedule_text(member(job, "schedule"))},
                        {next_text(job, now_ms)},
                        {last_text(job, now_ms), status == "error" ? Colour::bad : Colour::none},
                        {printable(text_member(job, "sessionTarget", "-"))},
                        {printable(text_member(job, "agentId", "-"))},
                        {bool_member(job, "enabled", true) ? "" : "disabled"}});
    }
    return table(rows, style);
}

std::string cron_runs_text(const Json& list, const Style& style) {
    const Json& entries = member(list, "entries");
    if (!entries.is_array() || entries.empty()) return "The job has not run yet.\n";
    std::vector<std::vector<Cell>> rows = {{{"began"}, {"took"}, {"status"}, {"what came of it"}}};
    for (const Json& entry : entries) {
        const std::string status = text_member(entry, "status", "?");
        const std::string said = text_member(entry, "error", text_member(entry, "summary"));
        rows.push_back({{iso_time(int_member(entry, "runAtMs")).substr(0, 19) + "Z"},
                        {duration(int_member(entry, "durationMs"))},
                        {printable(status), status == "error" ? Colour::bad : Colour::none},
                        {cut(printable(said), 100)}});
    }
    return table(rows, style);
}

int run_cron_status(const Context& context) {
    const Result<Json> answer = call_gateway(context, "cron.status", Json::object());
    if (!answer) return fail(answer.error());
    const Json& next = member(*answer, "nextWakeAtMs");
    return finish(
        context, answer,
        table({{{"scheduler"}, {bool_member(*answer, "enabled") ? "on" : "off"}},
               {{"jobs"}, {std::to_string(int_member(*answer, "jobs"))}},
               {{"next run"},
                {next.is_number() ? when(int_member(*answer, "nextWakeAtMs"), wall_ms()) : "-"}},
               {{"kept in"}, {printable(text_member(*answer, "storePath"))}}},
              Style{}));
}

int run_cron_list(const Context& context) {
    const Result<Json> answer =
        call_gateway(context, "cron.list", {{"includeDisabled", context.arguments.has("all")}});
    return finish(context, answer, answer ? cron_jobs_text(*answer, context.style, wall_ms()) : "");
}

int run_cron_add(const Context& context) {
    const Result<Json> job = cron_job(context.arguments, wall_ms());
    if (!job) return fail(job.error());
    const Result<Json> answer = call_gateway(context, "cron.add", *job);
    return finish(context, answer,
                  answer ? "Added " + name_and_id(*answer) + "; it runs " +
                               next_text(*answer, wall_ms()) + ".\n"
                         : "");
}

int run_cron_edit(const Context& context) {
    const Result<Json> patch = cron_patch(context.arguments, wall_ms());
    if (!patch) return fail(patch.error());
    const Result<Json> answer = call_gateway(
        context, "cron.update", {{"id", context.arguments.operands().front()}, {"patch", *patch}});
    return finish(context, answer, answer ? "Changed " + name_and_id(*answer) + ".\n" : "");
}

int run_cron_remove(const Context& context) {
    const std::string& id = context.arguments.operands().front();
    const Result<Json> answer = call_gateway(context, "cron.remove", {{"id", id}});
    if (!answer) return fail(answer.error());
    if (!bool_member(*answer, "removed") && !context.arguments.has("json"))
        return fail(
            bad("there is no cron job " + printable(id) + "; see `hardshell cron list --all`"));
    return finish(context, answer, "Removed " + printable(id) + ".\n");
}

int run_cron_enable(const Context& context) {
    return set_enabled(context, true);
}

int run_cron_disable(const Context& context) {
    return set_enabled(context, false);
}

int run_cron_runs(const Context& context) {
    const std::string id = context.arguments.operands().empty()
                               ? context.arguments.text("id")
                               : context.arguments.operands().front();
    if (id.empty()) return fail(bad("name the job: `hardshell cron runs <job>`"));
    const Result<int64_t> limit = context.arguments.number("limit", 50, 5000);
    if (!limit) return fail(limit.error());
    const Result<Json> answer = call_gateway(context, "cron.runs", {{"id", id}, {"limit", *limit}});
    return finish(context, answer, answer ? cron_runs_text(*answer, context.style) : "");
}

// Asked for by its owner it runs, due or not.
int run_cron_run(const Context& context) {
    const Arguments& given = context.arguments;
    const char* mode = given.has("due") ? "due" : "force";
    const Result<Json> answer = call_gateway(
        context, "cron.run", {{"id", given.operands().front()}, {"mode", mode}}, run_timeout_ms);
    if (!answer) return fail(answer.error());
    const bool ran = bool_member(*answer, "ran");
    const int code = finish(
        context, answer,
        ran ? "It ran; see `hardshell cron runs " + printable(given.operands().front()) + "`.\n"
            : "It did not run: " + printable(text_member(*answer, "reason", "?")) + ".\n");
    return code;
}

}  // namespace cli
