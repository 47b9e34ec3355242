#include "supervisor/log_ring.h"

#include <cstring>

namespace supervisor {

LogRing::Header LogRing::header_at(size_t at) const {
    Header header;
    std::memcpy(&header, bytes_.get() + at, sizeof header);
    return header;
}

void LogRing::forget_oldest() {
    const Header header = header_at(oldest_);
    forgotten_ = header.sequence;
    oldest_ += sizeof(Header) + header.size;
    if (oldest_ == turn_) {
        oldest_ = 0;
        turn_ = nowhere;
    }
    --lines_;
}

void LogRing::make_room(size_t size) {
    if (next_ + size > capacity_) {
        // What lies behind next_ is older than all in front of it.
        while (lines_ > 0 && oldest_ >= next_) forget_oldest();
        turn_ = next_;
        next_ = 0;
    }
    while (lines_ > 0 && oldest_ >= next_ && oldest_ < next_ + size) forget_oldest();
    if (lines_ > 0) return;
    oldest_ = next_ = 0;
    turn_ = nowhere;
}

void LogRing::add(uint64_t sequence, int64_t time_ms,
                  std::initializer_list<std::string_view> parts) {
    Header header{sequence, time_ms, 0};
    for (const std::string_view part : parts) header.size += part.size();
    const size_t size = sizeof header + header.size;
    if (size > capacity_ / 2) return;
    // Not cleared: memory that no line has reached yet costs nothing.
    if (!bytes_) bytes_.reset(new char[capacity_]);
    make_room(size);
    std::memcpy(bytes_.get() + next_, &header, sizeof header);
    next_ += sizeof header;
    for (const std::string_view part : parts) {
        std::memcpy(bytes_.get() + next_, part.data(), part.size());
        next_ += part.size();
    }
    ++lines_;
}

void LogRing::each(const std::function<void(const Entry&)>& look) const {
    size_t at = oldest_;
    for (size_t count = 0; count < lines_; ++count) {
        if (at == turn_) at = 0;
        const Header header = header_at(at);
        look({header.sequence, header.time_ms,
              std::string_view(bytes_.get() + at + sizeof header, header.size)});
        at += sizeof header + header.size;
    }
}

}  // namespace supervisor
