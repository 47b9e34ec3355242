// The agent: sessions, model calls and commands; owns agents/ and holds the model keys.

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "workers/agent/channels/channels.h"
#include "workers/agent/command_approvals.h"
#include "workers/agent/cron/cron.h"
#include "workers/agent/cron_settings.h"
#include "workers/agent/embedded_store.h"
#include "workers/agent/front_desk.h"
#include "workers/agent/gateway_link.h"
#include "workers/agent/gauges.h"
#include "workers/agent/housekeeping.h"
#include "workers/agent/message_tool.h"
#include "workers/agent/models_adapter.h"
#include "workers/agent/tool_desk.h"
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

Secret search_key(const Worker& self, const Json& config) {
    const SearchService* service = search_service(config);
    return service ? self.secret(std::string(service->secret)) : Secret();
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

Done open_channel(Worker& self, const ChannelAccount& name, Channels& channels) {
    if (!self.has_link(name.worker())) return {};
    auto link = self.open_link(name.worker());
    if (!link) return link.error();
    channels.add(name, std::move(*link));
    return {};
}

// The accounts for which the plan has a process, and by that a link.
Done open_channels(Worker& self, const Json& accounts, Channels& channels) {
    if (const Done done = open_channel(self, {voice_channel, "default"}, channels); !done)
        return done;
    if (!accounts.is_object()) return {};
    for (const auto& [channel, summary] : accounts.items())
        for (const auto& [account, facts] : member(summary, "accounts").items()) {
            if (channel == voice_channel) continue;
            if (const Done done = open_channel(self, {channel, account}, channels); !done)
                return done;
        }
    return {};
}

void follow_tools(const Worker& self, ToolsLink& tools) {
    for (const Worker::Status& worker : self.workers())
        if (worker.name() == "tools")
            tools.peer_is(worker.incarnation(), worker.state() == Worker::Status::READY ||
                                                    worker.state() == Worker::Status::STARTING ||
                                                    worker.state() == Worker::Status::STOPPING);
}

// A command's question goes to the owner's clients, their word back to it.
void connect_approvals(ToolsLink& tools, GatewayLink& gateway, CommandApprovals& approvals) {
    tools.on_approval_wanted(
        [&](uint64_t call, const Json& request) { approvals.wanted(call, request); });
    gateway.on_approval([&](uint64_t call, const std::string& decision) {
        approvals.decided(call);
        tools.answer_approval(call, decision);
    });
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
    AgentConfig config(*json, variable("HOME"));
    const Json accounts = member(*json, "channelAccounts");
    Models models(self.loop(), {std::move(*json), model_keys(self), ".", config.default_agent(),
                                certificate_file()});
    ModelsAdapter starter(models);

    auto store = EmbeddedStore::open(self.loop(),
                                     {".", self.settings().state_dir(), config.keys(), wall_ms});
    if (!store) return store.error();
    MovedGroups moved_groups(**store, config);
    if (const Done done = moved_groups.recover(); !done) return done.error();
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
    TurnEvents events(gateway);
    Result<std::unique_ptr<Link>> tools_worker = self.open_link("tools");
    ToolsLink remote_tools(self.loop(), tools_worker ? std::move(*tools_worker) : nullptr, config,
                           self.settings().state_dir());
    self.on_workers_changed([&] { follow_tools(self, remote_tools); });
    OwnTools own_tools(self.loop());
    const Json& search_config = member_at(config.json(), "tools.web.search");
    WebSearch search(self.loop(), {search_config, search_key(self, search_config),
                                   certificate_file(), variable("HARDSHELL_SEARCH_API_URL")});
    ToolDesk tools(self.loop(), config, own_tools, remote_tools, search);
    tools.offer_voice(self.has_link(voice_channel));
    Runs runs({self.loop(), **store, starter, events, config, system_events, wall_ms, monotonic_ms,
               count, &tools});
    const auto list_models = [&] { return models.list(); };
    CommandApprovals approvals(
        [&](uint64_t call, const Json& request) { gateway.ask_approval(call, request); },
        [&](const std::string& id, const std::string& decision, const std::string& by) {
            return gateway.resolve_approval(id, decision, by);
        },
        wall_ms);
    FrontDesk desk({runs, **store, starter, config, list_models, wall_ms,
                    self.settings().state_dir(), &tools, &approvals});
    Channels channels({self.loop(), **store, (*store)->channels(), runs, desk, config, moved_groups,
                       system_events, events, wall_ms, accounts});
    desk.use_pairing(&channels.pairing());
    if (const Done done = open_channels(self, accounts, channels); !done) return done.error();
    const Result<Runs::Recovered> recovered = runs.recover();
    if (!recovered) return recovered.error();
    if (recovered->all() > 0)
        log_warn(
            "{} interrupted by the last end of this process: {} had been answered, {} begin "
            "again, {} are given up",
            recovered->all() == 1 ? "1 run was" : fmt::format("{} runs were", recovered->all()),
            recovered->answered, recovered->resumed, recovered->given_up);
    TimeZones zones(TimeZones::usual_module());
    Heartbeats heartbeats({self.loop(), **store, runs, starter, gateway, config, system_events,
                           zones, wall_ms, &channels});
    Cron cron({self.loop(), **store, runs, starter, gateway, config, system_events, heartbeats,
               zones, wall_ms, &channels},
              cron_options(config, self.settings().state_dir(), variable("OPENCLAW_SKIP_CRON")));
    if (const Done done = heartbeats.start(); !done) return done.error();
    if (const Done done = channels.start(); !done) return done.error();
    if (const Done done = heartbeats.recover(); !done) return done.error();
    cron.start();
    const Gauges gauges(self.loop(), self.board(), {runs, channels.outbox(), channels.turns()});
    const Housekeeping housekeeping({self.loop(),
                                     self.board(),
                                     (*store)->channels(),
                                     wall_ms,
                                     ".",
                                     {},
                                     workspace_folders(config, self.settings().state_dir())});
    Methods methods({runs, **store, starter, gateway, config, system_events, heartbeats, cron, desk,
                     list_models, wall_ms, self.settings().state_dir(), &channels, &tools});
    MessageTool messages(self.loop(), **store, config, channels, self.settings().state_dir());
    own_tools.serve(methods, &messages, store->get());
    if (const Done done = own_tools.recover(); !done) return done.error();
    connect_approvals(remote_tools, gateway, approvals);
    remote_tools.on_process_ended([&](const std::string& session, const std::string& summary) {
        if (const auto key = canonical_key(session, config.keys()); key)
            system_events.add(*key, summary, wall_ms());
    });
    const auto changes =
        (*store)->on_changed([&](const SessionStore::Change&) { gateway.state_changed(); });
    gateway.serve(methods);
    channels.on_report_changed([&] { gateway.tell_channels(channels.report()); });
    gateway.tell_channels(channels.report());

    self.on_stop([&](const hardshell::proto::Stop& stop) {
        channels.stop_taking();
        runs.drain(time_to_finish(stop), [&] {
            (*store)->close();
            self.loop().stop(0);
        });
    });
    self.on_shed([&] {
        (*store)->release_memory();
        methods.release_memory();
    });
    log_info("agent model: {}", models.candidates_for(config.default_agent()).front().full());
    self.ready();
    self.loop().run();
    gateway.stop_serving();
    own_tools.stop_serving();
    return {};
}

}  // namespace agent

int main() {
    return run_worker(make_epoll_loop(), agent::run);
}
