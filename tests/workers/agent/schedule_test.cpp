// Schedules, time zones, and when a job is due.

#include "workers/agent/cron/schedule.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/workers/agent/support.h"
#include "workers/agent/cron/due.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int64_t ms(const std::string& text) {
    const auto time = time_in(text);
    EXPECT_TRUE(time) << text;
    return time.value_or(0);
}

class Schedules : public testing::Test {
  protected:
    Schedule read(const Json& json) {
        Result<Schedule> schedule = Schedule::read(json, 0, zones);
        if (!schedule) throw std::runtime_error(schedule.error().what);
        return std::move(*schedule);
    }
    std::string refusal(const Json& json) {
        const Result<Schedule> schedule = Schedule::read(json, 0, zones);
        return schedule ? "accepted" : schedule.error().what;
    }
    // The next times of an expression in a zone, in UTC.
    std::vector<std::string> times(const std::string& expr, const std::string& zone,
                                   const std::string& from, int count) {
        const Schedule schedule = read({{"kind", "cron"}, {"expr", expr}, {"tz", zone}});
        std::vector<std::string> all;
        int64_t after = ms(from) - 1;
        for (int i = 0; i < count; ++i) {
            after = schedule.next(after).value_or(0);
            all.push_back(iso_time(after).substr(5, 11));
        }
        return all;
    }

    TimeZones zones{time_zones_module()};
};

}  // namespace

TEST_F(Schedules, ReadTimesAsPeopleWriteThem) {
    EXPECT_EQ(time_in("2026-01-30T10:00:00Z"), 1'769'767'200'000);
    EXPECT_EQ(time_in("2026-01-30T10:00"), 1'769'767'200'000);
    EXPECT_EQ(time_in("2026-01-30 11:00:00.250+01:00"), 1'769'767'200'250);
    EXPECT_EQ(time_in("2026-01-30T05:30-0430"), 1'769'767'200'000);
    EXPECT_EQ(time_in("2026-01-30"), 1'769'731'200'000);
    EXPECT_EQ(time_in("1769767200000"), 1'769'767'200'000);
    for (const char* bad : {"", "tomorrow", "2026-02-30", "2026-01-30T25:00", "2026-01-30T10:60",
                            "2026-01-30T10:00x", "2026-1-30", "99999999999999999999"})
        EXPECT_FALSE(time_in(bad)) << bad;
}

