// The owner's configuration as far as sessions and runs care: which agents there are, how many runs
// at once, when a session starts anew.
//
// Never fails: a member that is missing or of the wrong kind has its default.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "workers/agent/ids.h"
#include "workers/agent/run_queue.h"
#include "workers/common/base/json.h"

namespace agent {

struct AgentEntry {
    std::string id;
    std::string name;           // empty: none
    Json identity;              // as configured, or null
    std::string workspace;      // absolute, or relative to the state directory
    std::string workspace_key;  // that says so; empty: none does
};

struct Identity {
    std::string name;
    std::string avatar;
};

// When a session is replaced by a fresh one.
struct ResetPolicy {
    bool daily = true;
    int at_hour = 4;       // of the process's local day
    int idle_minutes = 0;  // 0: never for idling
};
bool is_stale(const ResetPolicy& policy, int64_t updated_at_ms, int64_t now_ms);

class AgentConfig {
  public:
    // `home` replaces a leading "~" of a workspace.
    explicit AgentConfig(Json config, const std::string& home = {});

    const Json& json() const { return config_; }
    // For what is learnt of `channels` and `bindings` while this process runs: the rest has been
    // read.
    Json& json() { return config_; }
    const std::vector<AgentEntry>& agents() const { return agents_; }
    const std::string& default_agent() const { return default_agent_; }
    // Null when there is none of that id.
    const AgentEntry* agent(std::string_view id) const;
    // "main, ops"
    std::string agent_names() const;
    KeyDefaults keys() const { return {default_agent_, global_}; }

    // By pool: agents.defaults.maxConcurrent, .subagents.maxConcurrent, cron.maxConcurrentRuns.
    RunQueue::Widths most_runs_at_once() const;
    std::chrono::milliseconds run_timeout() const;
    // Left of a context window for the answer: agents.defaults.compaction.
    int64_t reserve_tokens() const;
    std::string thinking_default() const;
    // What tasks run with that an agent spawns as this one, by `subagents.model` of the agent, else
    // of agents.defaults; empty: with the agent's own model.
    std::string subagent_model(std::string_view id) const;
    // Commands that start a fresh session, lower case.
    std::vector<std::string> reset_triggers() const;
    ResetPolicy reset_policy(std::string_view key, const Json& session_entry) const;
    bool send_denied(std::string_view key, const Json& session_entry) const;
    // ui.assistant, then the agent's identity, then IDENTITY.md in its workspace.
    Identity identity(const AgentEntry& agent) const;

  private:
    Json config_;
    bool global_ = false;
    std::string default_agent_ = "main";
    std::vector<AgentEntry> agents_;
};

// "Name" and "Emoji" lines of an IDENTITY.md; what the template left open counts as missing.
Identity identity_in(std::string_view markdown);
// The folders below the state directory that agents work in, the usual one among them; none that
// lies in another.
std::vector<std::string> workspace_folders(const AgentConfig& config, const std::string& state_dir);
// A path as this process has it, whose directory is the state directory, as one for others.
std::string absolute_path(const std::string& path, const std::string& state_dir);
// A file's text, at most `most` bytes; empty when it cannot be read.
std::string read_small_file(const std::string& path, size_t most);

}  // namespace agent
