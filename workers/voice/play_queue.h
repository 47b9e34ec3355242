// What a caller is to hear, frame by frame at the pace of speech. Pure: takes the time as an
// argument, monotonic milliseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace voice {

class PlayQueue {
  public:
    static constexpr size_t frame_size = 160;  // bytes of mu-law
    static constexpr int64_t frame_ms = 20;

    // A frame, or a mark behind all that was put before it.
    struct Item {
        std::string sound;  // empty: a mark
        uint32_t mark = 0;
    };

    void put(std::string_view mulaw) { sound_.append(mulaw); }
    // The sound so far is one utterance: its last frame is filled with silence.
    void put_mark(uint32_t mark);
    void clear();
    bool empty() const { return waiting() == 0 && marks_.empty(); }
    // What leaves now. Who asks late gets all that has become due, so that the pace is kept.
    std::vector<Item> due(int64_t now_ms);

  private:
    struct Mark {
        uint64_t place = 0;  // bytes from the beginning
        uint32_t mark = 0;
    };
    size_t waiting() const { return sound_.size() - used_; }

    std::string sound_;
    size_t used_ = 0;     // of it
    uint64_t taken_ = 0;  // bytes in all
    std::deque<Mark> marks_;
    int64_t next_ms_ = 0;
};

}  // namespace voice
