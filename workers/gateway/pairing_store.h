// Paired devices and requests to be paired: devices/paired.json and devices/pending.json, in
// OpenClaw's format. The gateway is their only writer.
//
// Every change is on disk, whole and synced, before it is acted upon. A file that cannot be read is
// kept aside and an empty one begun; members we do not know are kept.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/common/base/secret.h"
#include "workers/gateway/record_files.h"

namespace gateway {

// What a device with a valid signature asks for.
struct DeviceClaim {
    std::string device_id;
    std::string public_key;  // base64url
    std::string display_name;
    std::string platform;
    std::string client_id;
    std::string client_mode;
    std::string role;
    std::vector<std::string> scopes;
    std::string remote_ip;
};

struct DeviceToken {
    std::string token;
    std::string role;
    std::vector<std::string> scopes;  // sorted
    int64_t issued_at_ms = 0;
};

// Every entry of `asked` is in `granted`.
bool covers(const std::vector<std::string>& granted, const std::vector<std::string>& asked);

class PairingStore {
  public:
    static constexpr int64_t request_life_ms = 300'000;
    static constexpr size_t most_requests = 64;
    using Listener = std::function<void(const std::string& event, const Json& payload)>;

    // `directory` is created when it is first written to.
    explicit PairingStore(std::string directory);

    // What was wrong with the files, one sentence each; empty when nothing was.
    std::vector<std::string> load(int64_t now_ms);

    // Told of "device.pair.requested" and "device.pair.resolved" with their payloads.
    void on_event(Listener listener) { on_event_ = std::move(listener); }

    // Paired with that key, for that role, with at least those scopes.
    bool is_paired(const DeviceClaim& claim) const;
    // Asks the owner; the request's id. A request that asks for the same is used again; one that
    // asks for something else takes its place. out_of_room when too many wait.
    Result<std::string> request(const DeviceClaim& claim, bool silent, int64_t now_ms);
    // The claim's metadata becomes the device's.
    Done remember(const DeviceClaim& claim);

    // Paired with that key, whatever for.
    bool knows(const std::string& device_id, const std::string& public_key) const;
    // The scopes of the device's token of that role; nothing when this is not the token, or it was
    // revoked, or the device has another key.
    std::optional<std::vector<std::string>> scopes_of_token(const std::string& device_id,
                                                            const std::string& public_key,
                                                            const std::string& role,
                                                            const Secret& token) const;
    // Kept in memory; reaches the disk with the next change.
    void token_was_used(const std::string& device_id, const std::string& role, int64_t now_ms);
    // The existing token when it covers the scopes, else a new one.
    Result<DeviceToken> token_for(const DeviceClaim& claim, int64_t now_ms);

    // {pending, paired}, without any token.
    Json list(int64_t now_ms);
    // Whether that request asks for no scope beyond these; true when there is no such request.
    bool grants_at_most(const std::string& request_id,
                        const std::vector<std::string>& scopes) const;
    // bad_message when there is no such request.
    Result<Json> approve(const std::string& request_id, int64_t now_ms);
    Result<Json> reject(const std::string& request_id, int64_t now_ms);

    // A new token in place of the one of that role, with the scopes given, else those of the old
    // one. bad_message when there is no such device or role, or when the scopes go beyond what the
    // device was approved for.
    Result<DeviceToken> rotate(const std::string& device_id, const std::string& role,
                               const std::optional<std::vector<std::string>>& scopes,
                               int64_t now_ms);
    // When it was revoked. bad_message when there is no such device or token.
    Result<int64_t> revoke(const std::string& device_id, const std::string& role, int64_t now_ms);
    // The name that the owner gives it; the device's own no longer replaces it.
    Done rename(const std::string& device_id, const std::string& name);
    // The records of devices paired for that role.
    std::vector<Json> devices_of_role(const std::string& role) const;

  private:
    // Changes a paired device, on disk too, or not at all.
    Done change(const std::string& device_id, const std::function<void(Json&)>& how);
    void expire(int64_t now_ms);
    void tell(const std::string& event, const Json& payload) const;
    void tell_resolved(const Json& request, const char* decision, int64_t now_ms) const;

    RecordFiles files_;
    Json paired_ = Json::object();
    Json pending_ = Json::object();
    Listener on_event_;
};

}  // namespace gateway
