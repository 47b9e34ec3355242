#include "supervisor/restart_policy.h"

#include <algorithm>
#include <iterator>

namespace supervisor {

namespace {

// clang-format off

using namespace std::chrono_literals;

struct Rule {
    Ended how;
    int failures;       // at least so many
    bool only_if_ready; // only when it served before it ended
    Then then;
    std::chrono::milliseconds wait;
};

// Read from the top; the first row that fits decides.
constexpr Rule rules[] = {
    // how it ended          failures served then              wait
    {Ended::on_request,      0,       false, Then::stay_down,  0ms},
    {Ended::bad_config,      0,       false, Then::hold,       0ms},  // only an edit can help
    {Ended::bad_credentials, 0,       false, Then::hold,       0ms},  // retrying can get an account blocked
    {Ended::taken,           0,       false, Then::hold,       0ms},  // two would answer everything twice
    {Ended::killed,          0,       true,  Then::restart,    0ms},  // not its fault: always at once
    {Ended::no_storage,      0,       false, Then::restart,    10s},  // until there is room again
    {Ended::any,             10,      false, Then::restart,    60s},
    {Ended::any,             9,       false, Then::restart,    51'200ms},
    {Ended::any,             8,       false, Then::restart,    25'600ms},
    {Ended::any,             7,       false, Then::restart,    12'800ms},
    {Ended::any,             6,       false, Then::restart,    6'400ms},
    {Ended::any,             5,       false, Then::restart,    3'200ms},
    {Ended::any,             4,       false, Then::restart,    1'600ms},
    {Ended::any,             3,       false, Then::restart,    800ms},
    {Ended::any,             2,       false, Then::restart,    400ms},
    {Ended::any,             0,       true,  Then::restart,    0ms},   // a first crash: at once
    {Ended::any,             0,       false, Then::restart,    200ms},
};
// clang-format on
constexpr const Rule& last = rules[std::size(rules) - 1];
static_assert(last.how == Ended::any && last.failures == 0 && !last.only_if_ready,
              "every ending needs a verdict");

}  // namespace

Verdict after(Ended how, int failures, bool was_ready, double luck) {
    for (const Rule& rule : rules) {
        if (rule.how != how && rule.how != Ended::any) continue;
        if (failures < rule.failures || (rule.only_if_ready && !was_ready)) continue;
        const double factor = 0.8 + 0.4 * std::clamp(luck, 0.0, 1.0);
        return {rule.then, std::chrono::milliseconds(static_cast<int64_t>(
                               static_cast<double>(rule.wait.count()) * factor))};
    }
    return {last.then, last.wait};
}

}  // namespace supervisor
