#include "workers/telegram/pace.h"

#include <algorithm>

namespace telegram {

namespace {

constexpr size_t many_chats = 500;

void drop_before(std::deque<int64_t>& times, int64_t moment) {
    while (!times.empty() && times.front() <= moment) times.pop_front();
}

// When the count of those within `window` falls below `most`.
int64_t free_at(const std::deque<int64_t>& times, size_t most, int64_t window) {
    return times.size() < most ? 0 : times[times.size() - most] + window;
}

}  // namespace

Pace::Duration Pace::wait(const std::string& chat, bool is_group, int64_t now_ms) {
    drop_before(all_, now_ms - second_ms);
    Chat& known = chats_[chat];
    drop_before(known.sent, now_ms - minute_ms);
    int64_t at = std::max(
        {all_blocked_until_, known.blocked_until, free_at(all_, most_per_second, second_ms)});
    if (is_group)
        at = std::max({at, free_at(known.sent, 1, second_ms),
                       free_at(known.sent, most_per_minute_group, minute_ms)});
    else
        at = std::max(at, free_at(known.sent, burst_private,
                                  second_ms * static_cast<int64_t>(burst_private)));
    return Duration(std::max<int64_t>(at - now_ms, 0));
}

Pace::Duration Pace::wait_for_call(int64_t now_ms, const std::string& chat) {
    drop_before(all_, now_ms - second_ms);
    int64_t at = std::max(all_blocked_until_, free_at(all_, most_calls_per_second, second_ms));
    if (const auto known = chats_.find(chat); known != chats_.end())
        at = std::max(at, known->second.blocked_until);
    return Duration(std::max<int64_t>(at - now_ms, 0));
}

void Pace::sent(const std::string& chat, int64_t now_ms) {
    chats_[chat].sent.push_back(now_ms);
    all_.push_back(now_ms);
    if (chats_.size() > many_chats) tidy(now_ms);
}

void Pace::refused(const std::string& chat, Duration retry_after, int64_t now_ms) {
    const int64_t until = now_ms + retry_after.count();
    Chat& known = chats_[chat];
    known.blocked_until = std::max(known.blocked_until, until);
    if (last_refused_ != chat && now_ms - last_refused_ms_ <= second_ms)
        all_blocked_until_ = std::max(all_blocked_until_, until);
    last_refused_ = chat;
    last_refused_ms_ = now_ms;
}

void Pace::tidy(int64_t now_ms) {
    for (auto& [chat, known] : chats_) drop_before(known.sent, now_ms - minute_ms);
    std::erase_if(chats_, [&](const auto& entry) {
        return entry.second.sent.empty() && entry.second.blocked_until < now_ms;
    });
}

}  // namespace telegram
