// The orderly end: workers stop in the phases of the roster, all inside one budget.
//
// Asked a second time it shortens what is left, a third time it kills; it never starts over.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/log_pump.h"
#include "supervisor/worker_process.h"

namespace supervisor {

class Shutdown {
  public:
    using Workers = std::vector<std::unique_ptr<WorkerProcess>>;

    // `done` is called once, when no worker runs any more.
    Shutdown(LogPump& log, const Workers& workers, std::function<void()> done)
        : log_(log), workers_(workers), done_(std::move(done)) {}

    bool has_begun() const { return has_begun_; }
    // `will_restart` tells the clients to come back.
    void ask(const std::string& why, std::chrono::milliseconds budget, bool will_restart);
    // Of its budget, but always enough for what ends at once.
    std::chrono::milliseconds time_left() const;
    // A worker has ended: the next phase begins when the last one of its phase has.
    void go_on();

  private:
    void hurry(const std::string& why);
    bool runs_in_phase(int phase) const;

    LogPump& log_;
    const Workers& workers_;
    std::function<void()> done_;
    bool has_begun_ = false;
    bool is_hurrying_ = false;
    bool will_restart_ = false;
    int phase_ = -1;
    int64_t deadline_ms_ = 0;
};

// Ends and collects every process that is left below this one. False when one cannot be killed.
bool end_all_children(std::chrono::milliseconds patience);

}  // namespace supervisor
