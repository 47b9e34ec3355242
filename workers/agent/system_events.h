// What happened that a session's next turn is to know of: short texts.
//
// Promises at most `most` per session, the oldest go first, and that none is handed out twice. Kept
// over the process's end by whoever stores as_note().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "workers/agent/ids.h"
#include "workers/common/base/json.h"

namespace agent {

class SystemEvents {
  public:
    static constexpr size_t most = 20;
    static constexpr size_t most_sessions = 1000;
    static constexpr size_t longest_text = 4000;  // bytes
    static constexpr const char* note_name = "system-events";

    // False when it says nothing, or the same as the last one that waits.
    bool add(const SessionKey& session, std::string_view text, int64_t now_ms);
    std::vector<std::string> waiting(const SessionKey& session) const;
    // "System: [2026-01-30 10:00:00 UTC] text" for each, a line each; none waits afterwards.
    std::string take(const SessionKey& session);
    // What take() would return.
    std::string lines(const SessionKey& session) const;

    // All that waits, for a note that a later process reads; empty when nothing does.
    std::string as_note() const;
    void read_note(const std::string& note);

  private:
    struct Waiting {
        std::string text;
        int64_t at_ms;
    };
    std::map<std::string, std::deque<Waiting>> sessions_;
};

}  // namespace agent
