// Two configurations, a zero byte between them: the edits that lead from one to the other, applied
// to the text of the first, must give a text that reads as the second; and what a client was shown
// and sends back must change nothing.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "workers/planner/config.h"
#include "workers/planner/json5.h"
#include "workers/planner/redaction.h"
#include "workers/planner/text_edit.h"

namespace {

constexpr size_t largest = 4096;  // each edit reads the text anew

void edit(const std::string& from, const Json& before, const Json& after) {
    std::string text = from;
    for (const planner::Edit& edit : planner::edits_between(before, after))
        if (!planner::apply_edit(text, edit)) std::abort();
    const planner::Json5Reading reading = planner::read_json5(text);
    if (reading.failure || !planner::edits_between(reading.value, after).empty()) std::abort();
}

void show_and_restore(const std::string& text, const Json& config) {
    planner::LoadedConfig loaded;
    loaded.merged = loaded.resolved = config;
    const planner::Redaction redaction{loaded};
    const planner::Seen seen{config, redaction.shown(config), redaction.shown(config)};
    Json sent = seen.shown_merged;
    if (!planner::restore(sent, seen, planner::Kind::whole)) std::abort();
    if (!planner::edits_between(sent, config).empty()) std::abort();
    (void)redaction.shown_text(text.substr(0, text.size() / 2));  // cut anywhere
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (size > largest) return 0;
    const size_t middle = std::min(input.find('\0'), input.size());
    const std::string from(input.substr(0, middle));
    const std::string to(middle < size ? input.substr(middle + 1) : std::string_view("{}"));
    const planner::Json5Reading before = planner::read_json5(from);
    const planner::Json5Reading after = planner::read_json5(to);
    if (before.failure || after.failure) return 0;
    if (!before.value.is_object() || !after.value.is_object()) return 0;
    edit(from, before.value, after.value);
    show_and_restore(from, before.value);
    return 0;
}