TEST_F(Schedules, OfOneTimeAndOfIntervalsAreArithmetic) {
    const Schedule once = read({{"kind", "at"}, {"atMs", 5000}});
    EXPECT_EQ(once.next(4999), 5000);
    EXPECT_EQ(once.next(5000), std::nullopt);
    const Schedule every = read({{"kind", "every"}, {"everyMs", 1000}, {"anchorMs", 300}});
    EXPECT_EQ(every.next(0), 300);
    EXPECT_EQ(every.next(300), 1300);
    EXPECT_EQ(every.next(1299), 1300);
    EXPECT_EQ(every.next(1'000'000'000), 1'000'000'300);
}

TEST_F(Schedules, SkipNoNightInWhichClocksAreSetForward) {
    // Berlin, 2026-03-29: from 02:00 (01:00 UTC) to 03:00.
    EXPECT_THAT(times("30 2 * * *", "Europe/Berlin", "2026-03-28", 3),
                ElementsAre("03-28T01:30", "03-29T01:30", "03-30T00:30"));
    EXPECT_THAT(times("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29", 3),
                ElementsAre("03-29T01:00", "03-29T01:30", "03-30T00:00"));
    EXPECT_THAT(times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00", 4),
                ElementsAre("03-29T00:00", "03-29T00:30", "03-29T01:00", "03-29T01:30"));
}

TEST_F(Schedules, RunOnceInANightInWhichClocksAreSetBack) {
    // Berlin, 2026-10-25: from 03:00 (01:00 UTC) to 02:00.
    EXPECT_THAT(times("30 2 * * *", "Europe/Berlin", "2026-10-24", 3),
                ElementsAre("10-24T00:30", "10-25T00:30", "10-26T01:30"));
    // What fits every hour goes on through both.
    EXPECT_THAT(
        times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00", 5),
        ElementsAre("10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30", "10-25T02:00"));
}

TEST_F(Schedules, KnowHalfHoursAndTheSouth) {
    EXPECT_THAT(times("0 9 * * *", "Asia/Kolkata", "2026-01-30", 1), ElementsAre("01-30T03:30"));
    // Lord Howe Island sets its clocks by half an hour, on 2026-04-05 back from 02:00.
    EXPECT_THAT(times("45 1 * * *", "Australia/Lord_Howe", "2026-04-04", 2),
                ElementsAre("04-04T14:45", "04-05T15:15"));
    EXPECT_THAT(times("0 12 * * *", "America/New_York", "2026-03-07", 2),
                ElementsAre("03-07T17:00", "03-08T16:00"));
}

TEST_F(Schedules, NameAZoneThatIsNone) {
    EXPECT_THAT(refusal({{"kind", "cron"}, {"expr", "* * * * *"}, {"tz", "Mars/Olympus"}}),
                HasSubstr("schedule.tz: there is no time zone \"Mars/Olympus\""));
    EXPECT_THAT(refusal({{"kind", "cron"}, {"expr", "* * * * *"}, {"tz", "../../etc/passwd"}}),
                HasSubstr("is no name of a time zone"));
    TimeZones without("/nonexistent/time_zones.so");
    EXPECT_TRUE(without.find("UTC"));
    EXPECT_TRUE(without.find(""));
    const Result<Zone> zone = without.find("Europe/Berlin");
    ASSERT_FALSE(zone);
    EXPECT_THAT(zone.error().what, HasSubstr("UTC works"));
    EXPECT_THAT(refusal({{"kind", "cron"}, {"expr", "x"}}), HasSubstr("schedule.expr: "));
    EXPECT_THAT(refusal({{"kind", "every"}, {"everyMs", 0}}), HasSubstr("schedule.everyMs"));
    EXPECT_THAT(refusal({{"kind", "later"}}), HasSubstr("schedule.kind"));
}

// Against the C library, which reads the same database with other code.
TEST_F(Schedules, AgreeWithTheCLibraryAboutEveryZone) {
    std::mt19937_64 random(7);
    for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                             "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo",
                             "Asia/Kathmandu", "Europe/Dublin", "Pacific/Chatham"}) {
        const Result<Zone> zone = zones.find(name);
        ASSERT_TRUE(zone) << zone.error().what;
        setenv("TZ", name, 1);
        tzset();
        for (int i = 0; i < 2000; ++i) {
            // The date library reads the tables of the database's files, which end in 2037.
            const time_t at = std::uniform_int_distribution<int64_t>(0, 2'140'000'000)(random);
            struct tm local {};
            localtime_r(&at, &local);
            ASSERT_EQ((*zone)(at), local.tm_gmtoff) << name << " at " << at;
        }
    }
    setenv("TZ", "UTC", 1);
    tzset();
}

