// When a job is due: once, every so often, or by a cron expression. OpenClaw's three kinds.
//
// Pure but for the time zones it asks for. Nothing is due before its own time.
#pragma once

#include <optional>
#include <string>

#include "workers/agent/cron/time_zones.h"
#include "workers/common/base/json.h"

namespace agent {

class Schedule {
  public:
    // {kind:"at", atMs} {kind:"every", everyMs, anchorMs?} {kind:"cron", expr, tz?}, as jobs.json
    // has it. A given anchor is the first time; else the times fall in with `created_ms`, which may
    // lie ahead when the clock was wrong then. bad_message names the key.
    static Result<Schedule> read(const Json& schedule, int64_t created_ms, TimeZones& zones);

    // The first time after `after_ms`; nothing when there is none any more.
    std::optional<int64_t> next(int64_t after_ms) const;
    bool is_once() const { return kind_ == Kind::once; }
    int64_t at_ms() const { return at_ms_; }
    // Of a job that runs every so often.
    std::optional<int64_t> period_ms() const {
        return kind_ == Kind::every ? std::optional(every_ms_) : std::nullopt;
    }

    // Times beyond are refused: what a Date of JavaScript holds.
    static constexpr int64_t last_ms = 8'640'000'000'000'000;

  private:
    enum class Kind { once, every, cron };
    Schedule() = default;

    Kind kind_ = Kind::once;
    int64_t at_ms_ = 0;
    int64_t every_ms_ = 0;
    int64_t anchor_ms_ = 0;
    bool begins_at_anchor_ = false;
    std::optional<CronExpression> expression_;
    Zone zone_;
};

// "2026-01-30T10:00:00Z", "2026-01-30 10:00+02:00", "2026-01-30" (midnight) or milliseconds since
// 1970; UTC where no offset is given.
std::optional<int64_t> time_in(std::string_view text);

}  // namespace agent
