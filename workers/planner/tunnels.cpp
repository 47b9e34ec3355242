#include "workers/planner/tunnels.h"

#include <algorithm>

#include "workers/planner/voice_plan.h"

namespace planner {

namespace {

constexpr const char* voice_place = "plugins.entries.voice-call.config";
constexpr std::string_view tailscale_modes[] = {"serve", "funnel"};
constexpr std::string_view providers[] = {"ngrok", "tailscale-serve", "tailscale-funnel"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class Planning {
  public:
    Planning(const Json& config, const std::string& config_path, const Environment& environment,
             const GatewayFacts& gateway, Notices& notices)
        : config_(config),
          config_path_(config_path),
          environment_(environment),
          gateway_(gateway),
          notices_(notices) {}

    std::optional<PlannedTunnel> plan() {
        for_gateway();
        for_voice();
        if (tunnels_.empty()) return {};
        planned_.config["tunnels"] = std::move(tunnels_);
        for (const char* section : {"logging"})
            if (config_.contains(section)) planned_.config[section] = config_.at(section);
        return std::move(planned_);
    }

  private:
    void for_gateway() {
        const Json& settings = member_at(config_, "gateway.tailscale");
        const std::string mode = text_member(settings, "mode");
        if (!is_one_of(tailscale_modes, mode)) return;
        if (gateway_.bind != "loopback")
            return notices_.error("gateway.tailscale.mode " + mode +
                                  ": tailscale serve/funnel requires gateway bind=loopback "
                                  "(127.0.0.1); nothing is published");
        if (mode == "funnel" && gateway_.auth_mode != "password")
            return notices_.error(
                "gateway.tailscale.mode funnel: tailscale funnel requires gateway auth "
                "mode=password; set gateway.auth.mode and gateway.auth.password. Nothing is "
                "published");
        tunnels_.push_back(
            {{"provider", "tailscale-" + mode}, {"leadsTo", "gateway"}, {"port", gateway_.port}});
        planned_.leads_to_gateway = true;
        add_tailscale_key();
    }

    // publicUrl says where the internet reaches this machine already.
    void for_voice() {
        if (!wants_voice(config_)) return;
        const Json& entry = member(member_at(config_, "plugins.entries"), "voice-call");
        const Json& voice = member(entry, "config");
        if (!text_member(voice, "publicUrl").empty()) return;
        const std::string provider = provider_for(voice);
        if (provider.empty()) return;
        if (text_member(voice, "provider", "mock") == "mock")
            return notices_.error(std::string(voice_place) +
                                  ".tunnel: the mock provider takes calls from anybody and is not "
                                  "reached through a tunnel; set provider");
        if (provider != "ngrok" && planned_.leads_to_gateway)
            return notices_.error(std::string(voice_place) +
                                  ".tunnel: Tailscale publishes the gateway's port already, with "
                                  "the webhooks on it (gateway.tailscale.mode); this second tunnel "
                                  "is not started");
        Json tunnel = {{"provider", provider}, {"leadsTo", "paths"}};
        if (provider == "ngrok")
            add_ngrok(member(voice, "tunnel"), tunnel);
        else
            add_tailscale_key();
        tunnels_.push_back(std::move(tunnel));
        planned_.leads_to_paths = true;
    }

    std::string provider_for(const Json& voice) {
        const std::string provider = text_member(member(voice, "tunnel"), "provider", "none");
        if (is_one_of(providers, provider)) return provider;
        if (provider != "none") {
            notices_.error(std::string(voice_place) +
                           ".tunnel.provider: expected \"none\", \"ngrok\", \"tailscale-serve\" or "
                           "\"tailscale-funnel\"; no tunnel is started");
            return {};
        }
        // The older form.
        const std::string mode = text_member(member(voice, "tailscale"), "mode", "off");
        return is_one_of(tailscale_modes, mode) ? "tailscale-" + mode : "";
    }

    void add_ngrok(const Json& settings, Json& tunnel) {
        std::string domain = text_member(settings, "ngrokDomain");
        if (domain.empty()) domain = environment_.get("NGROK_DOMAIN");
        if (!domain.empty()) tunnel["domain"] = domain;
        for (const char* flag : {"allowNgrokFreeTierLoopbackBypass", "allowNgrokFreeTier"})
            if (bool_member(settings, flag))
                notices_.error(std::string(voice_place) + ".tunnel." + flag +
                               " is ignored: it lets requests without a valid signature in, and "
                               "signatures work through ngrok");
        const std::string name = std::string(voice_place) + ".tunnel.ngrokAuthToken";
        const std::string configured = text_member(settings, "ngrokAuthToken");
        if (!configured.empty())
            planned_.secrets.push_back({name, configured, name + " in " + config_path_});
        else
            add_from_environment(name, "NGROK_AUTHTOKEN");
    }

    void add_tailscale_key() { add_from_environment("TS_AUTHKEY", "TS_AUTHKEY"); }

    void add_from_environment(const std::string& name, std::string_view variable) {
        if (const Environment::Variable* found = environment_.first_of({variable}))
            planned_.secrets.push_back({name, found->value, found->source});
    }

    const Json& config_;
    const std::string& config_path_;
    const Environment& environment_;
    const GatewayFacts& gateway_;
    Notices& notices_;
    Json tunnels_ = Json::array();
    PlannedTunnel planned_;
};

}  // namespace

std::optional<PlannedTunnel> planned_tunnel(const Json& config, const std::string& config_path,
                                            const Environment& environment,
                                            const GatewayFacts& gateway, Notices& notices) {
    return Planning(config, config_path, environment, gateway, notices).plan();
}

}  // namespace planner
