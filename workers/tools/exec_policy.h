// Whether a command may run, has to be asked for, or is refused: the owner's settings and their
// file of approvals (exec-approvals.json, OpenClaw's format), the stricter of both.
//
// In the sandbox every command may run. On the host "gateway" the file decides, and a command that
// it allows is run as the words it consists of, without a shell: what was checked is what is run.
// Pure but for looking a program's file up.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "workers/tools/settings.h"

namespace tools {

enum class Verdict { run, ask, deny };

struct Decision {
    Verdict verdict = Verdict::deny;
    std::string why;                     // of a refusal
    std::vector<std::string> arguments;  // run these instead of a shell; empty: the shell
    std::string resolved;                // the program's file, when it is one program
    std::string security;
    std::string ask;
    bool fallback_allows = false;  // when nobody answers
};

// The words of a command that needs no shell; nothing when it has any of a shell's signs.
std::optional<std::vector<std::string>> plain_words(std::string_view command);
// `*` stands for letters up to a slash, `**` for any, `?` for one.
bool fits_pattern(std::string_view pattern, std::string_view path);

class ExecPolicy {
  public:
    // `approvals`: the file's content, or null.
    explicit ExecPolicy(Json approvals) : approvals_(std::move(approvals)) {}

    Decision decide(const ExecSettings& settings, const std::string& agent,
                    const std::string& command) const;
    // Another content of the file, or null. What was remembered meanwhile is in it, or was refused.
    void replace(Json approvals);
    // "Always", until the file says so itself.
    void remember(const std::string& agent, const Decision& decision);

  private:
    std::string rule(const std::string& agent, const char* key, const char* fallback) const;
    bool is_listed(const std::string& agent, const std::string& resolved) const;

    Json approvals_;
    std::map<std::string, std::set<std::string>> remembered_;  // programs, by agent
};

}  // namespace tools
