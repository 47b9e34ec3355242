// Under which address the internet reaches this machine through a tunnel: said by the tunnel
// worker, kept here, told to the gateway and to the workers that public paths belong to. Whatever
// becomes of the worker that said it, nobody goes on believing it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "supervisor/log_pump.h"
#include "supervisor/worker_process.h"

namespace supervisor {

class PublicAddress {
  public:
    // `is_planned`: whether the plan in force has that worker.
    PublicAddress(LogPump& log, const std::vector<std::unique_ptr<WorkerProcess>>& workers,
                  std::function<bool(const std::string& worker)> is_planned)
        : log_(log), workers_(workers), is_planned_(std::move(is_planned)) {}

    // From a worker that may publish. What is no address of a web server is not passed on.
    void said_by(const WorkerProcess& worker, hardshell::proto::PublicUrl url);
    // After any change of a worker's state, and of the plan.
    void look_at_workers();
    // What that worker is told; nothing when it is not.
    std::optional<hardshell::proto::PublicUrl> for_worker(const WorkerProcess& worker) const;
    // Nothing: no tunnel is planned.
    std::optional<hardshell::proto::PublicUrl> now() const;

  private:
    const WorkerProcess* publisher() const;
    void become(hardshell::proto::PublicUrl next);

    LogPump& log_;
    const std::vector<std::unique_ptr<WorkerProcess>>& workers_;
    std::function<bool(const std::string& worker)> is_planned_;
    hardshell::proto::PublicUrl url_;
    std::string last_url_;
};

// Scheme and host, perhaps with a port, nothing behind it.
bool is_origin(const std::string& url);

}  // namespace supervisor
