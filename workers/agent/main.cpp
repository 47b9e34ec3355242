// The agent: sessions, model calls and commands; owns agents/ and holds the model keys.

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "workers/agent/embedded_store.h"
#include "workers/agent/gateway_link.h"
#include "workers/agent/models_adapter.h"
#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/common/run_worker.h"

namespace agent {

namespace {

// Left of a stop's budget for writing down what did not finish.
constexpr int64_t stop_reserve_ms = 500;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// "models.providers.anthropic.apiKey" is the key of anthropic.
std::map<std::string, Secret> model_keys(const Worker& self) {
    constexpr std::string_view prefix = "models.providers.";
    constexpr std::string_view ending = ".apiKey";
    std::map<std::string, Secret> keys;
    for (auto& [name, secret] : self.secrets_under(std::string(prefix)))
        if (name.ends_with(ending) && name.size() > prefix.size() + ending.size())
            keys[name.substr(prefix.size(), name.size() - prefix.size() - ending.size())] = secret;
    return keys;
}

std::string certificate_file() {
    const std::string file = variable("NODE_EXTRA_CA_CERTS");
    return file.empty() ? variable("SSL_CERT_FILE") : file;
}

Result<Json> configuration(const Worker& self) {
    const std::string& text = self.settings().config_json();
    if (text.empty()) return Json::object();
    Result<Json> config = parse_json(text);
    if (!config)
        return Error{Fault::bad_config,
                     "the configuration could not be read: " + config.error().what};
    return config;
}

std::chrono::milliseconds time_to_finish(const hardshell::proto::Stop& stop) {
    const int64_t budget = stop.budget_ms();
    return std::chrono::milliseconds(std::max<int64_t>(budget - stop_reserve_ms, budget / 2));
}

}  // namespace

Done run(Worker& self) {
    tzset();
    Result<Json> json = configuration(self);
    if (!json) return json.error();
    const AgentConfig config(*json, variable("HOME"));
    Models models(self.loop(), {std::move(*json), model_keys(self), certificate_file()});
    ModelsAdapter starter(models);

    auto store = EmbeddedStore::open(self.loop(),
                                     {".", self.settings().state_dir(), config.keys(), wall_ms});
    if (!store) return store.error();
    auto link = self.open_link("gateway");
    if (!link) return link.error();
    GatewayLink gateway(std::move(*link));

    const auto count = [&](Counter counter, int64_t amount) {
        const Link::Counts counts = gateway.link().counts();
        self.board().add(counter, amount);
        self.board().set(Counter::link_queue, static_cast<int64_t>(gateway.link().waiting()));
        self.board().set(Counter::link_frames_dropped,
                         static_cast<int64_t>(counts.stale + counts.malformed + counts.refused));
    };
    SystemEvents system_events;
    Runs runs({self.loop(), **store, starter, gateway, config, system_events, wall_ms, monotonic_ms,
               count});
    const Result<Runs::Recovered> recovered = runs.recover();
    if (!recovered) return recovered.error();
    if (recovered->all() > 0)
        log_warn(
            "{} interrupted by the last end of this process: {} had been answered, {} begin "
            "again, {} are given up",
            recovered->all() == 1 ? "1 run was" : fmt::format("{} runs were", recovered->all()),
            recovered->answered, recovered->resumed, recovered->given_up);
    Methods methods({runs, **store, starter, gateway, config, system_events,
                     [&] { return models.list(); }, wall_ms, self.settings().state_dir()});
    gateway.serve(methods);

    self.on_stop([&](const hardshell::proto::Stop& stop) {
        runs.drain(time_to_finish(stop), [&] {
            (*store)->close();
            self.loop().stop(0);
        });
    });
    self.on_shed([&] { (*store)->release_memory(); });
    log_info("agent model: {}", models.candidates_for(config.default_agent()).front().full());
    self.ready();
    self.loop().run();
    gateway.stop_serving();
    return {};
}

}  // namespace agent

int main() {
    return run_worker(make_epoll_loop(), agent::run);
}
