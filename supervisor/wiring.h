// Who may talk to whom: binds the public sockets, makes the links' directories, and says which
// descriptors and links each worker is handed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/plan.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "supervisor/log_pump.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace supervisor {

class Wiring {
  public:
    using UserFor = std::function<std::optional<unsigned>(std::string_view kind)>;

    // `on_bound`: a socket that was missing has been bound.
    Wiring(Loop& loop, LogPump& log, std::string run_dir, UserFor user_for,
           std::function<void()> on_bound)
        : loop_(loop),
          log_(log),
          run_dir_(std::move(run_dir)),
          user_for_(std::move(user_for)),
          on_bound_(std::move(on_bound)) {}

    // Takes a plan's listeners and links; sockets that it keeps stay open.
    void follow(const hardshell::proto::Plan& plan);
    // No socket is tried again.
    void stop() { retry_.reset(); }

    std::vector<hardshell::proto::LinkEnd> links_of(const std::string& worker) const;
    // Where other workers take requests that this one hands on.
    std::vector<hardshell::proto::StreamEnd> streams_of(const std::string& worker) const;
    // The sockets to hand to a worker that starts now. An optional one is bound only then: bound
    // later, nobody would accept on it.
    std::vector<std::pair<std::string, int>> listeners_for_start_of(const std::string& worker);
    bool has_listeners(const std::string& worker) const;
    // False while all sockets that it serves are missing.
    bool may_start(const std::string& worker) const;
    // Why a socket is missing, a line each.
    std::vector<std::string> missing() const;

  private:
    struct Bound {
        hardshell::proto::Listener plan;
        std::vector<Fd> sockets;
        std::string last_error;
    };

    // The socket on which a worker takes the requests of one door. It stays while the plan has it:
    // who calls while the worker is replaced waits in the kernel.
    struct Stream {
        std::string owner;
        std::string door;
        std::string path;
        Fd socket;
    };

    Done bind(Bound& listener);
    void bind_all();
    void bind_optional(const std::string& worker);
    void bind_again();
    void prepare(const hardshell::proto::LinkPlan& link);
    void follow_streams();
    Done open_stream(Stream& stream, const std::string& owner_kind, const std::string& door_kind);
    const hardshell::proto::WorkerPlan* planned(const std::string& worker) const;
    std::string directory_of(const std::string& link) const { return run_dir_ + "/links/" + link; }

    Loop& loop_;
    LogPump& log_;
    std::string run_dir_;
    UserFor user_for_;
    std::function<void()> on_bound_;
    hardshell::proto::Plan plan_;
    std::vector<Bound> listeners_;
    std::vector<Stream> streams_;
    Loop::Registration retry_;
};

}  // namespace supervisor
