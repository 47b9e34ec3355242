// Before a long conversation is condensed, the model is asked once, in silence, to write down what
// should be remembered. Pure.
#pragma once

#include <optional>

#include "workers/agent/run.h"

namespace agent {

inline constexpr const char* memory_flush_method = "flush";

// The turn that follows one that has ended, where the conversation has grown so that the next
// compaction is near; nothing where it is not, or was done since the last one. `window` in tokens.
// The session's entry is to be kept with it: it says that it was done.
struct MemoryFlush {
    RunOrder order;
    Session session;
};
std::optional<MemoryFlush> memory_flush_after(const RunRecord& run, const Session& session,
                                              const AgentConfig& config, int64_t window,
                                              int64_t now_ms);

}  // namespace agent
