// The event loop of a process: descriptors, timers, work for the next turn. One thread.
//
// Handlers may add and remove watches and timers, their own included, at any time. `EpollLoop` is
// the loop of every process but those with libwebsockets (workers/common/uv_loop.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

class Loop {
  public:
    // Bits of `events`.
    static constexpr unsigned readable = 1;
    static constexpr unsigned writable = 2;
    using Handler = std::function<void(unsigned events)>;
    using Task = std::function<void()>;

    // Removing it, or letting it go, ends the watch or timer. Must not outlive the loop.
    class Registration {
      public:
        Registration() = default;
        explicit Registration(Task remove) : remove_(std::move(remove)) {}
        Registration(Registration&& other) noexcept : remove_(std::move(other.remove_)) {
            other.remove_ = nullptr;
        }
        Registration& operator=(Registration&& other) noexcept {
            if (this != &other) {
                reset();
                remove_ = std::move(other.remove_);
                other.remove_ = nullptr;
            }
            return *this;
        }
        ~Registration() { reset(); }
        void reset() {
            if (Task remove = std::move(remove_)) {
                remove_ = nullptr;
                remove();
            }
        }
        explicit operator bool() const { return static_cast<bool>(remove_); }

      private:
        Task remove_;
    };

    virtual ~Loop() = default;

    // Calls `handler` whenever the descriptor is ready for one of `events`; errors and hang-ups
    // count as readable. One watch per descriptor.
    [[nodiscard]] virtual Registration watch(int descriptor, unsigned events, Handler handler) = 0;
    // Changes what a watched descriptor is watched for; 0 pauses it.
    virtual void rewatch(int descriptor, unsigned events) = 0;
    [[nodiscard]] virtual Registration after(std::chrono::milliseconds delay, Task task) = 0;
    [[nodiscard]] virtual Registration every(std::chrono::milliseconds period, Task task) = 0;
    // Runs before the loop next sleeps, once.
    virtual void soon(Task task) = 0;
    // Runs each time before the loop sleeps.
    [[nodiscard]] virtual Registration before_sleep(Task task) = 0;
    // Runs until stop(); returns its argument.
    virtual int run() = 0;
    virtual void stop(int exit_code) = 0;
};

std::unique_ptr<Loop> make_epoll_loop();
