// Any bytes as a SKILL.md: read, judged, shown.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "workers/agent/skills.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const agent::Skill skill = agent::read_skill(text, "folder");
    if (skill.name.empty() || skill.key.empty()) std::abort();
    const Json config = Json::object();
    const auto nowhere = [](const std::string&) { return false; };
    const agent::Standing standing = agent::standing_of(skill, {config, nowhere, nowhere});
    if (standing.missing.bins.size() != skill.needs.bins.size()) std::abort();
    (void)print_json(agent::requirements_json(skill.needs));
    (void)print_json(Json(skill.name + skill.description + skill.homepage));
    return 0;
}
