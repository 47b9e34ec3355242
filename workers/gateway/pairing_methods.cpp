#include "workers/gateway/pairing_methods.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>

#include "workers/gateway/methods_table.h"
#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr Field request_id_fields[] = {{"requestId", Kind::filled_text, true}};
constexpr Shape request_id_shape{request_id_fields};

constexpr Field rotate_fields[] = {{"deviceId", Kind::filled_text, true},
                                   {"role", Kind::filled_text, true},
                                   {"scopes", Kind::text_list}};
constexpr Shape rotate_shape{rotate_fields};

constexpr Field revoke_fields[] = {{"deviceId", Kind::filled_text, true},
                                   {"role", Kind::filled_text, true}};
constexpr Shape revoke_shape{revoke_fields};

constexpr Field node_fields[] = {
    {"nodeId", Kind::filled_text, true}, {"displayName", Kind::filled_text},
    {"platform", Kind::filled_text},     {"version", Kind::filled_text},
    {"coreVersion", Kind::filled_text},  {"uiVersion", Kind::filled_text},
    {"deviceFamily", Kind::filled_text}, {"modelIdentifier", Kind::filled_text},
    {"caps", Kind::text_list},           {"commands", Kind::text_list},
    {"permissions", Kind::boolean_map},  {"remoteIp", Kind::filled_text},
    {"silent", Kind::boolean},
};
constexpr Shape node_shape{node_fields};

constexpr Field verify_fields[] = {{"nodeId", Kind::filled_text, true},
                                   {"token", Kind::filled_text, true}};
constexpr Shape verify_shape{verify_fields};

constexpr Field rename_fields[] = {{"nodeId", Kind::filled_text, true},
                                   {"displayName", Kind::filled_text, true}};
constexpr Shape rename_shape{rename_fields};

Failure failure_of(const Error& error) {
    return error.fault == Fault::bad_message ? invalid_request(error.what)
                                             : unavailable(error.what, true);
}

PairingMethods::Outcome outcome_of(Result<Json> result) {
    if (!result) return failure_of(result.error());
    return std::move(*result);
}

Failure needs_administrator() {
    return invalid_request("missing scope: operator.admin");
}

std::optional<std::vector<std::string>> asked_scopes(const Json& params) {
    if (!params.contains("scopes")) return {};
    std::vector<std::string> scopes;
    for (const Json& scope : params.at("scopes")) scopes.push_back(scope.get<std::string>());
    return scopes;
}

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

bool Manager::is_administrator() const {
    return has_scope(scopes, "operator.admin");
}

Manager owner_at_the_machine() {
    return {{"operator.admin"}, {}};
}

struct PairingMethods::Row {
    std::string_view method;
    Outcome (PairingMethods::*serve)(const Asked& asked);
    const Shape* params;
};

const PairingMethods::Row PairingMethods::rows[] = {
    // method, function, parameters
    {"device.pair.list", &PairingMethods::device_list, &no_members},
    {"device.pair.approve", &PairingMethods::device_approve, &request_id_shape},
    {"device.pair.reject", &PairingMethods::device_reject, &request_id_shape},
    {"device.token.rotate", &PairingMethods::token_rotate, &rotate_shape},
    {"device.token.revoke", &PairingMethods::token_revoke, &revoke_shape},
    {"node.pair.request", &PairingMethods::node_request, &node_shape},
    {"node.pair.list", &PairingMethods::node_list, &no_members},
    {"node.pair.approve", &PairingMethods::node_approve, &request_id_shape},
    {"node.pair.reject", &PairingMethods::node_reject, &request_id_shape},
    {"node.pair.verify", &PairingMethods::node_verify, &verify_shape},
    {"node.rename", &PairingMethods::node_rename, &rename_shape},
};

const PairingMethods::Row* PairingMethods::find(std::string_view method) {
    const auto row = std::find_if(std::begin(rows), std::end(rows),
                                  [&](const Row& entry) { return entry.method == method; });
    return row == std::end(rows) ? nullptr : row;
}

bool PairingMethods::serves(std::string_view method) {
    return find(method) != nullptr;
}

