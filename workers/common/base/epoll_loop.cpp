#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <unordered_map>
#include <vector>

#include "workers/common/base/clock.h"
#include "workers/common/base/exit_codes.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace {

uint32_t to_epoll(unsigned events) {
    return ((events & Loop::readable) ? EPOLLIN : 0u) | ((events & Loop::writable) ? EPOLLOUT : 0u);
}

constexpr int most_tries = 3;

class EpollLoop final : public Loop {
  public:
    EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_) return;
        std::perror("error: cannot make an event loop");
        _exit(exit_code::failed);
    }

    Registration watch(int descriptor, unsigned events, Handler handler) override {
        const uint64_t id = next_id_++;
        watches_[descriptor] = {id, std::make_shared<Handler>(std::move(handler))};
        apply(descriptor, id, events);
        return Registration([this, descriptor, id] {
            auto found = watches_.find(descriptor);
            if (found == watches_.end() || found->second.id != id) return;
            watches_.erase(found);
            epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
        });
    }

    void rewatch(int descriptor, unsigned events) override {
        const auto found = watches_.find(descriptor);
        if (found != watches_.end()) apply(descriptor, found->second.id, events);
    }

    Registration after(std::chrono::milliseconds delay, Task task) override {
        return add_timer(delay, std::chrono::milliseconds(0), std::move(task));
    }

    Registration every(std::chrono::milliseconds period, Task task) override {
        return add_timer(period, std::max(period, std::chrono::milliseconds(1)), std::move(task));
    }

    void soon(Task task) override { soon_.push_back(std::move(task)); }

    Registration before_sleep(Task task) override {
        const uint64_t id = next_id_++;
        before_sleep_[id] = std::make_shared<Task>(std::move(task));
        return Registration([this, id] { before_sleep_.erase(id); });
    }

    int run() override {
        stopped_ = false;
        while (!stopped_) turn();
        return exit_code_;
    }

    void stop(int exit_code) override {
        stopped_ = true;
        exit_code_ = exit_code;
    }

  private:
    struct Watch {
        uint64_t id = 0;
        std::shared_ptr<Handler> handler;  // shared with the call under way: it may remove itself
    };
    struct TimerEntry {
        std::chrono::milliseconds period{};
        std::shared_ptr<Task> task;
    };
    using TimerKey = std::pair<int64_t, uint64_t>;  // due, id

    // A paused descriptor leaves the set: epoll reports a hang-up even where nothing is asked for,
    // and the loop would spin. The id tells an event of an earlier watch from one of the present
    // watch on a reused descriptor number.
    void apply(int descriptor, uint64_t id, unsigned events) {
        epoll_event event{};
        event.events = to_epoll(events);
        event.data.u64 = key(descriptor, id);
        if (events == 0)
            epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
        else
            for (int tries = 0; tries < most_tries && !set(descriptor, event); ++tries) {
            }
    }

    // False when the kernel had no room for a moment: a descriptor left out would never be heard
    // of again.
    bool set(int descriptor, epoll_event& event) {
        if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0) return true;
        return errno == ENOENT && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
    }

    static uint64_t key(int descriptor, uint64_t id) {
        return (id << 32) | static_cast<uint32_t>(descriptor);
    }

    Registration add_timer(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                           Task task) {
        const uint64_t id = next_id_++;
        const int64_t due = monotonic_ms() + delay.count();
        timers_[{due, id}] = {period, std::make_shared<Task>(std::move(task))};
        timer_due_[id] = due;
        return Registration([this, id] {
            auto found = timer_due_.find(id);
            if (found == timer_due_.end()) return;
            timers_.erase({found->second, id});
            timer_due_.erase(found);
        });
    }

    void turn() {
        run_soon();
        run_hooks();
        if (stopped_) return;
        epoll_event events[64];
        const int count = epoll_wait(epoll_.get(), events, 64, sleep_ms());
        for (int i = 0; i < count && !stopped_; ++i) dispatch(events[i]);
        if (!stopped_) run_timers();
    }

    void run_hooks() {
        // A hook may remove any other: looked up again before each call.
        for (uint64_t last = 0;;) {
            const auto next = before_sleep_.upper_bound(last);
            if (next == before_sleep_.end()) return;
            last = next->first;
            const std::shared_ptr<Task> task = next->second;
            (*task)();
        }
    }

    int sleep_ms() const {
        if (!soon_.empty()) return 0;
        if (timers_.empty()) return -1;
        const int64_t left = timers_.begin()->first.first - monotonic_ms();
        return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
    }

    void dispatch(const epoll_event& event) {
        const int descriptor = static_cast<int>(event.data.u64 & 0xffffffff);
        const auto found = watches_.find(descriptor);
        if (found == watches_.end() || key(descriptor, found->second.id) != event.data.u64) return;
        unsigned ready = 0;
        if (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) ready |= readable;
        if (event.events & EPOLLOUT) ready |= writable;
        const std::shared_ptr<Handler> handler = found->second.handler;
        (*handler)(ready);
    }

    void run_timers() {
        const int64_t now = monotonic_ms();
        while (!timers_.empty() && timers_.begin()->first.first <= now && !stopped_) {
            auto first = timers_.begin();
            const uint64_t id = first->first.second;
            const TimerEntry entry = first->second;
            timers_.erase(first);
            if (entry.period.count() > 0) {
                // Counted from now: a late loop does not run a backlog of ticks.
                timers_[{now + entry.period.count(), id}] = entry;
                timer_due_[id] = now + entry.period.count();
            } else {
                timer_due_.erase(id);
            }
            (*entry.task)();
        }
    }

    void run_soon() {
        std::vector<Task> tasks = std::move(soon_);
        soon_.clear();
        for (Task& task : tasks) task();
    }

    Fd epoll_;
    uint64_t next_id_ = 1;
    std::unordered_map<int, Watch> watches_;
    std::map<TimerKey, TimerEntry> timers_;
    std::unordered_map<uint64_t, int64_t> timer_due_;
    std::map<uint64_t, std::shared_ptr<Task>> before_sleep_;
    std::vector<Task> soon_;
    bool stopped_ = false;
    int exit_code_ = 0;
};

}  // namespace

std::unique_ptr<Loop> make_epoll_loop() {
    return std::make_unique<EpollLoop>();
}
