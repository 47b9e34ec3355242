#include <algorithm>
#include <charconv>
#include <ctime>

#include "workers/agent/methods.h"

namespace agent {

namespace {

constexpr int64_t days_default = 30;
constexpr int64_t days_most = 3660;
constexpr int64_t kept_ms = 30'000;
constexpr size_t most_kept = 16;  // each for another number of days

// A number, or a text that is one.
Result<int64_t> days_of(const Json& value) {
    const Error wrong{Fault::bad_message,
                      "invalid usage.cost params: at /days: must be a number of days, 1 or more"};
    if (value.is_null()) return days_default;
    double number = 0;
    if (value.is_number()) {
        number = value.get<double>();
    } else if (value.is_string()) {
        const std::string_view text = trimmed(value.get_ref<const std::string&>());
        const auto [end, failure] = std::from_chars(text.begin(), text.end(), number);
        if (failure != std::errc() || end != text.end()) return wrong;
    } else {
        return wrong;
    }
    if (!(number >= 1)) return wrong;
    return number >= static_cast<double>(days_most) ? days_most : static_cast<int64_t>(number);
}

// When the first of so many local days began, today being the last.
int64_t begin_of(int64_t days, int64_t now_ms) {
    const time_t now = static_cast<time_t>(now_ms / 1000);
    struct tm day {};
    ::localtime_r(&now, &day);
    day.tm_mday -= static_cast<int>(days - 1);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_isdst = -1;
    return static_cast<int64_t>(::mktime(&day)) * 1000;
}

Json usage_row(const DayUsage& usage) {
    return Json{{"input", usage.input},
                {"output", usage.output},
                {"cacheRead", usage.cache_read},
                {"cacheWrite", usage.cache_write},
                {"totalTokens", usage.total_tokens},
                {"totalCost", usage.cost},
                {"missingCostEntries", usage.missing_costs}};
}

}  // namespace

// Quotas belong to subscriptions. API keys, the only credentials used here, have none to ask for.
void Methods::usage_status(const Json&, const Reply& reply) {
    reply(answer_with({{"updatedAt", services_.now_ms()}, {"providers", Json::array()}}));
}

void Methods::usage_cost(const Json& params, const Reply& reply) {
    const Result<int64_t> days = days_of(member(params, "days"));
    if (!days) return reply(answer_for(days.error()));
    const int64_t now = services_.now_ms();
    std::erase_if(costs_, [&](const auto& cost) { return now - cost.second.at_ms >= kept_ms; });
    if (const auto known = costs_.find(*days); known != costs_.end())
        return reply(answer_with(known->second.payload));
    services_.store.usage(
        begin_of(*days, now),
        [this](const ModelName& model, const Json& usage) {
            return services_.models.cost(model, usage);
        },
        [this, days = *days, reply](const UsageByDay& by_day) {
            const int64_t at = services_.now_ms();
            DayUsage totals;
            Json daily = Json::array();
            for (const auto& [date, usage] : by_day) {
                Json row{{"date", date}};
                row.update(usage_row(usage));
                daily.push_back(std::move(row));
                totals += usage;
            }
            const Json payload{{"updatedAt", at},
                               {"days", days},
                               {"daily", std::move(daily)},
                               {"totals", usage_row(totals)}};
            if (costs_.size() < most_kept) costs_[days] = {at, payload};
            reply(answer_with(payload));
        });
}

}  // namespace agent
