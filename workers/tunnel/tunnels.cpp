#include "workers/tunnel/tunnels.h"

#include <algorithm>

#include "workers/common/log.h"
#include "workers/tunnel/child.h"
#include "workers/tunnel/ngrok.h"
#include "workers/tunnel/tailscale.h"

namespace tunnel {

namespace {

constexpr const char* folder = "tunnel";
// What the vendors' programs may know of the environment, besides what they are given here.
constexpr const char* passed_on[] = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",      "https_proxy",
                                     "http_proxy",  "no_proxy",   "SSL_CERT_FILE", "TZ"};

std::string one_of(const std::map<std::string, std::string>& variables, const char* name,
                   const std::string& otherwise = {}) {
    const auto found = variables.find(name);
    return found == variables.end() || found->second.empty() ? otherwise : found->second;
}

}  // namespace

Tunnels::Tunnels(Parts parts) : parts_(std::move(parts)) {
    const auto& wanted = parts_.settings.tunnels;
    states_.resize(wanted.size());
    const auto to_paths = std::find_if(wanted.begin(), wanted.end(),
                                       [](const auto& tunnel) { return !tunnel.leads_to_gateway; });
    if (to_paths != wanted.end()) spoken_of_ = static_cast<size_t>(to_paths - wanted.begin());
}

ProviderParts Tunnels::parts_for(const TunnelSettings& wanted, size_t number) {
    ProviderParts made{.loop = parts_.loop};
    made.port = wanted.leads_to_gateway ? wanted.port : parts_.paths_port;
    made.path = one_of(parts_.environment, "HARDSHELL_TUNNEL_PATH", usual_path);
    made.folder = folder;
    made.absolute_folder = parts_.state_dir + "/" + folder;
    made.loopback_is_shared = parts_.settings.loopback_is_shared;
    made.environment = {{"PATH", usual_path}, {"LANG", "C.UTF-8"}, {"HOME", made.absolute_folder}};
    for (const char* name : passed_on)
        if (std::string value = one_of(parts_.environment, name); !value.empty())
            made.environment[name] = std::move(value);
    made.events.changed = [this, number](const TunnelState& state) { changed(number, state); };
    made.events.fatal = [this, number](const Error& error) { gave_up(number, error); };
    return made;
}

std::unique_ptr<Provider> Tunnels::make(const TunnelSettings& wanted, size_t number) {
    ProviderParts made = parts_for(wanted, number);
    if (wanted.provider == "ngrok") {
        made.secret = parts_.ngrok_token;
        return std::make_unique<Ngrok>(std::move(made), wanted.domain);
    }
    made.secret = parts_.tailscale_key;
    const auto mode =
        wanted.provider == "tailscale-funnel" ? Tailscale::Mode::funnel : Tailscale::Mode::serve;
    const std::string name = one_of(parts_.environment, "TS_HOSTNAME",
                                    one_of(parts_.environment, "FLY_APP_NAME", "hardshell"));
    return std::make_unique<Tailscale>(std::move(made), mode,
                                       one_of(parts_.environment, "TS_SOCKET"), name);
}

void Tunnels::start() {
    for (size_t number = 0; number < parts_.settings.tunnels.size(); ++number)
        providers_.push_back(make(parts_.settings.tunnels[number], number));
    changed(spoken_of_, {hardshell::proto::PublicUrl::DOWN, {}, "it is being started"});
    for (const auto& provider : providers_) provider->start();
}

void Tunnels::changed(size_t number, const TunnelState& state) {
    states_[number] = state;
    hardshell::proto::PublicUrl url;
    url.set_state(states_[spoken_of_].state);
    url.set_url(states_[spoken_of_].url);
    url.set_problem(problems());
    url.set_provider(parts_.settings.tunnels[spoken_of_].provider);
    parts_.publish(url);
}

std::string Tunnels::problems() const {
    std::string text = states_[spoken_of_].problem;
    for (size_t number = 0; number < states_.size(); ++number) {
        const TunnelState& other = states_[number];
        if (number == spoken_of_ || other.problem.empty()) continue;
        text += (text.empty() ? "" : "; ") + parts_.settings.tunnels[number].provider +
                " does not lead to the gateway: " + other.problem;
    }
    return text;
}

void Tunnels::gave_up(size_t number, const Error& error) {
    failure_.fault = error.fault;
    failure_.what += (failure_.what.empty() ? "" : "; ") + error.what;
    if (++given_up_ == providers_.size()) return parts_.fatal(failure_);
    log_error("the tunnel by {} is given up, the other goes on: {}",
              parts_.settings.tunnels[number].provider, error.what);
    changed(number, {hardshell::proto::PublicUrl::DOWN, {}, error.what});
    providers_[number]->stop([] {});
}

void Tunnels::stop(std::function<void()> done) {
    to_stop_ = providers_.size();
    if (to_stop_ == 0) return parts_.loop.soon(std::move(done));
    for (const auto& provider : providers_)
        provider->stop([this, done] {
            if (--to_stop_ == 0) parts_.loop.soon(done);
        });
}

}  // namespace tunnel
