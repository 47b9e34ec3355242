// A cron expression, as OpenClaw's scheduler reads it: five fields, or six with seconds first.
//
//   field          values              beside * , - / and lists
//   second         0-59                only with six fields
//   minute hour    0-59 0-23
//   day of month   1-31                L: the last day; ?: any
//   month          1-12 JAN-DEC
//   day of week    0-7 SUN-SAT         5L: the last Friday, FRI#2: the second; ?: any; 0 and 7:
//   Sunday
//
// Also @yearly @annually @monthly @weekly @daily @midnight @hourly. When both day fields are
// restricted, a day that fits either fits. Pure: knows no time zone, only times of a wall clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "workers/common/base/result.h"

namespace agent {

// Seconds since 1970 as a wall clock shows them, without any time zone.
using LocalSeconds = int64_t;

class CronExpression {
  public:
    // bad_message names the field and what is wrong with it.
    static Result<CronExpression> parse(std::string_view text);

    // The first time at or after `from` that fits; nothing when there is none in forty years.
    std::optional<LocalSeconds> next(LocalSeconds from) const;
    // It fits in every hour: in the hour that a clock shows twice, twice.
    bool every_hour() const { return hours_ == (1u << 24) - 1; }

    static constexpr int longest = 200;  // characters

  private:
    CronExpression() = default;
    Done read_field(int field, std::string_view text);
    Done read_item(int field, std::string_view item);
    bool read_special(int field, std::string_view item, Done& done);
    bool fits_day(int year, unsigned month, unsigned day) const;
    std::optional<LocalSeconds> next_in_day(LocalSeconds midnight, int64_t from_second) const;

    uint64_t seconds_ = 0;
    uint64_t minutes_ = 0;
    uint64_t hours_ = 0;
    uint64_t days_ = 0;
    uint64_t months_ = 0;
    uint64_t weekdays_ = 0;  // bit 0: Sunday
    bool any_day_ = false;   // the field is "*"
    bool any_weekday_ = false;
    bool last_day_ = false;       // of the month
    uint64_t last_weekdays_ = 0;  // of the month
    uint64_t nth_weekdays_[5] = {};
};

}  // namespace agent
