// The tools worker: runs what the model asks for, each command in a cell of its own. Holds no
// secret, and has none of its own files.

#include <sys/stat.h>

#include <cstdlib>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/common/renounce.h"
#include "workers/common/run_worker.h"
#include "workers/tools/agent_link.h"
#include "workers/tools/launcher.h"
#include "workers/tools/tool_worker.h"

namespace tools {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string certificate_file() {
    const std::string file = variable("NODE_EXTRA_CA_CERTS");
    return file.empty() ? variable("SSL_CERT_FILE") : file;
}

// "/run/hardshell" of "ipc:///run/hardshell/links/tools-agent/socket".
std::string run_directory(const Worker& self) {
    std::string path = self.endpoint_of("agent");
    path.erase(0, path.find('/') == std::string::npos ? path.size() : path.find("///") + 2);
    for (int up = 0; up < 3; ++up) path.erase(std::min(path.size(), path.rfind('/')));
    return path;
}

}  // namespace

Done run(Worker& self) {
    umask(0007);  // the workspace is shared with the agent and with commands
    Result<Fd> launcher = fork_launcher();  // first: it must know nothing of what follows
    if (!launcher) return launcher.error();
    renounce_rights();
    renounce_execution();
    Result<Json> config = parse_json(self.settings().config_json());
    if (!config) config = Json::object();
    auto link = self.open_link("agent");
    if (!link) return link.error();
    AgentLink agent(std::move(*link));
    Cells cells(self.loop(), std::move(*launcher));
    ToolWorker worker({self.loop(),
                       cells,
                       *config,
                       variable,
                       self.settings().state_dir(),
                       {self.settings().state_dir(), run_directory(self)},
                       certificate_file(),
                       wall_ms,
                       [&](const auto& message) { agent.send(message); }});
    cells.on_walls([](const std::vector<std::string>& missing) {
        for (const std::string& text : missing) log_warn("{}", text);
    });
    const auto take_approvals = [&] {
        Result<Json> approvals = parse_json(self.settings().exec_approvals_json());
        worker.approvals_are(approvals ? std::move(*approvals) : Json());
    };
    take_approvals();
    self.on_exec_approvals(take_approvals);
    // Without it nothing can be run: the next life has a new one.
    cells.on_gone([&] { self.loop().stop(1); });
    agent.serve(worker);
    worker.begin();
    self.ready();
    if (self.loop().run() != 0) return Error{Fault::system, "the launcher of commands has ended"};
    return {};
}

}  // namespace tools

int main() {
    return run_worker(make_epoll_loop(), tools::run);
}
