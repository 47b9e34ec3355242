#include "workers/gateway/methods_table.h"

#include <algorithm>

namespace gateway {

namespace {

constexpr ServedBy here = ServedBy::gateway;
constexpr ServedBy agent = ServedBy::agent;
constexpr ServedBy nobody = ServedBy::nobody;
constexpr int read_deadline = 30'000;

constexpr std::string_view no_speech = "this version does not turn text into speech";
constexpr std::string_view no_wizard =
    "this version has no guided set-up; change openclaw.json with config.set or an editor";
constexpr std::string_view no_install =
    "it would run an installer with the gateway's rights; install the program in the image "
    "(fly/Dockerfile) and skills.status finds it";
constexpr std::string_view no_update =
    "a container is updated by deploying a new image (`fly deploy`), not from inside";
constexpr std::string_view no_browser = "this version has no browser control";
constexpr std::string_view no_poll =
    "the channels of this version send no polls; ask the question as a message";
constexpr std::string_view no_web_login =
    "it belongs to WhatsApp, which this version does not have";

// In the order in which OpenClaw names them; clients see the served ones in this order.
constexpr Method table[] = {
    // method, scope, served by, deadline in ms, named, why not, code of that refusal
    {"health", Scope::read, here},
    {"logs.tail", Scope::read, here},
    {"channels.status", Scope::read, here},
    {"channels.logout", Scope::admin, here},
    {"status", Scope::read, here},
    {"usage.status", Scope::read, agent, read_deadline},
    {"usage.cost", Scope::read, agent, read_deadline},
    {"tts.status", Scope::read, nobody, 0, true, no_speech},
    {"tts.providers", Scope::read, nobody, 0, true, no_speech},
    {"tts.enable", Scope::write, nobody, 0, true, no_speech},
    {"tts.disable", Scope::write, nobody, 0, true, no_speech},
    {"tts.convert", Scope::write, nobody, 0, true, no_speech},
    {"tts.setProvider", Scope::write, nobody, 0, true, no_speech},
    {"config.get", Scope::admin, here},
    {"config.set", Scope::admin, here},
    {"config.apply", Scope::admin, here},
    {"config.patch", Scope::admin, here},
    {"config.schema", Scope::admin, here},
    {"exec.approvals.get", Scope::admin, here},
    {"exec.approvals.set", Scope::admin, here},
    {"exec.approvals.node.get", Scope::admin, here},
    {"exec.approvals.node.set", Scope::admin, here},
    {"exec.approval.request", Scope::approvals, here},
    {"exec.approval.resolve", Scope::approvals, here},
    {"wizard.start", Scope::admin, nobody, 0, true, no_wizard},
    {"wizard.next", Scope::admin, nobody, 0, true, no_wizard},
    {"wizard.cancel", Scope::admin, nobody, 0, true, no_wizard},
    {"wizard.status", Scope::admin, nobody, 0, true, no_wizard},
    {"talk.mode", Scope::write, here},
    {"models.list", Scope::read, agent, read_deadline},
    {"agents.list", Scope::read, agent, read_deadline},
    {"skills.status", Scope::read, agent, read_deadline},
    {"skills.bins", Scope::node, agent, read_deadline},
    {"skills.install", Scope::admin, nobody, 0, true, no_install},
    {"skills.update", Scope::admin, here},
    {"update.run", Scope::admin, nobody, 0, true, no_update},
    {"voicewake.get", Scope::read, here},
    {"voicewake.set", Scope::write, here},
    {"sessions.list", Scope::read, agent, read_deadline},
    {"sessions.preview", Scope::read, agent, read_deadline},
    {"sessions.patch", Scope::admin, agent, read_deadline},
    {"sessions.reset", Scope::admin, agent, read_deadline},
    {"sessions.delete", Scope::admin, agent, read_deadline},
    {"sessions.compact", Scope::admin, agent, read_deadline},
    {"last-heartbeat", Scope::read, agent, read_deadline},
    {"set-heartbeats", Scope::admin, agent, read_deadline},
    {"wake", Scope::write, agent, read_deadline},
    {"node.pair.request", Scope::pairing, here},
    {"node.pair.list", Scope::pairing, here},
    {"node.pair.approve", Scope::pairing, here},
    {"node.pair.reject", Scope::pairing, here},
    {"node.pair.verify", Scope::pairing, here},
    {"device.pair.list", Scope::pairing, here},
    {"device.pair.approve", Scope::pairing, here},
    {"device.pair.reject", Scope::pairing, here},
    {"device.token.rotate", Scope::pairing, here},
    {"device.token.revoke", Scope::pairing, here},
    {"node.rename", Scope::pairing, here},
    {"node.list", Scope::read, here},
    {"node.describe", Scope::read, here},
    {"node.invoke", Scope::write, here},
    {"node.invoke.result", Scope::node, here},
    {"node.event", Scope::node, here},
    {"cron.list", Scope::read, agent, read_deadline},
    {"cron.status", Scope::read, agent, read_deadline},
    {"cron.add", Scope::admin, agent, read_deadline},
    {"cron.update", Scope::admin, agent, read_deadline},
    {"cron.remove", Scope::admin, agent, read_deadline},
    {"cron.run", Scope::admin, agent},  // waits for the run
    {"cron.runs", Scope::read, agent, read_deadline},
    {"system-presence", Scope::read, here},
    {"system-event", Scope::admin, here},
    {"send", Scope::write, here},
    {"agent", Scope::write, agent},
    {"agent.identity.get", Scope::read, agent, read_deadline},
    {"agent.wait", Scope::write, agent},
    {"browser.request", Scope::write, nobody, 0, true, no_browser, code::unavailable},
    {"chat.history", Scope::read, agent, read_deadline},
    {"chat.abort", Scope::write, agent, read_deadline},
    {"chat.send", Scope::write, agent},
    // Known to OpenClaw, but not named to clients.
    {"sessions.resolve", Scope::admin, agent, read_deadline, false},
    {"chat.inject", Scope::admin, agent, read_deadline, false},
    {"poll", Scope::admin, nobody, 0, false, no_poll},
    {"web.login.start", Scope::admin, nobody, 0, false, no_web_login},
    {"web.login.wait", Scope::admin, nobody, 0, false, no_web_login},
    // Telephone calls, where the owner has them: the agent says when not.
    {"voicecall.initiate", Scope::admin, agent, read_deadline, false},
    {"voicecall.start", Scope::admin, agent, read_deadline, false},
    {"voicecall.continue", Scope::admin, agent, 0, false},  // waits for what is said
    {"voicecall.speak", Scope::admin, agent, read_deadline, false},
    {"voicecall.end", Scope::admin, agent, read_deadline, false},
    {"voicecall.status", Scope::admin, agent, read_deadline, false},
    // Ours alone.
    {"hardshell.workers", Scope::read, here},
    {"hardshell.logs", Scope::read, here},
    {"hardshell.worker.history", Scope::read, here},
    {"hardshell.worker.restart", Scope::admin, here},
    {"hardshell.worker.start", Scope::admin, here},
    {"hardshell.worker.stop", Scope::admin, here},
    {"hardshell.doctor", Scope::read, here},
    {"hardshell.config.check", Scope::admin, here},
    {"hardshell.chat.history", Scope::read, agent, read_deadline},
    {"hardshell.pairing.list", Scope::pairing, agent, read_deadline},
    {"hardshell.pairing.approve", Scope::pairing, agent, read_deadline},
    {"hardshell.pairing.reject", Scope::pairing, agent, read_deadline},
};

struct ScopeName {
    Scope scope;
    std::string_view name;
};
constexpr ScopeName scope_names[] = {
    {Scope::admin, "operator.admin"},     {Scope::approvals, "operator.approvals"},
    {Scope::pairing, "operator.pairing"}, {Scope::read, "operator.read"},
    {Scope::write, "operator.write"},
};

}  // namespace

std::string_view name_of(Scope scope) {
    for (const ScopeName& row : scope_names)
        if (row.scope == scope) return row.name;
    return "operator.admin";
}

Failure not_served(std::string_view name) {
    const Method* method = find_method(name);
    if (!method) return invalid_request("unknown method: " + std::string(name));
    Failure failure =
        invalid_request(std::string(name) + " is not offered by this gateway" +
                        (method->why_not.empty() ? "" : ": ") + std::string(method->why_not));
    failure.code = method->refusal_code;
    return failure;
}

std::span<const Method> methods() {
    return table;
}

const Method* find_method(std::string_view name) {
    for (const Method& method : table)
        if (method.name == name) return &method;
    return nullptr;
}

std::vector<std::string> offered_methods() {
    std::vector<std::string> names;
    for (const Method& method : table)
        if (method.named && method.served_by != ServedBy::nobody) names.emplace_back(method.name);
    return names;
}

bool has_scope(const std::vector<std::string>& scopes, std::string_view scope) {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

std::optional<Failure> call_refusal(std::string_view name, std::string_view role,
                                    const std::vector<std::string>& scopes) {
    const Method* method = find_method(name);
    const Scope needed = method ? method->scope : Scope::admin;
    const bool is_node = role == "node";
    if (is_node != (needed == Scope::node))
        return invalid_request("unauthorized role: " + std::string(role));
    if (is_node || has_scope(scopes, "operator.admin") || has_scope(scopes, name_of(needed)))
        return {};
    if (needed == Scope::read && has_scope(scopes, "operator.write")) return {};
    return invalid_request("missing scope: " + std::string(name_of(needed)));
}

}  // namespace gateway
