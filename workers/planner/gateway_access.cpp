#include "workers/planner/gateway_access.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "workers/common/base/paths.h"
#include "workers/planner/last_good.h"

namespace planner {

namespace {

using hardshell::proto::Address;

constexpr std::string_view bind_modes[] = {"loopback", "lan", "tailnet", "auto", "custom"};

// 0: no port.
uint32_t port_in(const std::string& text) {
    uint32_t port = 0;
    const char* const end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, port);
    return done.ec == std::errc{} && done.ptr == end && port <= 65535 ? port : 0;
}

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Address address(const std::string& ip, uint32_t port) {
    Address made;
    made.set_ip(ip);
    made.set_port(port);
    return made;
}

std::vector<Address> loopback(uint32_t port) {
    Address six = address("::1", port);
    six.set_optional(true);
    return {address("127.0.0.1", port), six};
}

std::vector<Address> every_interface(uint32_t port) {
    Address six = address("::", port);
    six.set_dual_stack(true);
    return {six};
}

bool is_address(const std::string& text) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

std::vector<Address> custom(uint32_t port, const Json& config, Notices& notices) {
    const std::string host = text_member(member(config, "gateway"), "customBindHost");
    if (is_address(host)) return {address(host, port)};
    notices.warning(
        "bind \"custom\" needs gateway.customBindHost with a numeric address; the "
        "gateway listens on 0.0.0.0");
    return {address("0.0.0.0", port)};
}

std::vector<Address> on_tailnet(uint32_t port, const std::string& tailnet, Notices& notices) {
    if (!tailnet.empty()) return {address(tailnet, port)};
    notices.warning(
        "bind \"tailnet\": no interface has an address in 100.64.0.0/10; the gateway "
        "listens on loopback only");
    return loopback(port);
}

// The first of the places that has one, or an empty value.
FoundSecret first_secret(const std::string& name, const std::string& flag_value,
                         const std::string& flag_name, const Json& config,
                         const std::string& config_path, const Environment::Variable* variable) {
    const std::string from_config =
        trimmed(text_member(member_at(config, "gateway.auth"), name.substr(name.rfind('.') + 1)));
    if (const std::string value = trimmed(flag_value); !value.empty())
        return {name, value, "option " + flag_name};
    if (!from_config.empty()) return {name, from_config, name + " in " + config_path};
    if (variable && !trimmed(variable->value).empty())
        return {name, trimmed(variable->value), variable->source};
    return {name, "", ""};
}

FoundSecret made_token(const std::string& state_dir, Notices& notices) {
    GeneratedToken token = generated_gateway_token(state_dir);
    const std::string file = paths::generated_token_file(state_dir);
    if (!token.kept)
        notices.warning(
            "the gateway token that was made because none is configured cannot be "
            "kept, so it changes with every start: " +
            token.kept.error().what);
    else if (token.is_new)
        notices.info("no gateway token is configured: one was made and is kept in " + file +
                     "; `hardshell dashboard` shows it");
    return {"gateway.auth.token", token.value, token.kept ? file : paths::token_of_this_start};
}

std::string asked_mode(const GatewayFlags& flags, const Json& config, Notices& notices) {
    if (flags.auth == "token" || flags.auth == "password") return flags.auth;
    if (!flags.auth.empty())
        notices.warning("--auth: expected token or password; the option is ignored");
    return text_member(member_at(config, "gateway.auth"), "mode");
}

}  // namespace

uint32_t gateway_port(const GatewayFlags& flags, const Environment& environment, const Json& config,
                      Notices& notices) {
    struct Candidate {
        std::string text;
        std::string name;
    };
    const Candidate candidates[] = {
        {flags.port, "option --port"},
        {environment.get("OPENCLAW_GATEWAY_PORT"), "environment variable OPENCLAW_GATEWAY_PORT"},
        {environment.get("CLAWDBOT_GATEWAY_PORT"), "environment variable CLAWDBOT_GATEWAY_PORT"},
    };
    for (const Candidate& candidate : candidates) {
        if (candidate.text.empty()) continue;
        if (const uint32_t port = port_in(trimmed(candidate.text)); port > 0) return port;
        notices.warning(candidate.name + ": expected a number from 1 to 65535, received \"" +
                        candidate.text.substr(0, 20) + "\"; it is ignored");
    }
    return static_cast<uint32_t>(
        int_member(member(config, "gateway"), "port", default_gateway_port));
}

std::string gateway_bind(const GatewayFlags& flags, const Json& config, Notices& notices) {
    if (std::find(std::begin(bind_modes), std::end(bind_modes), flags.bind) != std::end(bind_modes))
        return flags.bind;
    if (!flags.bind.empty())
        notices.warning(
            "--bind: expected loopback, lan, tailnet, auto or custom; the option is "
            "ignored");
    return text_member(member(config, "gateway"), "bind", "loopback");
}

std::string tailnet_address() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return "";
    std::string found;
    for (const ifaddrs* entry = list; entry && found.empty(); entry = entry->ifa_next) {
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET) continue;
        const auto* four = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
        const uint32_t bits = ntohl(four->sin_addr.s_addr);
        char text[INET_ADDRSTRLEN];
        if ((bits & 0xFFC00000u) == 0x64400000u &&
            inet_ntop(AF_INET, &four->sin_addr, text, sizeof text))
            found = text;
    }
    ::freeifaddrs(list);
    return found;
}

std::vector<Address> gateway_addresses(const std::string& bind, uint32_t port, const Json& config,
                                       const std::string& tailnet, Notices& notices) {
    if (bind == "lan") return every_interface(port);
    if (bind == "custom") return custom(port, config, notices);
    if (bind == "tailnet") return on_tailnet(port, tailnet, notices);
    return loopback(port);  // "loopback" and "auto"
}

GatewayAuth gateway_auth(const GatewayFlags& flags, const Environment& environment,
                         const Json& config, const std::string& config_path,
                         const std::string& state_dir, Notices& notices) {
    const auto option = [&](const std::string& flag, std::string_view carried_as) {
        return flag.empty() ? environment.get(carried_as) : flag;
    };
    FoundSecret token = first_secret(
        "gateway.auth.token", option(flags.token, "HARDSHELL_TOKEN_OPTION"), "--token", config,
        config_path, environment.first_of({"OPENCLAW_GATEWAY_TOKEN", "CLAWDBOT_GATEWAY_TOKEN"}));
    FoundSecret password = first_secret(
        "gateway.auth.password", option(flags.password, "HARDSHELL_PASSWORD_OPTION"), "--password",
        config, config_path,
        environment.first_of({"OPENCLAW_GATEWAY_PASSWORD", "CLAWDBOT_GATEWAY_PASSWORD"}));
    std::string asked = asked_mode(flags, config, notices);
    if (asked == "password" && password.value.empty()) {
        notices.warning(
            "gateway.auth.mode is \"password\" but there is no password: set "
            "OPENCLAW_GATEWAY_PASSWORD or gateway.auth.password; a token is asked for "
            "until then");
        asked = "token";
    }
    GatewayAuth auth;
    auth.mode = !asked.empty() ? asked : password.value.empty() ? "token" : "password";
    if (asked != "token" && !password.value.empty()) auth.secrets.push_back(std::move(password));
    if (token.value.empty() && auth.mode == "token") token = made_token(state_dir, notices);
    if (asked != "password" && !token.value.empty()) auth.secrets.push_back(std::move(token));
    return auth;
}

}  // namespace planner
