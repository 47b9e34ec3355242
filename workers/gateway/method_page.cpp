#include "workers/gateway/method_page.h"

#include "workers/gateway/methods_table.h"

namespace gateway {

namespace {

constexpr const char* introduction =
    "# Methods of the gateway\n\n"
    "Every method of OpenClaw 2026.1.29, in the order in which clients are told their names. "
    "Written\nfrom `workers/gateway/methods_table.cpp`; the test MethodPage says how to renew this "
    "page. The scope\nis what a client needs besides `operator.admin`, which may call all but "
    "those for nodes. A method\nthat nobody serves is refused with the reason given here; one "
    "that is not listed, such as a\nplug-in's, is unknown. \"unnamed\" ones are served "
    "without being listed in `hello-ok`.\n\n"
    "| method | scope | served by | |\n|---|---|---|---|\n";

constexpr const char* own_introduction =
    "\n## Hardshell's own\n\n"
    "What only the supervisor knows, older messages, and who asks to be let in on a chat channel; "
    "for the\npage and for programs. Every client is told of a change of the workers by the event "
    "`hardshell.workers`,\nwhose payload is that of the method without history.\n\n"
    "| method | scope | served by | |\n|---|---|---|---|\n";

struct OwnMethod {
    std::string_view name;
    const char* about;  // parameters and answer
};
constexpr std::string_view own_prefix = "hardshell.";
constexpr OwnMethod own_methods[] = {
    {"hardshell.workers",
     "`{history?}` → `{ts, workers: [{name, kind, state, pid, incarnation, restarts, critical, "
     "startedAt, nextStartAt, lastEnd, lastCause, ends, memory: {bytes, peak, soft, limit}, "
     "descriptors, queue, messagesIn, messagesOut, lastInAt, lastOutAt, heartbeatAgeMs, note, "
     "logLinesSuppressed, memoryHistory?: {everyMs, points}}]}`; the history is of the last hour, "
     "since the gateway worker was started"},
    {"hardshell.logs",
     "`{worker, cursor?, limit?, maxBytes?}` → as `logs.tail`, with the lines of that worker "
     "alone, however much the others write"},
    {"hardshell.worker.history",
     "`{worker}` → `{worker, lastEnd, lastCause, lastLines, ends: [{cause, count}], deaths: "
     "[{at, cause, what}]}`: how it ended before, and what it said last before it failed"},
    {"hardshell.worker.restart", "`{worker}` → `{ok}`, before it happens"},
    {"hardshell.worker.start", "`{worker}` → `{ok}`; lifts a hold, too"},
    {"hardshell.worker.stop",
     "`{worker}` → `{ok}`; refused for the gateway, which none of its clients could start again"},
    {"hardshell.doctor",
     "→ `{ok, findings: [{weight: ok/note/problem, subject, what, cure}], version, pid, uptimeMs, "
     "stateDir, configPath, planSource, memoryMode}`: what `hardshell doctor` finds about what "
     "runs"},
    {"hardshell.config.check",
     "`{raw}` or `{patch}` → `{valid, issues, warnings, restarts, starts, stops, reloadMode}`: "
     "what such a change of the configuration would do; changes nothing"},
    {"hardshell.chat.history",
     "`{sessionKey, skip, limit?}` → as `chat.history`, with the messages before the last `skip` "
     "(10,000 at most)"},
    {"hardshell.pairing.list",
     "→ `{channels: [{channel, requests: [{id, code, createdAt, lastSeenAt, meta: {name?, "
     "username?, accountId?}}]}]}`: who asks to be let in on which chat channel, as `hardshell "
     "pairing list` shows it"},
    {"hardshell.pairing.approve",
     "`{channel, code}` → `{ok, channel, id}`: whose code it is may talk to the assistant, and is "
     "told so"},
    {"hardshell.pairing.reject",
     "`{channel, code}` → `{ok, channel, id}`: the request is gone, and its code with it"},
};

bool is_own(const Method& method) {
    return method.name.starts_with(own_prefix);
}

std::string about(const Method& method) {
    for (const OwnMethod& row : own_methods)
        if (row.name == method.name) return row.about;
    return {};
}

std::string_view server_of(const Method& method) {
    switch (method.served_by) {
        case ServedBy::gateway:
            return "gateway";
        case ServedBy::agent:
            return "agent";
        default:
            return "nobody";
    }
}

std::string remark_on(const Method& method) {
    if (is_own(method)) return about(method);
    std::string remark = method.named ? "" : "unnamed";
    if (method.why_not.empty()) return remark;
    return remark + (remark.empty() ? "" : "; ") + std::string(method.why_not);
}

std::string row_of(const Method& method) {
    const std::string_view scope =
        method.scope == Scope::node ? std::string_view("nodes only") : name_of(method.scope);
    std::string row = "| `" + std::string(method.name) + "` | " + std::string(scope) + " | " +
                      std::string(server_of(method)) + " |";
    if (const std::string remark = remark_on(method); !remark.empty()) row += " " + remark;
    return row + " |\n";
}

}  // namespace

std::string method_page() {
    std::string page = introduction;
    size_t known = 0;
    size_t served = 0;
    std::string own = own_introduction;
    for (const Method& method : methods()) {
        if (is_own(method)) {
            own += row_of(method);
            continue;
        }
        page += row_of(method);
        ++known;
        served += method.served_by != ServedBy::nobody;
    }
    return page + "\n" + std::to_string(served) + " of " + std::to_string(known) +
           " are served.\n" + own;
}

}  // namespace gateway
