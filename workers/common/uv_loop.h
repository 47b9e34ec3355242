// The event loop of processes with libwebsockets: the same promises as every worker's, kept by a
// libuv loop, because libwebsockets holds thousands of idle connections only on that one and, in
// the version there is, can be driven by no other loop of ours.
#pragma once

#include <uv.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "workers/common/base/loop.h"

class UvLoop final : public Loop {
  public:
    UvLoop();
    ~UvLoop() override;
    UvLoop(const UvLoop&) = delete;
    UvLoop& operator=(const UvLoop&) = delete;

    Registration watch(int descriptor, unsigned events, Handler handler) override;
    void rewatch(int descriptor, unsigned events) override;
    Registration after(std::chrono::milliseconds delay, Task task) override;
    Registration every(std::chrono::milliseconds period, Task task) override;
    void soon(Task task) override;
    Registration before_sleep(Task task) override;
    int run() override;
    void stop(int exit_code) override;

    // For libwebsockets, which adds its own handles.
    uv_loop_t* native() { return &loop_; }
    // Lets handles that are being closed finish; never waits.
    void settle();

  private:
    struct Poll;
    struct Timer;
    struct Hook;

    Registration start_timer(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                             Task task);
    void before_poll();
    void run_soon();

    uv_loop_t loop_{};
    uv_prepare_t prepare_{};
    // Runs only while tasks wait: an active idle handle keeps the loop from sleeping.
    uv_idle_t awake_{};
    std::unordered_map<int, Poll*> polls_;
    std::vector<Task> soon_;
    std::vector<std::shared_ptr<Hook>> hooks_;  // shared with the round of calls under way
    bool stopped_ = false;
    int exit_code_ = 0;
};

std::unique_ptr<Loop> make_uv_loop();
