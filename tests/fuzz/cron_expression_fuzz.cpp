// Any bytes as a cron expression: what is accepted has a next time, no earlier than asked for, and
// is read in no time at all.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "workers/agent/cron/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    int64_t from = 0;
    if (size < sizeof from) return 0;
    std::memcpy(&from, data, sizeof from);
    const std::string_view text(reinterpret_cast<const char*>(data) + sizeof from,
                                size - sizeof from);
    const auto expression = agent::CronExpression::parse(text);
    if (!expression) {
        if (expression.error().what.empty()) std::abort();
        return 0;
    }
    const auto next = expression->next(from);
    if (!next) return 0;
    if (*next < from) std::abort();
    // It is the first: asked from there, it is found again.
    if (expression->next(*next) != next) std::abort();
    return 0;
}
