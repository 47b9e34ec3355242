#include "workers/agent/cron/job.h"

#include "workers/agent/params.h"

namespace agent {

namespace {

using Kind = Field::Kind;

constexpr int64_t longest_name = 200;
constexpr int64_t longest_text = 64 << 10;
constexpr int64_t longest_turn_seconds = 24 * 3600;

// name, kind, required, least, most
constexpr Field job_fields[] = {
    {"name", Kind::text, false, 1, longest_name},
    {"description", Kind::text_or_null, false, 0, longest_text},
    {"agentId", Kind::text_or_null, false, 1},
    {"enabled", Kind::boolean},
    {"deleteAfterRun", Kind::boolean},
    {"schedule", Kind::any},
    {"sessionTarget", Kind::text},
    {"wakeMode", Kind::text},
    {"payload", Kind::any},
    {"isolation", Kind::any},
};
constexpr Field schedule_fields[] = {
    {"kind", Kind::text},
    {"at", Kind::any},
    {"atMs", Kind::any},
    {"everyMs", Kind::integer, false, 1, Schedule::last_ms},
    {"anchorMs", Kind::integer, false, 0, Schedule::last_ms},
    {"expr", Kind::text, false, 1, CronExpression::longest},
    {"tz", Kind::text},
};
constexpr Field event_fields[] = {
    {"kind", Kind::text},
    {"text", Kind::text, true, 1, longest_text},
};
constexpr Field turn_fields[] = {
    {"kind", Kind::text},
    {"message", Kind::text, true, 1, longest_text},
    {"model", Kind::text},
    {"thinking", Kind::text},
    {"timeoutSeconds", Kind::integer, false, 1, longest_turn_seconds},
    {"deliver", Kind::boolean},
    {"channel", Kind::text},
    {"to", Kind::text},
    {"bestEffortDeliver", Kind::boolean},
};
constexpr Field isolation_fields[] = {
    {"postToMainPrefix", Kind::text, false, 0, longest_name},
    {"postToMainMode", Kind::text},
    {"postToMainMaxChars", Kind::integer, false, 1, longest_text},
};

Error bad(const std::string& what) {
    return {Fault::bad_message, what};
}

Done check(const char* where, const Json& value, std::span<const Field> fields) {
    if (!value.is_object())
        return bad("invalid cron job: " + std::string(where) + " must be object");
    const std::string faults = check_params("", value, fields);
    constexpr std::string_view opening = "invalid  params: ";
    if (faults.empty()) return {};
    return bad("invalid cron job: " + std::string(where) + ": " + faults.substr(opening.size()));
}

Done one_of(const char* key, const Json& job, std::initializer_list<const char*> values) {
    const std::string given = text_member(job, key);
    std::string all;
    for (const char* value : values) {
        if (given == value) return {};
        all += (all.empty() ? "" : " or ") + std::string(value);
    }
    return bad("invalid cron job: " + std::string(key) + " must be " + all);
}

std::string inferred_schedule(const Json& given) {
    if (given.contains("at") || given.contains("atMs")) return "at";
    if (given.contains("everyMs")) return "every";
    return given.contains("expr") ? "cron" : "";
}

Result<Json> read_schedule(const Json& given) {
    if (Done done = check("schedule", given, schedule_fields); !done) return done.error();
    Json schedule{{"kind", text_member(given, "kind", inferred_schedule(given))}};
    if (schedule["kind"] == "at") {
        const Json& at = given.contains("atMs") ? given["atMs"] : member(given, "at");
        const std::optional<int64_t> time = at.is_string()
                                                ? time_in(trimmed(at.get_ref<const std::string&>()))
                                                : std::optional(int_member({{"at", at}}, "at", -1));
        if (!time || *time < 0)
            return bad(
                "invalid cron job: schedule.at must be a time like 2026-01-30T10:00:00Z, or "
                "milliseconds since 1970");
        schedule["atMs"] = *time;
        return schedule;
    }
    for (const char* name : {"everyMs", "anchorMs", "expr", "tz"})
        if (given.contains(name)) schedule[name] = given[name];
    return schedule;
}

Result<Json> read_payload(const Json& given) {
    if (!given.is_object()) return bad("invalid cron job: payload must be object");
    std::string kind = text_member(given, "kind");
    if (kind.empty()) kind = given.contains("message") ? "agentTurn" : "systemEvent";
    if (kind != "systemEvent" && kind != "agentTurn")
        return bad("invalid cron job: payload.kind must be systemEvent or agentTurn");
    const bool is_turn = kind == "agentTurn";
    const Done done =
        is_turn ? check("payload", given, turn_fields) : check("payload", given, event_fields);
    if (!done) return done.error();
    if (trimmed(text_view(given, is_turn ? "message" : "text")).empty())
        return bad(std::string("invalid cron job: payload.") + (is_turn ? "message" : "text") +
                   " must say something");
    Json payload{{"kind", kind}};
    for (const auto& [name, value] : given.items()) payload[name] = value;
    return payload;
}

Done check_whole(const Json& job, const JobRules& rules) {
    if (trimmed(text_view(job, "name")).empty())
        return bad("invalid cron job: name must say something");
    if (Done done = one_of("sessionTarget", job, {"main", "isolated"}); !done) return done;
    if (Done done = one_of("wakeMode", job, {"now", "next-heartbeat"}); !done) return done;
    const bool is_turn = text_view(member(job, "payload"), "kind") == "agentTurn";
    if (is_isolated(job) != is_turn)
        return bad(is_turn ? "invalid cron job: a payload of kind agentTurn needs the "
                             "sessionTarget isolated"
                           : "invalid cron job: a payload of kind systemEvent needs the "
                             "sessionTarget main");
    if (const std::string agent = agent_of(job, rules.config); !rules.config.agent(agent))
        return bad("invalid cron job: agentId: unknown agent id \"" + agent +
                   "\"; configured agents: " + rules.config.agent_names());
    const Result<Schedule> schedule = schedule_of(job, rules.zones);
    if (!schedule) return bad("invalid cron job: " + schedule.error().what);
    const Json& isolation = member(job, "isolation");
    if (isolation.contains("postToMainMode"))
        return one_of("postToMainMode", isolation, {"summary", "full"});
    return {};
}

// What both cron.add and cron.update may say, into the job.
Done take(const Json& given, Json& job, const char* where) {
    if (Done done = check(where, given, job_fields); !done) return done;
    if (given.contains("schedule")) {
        Result<Json> schedule = read_schedule(given["schedule"]);
        if (!schedule) return schedule.error();
        job["schedule"] = std::move(*schedule);
    }
    if (given.contains("isolation")) {
        if (Done done = check("isolation", given["isolation"], isolation_fields); !done)
            return done;
        job["isolation"] = given["isolation"];
    }
    for (const char* name : {"name", "enabled", "deleteAfterRun", "sessionTarget", "wakeMode"})
        if (given.contains(name)) job[name] = given[name];
    for (const char* name : {"agentId", "description"}) {
        if (!given.contains(name)) continue;
        job.erase(name);
        if (!given[name].is_null()) job[name] = given[name];
    }
    return {};
}

}  // namespace

Result<Json> new_job(const Json& params, const JobRules& rules) {
    if (!params.contains("name")) return bad("invalid cron job: name is missing");
    if (!params.contains("schedule")) return bad("invalid cron job: schedule is missing");
    if (!params.contains("payload")) return bad("invalid cron job: payload is missing");
    Result<Json> payload = read_payload(params["payload"]);
    if (!payload) return payload.error();
    Json job{{"id", new_session_id()}};
    if (params.contains("agentId") && !params["agentId"].is_null())
        job["agentId"] = params["agentId"];
    job["name"] = "";
    job["enabled"] = true;
    job["createdAtMs"] = rules.now_ms;
    job["updatedAtMs"] = rules.now_ms;
    job["schedule"] = Json::object();
    job["sessionTarget"] = text_view(*payload, "kind") == "agentTurn" ? "isolated" : "main";
    job["wakeMode"] = "next-heartbeat";
    job["payload"] = std::move(*payload);
    if (Done done = take(params, job, "the job"); !done) return done.error();
    job["state"] = Json::object();
    if (Done done = check_whole(job, rules); !done) return done.error();
    return job;
}

Result<Json> patched_job(const Json& before, const Json& patch, const JobRules& rules) {
    Json job = before;
    if (Done done = take(patch, job, "the patch"); !done) return done.error();
    if (patch.contains("payload")) {
        const Json& given = patch["payload"];
        const std::string kind =
            text_member(given, "kind", text_view(member(before, "payload"), "kind"));
        Json payload = kind == text_view(member(before, "payload"), "kind")
                           ? member(before, "payload")
                           : Json{{"kind", kind}};
        if (given.is_object())
            for (const auto& [name, value] : given.items()) payload[name] = value;
        Result<Json> checked = read_payload(given.is_object() ? payload : given);
        if (!checked) return checked.error();
        job["payload"] = std::move(*checked);
    }
    job["updatedAtMs"] = rules.now_ms;
    if (Done done = check_whole(job, rules); !done) return done.error();
    return job;
}

Result<Schedule> schedule_of(const Json& job, TimeZones& zones) {
    return Schedule::read(member(job, "schedule"), int_member(job, "createdAtMs"), zones);
}

std::string agent_of(const Json& job, const AgentConfig& config) {
    const std::string agent = text_member(job, "agentId");
    return trimmed(agent).empty() ? config.default_agent() : normal_agent_id(agent);
}

}  // namespace agent
