// A loop whose time is the test's: nothing happens but in settle() and advance().
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "workers/common/base/loop.h"

class ManualLoop final : public Loop {
  public:
    Registration watch(int, unsigned, Handler) override { return {}; }
    void rewatch(int, unsigned) override {}
    Registration after(std::chrono::milliseconds delay, Task task) override {
        return add(delay.count(), 0, std::move(task));
    }
    Registration every(std::chrono::milliseconds period, Task task) override {
        return add(period.count(), period.count(), std::move(task));
    }
    void soon(Task task) override { soon_.push_back(std::move(task)); }
    Registration before_sleep(Task) override { return {}; }
    int run() override { return 0; }
    void stop(int) override {}

    void settle() {
        while (!soon_.empty()) {
            const Task task = std::move(soon_.front());
            soon_.pop_front();
            task();
        }
    }
    void advance(int64_t milliseconds) {
        const int64_t until = now_ms + milliseconds;
        settle();
        while (true) {
            const auto due = std::min_element(
                timers_.begin(), timers_.end(),
                [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
            if (due == timers_.end() || due->second.due > until) break;
            now_ms = std::max(now_ms, due->second.due);
            const Task task = due->second.task;
            if (due->second.period > 0)
                due->second.due += due->second.period;
            else
                timers_.erase(due);
            task();
            settle();
        }
        now_ms = until;
    }
    size_t timers() const { return timers_.size(); }

    int64_t now_ms = 1'769'767'200'000;  // 2026-01-30T10:00:00Z

  private:
    struct Timer {
        int64_t due;
        int64_t period;
        Task task;
    };
    Registration add(int64_t delay, int64_t period, Task task) {
        const uint64_t id = next_++;
        timers_[id] = {now_ms + delay, period, std::move(task)};
        return Registration([this, id] { timers_.erase(id); });
    }
    std::deque<Task> soon_;
    std::map<uint64_t, Timer> timers_;
    uint64_t next_ = 1;
};
