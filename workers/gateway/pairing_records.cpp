#include "workers/gateway/pairing_records.h"

#include <algorithm>
#include <set>

#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

using Texts = std::vector<std::string>;

Texts texts(const Json& list) {
    Texts found;
    for (const Json& entry : list)
        if (entry.is_string()) found.push_back(entry.get<std::string>());
    return found;
}

// Both, each once, in order.
Texts merged(const Texts& one, const Texts& other) {
    Texts all = one;
    for (const std::string& entry : other)
        if (std::find(all.begin(), all.end(), entry) == all.end()) all.push_back(entry);
    return all;
}

void set_text(Json& record, const char* key, const std::string& value) {
    if (!value.empty()) record[key] = value;
}

}  // namespace

bool covers(const Texts& granted, const Texts& asked) {
    return std::all_of(asked.begin(), asked.end(), [&](const std::string& scope) {
        return std::find(granted.begin(), granted.end(), scope) != granted.end();
    });
}

Texts sorted(const Texts& list) {
    const std::set<std::string> ordered(list.begin(), list.end());
    return {ordered.begin(), ordered.end()};
}

Texts roles_of(const Json& record) {
    const Json& roles = member(record, "roles");
    if (roles.is_array()) return texts(roles);
    const std::string role = text_member(record, "role");
    return role.empty() ? Texts{} : Texts{role};
}

Texts scopes_of(const Json& record) {
    return texts(member(record, "scopes"));
}

bool is_revoked(const Json& token) {
    return member(token, "revokedAtMs").is_number();
}

void describe(Json& record, const DeviceClaim& claim) {
    if (!bool_member(record, "namedByOwner")) set_text(record, "displayName", claim.display_name);
    set_text(record, "platform", claim.platform);
    set_text(record, "clientId", claim.client_id);
    set_text(record, "clientMode", claim.client_mode);
    set_text(record, "role", claim.role);
    set_text(record, "remoteIp", claim.remote_ip);
}

Json new_request(const DeviceClaim& claim, bool silent, bool repair, int64_t now_ms) {
    Json request = {{"requestId", random_uuid()},
                    {"deviceId", claim.device_id},
                    {"publicKey", claim.public_key}};
    describe(request, claim);
    request["roles"] = Texts{claim.role};
    request["scopes"] = claim.scopes;
    request["silent"] = silent;
    request["isRepair"] = repair;
    request["ts"] = now_ms;
    return request;
}

bool asks_the_same(const Json& request, const DeviceClaim& claim) {
    return text_member(request, "publicKey") == claim.public_key &&
           sorted(roles_of(request)) == Texts{claim.role} &&
           sorted(scopes_of(request)) == sorted(claim.scopes);
}

Json new_token(const std::string& role, const Texts& scopes, const Json& previous, int64_t now_ms) {
    Json token = {{"token", random_hex(16)}, {"role", role}, {"scopes", sorted(scopes)}};
    token["createdAtMs"] = int_member(previous, "createdAtMs", now_ms);
    if (previous.is_object()) token["rotatedAtMs"] = now_ms;
    return token;
}

Json approved_device(const Json& request, const Json& before, int64_t now_ms) {
    Json device = before.is_object() ? before : Json::object();
    for (const char* key : {"deviceId", "publicKey", "displayName", "platform", "clientId",
                            "clientMode", "role", "remoteIp"})
        if (request.contains(key)) device[key] = request.at(key);
    if (bool_member(before, "namedByOwner")) device["displayName"] = before.at("displayName");
    device["roles"] = merged(roles_of(before), roles_of(request));
    device["scopes"] = merged(scopes_of(before), scopes_of(request));
    const std::string role = text_member(request, "role", "operator");
    Json tokens = member(before, "tokens").is_object() ? member(before, "tokens") : Json::object();
    tokens[role] = new_token(role, scopes_of(request), member(tokens, role), now_ms);
    device["tokens"] = std::move(tokens);
    device["createdAtMs"] = int_member(before, "createdAtMs", now_ms);
    device["approvedAtMs"] = now_ms;
    return device;
}

Json without_tokens(const Json& device) {
    Json copy = device;
    Json tokens = Json::array();
    for (const auto& [role, token] : member(device, "tokens").items()) {
        Json entry = token;
        if (entry.is_object()) entry.erase("token");
        tokens.push_back(std::move(entry));
    }
    copy["tokens"] = std::move(tokens);
    return copy;
}

Json newest_first(const Json& records, const char* time_key) {
    std::vector<Json> list;
    for (const Json& record : records) list.push_back(record);
    std::stable_sort(list.begin(), list.end(), [&](const Json& one, const Json& other) {
        return int_member(one, time_key) > int_member(other, time_key);
    });
    return Json(list);
}

}  // namespace gateway
