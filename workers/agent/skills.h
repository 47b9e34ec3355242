// What a SKILL.md says about its skill, and whether the skill can be used here.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

struct Requirements {
    std::vector<std::string> bins;      // all of them
    std::vector<std::string> any_bins;  // one of them
    std::vector<std::string> env;
    std::vector<std::string> config;  // paths that must be set to something
    std::vector<std::string> os;      // one of them
};

struct Skill {
    std::string name;
    std::string description;
    std::string homepage;
    std::string key;  // of its entry in skills.entries
    std::string emoji;
    std::string primary_env;
    bool always = false;
    Requirements needs;
    std::vector<std::string> installed_bins;  // what its installers would bring
};

// `folder_name` is its name where the text has none.
Skill read_skill(std::string_view text, const std::string& folder_name);

// What the machine and the configuration offer.
struct Surroundings {
    const Json& config;
    std::function<bool(const std::string& program)> has_program;
    std::function<bool(const std::string& name)> has_variable;
};

struct Standing {
    bool disabled = false;
    bool eligible = false;
    Requirements missing;
    Json config_checks = Json::array();  // [{path, value, satisfied}]
};
Standing standing_of(const Skill& skill, const Surroundings& around);

// {bins, anyBins, env, config, os}
Json requirements_json(const Requirements& requirements);

// Whether a program of that name can be executed from one of the folders of a PATH.
bool is_on_path(const std::string& program, std::string_view path);

}  // namespace agent
