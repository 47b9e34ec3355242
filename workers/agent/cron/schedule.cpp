#include "workers/agent/cron/schedule.h"

#include <algorithm>
#include <chrono>

namespace agent {

namespace {

Error bad_schedule(const std::string& what) {
    return {Fault::bad_message, what};
}

// Reads `digits` digits at the front.
std::optional<int> take_number(std::string_view& text, size_t digits) {
    if (text.size() < digits) return {};
    int number = 0;
    for (size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return {};
        number = number * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return number;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

// Milliseconds of the day: "10:00", "10:00:30", "10:00:30.5".
std::optional<int64_t> take_time_of_day(std::string_view& text) {
    const auto hour = take_number(text, 2);
    if (!hour || *hour > 24 || !take(text, ':')) return {};
    const auto minute = take_number(text, 2);
    if (!minute || *minute > 59) return {};
    int64_t milliseconds = (*hour * 60 + *minute) * 60'000;
    if (!take(text, ':')) return milliseconds;
    const auto second = take_number(text, 2);
    if (!second || *second > 59) return {};
    milliseconds += *second * 1000;
    if (!take(text, '.')) return milliseconds;
    int64_t worth = 100;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
        milliseconds += worth * (text.front() - '0');
        worth /= 10;
    }
    return milliseconds;
}

// "Z", "+02:00", "-0530" or nothing; in milliseconds.
std::optional<int64_t> take_offset(std::string_view& text) {
    if (text.empty() || take(text, 'Z') || take(text, 'z')) return 0;
    const bool west = text.front() == '-';
    if (!west && text.front() != '+') return {};
    text.remove_prefix(1);
    const auto hours = take_number(text, 2);
    (void)take(text, ':');
    const auto minutes = take_number(text, 2);
    if (!hours || !minutes || *hours > 15 || *minutes > 59) return {};
    return (west ? -1 : 1) * (*hours * 60 + *minutes) * 60'000;
}

std::optional<int64_t> whole_number(std::string_view text) {
    if (text.empty() || text.size() > 16) return {};
    int64_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return {};
        number = number * 10 + (c - '0');
    }
    return number;
}

}  // namespace

std::optional<int64_t> time_in(std::string_view text) {
    if (const auto number = whole_number(text)) return number;
    const auto year = take_number(text, 4);
    if (!year || !take(text, '-')) return {};
    const auto month = take_number(text, 2);
    if (!month || !take(text, '-')) return {};
    const auto day = take_number(text, 2);
    if (!day) return {};
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return {};
    int64_t at = std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400'000};
    if (text.empty()) return at;
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return {};
    const auto time = take_time_of_day(text);
    const auto offset = time ? take_offset(text) : std::nullopt;
    if (!offset || !text.empty() || *time > 86'400'000) return {};
    at += *time - *offset;
    return at;
}

Result<Schedule> Schedule::read(const Json& json, int64_t created_ms, TimeZones& zones) {
    Schedule schedule;
    const std::string kind = text_member(json, "kind");
    if (kind == "at") {
        schedule.at_ms_ = int_member(json, "atMs", -1);
        if (schedule.at_ms_ < 0 || schedule.at_ms_ > last_ms)
            return bad_schedule("schedule.atMs must be a time in milliseconds since 1970");
        return schedule;
    }
    if (kind == "every") {
        schedule.kind_ = Kind::every;
        schedule.every_ms_ = int_member(json, "everyMs");
        schedule.begins_at_anchor_ = member(json, "anchorMs").is_number();
        schedule.anchor_ms_ = schedule.begins_at_anchor_
                                  ? int_member(json, "anchorMs", -1)
                                  : std::clamp<int64_t>(created_ms, 0, last_ms);
        if (schedule.every_ms_ < 1 || schedule.every_ms_ > last_ms)
            return bad_schedule("schedule.everyMs must be a number of milliseconds above 0");
        if (schedule.anchor_ms_ < 0 || schedule.anchor_ms_ > last_ms)
            return bad_schedule("schedule.anchorMs must be a time in milliseconds since 1970");
        return schedule;
    }
    if (kind != "cron") return bad_schedule("schedule.kind must be at, every or cron");
    schedule.kind_ = Kind::cron;
    Result<CronExpression> expression = CronExpression::parse(text_member(json, "expr"));
    if (!expression) return bad_schedule("schedule.expr: " + expression.error().what);
    Result<Zone> zone = zones.find(text_member(json, "tz"));
    if (!zone) return bad_schedule("schedule.tz: " + zone.error().what);
    schedule.expression_ = std::move(*expression);
    schedule.zone_ = std::move(*zone);
    return schedule;
}

std::optional<int64_t> Schedule::next(int64_t after_ms) const {
    if (after_ms < 0) after_ms = 0;
    if (after_ms >= last_ms) return {};
    switch (kind_) {
        case Kind::once:
            return at_ms_ > after_ms ? std::optional(at_ms_) : std::nullopt;
        case Kind::every: {
            const int64_t since = after_ms - anchor_ms_;
            if (since < 0 && begins_at_anchor_) return anchor_ms_;
            // Division rounds towards zero: before the anchor, up.
            const int64_t next = since < 0 ? anchor_ms_ - (-since - 1) / every_ms_ * every_ms_
                                           : anchor_ms_ + (since / every_ms_ + 1) * every_ms_;
            return next <= last_ms ? std::optional(next) : std::nullopt;
        }
        case Kind::cron:
            break;
    }
    const std::optional<int64_t> moment = next_moment(*expression_, zone_, after_ms / 1000);
    return moment ? std::optional(*moment * 1000) : std::nullopt;
}

}  // namespace agent
