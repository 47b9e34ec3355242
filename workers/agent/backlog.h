// How many wait, and since when.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace agent {

struct Backlog {
    size_t count = 0;
    int64_t oldest_ms = 0;  // wall clock; 0: none waits

    void add(int64_t since_ms) {
        ++count;
        if (since_ms > 0) oldest_ms = oldest_ms == 0 ? since_ms : std::min(oldest_ms, since_ms);
    }
    void add(const Backlog& other) {
        if (other.count == 0) return;
        const size_t before = count;
        add(other.oldest_ms);
        count = before + other.count;
    }
    bool operator==(const Backlog&) const = default;
};

}  // namespace agent
