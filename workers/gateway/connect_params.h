// The parameters of `connect`: what a client says about itself. Nothing in here is believed; the
// handshake decides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/secret.h"

namespace gateway {

struct DeviceProof {
    std::string id;
    std::string public_key;
    std::string signature;
    int64_t signed_at = 0;
    std::optional<std::string> nonce;
};

struct ConnectParams {
    int64_t min_protocol = 0;
    int64_t max_protocol = 0;
    std::string client_id;
    std::string client_mode;
    std::string client_version;
    std::string platform;
    std::string display_name;
    std::string device_family;
    std::string model_identifier;
    std::string instance_id;
    std::string role = "operator";
    // As asked for; empty means the role's default.
    std::vector<std::string> scopes;
    std::vector<std::string> caps;
    std::vector<std::string> commands;
    Json permissions;
    std::string path_env;
    std::optional<DeviceProof> device;
    Secret token;
    Secret password;

    bool is_control_ui() const { return client_id == "openclaw-control-ui"; }
    bool is_web_chat() const { return client_mode == "webchat" || client_id == "webchat-ui"; }
    bool is_node() const { return role == "node"; }
};

// What is wrong with the parameters; empty when they may be read.
std::string connect_faults(const Json& params);
// Only for parameters without faults.
ConnectParams read_connect_params(const Json& params);

}  // namespace gateway
