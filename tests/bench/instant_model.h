// A model API that answers at once: Anthropic Messages over HTTP on loopback, streaming a fixed
// reply. It measures the time it needs itself, so that a benchmark can take it off. Or one that
// streams a word at a time, each the moment at which it is written.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "workers/common/base/fd.h"

class InstantModel {
  public:
    // With a pause, a hundred words come with it between any two; each is `stamp()`.
    explicit InstantModel(std::chrono::milliseconds pause = {});
    ~InstantModel();
    InstantModel(const InstantModel&) = delete;
    InstantModel& operator=(const InstantModel&) = delete;

    uint16_t port() const { return port_; }
    // For each request, from its last byte received to the last byte of the answer handed to the
    // kernel; in the order of arrival.
    std::vector<std::chrono::nanoseconds> own_times() const;
    // Now, in nanoseconds of the steady clock, between two '@'.
    static std::string stamp();

  private:
    void serve();
    void converse(int descriptor);
    void speak(int descriptor) const;

    std::chrono::milliseconds pause_;
    Fd listener_;
    uint16_t port_ = 0;
    std::atomic<bool> ending_{false};
    mutable std::mutex mutex_;
    std::vector<std::chrono::nanoseconds> own_times_;
    std::vector<std::thread> conversations_;
    std::vector<int> open_;
    std::thread acceptor_;
};
