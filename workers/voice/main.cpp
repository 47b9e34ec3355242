// Telephone calls: the company's webhooks in, what the assistant says out.

#include <algorithm>
#include <cstdlib>

#include "workers/common/base/clock.h"
#include "workers/common/channel/agent_link.h"
#include "workers/common/log.h"
#include "workers/common/run_worker.h"
#include "workers/common/uv_loop.h"
#include "workers/voice/call_desk.h"
#include "workers/voice/company.h"
#include "workers/voice/media_streams.h"
#include "workers/voice/webhooks.h"

namespace voice {

namespace {

constexpr std::chrono::milliseconds stop_reserve{300};
constexpr const char* folder = "voice-calls";

Result<Json> configuration(const Worker& self) {
    const std::string& text = self.settings().config_json();
    if (text.empty()) return Json::object();
    return parse_json(text);
}

Variables variables_of(const Worker& self) {
    const auto& environment = self.settings().environment();
    return {environment.begin(), environment.end()};
}

// What the plan passes on, else what the process was started with.
std::string certificate_file(const Variables& variables) {
    for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}) {
        if (const auto found = variables.find(name); found != variables.end()) return found->second;
        if (const char* value = std::getenv(name); value && *value) return value;
    }
    return {};
}

// The owner's own address, else the tunnel's; never one that a request names.
std::string public_url(const Worker& self, const Settings& settings) {
    if (!settings.public_url.empty()) return settings.public_url;
    const auto& tunnel = self.public_url();
    return tunnel.url().empty() ? std::string() : tunnel.url() + settings.webhook_path;
}

void answer_method(channel::AgentLink& agent, uint64_t id, const Result<Json>& payload) {
    hardshell::proto::WorkerAnswer answer;
    answer.set_id(id);
    if (payload) {
        answer.set_payload_json(print_json(*payload));
    } else {
        answer.set_error(payload.error().what);
        answer.set_fault(fault_name(payload.error().fault));
    }
    agent.answer_call(answer);
}

channel::AgentLink::Handlers link_handlers(CallDesk& desk) {
    channel::AgentLink::Handlers on;
    on.accepted = [&desk](const std::string& key) { desk.accepted(key); };
    on.deliver = [&desk](const auto& message) { desk.deliver(message); };
    on.agent_renewed = [&desk] { desk.forget_methods(); };
    on.call = [&desk](const hardshell::proto::WorkerCall& call) {
        const Result<Json> params = parse_json(call.params_json());
        desk.call_method(call.id(), call.method(), params ? *params : Json::object(),
                         call.by_model());
    };
    return on;
}

// Nothing when calls are not streamed.
std::function<void(const RequestHead&, const RouteCall&)> stream_taker(const Settings& settings,
                                                                       MediaStreams& streams) {
    if (!settings.streaming.enabled) return {};
    return [&streams](const RequestHead& head, const RouteCall& call) { streams.take(head, call); };
}

void tell_address(const Worker& self, const Settings& settings) {
    const std::string url = public_url(self, settings);
    if (url.empty())
        log_warn("[voice-call] there is no public address yet: calls cannot arrive");
    else
        log_info("[voice-call] Public URL: {}", url);
    if (!url.empty() && settings.streaming.enabled)
        log_info("[voice-call] calls are streamed by {}",
                 stream_address(url, settings.streaming.path));
}

std::chrono::milliseconds time_to_finish(const hardshell::proto::Stop& stop) {
    const std::chrono::milliseconds budget(stop.budget_ms());
    return std::max(budget - stop_reserve, budget / 2);
}

}  // namespace

Done run(Worker& self) {
    const Result<Json> config = configuration(self);
    if (!config) return config.error();
    const Settings settings = read_settings(
        *config, [&](const std::string& name) { return self.secret(name); }, variables_of(self));
    for (const std::string& remark : settings.remarks) log_warn("[voice-call] {}", remark);
    if (!settings.problems.empty())
        return Error{Fault::bad_config,
                     "[voice-call] Failed to start runtime: " + problems_text(settings)};
    const std::unique_ptr<Provider> provider = make_provider(settings);
    auto& loop = static_cast<UvLoop&>(self.loop());
    ClientContext client(loop, {certificate_file(variables_of(self))});
    if (const Done ready = client.check(); !ready) return ready.error();
    auto link = self.open_link("agent");
    if (!link) return link.error();
    // What the agent says again after its process has died is said again: nobody is left waiting.
    channel::AgentLink::Options options{"voice", "default"};
    options.platform_drops_repetitions = true;
    channel::AgentLink agent(loop, std::move(*link), options);
    Company company(client);
    CallStore store(folder);
    const auto address = [&] { return public_url(self, settings); };
    Loop::Registration ticks;
    CallDesk* desk_of_ticks = nullptr;
    CallDesk desk(
        {settings,
         *provider,
         store,
         {[&](const auto& message) { return agent.offer(message); },
          [&](const std::string& id, uint32_t part, uint32_t parts, std::function<void()> go) {
              agent.begin_part(id, part, parts, std::move(go));
          },
          [&](const auto& report) { agent.report(report); },
          [&](uint64_t id, const Result<Json>& payload) { answer_method(agent, id, payload); }},
         [&](HttpsRequest request, std::function<void(HttpsOutcome)> handler) {
             company.send(std::move(request), std::move(handler));
         },
         wall_ms,
         address,
         [&](bool wanted) {
             ticks.reset();
             if (wanted) ticks = loop.every(CallDesk::tick_period, [&] { desk_of_ticks->tick(); });
         }});
    desk_of_ticks = &desk;
    agent.start(link_handlers(desk));
    if (const Done done = desk.recover(); !done)
        log_error("[voice-call] earlier calls are not known: {}", done.error().what);
    WebSocketClient sockets(loop, client);
    HttpsClient speech(client);
    MediaStreams streams(
        {{loop, settings, desk, sockets, speech, {}, monotonic_ms}, *provider, address});
    Webhooks webhooks({loop, *provider, desk, settings.webhook_path, address, wall_ms,
                       settings.streaming.path, stream_taker(settings, streams)},
                      self.handles("listener:routes"));
    tell_address(self, settings);
    self.on_public_url([&] { tell_address(self, settings); });
    Loop::Registration deadline;
    self.on_stop([&](const hardshell::proto::Stop& stop) {
        webhooks.stop_taking();
        streams.stop();
        deadline = loop.after(time_to_finish(stop), [&] { loop.stop(0); });
        company.finish([&] { loop.stop(0); });
    });
    log_info("[voice-call] calls by {} from {}", name_of(settings.provider), settings.from_number);
    self.ready();
    loop.run();
    return {};
}

}  // namespace voice

int main() {
    return run_worker(make_uv_loop(), voice::run);
}
