// Heartbeats, as far as they are decisions: who has one, how often, whether one is due, what to
// make of the answer. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workers/agent/agent_config.h"

namespace agent {

struct HeartbeatSettings {
    bool on = false;          // this agent has one
    int64_t every_ms = 0;     // 0: off
    std::string every;        // as configured: "30m"
    std::string prompt;       // always something
    bool own_prompt = false;  // configured
    std::string model;        // empty: the agent's
    std::string session;      // empty: the main one
    std::string target = "last";
    int64_t most_ack_chars = 300;
    // Minutes of the day; none: the whole day.
    std::optional<int> active_from;
    std::optional<int> active_to;
    std::string time_zone;  // empty: the process's
    bool is_periodic() const { return on && every_ms > 0; }
};

// agents.defaults.heartbeat, and the agent's own over it. Where any agent of the list has one of
// its own only such agents do, else the default agent does.
HeartbeatSettings heartbeat_settings(const AgentConfig& config, const std::string& agent_id);

// "30m", "1h", "90" (minutes), "45s"; nothing when it cannot be read.
std::optional<int64_t> duration_in(std::string_view text);

// Whether a HEARTBEAT.md asks for anything: headings, empty list items and comments do not.
bool has_tasks(std::string_view markdown);
// At that minute of the day; also over midnight.
bool is_active(const HeartbeatSettings& settings, int minute_of_day);

// Why a beat that is due does not begin; empty: it does. "requests-in-flight" is for a moment only.
struct BeatFacts {
    bool turned_on = true;  // set-heartbeats
    int minute_of_day = 0;
    bool is_busy = false;
    bool has_events = false;
    bool has_tasks = false;  // in HEARTBEAT.md
    bool has_model = true;   // not the demonstration, which has nothing to say
};
std::string reason_to_skip(const HeartbeatSettings& settings, const BeatFacts& facts);

enum class Beat {
    nothing_said,  // an empty answer
    all_well,      // HEARTBEAT_OK, with at most so many other characters
    repeated,      // what was said within a day before
    said,          // something for the user
};
// `entry` is the session's: it remembers what was last said.
Beat judge_answer(std::string_view answer, const HeartbeatSettings& settings, const Json& entry,
                  int64_t now_ms);
// Without the token at its edges.
std::string without_token(std::string_view answer);
// The first `most` bytes, cut between characters.
std::string preview_of(std::string_view text, size_t most = 200);

}  // namespace agent
