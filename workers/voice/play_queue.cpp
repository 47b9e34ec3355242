#include "workers/voice/play_queue.h"

#include <utility>

#include "workers/voice/audio.h"

namespace voice {

namespace {

// So late, sound was missing and the pace begins anew; else the frames are made up for.
constexpr int64_t gap_ms = 200;
constexpr size_t most_used = 64 * 1024;  // bytes that are kept though they have left

}  // namespace

void PlayQueue::put_mark(uint32_t mark) {
    const size_t rest = waiting() % frame_size;
    if (rest > 0) sound_.append(frame_size - rest, mulaw_silence);
    marks_.push_back({taken_ + waiting(), mark});
}

void PlayQueue::clear() {
    taken_ += waiting();
    sound_.clear();
    used_ = 0;
    marks_.clear();
}

std::vector<PlayQueue::Item> PlayQueue::due(int64_t now_ms) {
    std::vector<Item> items;
    if (next_ms_ < now_ms - gap_ms) next_ms_ = now_ms;
    const auto take_marks = [&] {
        for (; !marks_.empty() && marks_.front().place <= taken_; marks_.pop_front())
            items.push_back({{}, marks_.front().mark});
    };
    take_marks();
    while (next_ms_ <= now_ms && waiting() >= frame_size) {
        items.push_back({sound_.substr(used_, frame_size), 0});
        used_ += frame_size;
        taken_ += frame_size;
        next_ms_ += frame_ms;
        take_marks();
    }
    if (used_ > most_used || waiting() == 0) sound_.erase(0, std::exchange(used_, 0));
    return items;
}

}  // namespace voice
