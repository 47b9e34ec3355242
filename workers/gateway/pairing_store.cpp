#include "workers/gateway/pairing_store.h"

#include <algorithm>

#include "workers/gateway/credentials.h"
#include "workers/gateway/device_identity.h"
#include "workers/gateway/pairing_records.h"

namespace gateway {

PairingStore::PairingStore(std::string directory) : files_(std::move(directory)) {}

std::vector<std::string> PairingStore::load(int64_t now_ms) {
    std::vector<std::string> problems;
    paired_ = files_.read("paired.json", "devices must be paired again", now_ms, problems);
    pending_ =
        files_.read("pending.json", "what waited for approval must ask again", now_ms, problems);
    expire(now_ms);
    return problems;
}

void PairingStore::expire(int64_t now_ms) {
    for (auto entry = pending_.begin(); entry != pending_.end();) {
        const int64_t age = now_ms - int_member(*entry, "ts");
        entry = age > request_life_ms ? pending_.erase(entry) : std::next(entry);
    }
}

void PairingStore::tell(const std::string& event, const Json& payload) const {
    if (on_event_) on_event_(event, payload);
}

void PairingStore::tell_resolved(const Json& request, const char* decision, int64_t now_ms) const {
    tell("device.pair.resolved", {{"requestId", text_member(request, "requestId")},
                                  {"deviceId", text_member(request, "deviceId")},
                                  {"decision", decision},
                                  {"ts", now_ms}});
}

bool PairingStore::is_paired(const DeviceClaim& claim) const {
    const Json& device = member(paired_, claim.device_id);
    return device.is_object() && text_member(device, "publicKey") == claim.public_key &&
           covers(roles_of(device), {claim.role}) && covers(scopes_of(device), claim.scopes);
}

Result<std::string> PairingStore::request(const DeviceClaim& claim, bool silent, int64_t now_ms) {
    expire(now_ms);
    for (auto entry = pending_.begin(); entry != pending_.end();) {
        const bool same_device = text_member(*entry, "deviceId") == claim.device_id;
        if (same_device && asks_the_same(*entry, claim)) return entry.key();
        entry = same_device ? pending_.erase(entry) : std::next(entry);
    }
    if (pending_.size() >= most_requests)
        return Error{Fault::out_of_room,
                     "too many devices wait to be paired; approve or reject some first"};
    const Json request = new_request(claim, silent, paired_.contains(claim.device_id), now_ms);
    const std::string id = text_member(request, "requestId");
    pending_[id] = request;
    if (Done done = files_.write("pending.json", pending_); !done) {
        pending_.erase(id);
        return done.error();
    }
    if (!silent) tell("device.pair.requested", request);
    return id;
}

Done PairingStore::remember(const DeviceClaim& claim) {
    const auto found = paired_.find(claim.device_id);
    if (found == paired_.end()) return {};
    const Json before = *found;
    describe(*found, claim);
    // Written only when something changed: a reconnect costs no sync.
    return before == *found ? Done{} : files_.write("paired.json", paired_);
}

bool PairingStore::knows(const std::string& device_id, const std::string& public_key) const {
    const Json& device = member(paired_, device_id);
    return device.is_object() && !public_key.empty() &&
           text_member(device, "publicKey") == public_key;
}

std::optional<std::vector<std::string>> PairingStore::scopes_of_token(const std::string& device_id,
                                                                      const std::string& public_key,
                                                                      const std::string& role,
                                                                      const Secret& token) const {
    if (token.empty() || !knows(device_id, public_key)) return {};
    const Json& stored = member(member(member(paired_, device_id), "tokens"), role);
    const std::string value = text_member(stored, "token");
    if (value.empty() || is_revoked(stored) || !same_secret(value, token.reveal())) return {};
    return scopes_of(stored);
}

void PairingStore::token_was_used(const std::string& device_id, const std::string& role,
                                  int64_t now_ms) {
    const auto device = paired_.find(device_id);
    if (device == paired_.end() || !member(*device, "tokens").contains(role)) return;
    (*device)["tokens"][role]["lastUsedAtMs"] = now_ms;
}

Result<DeviceToken> PairingStore::token_for(const DeviceClaim& claim, int64_t now_ms) {
    if (!is_paired(claim)) return Error{Fault::bad_credentials, "the device is not paired"};
    Json& device = paired_[claim.device_id];
    Json stored = member(member(device, "tokens"), claim.role);
    const bool usable = !text_member(stored, "token").empty() && !is_revoked(stored) &&
                        covers(scopes_of(stored), claim.scopes);
    if (!usable) {
        stored = new_token(claim.role, claim.scopes, stored, now_ms);
        if (!member(device, "tokens").is_object()) device["tokens"] = Json::object();
        device["tokens"][claim.role] = stored;
        if (Done done = files_.write("paired.json", paired_); !done) return done.error();
    }
    DeviceToken token;
    token.token = text_member(stored, "token");
    token.role = claim.role;
    token.scopes = sorted(scopes_of(stored));
    token.issued_at_ms = int_member(stored, "rotatedAtMs", int_member(stored, "createdAtMs"));
    return token;
}

Done PairingStore::change(const std::string& device_id, const std::function<void(Json&)>& how) {
    const auto found = paired_.find(device_id);
    if (found == paired_.end()) return Error{Fault::bad_message, "unknown deviceId"};
    Json before = *found;
    how(*found);
    Done written = files_.write("paired.json", paired_);
    if (!written) paired_[device_id] = std::move(before);
    return written;
}

Result<DeviceToken> PairingStore::rotate(const std::string& device_id, const std::string& role,
                                         const std::optional<std::vector<std::string>>& scopes,
                                         int64_t now_ms) {
    const Json& device = member(paired_, device_id);
    if (!device.is_object()) return Error{Fault::bad_message, "unknown deviceId/role"};
    if (!covers(roles_of(device), {role}))
        return Error{Fault::bad_message, "unknown deviceId/role"};
    const Json previous = member(member(device, "tokens"), role);
    const auto wanted = scopes ? *scopes : scopes_of(previous.is_object() ? previous : device);
    if (!covers(scopes_of(device), wanted))
        return Error{Fault::bad_message, "the device was not approved for these scopes"};
    const Json token = new_token(role, wanted, previous, now_ms);
    const Done changed = change(device_id, [&](Json& record) {
        if (!member(record, "tokens").is_object()) record["tokens"] = Json::object();
        record["tokens"][role] = token;
    });
    if (!changed) return changed.error();
    return DeviceToken{text_member(token, "token"), role, sorted(scopes_of(token)),
                       int_member(token, "rotatedAtMs", int_member(token, "createdAtMs"))};
}

Result<int64_t> PairingStore::revoke(const std::string& device_id, const std::string& role,
                                     int64_t now_ms) {
    const Json& stored = member(member(member(paired_, device_id), "tokens"), role);
    if (!stored.is_object()) return Error{Fault::bad_message, "unknown deviceId/role"};
    if (is_revoked(stored)) return int_member(stored, "revokedAtMs");
    const Done changed =
        change(device_id, [&](Json& device) { device["tokens"][role]["revokedAtMs"] = now_ms; });
    if (!changed) return changed.error();
    return now_ms;
}

Done PairingStore::rename(const std::string& device_id, const std::string& name) {
    return change(device_id, [&](Json& device) {
        device["displayName"] = name;
        device["namedByOwner"] = true;
    });
}

std::vector<Json> PairingStore::devices_of_role(const std::string& role) const {
    std::vector<Json> found;
    for (const Json& device : paired_)
        if (covers(roles_of(device), {role})) found.push_back(device);
    return found;
}

Json PairingStore::list(int64_t now_ms) {
    expire(now_ms);
    Json paired = Json::array();
    for (const Json& device : newest_first(paired_, "approvedAtMs"))
        paired.push_back(without_tokens(device));
    return {{"pending", newest_first(pending_, "ts")}, {"paired", std::move(paired)}};
}

bool PairingStore::grants_at_most(const std::string& request_id,
                                  const std::vector<std::string>& scopes) const {
    return covers(scopes, scopes_of(member(pending_, request_id)));
}

Result<Json> PairingStore::approve(const std::string& request_id, int64_t now_ms) {
    expire(now_ms);
    const auto found = pending_.find(request_id);
    if (found == pending_.end()) return Error{Fault::bad_message, "unknown requestId"};
    const Json request = *found;
    const std::string device_id = text_member(request, "deviceId");
    const Json before = member(paired_, device_id);
    paired_[device_id] = approved_device(request, before, now_ms);
    if (Done done = files_.write("paired.json", paired_); !done) {
        // Not granted unless it is on disk.
        if (before.is_object())
            paired_[device_id] = before;
        else
            paired_.erase(device_id);
        return done.error();
    }
    pending_.erase(request_id);
    (void)files_.write("pending.json", pending_);  // what stays there expires by itself
    tell_resolved(request, "approved", now_ms);
    return Json{{"requestId", request_id}, {"device", without_tokens(member(paired_, device_id))}};
}

Result<Json> PairingStore::reject(const std::string& request_id, int64_t now_ms) {
    expire(now_ms);
    const auto found = pending_.find(request_id);
    if (found == pending_.end()) return Error{Fault::bad_message, "unknown requestId"};
    const Json request = *found;
    pending_.erase(request_id);
    if (Done done = files_.write("pending.json", pending_); !done) return done.error();
    tell_resolved(request, "rejected", now_ms);
    return Json{{"requestId", request_id}, {"deviceId", text_member(request, "deviceId")}};
}

}  // namespace gateway
