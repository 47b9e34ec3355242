#include "supervisor/shutdown.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/reap.h"
#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

using std::chrono::milliseconds;

// Of what is left: channels only stop, agents finish turns.
constexpr double share_of_agents = 0.7;
constexpr double share_of_channels = 0.3;
constexpr milliseconds hurried_phase{400};  // after a second signal
constexpr milliseconds least_phase{100};
constexpr milliseconds least_patience_with_children{200};

// Collects every ended child; true when no child is left.
bool collect_all() {
    siginfo_t info{};
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) return errno == ECHILD;
        if (info.si_pid == 0) return false;
    }
}

int last_phase() {
    int last = 0;
    for (const KindOfWorker& row : roster()) last = std::max(last, row.stop_phase);
    return last;
}

}  // namespace

void Shutdown::ask(const std::string& why, milliseconds budget, bool will_restart) {
    if (has_begun_) return hurry(why);
    has_begun_ = true;
    will_restart_ = will_restart;
    deadline_ms_ = monotonic_ms() + budget.count();
    log_.say("", "stopping: " + why);
    for (const auto& worker : workers_) worker->shut_down(deadline_ms_);
    go_on();
}

// Less time for everybody, but still in order, so that the clients hear of it.
void Shutdown::hurry(const std::string& why) {
    if (is_hurrying_) {
        log_.say("warn", "asked to stop once more (" + why + "): killing what is left");
        for (const auto& worker : workers_) worker->kill_now();
        return;
    }
    is_hurrying_ = true;
    log_.say("warn", "asked to stop again (" + why + "): " + std::to_string(hurried_phase.count()) +
                         " ms for each who still runs");
    deadline_ms_ = std::min(deadline_ms_, monotonic_ms() + hurried_phase.count());
    for (const auto& worker : workers_)
        if (worker->state() == WorkerState::stopping)
            worker->stop(hurried_phase, "gateway stopping", false);
}

bool Shutdown::runs_in_phase(int phase) const {
    return std::any_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
        return worker->kind().stop_phase == phase && is_running(worker->state()) &&
               !worker->is_stuck();
    });
}

void Shutdown::go_on() {
    if (phase_ >= 0 && runs_in_phase(phase_)) return;
    const int last = last_phase();
    do {
        if (phase_ > last) return;  // done before
        if (++phase_ > last) return done_();
    } while (!runs_in_phase(phase_));
    const auto least = is_hurrying_ ? hurried_phase : least_phase;
    const int64_t left = std::max<int64_t>(least.count(), deadline_ms_ - monotonic_ms());
    const double share = phase_ == last       ? 1.0
                         : phase_ + 1 == last ? share_of_agents
                                              : share_of_channels;
    const milliseconds budget(static_cast<int64_t>(static_cast<double>(left) * share));
    for (const auto& worker : workers_)
        if (worker->kind().stop_phase == phase_)
            worker->stop(budget, will_restart_ ? "gateway restarting" : "gateway stopping", false);
}

milliseconds Shutdown::time_left() const {
    return std::max(least_patience_with_children, milliseconds(deadline_ms_ - monotonic_ms()));
}

bool end_all_children(milliseconds patience) {
    const int64_t deadline = monotonic_ms() + patience.count();
    while (!collect_all()) {
        for (const pid_t child : own_children()) kill(child, SIGKILL);
        if (monotonic_ms() > deadline) return false;
        usleep(1'000);
    }
    return true;
}

}  // namespace supervisor
