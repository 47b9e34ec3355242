#include "workers/gateway/node_registry.h"

#include <algorithm>

#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

// What must not reach a node from a caller: only an approval that was asked for may say so.
constexpr const char* internal_members[] = {"approved", "approvalDecision"};

constexpr const char* told_members[] = {
    "displayName",     "platform", "version",     "coreVersion", "uiVersion", "deviceFamily",
    "modelIdentifier", "remoteIp", "permissions", "caps",        "commands"};

void set_text(Json& record, const char* key, const std::string& value) {
    if (!value.empty()) record[key] = value;
}

void merge_paired(Json& node, const Json& record) {
    for (const char* key : told_members)
        if (record.contains(key) && !node.contains(key)) node[key] = record.at(key);
    node["paired"] = true;
}

void merge_connected(Json& node, const Client& client, int64_t connected_at_ms) {
    const ConnectParams& params = client.admission().params;
    // The owner's name for it goes before its own.
    if (!node.contains("displayName")) set_text(node, "displayName", params.display_name);
    set_text(node, "platform", params.platform);
    set_text(node, "version", params.client_version);
    set_text(node, "deviceFamily", params.device_family);
    set_text(node, "modelIdentifier", params.model_identifier);
    if (!client.source().local) node["remoteIp"] = client.source().address;
    node["caps"] = params.caps;
    node["commands"] = params.commands;
    set_text(node, "pathEnv", params.path_env);
    if (params.permissions.is_object()) node["permissions"] = params.permissions;
    node["connectedAtMs"] = connected_at_ms;
    node["connected"] = true;
}

Json& entry_of(std::map<std::string, Json>& nodes, const std::string& id) {
    Json& node = nodes[id];
    if (node.is_null()) node = {{"nodeId", id}, {"paired", false}, {"connected", false}};
    return node;
}

std::string id_of(const Json& record) {
    return text_member(record, "nodeId", text_member(record, "deviceId"));
}

bool comes_first(const Json& one, const Json& other) {
    const bool connected = bool_member(one, "connected");
    if (connected != bool_member(other, "connected")) return connected;
    const auto name = [](const Json& node) {
        return text_member(node, "displayName", text_member(node, "nodeId"));
    };
    return name(one) < name(other);
}

Json without_internal_members(Json params) {
    if (!params.is_object()) return params;
    for (const char* key : internal_members) params.erase(key);
    return params;
}

Failure failed_in_node(const Json& error) {
    Failure failure = unavailable(text_member(error, "message", "node invoke failed"), false);
    failure.details_json = print_json({{"nodeError", error}});
    return failure;
}

}  // namespace

void NodeRegistry::entered(Client& client, int64_t now_ms) {
    nodes_[client.admission().device_id] = {&client, now_ms};
}

void NodeRegistry::left(const Client& client) {
    const std::string& id = client.admission().device_id;
    const auto found = nodes_.find(id);
    if (found == nodes_.end() || found->second.client != &client) return;
    nodes_.erase(found);
    std::vector<std::string> owed;
    for (const auto& [question_id, question] : questions_)
        if (question.node_id == id) owed.push_back(question_id);
    for (const std::string& question_id : owed)
        give_up(question_id, "NOT_CONNECTED", "node disconnected");
}

Json NodeRegistry::list(const std::vector<Json>& paired) const {
    std::map<std::string, Json> nodes;
    for (const Json& record : paired) merge_paired(entry_of(nodes, id_of(record)), record);
    for (const auto& [id, node] : nodes_)
        merge_connected(entry_of(nodes, id), *node.client, node.connected_at_ms);
    std::vector<Json> sorted;
    for (auto& [id, node] : nodes) {
        for (const char* key : {"caps", "commands"})
            if (!node.contains(key)) node[key] = Json::array();
        sorted.push_back(std::move(node));
    }
    std::stable_sort(sorted.begin(), sorted.end(), comes_first);
    return Json(sorted);
}

Json NodeRegistry::describe(const std::string& node_id, const std::vector<Json>& paired) const {
    for (const Json& node : list(paired))
        if (text_member(node, "nodeId") == node_id) return node;
    return {};
}

bool NodeRegistry::has_phone() const {
    return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& entry) {
        return is_phone(entry.second.client->admission().params.platform);
    });
}

void NodeRegistry::invoke(const Json& params, Answer answer, Policy policy) {
    const std::string node_id = text_member(params, "nodeId");
    const std::string command = text_member(params, "command");
    const auto found = nodes_.find(node_id);
    if (found == nodes_.end()) {
        Failure failure = unavailable("node not connected", false);
        failure.details_json = R"({"code":"NOT_CONNECTED"})";
        return answer(failure);
    }
    const ConnectParams& node = found->second.client->admission().params;
    const std::string why = policy == Policy::not_asked
                                ? ""
                                : command_refusal(command, node.platform, node.commands, policy_);
    if (!why.empty()) {
        Failure failure = invalid_request("node command not allowed: " + why);
        failure.details_json = print_json({{"reason", why}, {"command", command}});
        return answer(failure);
    }
    if (questions_.size() >= most_questions)
        return answer(unavailable("too many requests to nodes are open", true));
    const std::string id = random_uuid();
    const int64_t patience_ms = std::clamp<int64_t>(
        int_member(params, "timeoutMs", default_patience.count()), 1, longest_patience.count());
    Json request = {{"id", id}, {"nodeId", node_id}, {"command", command}};
    if (params.contains("params"))
        request["paramsJSON"] = print_json(without_internal_members(params.at("params")));
    request["timeoutMs"] = patience_ms;
    request["idempotencyKey"] = text_member(params, "idempotencyKey");
    Question& question = questions_[id];
    question.node_id = node_id;
    question.command = command;
    question.answer = std::move(answer);
    question.deadline = loop_.after(std::chrono::milliseconds(patience_ms), [this, id] {
        give_up(id, "TIMEOUT", "node invoke timed out");
    });
    found->second.client->send(event_text("node.invoke.request", print_json(request)));
}

void NodeRegistry::give_up(const std::string& id, const std::string& code, const std::string& why) {
    const auto found = questions_.find(id);
    if (found == questions_.end()) return;
    const Question question = std::move(found->second);
    questions_.erase(found);
    question.answer(
        failed_in_node({{"code", code}, {"message", why + " (" + question.command + ")"}}));
}

NodeRegistry::Outcome NodeRegistry::take_result(const Client& client, const Json& params) {
    const std::string& own_id = client.admission().device_id;
    if (text_member(params, "nodeId") != own_id) return invalid_request("nodeId mismatch");
    const auto found = questions_.find(text_member(params, "id"));
    // Too late, or never asked of it.
    if (found == questions_.end() || found->second.node_id != own_id)
        return Json{{"ok", true}, {"ignored", true}};
    const Question question = std::move(found->second);
    questions_.erase(found);
    if (!bool_member(params, "ok")) {
        question.answer(failed_in_node(member(params, "error")));
        return Json{{"ok", true}};
    }
    Json payload = member(params, "payload");
    const Json& text = member(params, "payloadJSON");
    if (text.is_string())
        if (Result<Json> parsed = parse_json(text.get_ref<const std::string&>()))
            payload = std::move(*parsed);
    question.answer(Json{{"ok", true},
                         {"nodeId", own_id},
                         {"command", question.command},
                         {"payload", std::move(payload)},
                         {"payloadJSON", text}});
    return Json{{"ok", true}};
}

}  // namespace gateway
