#include "workers/common/uv_loop.h"

#include <algorithm>
#include <cstdlib>

namespace {

int to_uv(unsigned events) {
    return ((events & Loop::readable) ? UV_READABLE : 0) |
           ((events & Loop::writable) ? UV_WRITABLE : 0);
}

template <typename T>
uv_handle_t* as_handle(T* handle) {
    return reinterpret_cast<uv_handle_t*>(handle);
}

void ignore_idle(uv_idle_t*) {}

}  // namespace

// Handles live until libuv has closed them, which is later than their registration ends.
struct UvLoop::Poll {
    uv_poll_t handle{};
    Handler handler;
    bool closing = false;

    static void ready(uv_poll_t* handle, int status, int events) {
        auto* self = static_cast<Poll*>(handle->data);
        unsigned seen = 0;
        // An error ends the polling; reading shows the handler what it is.
        if (status < 0 || (events & UV_READABLE)) seen |= readable;
        if (events & UV_WRITABLE) seen |= writable;
        if (seen && !self->closing) self->handler(seen);
    }
    void close() {
        closing = true;
        uv_close(as_handle(&handle),
                 [](uv_handle_t* closed) { delete static_cast<Poll*>(closed->data); });
    }
};

struct UvLoop::Timer {
    uv_timer_t handle{};
    Task task;
    bool closing = false;

    static void due(uv_timer_t* handle) {
        auto* self = static_cast<Timer*>(handle->data);
        if (!self->closing) self->task();
    }
    void close() {
        closing = true;
        uv_close(as_handle(&handle),
                 [](uv_handle_t* closed) { delete static_cast<Timer*>(closed->data); });
    }
};

struct UvLoop::Hook {
    Task task;
    bool removed = false;
};

UvLoop::UvLoop() {
    if (uv_loop_init(&loop_) != 0) std::abort();
    uv_prepare_init(&loop_, &prepare_);
    prepare_.data = this;
    uv_prepare_start(
        &prepare_, [](uv_prepare_t* handle) { static_cast<UvLoop*>(handle->data)->before_poll(); });
    uv_idle_init(&loop_, &awake_);
}

UvLoop::~UvLoop() {
    uv_close(as_handle(&prepare_), nullptr);
    uv_close(as_handle(&awake_), nullptr);
    settle();
    uv_loop_close(&loop_);
}

void UvLoop::settle() {
    for (int round = 0; round < 100 && uv_run(&loop_, UV_RUN_NOWAIT) != 0; ++round) {
    }
}

Loop::Registration UvLoop::watch(int descriptor, unsigned events, Handler handler) {
    auto* poll = new Poll;
    poll->handler = std::move(handler);
    if (uv_poll_init(&loop_, &poll->handle, descriptor) != 0) {
        delete poll;
        std::abort();  // not a descriptor, or watched already
    }
    poll->handle.data = poll;
    polls_[descriptor] = poll;
    rewatch(descriptor, events);
    return Registration([this, descriptor, poll] {
        const auto found = polls_.find(descriptor);
        if (found != polls_.end() && found->second == poll) polls_.erase(found);
        poll->close();
    });
}

void UvLoop::rewatch(int descriptor, unsigned events) {
    const auto found = polls_.find(descriptor);
    if (found == polls_.end()) return;
    uv_poll_t* handle = &found->second->handle;
    if (events == 0)
        uv_poll_stop(handle);
    else
        uv_poll_start(handle, to_uv(events), Poll::ready);
}

Loop::Registration UvLoop::start_timer(std::chrono::milliseconds delay,
                                       std::chrono::milliseconds period, Task task) {
    auto* timer = new Timer;
    timer->task = std::move(task);
    uv_timer_init(&loop_, &timer->handle);
    timer->handle.data = timer;
    // libuv counts from the time it last looked at the clock.
    uv_update_time(&loop_);
    uv_timer_start(&timer->handle, Timer::due,
                   static_cast<uint64_t>(std::max<int64_t>(0, delay.count())),
                   static_cast<uint64_t>(period.count()));
    return Registration([timer] { timer->close(); });
}

Loop::Registration UvLoop::after(std::chrono::milliseconds delay, Task task) {
    return start_timer(delay, std::chrono::milliseconds(0), std::move(task));
}

Loop::Registration UvLoop::every(std::chrono::milliseconds period, Task task) {
    const auto least = std::max(period, std::chrono::milliseconds(1));
    return start_timer(least, least, std::move(task));
}

void UvLoop::soon(Task task) {
    soon_.push_back(std::move(task));
    uv_idle_start(&awake_, ignore_idle);
}

Loop::Registration UvLoop::before_sleep(Task task) {
    auto hook = std::make_shared<Hook>();
    hook->task = std::move(task);
    hooks_.push_back(hook);
    return Registration([this, hook] {
        hook->removed = true;
        hooks_.erase(std::remove(hooks_.begin(), hooks_.end(), hook), hooks_.end());
    });
}

void UvLoop::before_poll() {
    run_soon();
    const auto round = hooks_;
    for (const auto& hook : round)
        if (!hook->removed) hook->task();
    run_soon();  // what the hooks left to be done needs no turn of its own
    if (soon_.empty()) uv_idle_stop(&awake_);
}

void UvLoop::run_soon() {
    std::vector<Task> tasks = std::move(soon_);
    soon_.clear();
    for (Task& task : tasks) task();
}

int UvLoop::run() {
    stopped_ = false;
    while (!stopped_) uv_run(&loop_, UV_RUN_DEFAULT);
    return exit_code_;
}

void UvLoop::stop(int exit_code) {
    stopped_ = true;
    exit_code_ = exit_code;
    uv_stop(&loop_);
}

std::unique_ptr<Loop> make_uv_loop() {
    return std::make_unique<UvLoop>();
}
