#include "supervisor/own_settings.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace supervisor {

namespace {

using std::chrono::milliseconds;

constexpr const char* budget_variable = "HARDSHELL_STOP_BUDGET_MS";
constexpr const char* level_variable = "HARDSHELL_LOG_LEVEL";
// Fly gives a stopping machine 5 s, Docker 10 s; some is left for the last lines.
constexpr milliseconds budget_on_fly{4'500};
constexpr milliseconds usual_budget{9'000};
constexpr milliseconds least_budget{100};
constexpr milliseconds most_budget{3'600'000};
constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error"};

std::string unusable(const char* variable, const std::string& value, const std::string& expected,
                     const std::string& used) {
    return std::string(variable) + " is \"" + value.substr(0, 40) + "\", expected " + expected +
           "; " + used + " is used";
}

milliseconds stop_budget(const paths::Environment& environment, std::vector<std::string>& remarks) {
    const std::string text = environment(budget_variable);
    const milliseconds usual = environment("FLY_MACHINE_ID").empty() ? usual_budget : budget_on_fly;
    if (text.empty()) return usual;
    int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const milliseconds wanted{number};
    if (error == std::errc() && rest == end && wanted >= least_budget && wanted <= most_budget)
        return wanted;
    remarks.push_back(unusable(budget_variable, text,
                               "a number of milliseconds from " +
                                   std::to_string(least_budget.count()) + " to " +
                                   std::to_string(most_budget.count()),
                               std::to_string(usual.count())));
    return usual;
}

std::string log_level(const paths::Environment& environment, const std::string& usual,
                      std::vector<std::string>& remarks) {
    const std::string text = environment(level_variable);
    if (text.empty()) return usual;
    if (std::find(std::begin(levels), std::end(levels), text) != std::end(levels)) return text;
    std::string known;
    for (const std::string_view level : levels)
        known += (known.empty() ? "" : ", ") + std::string(level);
    remarks.push_back(unusable(level_variable, text, "one of " + known, usual));
    return usual;
}

}  // namespace

OwnSettings own_settings(const paths::Environment& environment,
                         const std::vector<std::string>& gateway_arguments) {
    const bool verbose = std::find(gateway_arguments.begin(), gateway_arguments.end(),
                                   "--verbose") != gateway_arguments.end();
    OwnSettings settings;
    settings.stop_budget = stop_budget(environment, settings.remarks);
    settings.log_level = log_level(environment, verbose ? "debug" : "info", settings.remarks);
    return settings;
}

}  // namespace supervisor
