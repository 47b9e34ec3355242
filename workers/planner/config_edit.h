// The present openclaw.json, and how a new text for it comes about: checked, restored, stamped and
// written. Keeps what its owner wrote wherever the change does not say otherwise.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/config.h"
#include "workers/planner/redaction.h"
#include "workers/planner/text_edit.h"

namespace planner {

struct PresentConfig {
    bool exists = false;
    std::string text;
    std::string hash;  // SHA-256 of the text
    Json parsed = Json::object();
    LoadedConfig loaded;
    // Where the file cannot be read: the last good one, which clients' placeholders stand for.
    Json remembered = Json::object();

    Seen seen() const;
};
// Fails only when there is a file that cannot be read.
Result<PresentConfig> read_present(const hardshell::proto::PlanRequest& request,
                                   const Environment& environment);

// The present text with `wanted` in force: `wanted` is what the file with all that it includes
// should say, or with of_file_alone the file's own content, "$include" and all. Refuses what would
// have to be changed in an included file.
Result<std::string> edited_text(const PresentConfig& present, const std::string& path,
                                const Json& wanted, bool of_file_alone);
// The same by changes that are known already, renamings among them.
Result<std::string> edited_text(const PresentConfig& present, const std::string& path,
                                const Json& wanted, const std::vector<Edit>& edits);

// The text a client wants the whole file to be. What a program made (no comments, regular form) is
// put into the present text; what a person wrote is taken as it is.
Result<std::string> whole_text(const PresentConfig& present, const std::string& path,
                               const std::string& sent, const Json& parsed);

// What is wrong with a new text: its problems, and the unknown keys that the present file does not
// have.
Problems faults_of_text(const PresentConfig& present, const LoadedConfig& next);

// "2026-01-29T12:00:00.000Z"
std::string iso_time(int64_t now_ms);

// meta.lastTouchedVersion and lastTouchedAt as they would be after a write, if the file has meta.
void stamp(std::string& text, int64_t now_ms);

// Unless the file has changed since it was read.
Done write_over(const PresentConfig& present, const hardshell::proto::PlanRequest& request,
                const std::string& text);

}  // namespace planner
