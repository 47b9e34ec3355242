// Finds skills on disk: folders with a SKILL.md.
//
// Never follows a symbolic link below the folders it is given, never reads a file to its end that
// is larger than a skill's, and stops at a number of folders: a workspace is full of what a model
// wrote.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

struct SkillFile {
    std::string source;  // "openclaw-workspace", …
    std::string directory;
    std::string text;  // of SKILL.md
};

struct SkillFolder {
    std::string source;
    std::string path;
};

// Where an agent's skills are: the workspace's own go before those of all agents, and these before
// the extra ones; the first comes last. Absolute paths.
std::vector<SkillFolder> skill_folders_of(const Json& config, const std::string& workspace,
                                          const std::string& state_dir);

// In the order given; a folder that cannot be read has none.
std::vector<SkillFile> find_skills(const std::vector<SkillFolder>& folders);

}  // namespace agent
