#include "workers/gateway/gateway.h"

#include <malloc.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/common/routes/path_door.h"
#include "workers/common/uv_loop.h"
#include "workers/gateway/agent_gate.h"
#include "workers/gateway/board_pages.h"
#include "workers/gateway/config_gate.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/health_keeper.h"
#include "workers/gateway/http_desk.h"
#include "workers/gateway/hub.h"
#include "workers/gateway/kept_answers.h"
#include "workers/gateway/log_gate.h"
#include "workers/gateway/log_text.h"
#include "workers/gateway/metrics.h"
#include "workers/gateway/supervisor_gate.h"
#include "workers/gateway/voice_wake.h"
#include "workers/gateway/web_server.h"
#include "workers/gateway/worker_board.h"

using hardshell::proto::ClientEvent;
using hardshell::proto::Stop;

namespace gateway {

namespace {

constexpr std::chrono::milliseconds tick_period{30'000};
constexpr int restart_expected_ms = 1500;
constexpr std::chrono::milliseconds longest_farewell{1000};
// Ten thousand clients and some room. Not all that is allowed: libwebsockets keeps tables for as
// many connections as there may be descriptors.
constexpr rlim_t most_descriptors = 12'288;

class AgentLink final : public AgentChannel {
  public:
    // What was asked of a dead agent has been answered for it: the next one must not carry it out.
    explicit AgentLink(Link& link) : link_(link) { link_.send_to_known_life_only(); }
    Done send(const google::protobuf::MessageLite& message) override { return link_.send(message); }
    void forget_peer(uint64_t incarnation) override { link_.peer_is(incarnation + 1, true); }

  private:
    Link& link_;
};

std::string environment(const Worker& self, const char* name) {
    const auto& variables = self.settings().environment();
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
}

// `seconds` is the owner's wish, or empty.
Patience patience_of(const std::string& seconds) {
    Patience patience;
    if (seconds.empty()) return patience;
    int count = 0;
    const char* end = seconds.data() + seconds.size();
    const auto read = std::from_chars(seconds.data(), end, count);
    if (read.ec == std::errc() && read.ptr == end && count >= 1 && count <= 3600)
        patience.until_asked = std::chrono::seconds(count);
    else
        log_warn(
            "HARDSHELL_PING_AFTER_S is {}, which is no number of seconds from 1 to 3600; {} s "
            "apply",
            log_safe(seconds, 40), patience.until_asked.count() / 1000);
    return patience;
}

std::string host_name() {
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "localhost";
}

Result<GatewaySettings> settings_of(const Worker& self) {
    Json config;
    if (!self.settings().config_json().empty()) {
        Result<Json> parsed = parse_json(self.settings().config_json());
        if (!parsed)
            return Error{Fault::bad_config, "the gateway's part of the configuration is no JSON: " +
                                                parsed.error().what};
        config = std::move(*parsed);
    }
    GatewaySettings settings =
        read_gateway_settings(config, !self.secret("gateway.auth.password").empty());
    settings.config_path = self.settings().config_path();
    settings.state_dir = self.settings().state_dir();
    settings.bind = self.settings().bind();
    settings.port = self.settings().port();
    settings.degraded = self.settings().degraded();
    settings.volume = self.volume();
    settings.version = environment(self, "OPENCLAW_VERSION");
    if (settings.version.empty()) settings.version = HARDSHELL_VERSION;
    settings.commit = environment(self, "GIT_COMMIT");
    settings.fly_app = environment(self, "FLY_APP_NAME");
    settings.echo_path = environment(self, "HARDSHELL_ECHO_PATH");
    settings.tailscaled_socket = environment(self, "TS_SOCKET");
    if (settings.tailscaled_socket.empty()) settings.tailscaled_socket = default_tailscaled_socket;
    settings.host = host_name();
    if (const std::string root = environment(self, "HARDSHELL_CONTROL_UI_ROOT"); !root.empty()) {
        settings.page_root = root;
        settings.page_root_source = "HARDSHELL_CONTROL_UI_ROOT";
    }
    return settings;
}

void set_descriptors() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min(limit.rlim_max, most_descriptors);
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::string shown_address(const GatewaySettings& settings) {
    const bool all =
        settings.bind == "lan" || settings.bind == "auto" || settings.bind == "0.0.0.0";
    return std::string(all ? "0.0.0.0" : "127.0.0.1") + ":" + std::to_string(settings.port);
}

std::string shutdown_payload(const Stop& stop) {
    Json payload = {{"reason", stop.reason().empty() ? "gateway stopping" : stop.reason()},
                    {"restartExpectedMs", nullptr}};
    if (stop.will_restart()) payload["restartExpectedMs"] = restart_expected_ms;
    return print_json(payload);
}

void count_link(BoardPage& board, const Link& link) {
    const Link::Counts counts = link.counts();
    board.set(Counter::link_queue, static_cast<int64_t>(link.waiting()));
    board.set(Counter::link_frames_dropped,
              static_cast<int64_t>(counts.stale + counts.malformed + counts.refused));
}

void relay_event(Hub& hub, const ClientEvent& event) {
    const bool known =
        hub.broadcast(event.event(), event.payload_json(), {.droppable = event.drop_if_slow()});
    if (!known) log_warn("the agent sent an event that no client knows: {}", event.event());
}

void answer_owner(FrontDesk& desk, const hardshell::proto::OwnerRequest& request,
                  const Worker::OwnerAnswer& answer) {
    const auto answer_with = [answer](const PairingMethods::Outcome& outcome) {
        hardshell::proto::OwnerResult result;
        if (const Failure* failure = std::get_if<Failure>(&outcome))
            result.set_error(failure->message);
        else
            result.set_payload_json(print_json(std::get<Json>(outcome)));
        answer(std::move(result));
    };
    const Result<Json> params = parse_json(request.params_json());
    if (!params)
        return answer_with(invalid_request("the parameters are no JSON: " + params.error().what));
    desk.take_from_owner(request.method(), *params, answer_with);
}

// Where that worker takes requests. One that is down for a moment finds them when it is back; one
// that is held or stopped would not.
std::string stream_to_running(const Worker& self, const std::string& name) {
    const WorkerState* worker = find_worker(self.workers(), name);
    const bool is_away =
        !worker || worker->state() == WorkerState::HELD || worker->state() == WorkerState::STOPPED;
    return is_away ? "" : self.stream_to(name);
}

void announce_lost(Hub& hub, const OpenRun& run) {
    hub.broadcast("agent", lost_agent_event(run, wall_ms()));
    hub.broadcast("chat", lost_chat_event(run));
}

}  // namespace

Done run(Worker& self) {
    auto* loop = dynamic_cast<UvLoop*>(&self.loop());
    if (!loop || sodium_init() < 0)
        return Error{Fault::system, "the gateway's loop or cryptography cannot be used"};
    set_descriptors();
    Result<GatewaySettings> settings = settings_of(self);
    if (!settings) return settings.error();
    const SharedAuth auth(settings->auth_mode, self.secret("gateway.auth.token"),
                          self.secret("gateway.auth.password"));
    if (!auth.configured())
        return Error{Fault::bad_config, settings->auth_mode == AuthMode::password
                                            ? "gateway.auth.mode is password, but no password is "
                                              "known; set gateway.auth.password"
                                            : "no gateway token is known; set gateway.auth.token "
                                              "or OPENCLAW_GATEWAY_TOKEN"};
    PairingStore pairing("devices");
    for (const std::string& problem : pairing.load(wall_ms())) log_error("{}", problem);
    NodeStore nodes("nodes");
    for (const std::string& problem : nodes.load(wall_ms())) log_error("{}", problem);

    auto link = self.open_link("agent");
    if (!link) return link.error();
    BodyBudget bodies;
    AgentLink channel(**link);
    AgentGate agent(*loop, channel);
    KeptAnswers kept(agent);
    const auto workers = [&self]() -> const WorkerStates& { return self.workers(); };
    Hub hub(settings->host, settings->version);
    HealthKeeper health(*loop, agent, *settings, workers);
    TailscaleIdentity tailscale(*loop, settings->tailscaled_socket);
    ConfigGate config(*loop, [&self](const auto& call) { return self.ask_config(call); });
    self.on_config_answer([&](const auto& answer) { config.take(answer); });
    LogGate log(*loop, [&self](const auto& query) { return self.ask_log(query); });
    self.on_log_answer([&](const auto& answer) { log.take(answer); });
    SupervisorGate supervisor(*loop,
                              [&self](const auto& call) { return self.ask_supervisor(call); });
    self.on_supervisor_answer([&](const auto& answer) { supervisor.take(answer); });
    BoardPages pages(self);
    WorkerBoard worker_board(workers, [&](const std::string& name) { return pages.of(name); });
    VoiceWake voice_wake("settings");
    AttemptLimiter limiter;
    FrontDesk desk({*loop, *settings, auth, limiter, pairing, nodes, tailscale, hub, agent, kept,
                    config, log, voice_wake, health, self.board(), workers, supervisor,
                    worker_board});

    OwnReadiness own{.volume = &settings->volume};
    const auto readiness = [&] {
        Readiness now = readiness_of(self.workers(), own);
        own.has_started = own.has_started || now.started;
        return now;
    };
    std::string known_states;
    const auto facts = [&] { return HttpFacts{readiness(), !settings->degraded.empty()}; };
    const SharedAuth hook_auth(AuthMode::token, self.secret("hooks.token"), {});
    std::vector<std::string> problems;
    const ResponseIds response_ids = settings->http.responses
                                         ? ResponseIds::load("settings", problems)
                                         : ResponseIds(ResponseIds::Key{});
    for (const std::string& problem : problems) log_warn("{}", problem);
    HttpDesk http({*loop, *settings, HttpSecrets{auth, hook_auth}, limiter, agent, facts,
                   page_files(), bodies, response_ids});
    const auto& table = self.settings().public_paths();
    PathDoor door(*loop, {table.begin(), table.end()},
                  [&self](const std::string& worker) { return stream_to_running(self, worker); });
    WebServer server(
        *loop, *settings, patience_of(environment(self, "HARDSHELL_PING_AFTER_S")), desk,
        [&](const HttpAsk& ask) { return http.receive(ask); }, door, bodies);
    const auto share_out = [&] {
        if (const WorkerState* own_row = find_worker(self.workers(), "gateway"))
            bodies.set_total(BodyBudget::share_of(own_row->memory_limit_bytes()));
    };
    share_out();

    (*link)->on_message([&](std::string_view message) { agent.take(message); });
    (*link)->on_peer([&](uint64_t incarnation) { agent.peer_is(incarnation); });
    agent.on_event([&](const ClientEvent& event) {
        http.saw(event);
        relay_event(hub, event);
    });
    agent.on_run_lost([&](const OpenRun& run) { announce_lost(hub, run); });
    agent.on_channels([&](const std::string& channels_json) {
        if (Result<Json> channels = parse_json(channels_json); channels && channels->is_object())
            settings->channels = std::move(*channels);
        desk.states_changed();
    });
    self.on_workers_changed([&] {
        settings->degraded = self.settings().degraded();
        const bool new_level = settings->volume.level() != self.volume().level();
        settings->volume = self.volume();
        agent.workers_changed(self.workers());
        desk.states_changed();
        share_out();
        (void)readiness();
        // Memory figures change all the time and are not worth an event.
        std::string states = print_json(worker_list(self.workers()));
        if (states == known_states) {
            if (new_level) health.states_changed();
            return;
        }
        known_states = std::move(states);
        health.states_changed();
        hub.broadcast("hardshell.workers",
                      print_json(worker_board.list(false, wall_ms(), monotonic_ms())));
    });
    settings->public_url = self.public_url();
    self.on_public_url([&] {
        settings->public_url = self.public_url();
        health.states_changed();
    });
    self.on_owner_request(
        [&](const auto& request, const auto& answer) { answer_owner(desk, request, answer); });
    health.on_refreshed([&](const std::string& report) {
        hub.health_refreshed();
        hub.broadcast("health", report, {.with_version = true});
    });
    const auto tick = loop->every(tick_period, [&] {
        hub.broadcast("tick", print_json({{"ts", wall_ms()}}));
        count_link(self.board(), **link);
        kept.tidy(monotonic_ms());
        // Clients come in waves; what they leave behind goes back to the machine.
        malloc_trim(0);
    });
    worker_board.look(wall_ms());
    const auto looking =
        loop->every(WorkerBoard::look_period, [&] { worker_board.look(wall_ms()); });
    self.on_stop([&](const Stop& stop) {
        if (own.draining) return;
        own.draining = true;
        hub.broadcast("shutdown", shutdown_payload(stop));
        const auto at_most =
            std::min(longest_farewell, std::chrono::milliseconds(stop.budget_ms()));
        server.shut_down(close_restart, "service restart", at_most, [&] { loop->stop(0); });
    });

    hardshell::proto::GatewayToAgent hello;
    hello.mutable_link_up();
    (void)(*link)->send(hello);
    agent.workers_changed(self.workers());
    if (Done listening = server.listen(self.handles("listener:http")); !listening)
        return listening.error();
    server.serve_metrics(self.handles("listener:metrics"), [&] {
        return metrics_text(
            {self.workers(), [&](const std::string& name) { return pages.of(name); }, readiness(),
             !settings->degraded.empty(), settings->version, settings->commit, monotonic_ms(),
             settings->channels, &settings->public_url, door.empty() ? nullptr : &door.counts(),
             volume_alarm(settings->volume)});
    });
    log_info("listening on ws://{} (PID {})", shown_address(*settings), getpid());
    for (const auto& path : table) log_info("requests for {} go to {}", path.path(), path.worker());
    if (!settings->echo_path.empty())
        log_warn(
            "HARDSHELL_ECHO_PATH is set: {} sends WebSocket messages back to anybody; for tests",
            log_safe(settings->echo_path));
    own.ready = true;
    (void)readiness();
    self.ready();
    health.start();
    loop->run();
    return {};
}

}  // namespace gateway
