#include "workers/gateway/methods_table.h"

#include <algorithm>

namespace gateway {

namespace {

constexpr ServedBy here = ServedBy::gateway;
constexpr ServedBy agent = ServedBy::agent;
constexpr int read_deadline = 30'000;

// In the order in which OpenClaw names them; clients see the served ones in this order.
constexpr Method table[] = {
    // method, scope, served by, deadline in ms, named
    {"health", Scope::read, here},
    {"logs.tail", Scope::read},
    {"channels.status", Scope::read},
    {"channels.logout", Scope::admin},
    {"status", Scope::read, here},
    {"usage.status", Scope::read, agent, read_deadline},
    {"usage.cost", Scope::read, agent, read_deadline},
    {"tts.status", Scope::read},
    {"tts.providers", Scope::read},
    {"tts.enable", Scope::write},
    {"tts.disable", Scope::write},
    {"tts.convert", Scope::write},
    {"tts.setProvider", Scope::write},
    {"config.get", Scope::admin, here},
    {"config.set", Scope::admin, here},
    {"config.apply", Scope::admin, here},
    {"config.patch", Scope::admin, here},
    {"config.schema", Scope::admin, here},
    {"exec.approvals.get", Scope::admin},
    {"exec.approvals.set", Scope::admin},
    {"exec.approvals.node.get", Scope::admin},
    {"exec.approvals.node.set", Scope::admin},
    {"exec.approval.request", Scope::approvals, here},
    {"exec.approval.resolve", Scope::approvals, here},
    {"wizard.start", Scope::admin},
    {"wizard.next", Scope::admin},
    {"wizard.cancel", Scope::admin},
    {"wizard.status", Scope::admin},
    {"talk.mode", Scope::write},
    {"models.list", Scope::read, agent, read_deadline},
    {"agents.list", Scope::read, agent, read_deadline},
    {"skills.status", Scope::read},
    {"skills.bins", Scope::node},
    {"skills.install", Scope::admin},
    {"skills.update", Scope::admin},
    {"update.run", Scope::admin},
    {"voicewake.get", Scope::read},
    {"voicewake.set", Scope::write},
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
    {"cron.list", Scope::read},
    {"cron.status", Scope::read},
    {"cron.add", Scope::admin},
    {"cron.update", Scope::admin},
    {"cron.remove", Scope::admin},
    {"cron.run", Scope::admin},
    {"cron.runs", Scope::read},
    {"system-presence", Scope::read, here},
    {"system-event", Scope::admin, here},
    {"send", Scope::write},
    {"agent", Scope::write, agent},
    {"agent.identity.get", Scope::read, agent, read_deadline},
    {"agent.wait", Scope::write, agent},
    {"browser.request", Scope::write},
    {"chat.history", Scope::read, agent, read_deadline},
    {"chat.abort", Scope::write, agent, read_deadline},
    {"chat.send", Scope::write, agent},
    // Known to OpenClaw, but not named to clients.
    {"sessions.resolve", Scope::admin, agent, read_deadline, false},
    {"chat.inject", Scope::admin, agent, read_deadline, false},
    {"poll", Scope::admin},
    {"web.login.start", Scope::admin},
    {"web.login.wait", Scope::admin},
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

std::string_view name_of(Scope scope) {
    for (const ScopeName& row : scope_names)
        if (row.scope == scope) return row.name;
    return "operator.admin";
}

}  // namespace

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