PairingMethods::Outcome PairingMethods::call(std::string_view method, const Json& params,
                                             const Manager& manager, int64_t now_ms) {
    const Row* row = find(method);
    if (!row) std::abort();  // the caller has asked serves()
    if (const std::string faults = faults_of(params, *row->params); !faults.empty())
        return invalid_request("invalid " + std::string(method) + " params: " + faults);
    return (this->*row->serve)({params, manager, now_ms});
}

PairingMethods::Outcome PairingMethods::device_list(const Asked& asked) {
    return devices_.list(asked.now_ms);
}

PairingMethods::Outcome PairingMethods::device_approve(const Asked& asked) {
    const std::string id = text_member(asked.params, "requestId");
    if (!asked.manager.is_administrator() && !devices_.grants_at_most(id, asked.manager.scopes))
        return needs_administrator();
    return outcome_of(devices_.approve(id, asked.now_ms));
}

PairingMethods::Outcome PairingMethods::device_reject(const Asked& asked) {
    return outcome_of(devices_.reject(text_member(asked.params, "requestId"), asked.now_ms));
}

PairingMethods::Outcome PairingMethods::token_rotate(const Asked& asked) {
    const std::string device = text_member(asked.params, "deviceId");
    const std::string role = text_member(asked.params, "role");
    if (!asked.manager.is_administrator() && device != asked.manager.device_id)
        return needs_administrator();
    auto scopes = asked_scopes(asked.params);
    if (!asked.manager.is_administrator() && role == "operator") {
        // The old token's may be wider than what this session was let in with.
        if (!scopes) scopes = asked.manager.scopes;
        if (!covers(asked.manager.scopes, *scopes)) return needs_administrator();
    }
    const Result<DeviceToken> token = devices_.rotate(device, role, scopes, asked.now_ms);
    if (!token) return failure_of(token.error());
    if (on_token_ended_) on_token_ended_(device, role, End::rotated);
    return Json{{"deviceId", device},
                {"role", role},
                {"token", token->token},
                {"scopes", token->scopes},
                {"rotatedAtMs", token->issued_at_ms}};
}

PairingMethods::Outcome PairingMethods::token_revoke(const Asked& asked) {
    const std::string device = text_member(asked.params, "deviceId");
    const std::string role = text_member(asked.params, "role");
    if (!asked.manager.is_administrator() && device != asked.manager.device_id)
        return needs_administrator();
    const Result<int64_t> revoked = devices_.revoke(device, role, asked.now_ms);
    if (!revoked) return failure_of(revoked.error());
    if (on_token_ended_) on_token_ended_(device, role, End::revoked);
    return Json{{"deviceId", device}, {"role", role}, {"revokedAtMs", *revoked}};
}

PairingMethods::Outcome PairingMethods::node_request(const Asked& asked) {
    return outcome_of(nodes_.request(asked.params, asked.now_ms));
}

PairingMethods::Outcome PairingMethods::node_list(const Asked& asked) {
    return nodes_.list(asked.now_ms);
}

PairingMethods::Outcome PairingMethods::node_approve(const Asked& asked) {
    return outcome_of(nodes_.approve(text_member(asked.params, "requestId"), asked.now_ms));
}

PairingMethods::Outcome PairingMethods::node_reject(const Asked& asked) {
    return outcome_of(nodes_.reject(text_member(asked.params, "requestId"), asked.now_ms));
}

PairingMethods::Outcome PairingMethods::node_verify(const Asked& asked) {
    return nodes_.verify(text_member(asked.params, "nodeId"), text_member(asked.params, "token"));
}

// A node that connects is a paired device; the others are in the older store.
PairingMethods::Outcome PairingMethods::node_rename(const Asked& asked) {
    const std::string id = text_member(asked.params, "nodeId");
    const std::string name = trimmed(text_member(asked.params, "displayName"));
    if (name.empty()) return invalid_request("displayName required");
    const std::vector<Json> devices = devices_.devices_of_role("node");
    const bool is_device = std::any_of(devices.begin(), devices.end(), [&](const Json& device) {
        return text_member(device, "deviceId") == id;
    });
    if (is_device)
        if (Done renamed = devices_.rename(id, name); !renamed) return failure_of(renamed.error());
    const Result<Json> node = nodes_.rename(id, name);
    const bool is_missing = !node && node.error().fault == Fault::bad_message;
    if (!node && !(is_missing && is_device)) return failure_of(node.error());
    return Json{{"nodeId", id}, {"displayName", name}};
}

}  // namespace gateway
