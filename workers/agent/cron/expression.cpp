#include "workers/agent/cron/expression.h"

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace agent {

namespace {

using namespace std::chrono;

constexpr int64_t day_seconds = 86'400;
constexpr int most_years = 40;
constexpr LocalSeconds last_time = 253'402'300'799;  // the end of the year 9999

enum Place { second, minute, hour, day, month, weekday };

struct FieldRow {
    const char* name;
    int least;
    int most;
    const char* names;  // of its values, three letters each; the first is `least`
};
constexpr FieldRow field_rows[] = {
    // name, least, most, names
    {"seconds", 0, 59, ""},
    {"minutes", 0, 59, ""},
    {"hours", 0, 23, ""},
    {"day of month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

struct Nickname {
    std::string_view name;
    std::string_view expression;
};
constexpr Nickname nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (size_t at = 0; at < text.size();) {
        if (is_blank(text[at])) {
            ++at;
            continue;
        }
        size_t end = at;
        while (end < text.size() && !is_blank(text[end])) ++end;
        words.push_back(lower(text.substr(at, end - at)));
        at = end;
    }
    return words;
}

Error fault(int field, std::string_view item, const std::string& what) {
    return {Fault::bad_message, std::string(field_rows[field].name) + " \"" + std::string(item) +
                                    "\" of the cron expression " + what};
}

std::optional<int> number_in(std::string_view text) {
    if (text.empty() || text.size() > 4) return {};
    int number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return {};
        number = number * 10 + (c - '0');
    }
    return number;
}

std::optional<int> value_in(int field, std::string_view text) {
    if (const auto number = number_in(text)) return number;
    const std::string_view names = field_rows[field].names;
    if (text.size() != 3) return {};
    for (size_t at = 0; at + 3 <= names.size(); at += 3)
        if (names.substr(at, 3) == text) return field_rows[field].least + static_cast<int>(at / 3);
    return {};
}

Result<int> value(int field, std::string_view text, std::string_view item) {
    const FieldRow& row = field_rows[field];
    const std::optional<int> found = value_in(field, text);
    if (!found) return fault(field, item, "cannot be read");
    if (*found < row.least || *found > row.most)
        return fault(field, item,
                     "is out of range (" + std::to_string(row.least) + " to " +
                         std::to_string(row.most) + ")");
    return *found;
}

struct Range {
    int from = 0;
    int to = 0;
};

// "*", "5", "5-10"; a single value with a step runs to the end.
Result<Range> range_in(int field, std::string_view text, bool stepped, std::string_view item) {
    const FieldRow& row = field_rows[field];
    if (text == "*") return Range{row.least, field == weekday ? 6 : row.most};
    const size_t dash = text.find('-');
    const Result<int> from = value(field, text.substr(0, dash), item);
    if (!from) return from.error();
    if (dash == std::string_view::npos)
        return Range{*from, stepped ? (field == weekday ? 6 : row.most) : *from};
    Result<int> to = value(field, text.substr(dash + 1), item);
    if (!to) return to.error();
    if (field == weekday && *to == 0 && *from > 0) *to = 7;  // "sat-sun"
    if (*from > *to) return fault(field, item, "begins after its end");
    return Range{*from, *to};
}

unsigned days_in(int year_number, unsigned month_number) {
    const auto last = year(year_number) / std::chrono::month(month_number) / std::chrono::last;
    return static_cast<unsigned>(year_month_day(last).day());
}

bool has(uint64_t bits, unsigned place) {
    return (bits >> place & 1) != 0;
}

int64_t midnight_of(int year_number, unsigned month_number, unsigned day_number) {
    const sys_days days =
        year(year_number) / std::chrono::month(month_number) / std::chrono::day(day_number);
    return static_cast<int64_t>(days.time_since_epoch().count()) * day_seconds;
}

// Rounded down also before 1970.
int64_t day_of(LocalSeconds at) {
    return at >= 0 ? at / day_seconds : -((-at + day_seconds - 1) / day_seconds);
}

}  // namespace

Result<CronExpression> CronExpression::parse(std::string_view text) {
    if (text.size() > longest)
        return Error{Fault::bad_message, "the cron expression is longer than " +
                                             std::to_string(longest) + " characters"};
    std::vector<std::string> words = words_of(text);
    if (words.size() == 1)
        for (const Nickname& row : nicknames)
            if (words[0] == row.name) words = words_of(row.expression);
    if (words.size() == 5) words.insert(words.begin(), "0");
    if (words.size() != 6)
        return Error{Fault::bad_message,
                     "the cron expression \"" + std::string(text) + "\" has " +
                         std::to_string(words.size()) +
                         " fields; write five (minute hour day month weekday), or six with "
                         "seconds first"};
    CronExpression expression;
    for (int field = second; field <= weekday; ++field)
        if (Done done = expression.read_field(field, words[static_cast<size_t>(field)]); !done)
            return done.error();
    if (!expression.next(0) && !expression.next(951'782'400))  // from 1970, and from 2000
        return Error{Fault::bad_message,
                     "the cron expression \"" + std::string(text) + "\" fits no day of any year"};
    return expression;
}

Done CronExpression::read_field(int field, std::string_view text) {
    if (text == "?" && (field == day || field == weekday)) text = "*";
    if (field == day) any_day_ = text == "*";
    if (field == weekday) any_weekday_ = text == "*";
    while (true) {
        const size_t comma = text.find(',');
        if (Done done = read_item(field, text.substr(0, comma)); !done) return done;
        if (comma == std::string_view::npos) return {};
        text.remove_prefix(comma + 1);
    }
}

Done CronExpression::read_item(int field, std::string_view item) {
    if (item.empty()) return fault(field, item, "is empty");
    Done done;
    if (read_special(field, item, done)) return done;
    const size_t slash = item.find('/');
    const bool stepped = slash != std::string_view::npos;
    const Result<Range> range = range_in(field, item.substr(0, slash), stepped, item);
    if (!range) return range.error();
    int step = 1;
    if (stepped) {
        const std::optional<int> number = number_in(item.substr(slash + 1));
        if (!number || *number < 1)
            return fault(field, item, "has a step that is no number above 0");
        if (*number > field_rows[field].most)
            return fault(field, item, "has a step beyond the field's range");
        step = *number;
    }
    const std::array<uint64_t*, 6> bits{&seconds_, &minutes_, &hours_,
                                        &days_,    &months_,  &weekdays_};
    for (int at = range->from; at <= range->to; at += step)
        *bits[static_cast<size_t>(field)] |= uint64_t{1} << (field == weekday ? at % 7 : at);
    return {};
}

// "L" of the days, "5L" and "5#2" of the weekdays. False: the item is none of these.
bool CronExpression::read_special(int field, std::string_view item, Done& done) {
    if (field == day && item == "l") {
        last_day_ = true;
        return true;
    }
    if (field != weekday) return false;
    const size_t mark = item.find('#');
    const bool is_last = mark == std::string_view::npos && item.ends_with('l');
    if (mark == std::string_view::npos && !is_last) return false;
    const std::string_view name = is_last ? item.substr(0, item.size() - 1) : item.substr(0, mark);
    const Result<int> which = value(weekday, name, item);
    if (!which) return done = which.error(), true;
    const uint64_t bit = uint64_t{1} << (*which % 7);
    if (is_last || item.substr(mark + 1) == "l") {
        last_weekdays_ |= bit;
        return true;
    }
    const std::optional<int> nth = number_in(item.substr(mark + 1));
    if (!nth || *nth < 1 || *nth > 5)
        done = fault(weekday, item, "has no number from 1 to 5 behind the #");
    else
        nth_weekdays_[*nth - 1] |= bit;
    return true;
}

bool CronExpression::fits_day(int year_number, unsigned month_number, unsigned day_number) const {
    const unsigned days = days_in(year_number, month_number);
    const int64_t midnight = midnight_of(year_number, month_number, day_number);
    const unsigned which = static_cast<unsigned>(((day_of(midnight) + 4) % 7 + 7) % 7);
    const bool day_fits = any_day_ || has(days_, day_number) || (last_day_ && day_number == days);
    const bool weekday_fits = any_weekday_ || has(weekdays_, which) ||
                              (has(last_weekdays_, which) && day_number + 7 > days) ||
                              has(nth_weekdays_[(day_number - 1) / 7], which);
    // As cron has always done: two restrictions widen each other.
    if (any_day_ || any_weekday_) return day_fits && weekday_fits;
    return day_fits || weekday_fits;
}

std::optional<LocalSeconds> CronExpression::next_in_day(LocalSeconds midnight,
                                                        int64_t from_second) const {
    for (int64_t h = from_second / 3600; h < 24; ++h) {
        if (!has(hours_, static_cast<unsigned>(h))) continue;
        const int64_t first_minute = from_second > h * 3600 ? from_second % 3600 / 60 : 0;
        for (int64_t m = first_minute; m < 60; ++m) {
            if (!has(minutes_, static_cast<unsigned>(m))) continue;
            const int64_t begin = h * 3600 + m * 60;
            for (int64_t s = from_second > begin ? from_second % 60 : 0; s < 60; ++s)
                if (has(seconds_, static_cast<unsigned>(s))) return midnight + begin + s;
        }
    }
    return {};
}

std::optional<LocalSeconds> CronExpression::next(LocalSeconds from) const {
    if (from > last_time || from < -last_time) return {};
    const int64_t first_day = day_of(from);
    const year_month_day start{sys_days(days(first_day))};
    const int start_year = static_cast<int>(start.year());
    const unsigned start_month = static_cast<unsigned>(start.month());
    for (int y = start_year; y <= start_year + most_years; ++y) {
        for (unsigned m = y == start_year ? start_month : 1; m <= 12; ++m) {
            if (!has(months_, m)) continue;
            const bool is_first = y == start_year && m == start_month;
            const unsigned first = is_first ? static_cast<unsigned>(start.day()) : 1;
            for (unsigned d = first; d <= days_in(y, m); ++d) {
                if (!fits_day(y, m, d)) continue;
                const LocalSeconds midnight = midnight_of(y, m, d);
                const int64_t since = from > midnight ? from - midnight : 0;
                if (const auto found = next_in_day(midnight, since))
                    return *found <= last_time ? found : std::nullopt;
            }
        }
    }
    return {};
}

}  // namespace agent
