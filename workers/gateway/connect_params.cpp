#include "workers/gateway/connect_params.h"

#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr std::string_view client_ids[] = {
    "webchat-ui",   "openclaw-control-ui", "webchat",   "cli",  "gateway-client", "openclaw-macos",
    "openclaw-ios", "openclaw-android",    "node-host", "test", "fingerprint",    "openclaw-probe",
};
constexpr std::string_view client_modes[] = {"webchat", "cli",   "ui",  "backend",
                                             "node",    "probe", "test"};

constexpr Field client_fields[] = {
    {"id", Kind::text, true, nullptr, client_ids},
    {"displayName", Kind::filled_text},
    {"version", Kind::filled_text, true},
    {"platform", Kind::filled_text, true},
    {"deviceFamily", Kind::filled_text},
    {"modelIdentifier", Kind::filled_text},
    {"mode", Kind::text, true, nullptr, client_modes},
    {"instanceId", Kind::filled_text},
};
constexpr Shape client_shape{client_fields};

constexpr Field device_fields[] = {
    {"id", Kind::filled_text, true},        {"publicKey", Kind::filled_text, true},
    {"signature", Kind::filled_text, true}, {"signedAt", Kind::integer, true, nullptr, {}, 0},
    {"nonce", Kind::filled_text},
};
constexpr Shape device_shape{device_fields};

constexpr Field auth_fields[] = {{"token", Kind::text}, {"password", Kind::text}};
constexpr Shape auth_shape{auth_fields};

constexpr Field connect_fields[] = {
    {"minProtocol", Kind::integer, true, nullptr, {}, 1},
    {"maxProtocol", Kind::integer, true, nullptr, {}, 1},
    {"client", Kind::object, true, &client_shape},
    {"caps", Kind::text_list},
    {"commands", Kind::text_list},
    {"permissions", Kind::boolean_map},
    {"pathEnv", Kind::text},
    {"role", Kind::filled_text},
    {"scopes", Kind::text_list},
    {"device", Kind::object, false, &device_shape},
    {"auth", Kind::object, false, &auth_shape},
    {"locale", Kind::text},
    {"userAgent", Kind::text},
};
constexpr Shape connect_shape{connect_fields};

std::vector<std::string> texts(const Json& list) {
    std::vector<std::string> found;
    for (const Json& entry : list) found.push_back(entry.get<std::string>());
    return found;
}

DeviceProof read_device(const Json& device) {
    DeviceProof proof;
    proof.id = text_member(device, "id");
    proof.public_key = text_member(device, "publicKey");
    proof.signature = text_member(device, "signature");
    proof.signed_at = int_member(device, "signedAt");
    if (const Json& nonce = member(device, "nonce"); nonce.is_string())
        proof.nonce = nonce.get<std::string>();
    return proof;
}

}  // namespace

std::string connect_faults(const Json& params) {
    return faults_of(params, connect_shape);
}

ConnectParams read_connect_params(const Json& params) {
    ConnectParams read;
    read.min_protocol = int_member(params, "minProtocol");
    read.max_protocol = int_member(params, "maxProtocol");
    const Json& client = member(params, "client");
    read.client_id = text_member(client, "id");
    read.client_mode = text_member(client, "mode");
    read.client_version = text_member(client, "version");
    read.platform = text_member(client, "platform");
    read.display_name = text_member(client, "displayName");
    read.device_family = text_member(client, "deviceFamily");
    read.model_identifier = text_member(client, "modelIdentifier");
    read.instance_id = text_member(client, "instanceId");
    read.role = text_member(params, "role", "operator");
    read.scopes = texts(member(params, "scopes"));
    read.caps = texts(member(params, "caps"));
    read.commands = texts(member(params, "commands"));
    read.permissions = member(params, "permissions");
    read.path_env = text_member(params, "pathEnv");
    if (const Json& device = member(params, "device"); device.is_object())
        read.device = read_device(device);
    const Json& auth = member(params, "auth");
    read.token = Secret(text_member(auth, "token"));
    read.password = Secret(text_member(auth, "password"));
    return read;
}

}  // namespace gateway
