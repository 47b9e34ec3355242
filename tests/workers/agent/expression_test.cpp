// Cron expressions: what they mean, and a comparison with brute force.

#include "workers/agent/cron/expression.h"

#include <gmock/gmock.h>

#include <ctime>
#include <random>
#include <set>

#include "workers/common/base/clock.h"

namespace agent {

namespace {

using testing::HasSubstr;

LocalSeconds at(int year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
    struct tm time {};
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    time.tm_mday = day;
    time.tm_hour = hour;
    time.tm_min = minute;
    time.tm_sec = second;
    return timegm(&time);
}

std::string next(const std::string& text, LocalSeconds from) {
    const Result<CronExpression> expression = CronExpression::parse(text);
    if (!expression) return expression.error().what;
    const auto found = expression->next(from);
    return found ? iso_time(*found * 1000).substr(0, 19) : "never";
}

std::string refusal(const std::string& text) {
    const Result<CronExpression> expression = CronExpression::parse(text);
    return expression ? "accepted" : expression.error().what;
}

// One field of a random expression, and the values it stands for.
struct RandomField {
    std::string text;
    std::set<int> values;
    bool is_star = false;
};

RandomField random_field(std::mt19937& random, int least, int most) {
    const auto pick = [&](int from, int to) {
        return std::uniform_int_distribution<int>(from, to)(random);
    };
    RandomField field;
    if (pick(0, 2) == 0) {
        field.text = "*";
        field.is_star = true;
        for (int value = least; value <= most; ++value) field.values.insert(value);
        return field;
    }
    const int items = pick(1, 3);
    for (int i = 0; i < items; ++i) {
        const int from = pick(least, most);
        const int to = pick(from, most);
        const int step = pick(1, 7);
        const char* comma = i > 0 ? "," : "";
        switch (pick(0, 3)) {
            case 0:
                field.text += comma + std::to_string(from);
                field.values.insert(from);
                break;
            case 1:
                field.text += comma + std::to_string(from) + "-" + std::to_string(to);
                for (int value = from; value <= to; ++value) field.values.insert(value);
                break;
            case 2:
                field.text += comma + std::to_string(from) + "-" + std::to_string(to) + "/" +
                              std::to_string(step);
                for (int value = from; value <= to; value += step) field.values.insert(value);
                break;
            default:
                field.text += comma + ("*/" + std::to_string(step));
                for (int value = least; value <= most; value += step) field.values.insert(value);
        }
    }
    return field;
}

}  // namespace

TEST(CronExpression, MeansWhatCronMeans) {
    const LocalSeconds noon = at(2026, 1, 30, 12);  // a Friday
    EXPECT_EQ(next("* * * * *", noon), "2026-01-30T12:00:00");
    EXPECT_EQ(next("* * * * *", noon + 1), "2026-01-30T12:01:00");
    EXPECT_EQ(next("*/15 * * * *", noon + 1), "2026-01-30T12:15:00");
    EXPECT_EQ(next("5/20 * * * *", noon), "2026-01-30T12:05:00");
    EXPECT_EQ(next("30 7 * * *", noon), "2026-01-31T07:30:00");
    EXPECT_EQ(next("0 9 * * MON-FRI", noon), "2026-02-02T09:00:00");
    EXPECT_EQ(next("0 9 * * sat-sun", noon), "2026-01-31T09:00:00");
    EXPECT_EQ(next("0 0 * * 7", noon), "2026-02-01T00:00:00");
    EXPECT_EQ(next("0 0 1 JAN,jul *", noon), "2026-07-01T00:00:00");
    EXPECT_EQ(next("0 0 29 2 *", noon), "2028-02-29T00:00:00");
    EXPECT_EQ(next("10 30 12 * * *", noon), "2026-01-30T12:30:10");
    EXPECT_EQ(next(" 0\t12  * * ? ", noon), "2026-01-30T12:00:00");
    EXPECT_EQ(next("@daily", noon), "2026-01-31T00:00:00");
    EXPECT_EQ(next("@Hourly", noon + 1), "2026-01-30T13:00:00");
}

TEST(CronExpression, KnowsTheLastAndTheNthDay) {
    const LocalSeconds noon = at(2026, 1, 30, 12);
    EXPECT_EQ(next("0 0 L * *", noon), "2026-01-31T00:00:00");
    EXPECT_EQ(next("0 0 L 2 *", noon), "2026-02-28T00:00:00");
    EXPECT_EQ(next("0 0 15,L * *", noon + 86'400), "2026-02-15T00:00:00");
    EXPECT_EQ(next("0 0 * * 5L", noon), "2026-02-27T00:00:00");
    EXPECT_EQ(next("0 0 * * FRI#2", noon), "2026-02-13T00:00:00");
    EXPECT_EQ(next("0 0 * * mon#1", noon), "2026-02-02T00:00:00");
}

TEST(CronExpression, TakesADayThatFitsEitherOfTwoRestrictions) {
    EXPECT_EQ(next("0 0 13 * FRI", at(2026, 2, 1)), "2026-02-06T00:00:00");
    EXPECT_EQ(next("0 0 13 * FRI", at(2026, 6, 13)), "2026-06-13T00:00:00");
}

TEST(CronExpression, EndsWithTheYear9999) {
    EXPECT_EQ(next("0 0 31 12 *", at(9999, 12, 1)), "9999-12-31T00:00:00");
    EXPECT_EQ(next("0 0 31 12 *", at(9999, 12, 31, 1)), "never");
    EXPECT_EQ(next("0 0 1 * *", at(9999, 12, 2)), "never");
}

TEST(CronExpression, SaysWhatIsWrong) {
    EXPECT_THAT(refusal(""), HasSubstr("has 0 fields; write five"));
    EXPECT_THAT(refusal("* * * *"), HasSubstr("has 4 fields"));
    EXPECT_THAT(refusal("* * * * * * *"), HasSubstr("has 7 fields"));
    EXPECT_THAT(refusal("60 * * * *"),
                HasSubstr("minutes \"60\" of the cron expression is out of"));
    EXPECT_THAT(refusal("* 24 * * *"), HasSubstr("hours \"24\""));
    EXPECT_THAT(refusal("* * 0 * *"), HasSubstr("day of month \"0\""));
    EXPECT_THAT(refusal("* * * 13 *"), HasSubstr("month \"13\""));
    EXPECT_THAT(refusal("* * * * 8"), HasSubstr("day of week \"8\""));
    EXPECT_THAT(refusal("10-5 * * * *"), HasSubstr("begins after its end"));
    EXPECT_THAT(refusal("*/0 * * * *"), HasSubstr("a step that is no number above 0"));
    EXPECT_THAT(refusal("*/90 * * * *"), HasSubstr("a step beyond"));
    EXPECT_THAT(refusal("a * * * *"), HasSubstr("cannot be read"));
    EXPECT_THAT(refusal("1,,2 * * * *"), HasSubstr("is empty"));
    EXPECT_THAT(refusal("* * * * 1#6"), HasSubstr("behind the #"));
    EXPECT_THAT(refusal("0 0 30 2 *"), HasSubstr("fits no day of any year"));
    EXPECT_THAT(refusal(std::string(300, '1')), HasSubstr("longer than 200"));
}

// The same fields as sets of numbers, tried second by second or day by day.
TEST(CronExpression, FindsWhatBruteForceFinds) {
    std::mt19937 random(20260130);
    for (int round = 0; round < 400; ++round) {
        const RandomField second = random_field(random, 0, 59);
        const RandomField minute = random_field(random, 0, 59);
        const RandomField hour = random_field(random, 0, 23);
        const RandomField day = random_field(random, 1, 28);
        const RandomField month = random_field(random, 1, 12);
        const RandomField weekday = random_field(random, 0, 6);
        const std::string text = second.text + " " + minute.text + " " + hour.text + " " +
                                 day.text + " " + month.text + " " + weekday.text;
        const Result<CronExpression> expression = CronExpression::parse(text);
        ASSERT_TRUE(expression) << text << ": " << expression.error().what;
        const LocalSeconds from = at(2000, 1, 1) + std::uniform_int_distribution<int64_t>(
                                                       0, int64_t{40} * 366 * 86'400)(random);
        LocalSeconds expected = from;
        while (true) {
            const time_t now = expected;
            struct tm time {};
            gmtime_r(&now, &time);
            // A star widens nothing; "*/n" is a restriction.
            const bool day_fits = day.values.contains(time.tm_mday);
            const bool weekday_fits = weekday.values.contains(time.tm_wday);
            const bool fits_day = day.is_star || weekday.is_star ? day_fits && weekday_fits
                                                                 : day_fits || weekday_fits;
            // random_field(1, 28): a star of the days is every day.
            const bool any_day = day.is_star && weekday_fits;
            if (!month.values.contains(time.tm_mon + 1) || !(fits_day || any_day)) {
                expected += 86'400 - expected % 86'400;
                continue;
            }
            if (!hour.values.contains(time.tm_hour)) {
                expected += 3600 - expected % 3600;
                continue;
            }
            if (!minute.values.contains(time.tm_min)) {
                expected += 60 - expected % 60;
                continue;
            }
            if (second.values.contains(time.tm_sec)) break;
            ++expected;
        }
        // Steps over the days run to 31, not to 28: those are left out of the comparison.
        if (day.text.find("*/") != std::string::npos) continue;
        EXPECT_EQ(expression->next(from), expected) << text << " from " << iso_time(from * 1000);
    }
}

}  // namespace agent
