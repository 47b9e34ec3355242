// The newest lines of one worker, in a fixed piece of memory that is taken at the first line.
//
// Lines lie one behind the other with a short header each; a new one takes the place of the oldest.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace supervisor {

class LogRing {
  public:
    struct Entry {
        uint64_t sequence = 0;
        int64_t time_ms = 0;
        std::string_view text;  // until the next add()
    };

    // No line may be larger than half of it; larger ones are left out.
    explicit LogRing(size_t capacity) : capacity_(capacity) {}

    void add(uint64_t sequence, int64_t time_ms, std::initializer_list<std::string_view> parts);
    // Oldest first.
    void each(const std::function<void(const Entry&)>& look) const;
    size_t lines() const { return lines_; }
    // The newest that is no longer there; 0: none.
    uint64_t forgotten() const { return forgotten_; }

  private:
    struct Header {
        uint64_t sequence = 0;
        int64_t time_ms = 0;
        size_t size = 0;
    };
    static constexpr size_t nowhere = SIZE_MAX;

    Header header_at(size_t at) const;
    void make_room(size_t size);
    void forget_oldest();

    size_t capacity_;
    std::unique_ptr<char[]> bytes_;
    size_t oldest_ = 0;
    size_t next_ = 0;        // where the next line goes
    size_t turn_ = nowhere;  // where the lines end that lie behind next_; then on from 0
    size_t lines_ = 0;
    uint64_t forgotten_ = 0;
};

}  // namespace supervisor
