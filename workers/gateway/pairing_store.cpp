#include "workers/gateway/pairing_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "workers/common/base/fd.h"
#include "workers/gateway/credentials.h"
#include "workers/gateway/device_identity.h"
#include "workers/gateway/pairing_records.h"

namespace gateway {

namespace {

Done write_synced(const std::string& path, const std::string& text) {
    const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_error("cannot write " + path, errno);
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write " + path, errno);
        written += static_cast<size_t>(count);
    }
    if (fsync(file.get()) != 0) return system_error("cannot sync " + path, errno);
    return {};
}

bool is_table_of_records(const Json& value) {
    return value.is_object() && std::all_of(value.begin(), value.end(),
                                            [](const Json& record) { return record.is_object(); });
}

}  // namespace

PairingStore::PairingStore(std::string directory) : directory_(std::move(directory)) {}

std::vector<std::string> PairingStore::load(int64_t now_ms) {
    std::vector<std::string> problems;
    paired_ = read("paired.json", now_ms, problems);
    pending_ = read("pending.json", now_ms, problems);
    expire(now_ms);
    return problems;
}

Json PairingStore::read(const std::string& name, int64_t now_ms,
                        std::vector<std::string>& problems) const {
    const std::string path = directory_ + "/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) return Json::object();
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> parsed = parse_json(text.str());
    if (parsed && is_table_of_records(*parsed)) return std::move(*parsed);
    const std::string aside = path + ".corrupt-" + std::to_string(now_ms);
    const bool kept = rename(path.c_str(), aside.c_str()) == 0;
    problems.push_back(path + " cannot be read (" +
                       (parsed ? "no table of records" : parsed.error().what) + "); " +
                       (kept ? "kept as " + aside : "it could not be kept aside") +
                       (name == "paired.json" ? "; devices must be paired again"
                                              : "; what waited for approval must ask again"));
    return Json::object();
}

Done PairingStore::write(const std::string& name, const Json& content) const {
    const std::string path = directory_ + "/" + name;
    if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("cannot create " + directory_, errno);
    const std::string fresh = path + ".tmp";
    const std::string text = content.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (Done done = write_synced(fresh, text); !done) return done.error();
    if (rename(fresh.c_str(), path.c_str()) != 0)
        return system_error("cannot replace " + path, errno);
    const Fd directory(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) fsync(directory.get());
    return {};
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
    if (Done done = write("pending.json", pending_); !done) {
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
    return before == *found ? Done{} : write("paired.json", paired_);
}

bool PairingStore::accepts_token(const DeviceClaim& claim, std::string_view token, int64_t now_ms) {
    if (token.empty() || !is_paired(claim)) return false;
    Json& device = paired_[claim.device_id];
    const Json& stored = member(member(device, "tokens"), claim.role);
    const std::string value = text_member(stored, "token");
    const bool accepted = !value.empty() && !is_revoked(stored) && same_secret(value, token) &&
                          covers(scopes_of(stored), claim.scopes);
    // Kept in memory; reaches the disk with the next change.
    if (accepted) device["tokens"][claim.role]["lastUsedAtMs"] = now_ms;
    return accepted;
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
        if (Done done = write("paired.json", paired_); !done) return done.error();
    }
    DeviceToken token;
    token.token = text_member(stored, "token");
    token.role = claim.role;
    token.scopes = sorted(scopes_of(stored));
    token.issued_at_ms = int_member(stored, "rotatedAtMs", int_member(stored, "createdAtMs"));
    return token;
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
    if (Done done = write("paired.json", paired_); !done) {
        // Not granted unless it is on disk.
        if (before.is_object())
            paired_[device_id] = before;
        else
            paired_.erase(device_id);
        return done.error();
    }
    pending_.erase(request_id);
    (void)write("pending.json", pending_);  // what stays there expires by itself
    tell_resolved(request, "approved", now_ms);
    return Json{{"requestId", request_id}, {"device", without_tokens(member(paired_, device_id))}};
}

Result<Json> PairingStore::reject(const std::string& request_id, int64_t now_ms) {
    expire(now_ms);
    const auto found = pending_.find(request_id);
    if (found == pending_.end()) return Error{Fault::bad_message, "unknown requestId"};
    const Json request = *found;
    pending_.erase(request_id);
    if (Done done = write("pending.json", pending_); !done) return done.error();
    tell_resolved(request, "rejected", now_ms);
    return Json{{"requestId", request_id}, {"deviceId", text_member(request, "deviceId")}};
}

}  // namespace gateway
