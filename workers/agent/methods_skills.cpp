// Methods about skills: what there is, and what each lacks.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "workers/agent/methods.h"
#include "workers/agent/skill_folders.h"
#include "workers/agent/skills.h"

namespace agent {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string folder_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

struct Found {
    Skill skill;
    SkillFile file;
};

// By name; of two with the same name the one found later counts.
std::map<std::string, Found> skills_in(const std::vector<SkillFolder>& folders) {
    std::map<std::string, Found> skills;
    for (SkillFile& file : find_skills(folders)) {
        Skill skill = read_skill(file.text, folder_name(file.directory));
        std::string name = skill.name;
        skills.insert_or_assign(std::move(name), Found{std::move(skill), std::move(file)});
    }
    return skills;
}

void set_text(Json& row, const char* key, const std::string& value) {
    if (!value.empty()) row[key] = value;
}

Json status_row(const Found& found, const Surroundings& around) {
    const Skill& skill = found.skill;
    const Standing standing = standing_of(skill, around);
    Json row = {{"name", skill.name},
                {"description", skill.description},
                {"source", found.file.source},
                {"filePath", found.file.directory + "/SKILL.md"},
                {"baseDir", found.file.directory},
                {"skillKey", skill.key}};
    set_text(row, "primaryEnv", skill.primary_env);
    set_text(row, "emoji", skill.emoji);
    set_text(row, "homepage", skill.homepage);
    row["always"] = skill.always;
    row["disabled"] = standing.disabled;
    row["blockedByAllowlist"] = false;  // that list is for skills that come with the program
    row["eligible"] = standing.eligible;
    row["requirements"] = requirements_json(skill.needs);
    row["missing"] = requirements_json(standing.missing);
    row["configChecks"] = standing.config_checks;
    row["install"] = Json::array();  // nothing is installed from here
    return row;
}

}  // namespace

std::vector<SkillFolder> Methods::skill_folders(const AgentEntry& entry) const {
    return skill_folders_of(services_.config.json(), entry.workspace, services_.state_dir);
}

void Methods::skills_status(const Json& params, const Reply& reply) {
    const AgentConfig& config = services_.config;
    const std::string wanted = text_member(params, "agentId");
    const std::string id = wanted.empty() ? config.default_agent() : normal_agent_id(wanted);
    const AgentEntry* entry = config.agent(id);
    if (!entry)
        return reply(
            refused("unknown agent id \"" + id + "\"; configured agents: " + config.agent_names()));
    const std::string path = variable("PATH");
    const Surroundings around{
        config.json(), [&](const std::string& name) { return is_on_path(name, path); },
        [](const std::string& name) { return !variable(name.c_str()).empty(); }};
    Json rows = Json::array();
    for (const auto& [name, found] : skills_in(skill_folders(*entry)))
        rows.push_back(status_row(found, around));
    reply(answer_with({{"workspaceDir", absolute_path(entry->workspace, services_.state_dir)},
                       {"managedSkillsDir", absolute_path("skills", services_.state_dir)},
                       {"skills", std::move(rows)}}));
}

// For a node that tells which of them it has.
void Methods::skills_bins(const Json&, const Reply& reply) {
    std::set<std::string> bins;
    for (const AgentEntry& entry : services_.config.agents())
        for (const auto& [name, found] : skills_in(skill_folders(entry)))
            for (const auto* list : {&found.skill.needs.bins, &found.skill.needs.any_bins,
                                     &found.skill.installed_bins})
                bins.insert(list->begin(), list->end());
    reply(answer_with({{"bins", bins}}));
}

}  // namespace agent
