#include "supervisor/reload_policy.h"

#include <iterator>

namespace supervisor {

namespace {

enum class If { any, closes_connections };

struct Rule {
    ReloadCause cause;
    std::string_view mode;  // "*": any, one that is not known too
    If when;
    Reload then;
};

// clang-format off
// Read from the top; the first row that fits decides.
constexpr Rule rules[] = {
    // cause                mode       if                      then
    {ReloadCause::asked,    "*",       If::any,                Reload::follow},
    {ReloadCause::noticed,  "off",     If::any,                Reload::wait},
    {ReloadCause::noticed,  "hot",     If::closes_connections, Reload::wait},
    {ReloadCause::noticed,  "restart", If::any,                Reload::replace_all},
    {ReloadCause::noticed,  "*",       If::any,                Reload::follow},
};
// clang-format on
constexpr auto& last = rules[std::size(rules) - 1];
static_assert(last.cause == ReloadCause::noticed && last.mode == "*" && last.when == If::any,
              "every change needs a verdict");

}  // namespace

Reload reload_for(ReloadCause cause, std::string_view mode, bool closes_connections) {
    for (const Rule& rule : rules)
        if (rule.cause == cause && (rule.mode == "*" || rule.mode == mode) &&
            (rule.when == If::any || closes_connections))
            return rule.then;
    return last.then;
}

}  // namespace supervisor