// Minute by minute through the nights in which clocks are set.
TEST_F(Schedules, FindInAnyZoneWhatBruteForceFinds) {
    std::mt19937_64 random(11);
    for (const char* name : {"Europe/Berlin", "America/New_York", "Pacific/Auckland"}) {
        const Zone zone = *zones.find(name);
        for (const int64_t day : {ms("2026-03-07"), ms("2026-03-28"), ms("2026-10-24"),
                                  ms("2026-10-31"), ms("2026-04-04"), ms("2026-09-26")}) {
            const int64_t minute = std::uniform_int_distribution<int64_t>(0, 59)(random);
            const CronExpression hourly =
                *CronExpression::parse(std::to_string(minute) + " * * * *");
            std::optional<int64_t> next = day / 1000 - 1;
            std::vector<int64_t> found;
            while ((next = next_moment(hourly, zone, *next)) && *next < day / 1000 + 172'800)
                found.push_back(*next);
            std::vector<int64_t> expected;
            for (int64_t at = day / 1000; at < day / 1000 + 172'800; at += 60)
                if ((at + zone(at)) % 3600 / 60 == minute) expected.push_back(at);
            EXPECT_EQ(found, expected) << name << " " << iso_time(day) << " minute " << minute;
        }
    }
}

TEST_F(Schedules, AreDueOnceForAllThatWasMissed) {
    const Schedule hourly = read({{"kind", "every"}, {"everyMs", 3'600'000}, {"anchorMs", 0}});
    const int64_t now = 10 * 3'600'000 + 5;
    EXPECT_EQ(due_at(hourly, {true, {}, {}, false}, now), 11 * 3'600'000);
    EXPECT_EQ(due_at(hourly, {true, 3 * 3'600'000, {}, false}, now), 3 * 3'600'000);
    EXPECT_EQ(due_at(hourly, {true, 3 * 3'600'000, 3 * 3'600'000, false}, now), 11 * 3'600'000)
        << "begun for it already";
    EXPECT_EQ(due_at(hourly, {false, 3 * 3'600'000, {}, false}, now), std::nullopt);
}

TEST_F(Schedules, OutliveClocksThatJump) {
    const Schedule hourly = read({{"kind", "every"}, {"everyMs", 3'600'000}, {"anchorMs", 0}});
    const int64_t hour = 3'600'000;
    // Set back by ten minutes just after the run at ten: not a second one at ten.
    EXPECT_EQ(due_at(hourly, {true, 11 * hour, 10 * hour, false}, 10 * hour - 600'000), 11 * hour);
    EXPECT_EQ(due_at(hourly, {true, {}, 10 * hour, false}, 10 * hour - 600'000), 11 * hour);
    // Set back by years: from the new time on.
    EXPECT_EQ(due_at(hourly, {true, 90'000 * hour, 89'999 * hour, false}, 10 * hour), 11 * hour);
    // Set forward by years: once.
    EXPECT_EQ(due_at(hourly, {true, 11 * hour, 10 * hour, false}, 90'000 * hour), 11 * hour);
    EXPECT_EQ(due_at(hourly, {true, 11 * hour, 11 * hour, false}, 90'000 * hour), 90'001 * hour);
}

TEST_F(Schedules, WaitOnePeriodAtMostForAClockThatWasSetBack) {
    const Schedule each = read({{"kind", "every"}, {"everyMs", 60'000}, {"anchorMs", 0}});
    const int64_t hour = 3'600'000;
    const int64_t begun = 20 * hour;
    EXPECT_EQ(due_at(each, {true, begun + 60'000, begun, false}, begun - 30'000), begun + 60'000);
    EXPECT_EQ(due_at(each, {true, begun + 60'000, begun, false}, begun - 2 * hour),
              begun - 2 * hour + 60'000);
    // Of fixed times: not once more after a correction, again on another day's clock.
    const Schedule daily = read({{"kind", "cron"}, {"expr", "0 20 * * *"}, {"tz", "UTC"}});
    EXPECT_EQ(due_at(daily, {true, begun + 24 * hour, begun, false}, begun - 2 * hour),
              begun + 24 * hour);
    EXPECT_EQ(due_at(daily, {true, begun + 24 * hour, begun, false}, begun - 4 * hour), begun);
}

TEST_F(Schedules, MadeByAClockThatWasAheadAreDueAllTheSame) {
    const int64_t years = 5 * int64_t{365} * 86'400'000;
    TimeZones none("");
    const auto schedule = Schedule::read({{"kind", "every"}, {"everyMs", 1000}}, years + 300, none);
    EXPECT_EQ(schedule->next(5000), 5300);
    EXPECT_EQ(schedule->next(5300), 6300);
    EXPECT_EQ(schedule->next(years + 299), years + 300);
    // A given anchor is where it begins.
    EXPECT_EQ(read({{"kind", "every"}, {"everyMs", 1000}, {"anchorMs", years}}).next(5000), years);
}

TEST_F(Schedules, AreNotDueMoreOftenThanEachSecond) {
    const Schedule busy = read({{"kind", "every"}, {"everyMs", 1}, {"anchorMs", 0}});
    EXPECT_EQ(due_at(busy, {true, {}, 5000, false}, 5000), 6000);
}

TEST_F(Schedules, OfOneTimeStayDueUntilTheyHaveRun) {
    const Schedule once = read({{"kind", "at"}, {"atMs", 5000}});
    EXPECT_EQ(due_at(once, {true, {}, {}, false}, 9000), 5000);
    EXPECT_EQ(due_at(once, {true, {}, 5000, false}, 9000), std::nullopt);
    EXPECT_EQ(due_at(once, {true, 60'000, 5000, false}, 9000), 60'000) << "tried again";
    EXPECT_EQ(due_at(once, {true, {}, {}, true}, 9000), std::nullopt);
    EXPECT_EQ(retry_pause_ms(1), 60'000);
    EXPECT_EQ(retry_pause_ms(4), 3'600'000);
    EXPECT_EQ(retry_pause_ms(5), std::nullopt);
}

}  // namespace agent
