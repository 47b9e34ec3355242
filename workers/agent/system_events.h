// What happened that a session's next turn is to know of: short texts, in memory only.
//
// Promises at most `most` per session, the oldest go first, and that none is handed out twice.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "workers/agent/ids.h"

namespace agent {

class SystemEvents {
  public:
    static constexpr size_t most = 20;
    static constexpr size_t most_sessions = 1000;
    static constexpr size_t longest_text = 4000;  // bytes

    // False when it says nothing, or the same as the last one that waits.
    bool add(const SessionKey& session, std::string_view text, int64_t now_ms);
    std::vector<std::string> waiting(const SessionKey& session) const;
    // "System: [2026-01-30 10:00:00 UTC] text" for each, a line each; none waits afterwards.
    std::string take(const SessionKey& session);

  private:
    struct Waiting {
        std::string text;
        int64_t at_ms;
    };
    std::map<std::string, std::deque<Waiting>> sessions_;
};

}  // namespace agent
