// Drives the agents of ngrok and Tailscale, and says under which address the internet reaches this
// machine through them.

#include <algorithm>
#include <chrono>

#include "workers/common/log.h"
#include "workers/common/run_worker.h"
#include "workers/tunnel/entrance.h"
#include "workers/tunnel/tunnels.h"

namespace tunnel {

namespace {

using hardshell::proto::PublicUrl;
using hardshell::proto::Stop;
using hardshell::proto::WorkerStatus;

constexpr std::chrono::milliseconds stop_reserve{200};

// One that is down for a moment finds its requests when it is back.
std::string stream_to_running(const Worker& self, const std::string& name) {
    for (const WorkerStatus& worker : self.workers())
        if (worker.name() == name && worker.state() != WorkerStatus::HELD &&
            worker.state() != WorkerStatus::STOPPED)
            return self.stream_to(name);
    return {};
}

Result<Settings> settings_of(const Worker& self) {
    const Result<Json> config = parse_json(self.settings().config_json());
    if (!config) return config.error();
    return read_settings(*config);
}

}  // namespace

Done run(Worker& self) {
    Result<Settings> settings = settings_of(self);
    if (!settings) return settings.error();
    Loop& loop = self.loop();
    const auto& table = self.settings().public_paths();
    PathDoor door(loop, {table.begin(), table.end()},
                  [&self](const std::string& worker) { return stream_to_running(self, worker); });
    Entrance entrance(loop, self.handles("listener:tunnel"), door);
    const bool needs_entrance =
        std::any_of(settings->tunnels.begin(), settings->tunnels.end(),
                    [](const TunnelSettings& tunnel) { return !tunnel.leads_to_gateway; });
    if (needs_entrance && entrance.port() == 0)
        return Error{Fault::system, "no port on loopback could be had for the tunnel to lead to"};

    Error failure;
    bool has_failed = false;
    const auto& variables = self.settings().environment();
    Tunnels tunnels({loop,
                     std::move(*settings),
                     entrance.port(),
                     {variables.begin(), variables.end()},
                     self.settings().state_dir(),
                     self.secret("plugins.entries.voice-call.config.tunnel.ngrokAuthToken"),
                     self.secret("TS_AUTHKEY"),
                     [&](const PublicUrl& url) { (void)self.publish(url); },
                     [&](const Error& error) {
                         if (std::exchange(has_failed, true)) return;
                         failure = error;
                         loop.soon([&] { loop.stop(0); });
                     }});
    Loop::Registration deadline;
    self.on_stop([&](const Stop& stop) {
        const std::chrono::milliseconds budget(stop.budget_ms());
        deadline = loop.after(std::max(budget - stop_reserve, budget / 2), [&] { loop.stop(0); });
        entrance.close();
        door.close_all();
        tunnels.stop([&] { loop.stop(0); });
    });
    self.ready();
    tunnels.start();
    loop.run();
    if (has_failed) return failure;
    return {};
}

}  // namespace tunnel

int main() {
    return run_worker(make_epoll_loop(), tunnel::run);
}
