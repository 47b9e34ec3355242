// Any bytes as a configuration: the reader and everything after it must end, and what it accepts
// must be JSON that reads back the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/planner/config.h"
#include "workers/planner/json5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const planner::Json5Reading reading = planner::read_json5(text);
    if (!reading.failure) {
        const auto again = parse_json(print_json(reading.value));
        if (!again || print_json(*again) != print_json(reading.value)) std::abort();
    } else if (reading.failure->at.line == 0 || reading.failure->what.empty()) {
        std::abort();
    }
    // An environment of our own: the outcome must not depend on the machine.
    planner::Environment environment;
    environment.add("HOME", "/home/owner", "test");
    environment.add("A", "value of A", "test");
    const planner::LoadedConfig config =
        planner::load_config("/nonexistent/openclaw.json", text, environment);
    if (config.usable() && !config.resolved.is_object()) std::abort();
    return 0;
}
