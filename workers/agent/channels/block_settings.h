// How the answer to a turn is sent in blocks while it grows, as openclaw.json has it. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "workers/agent/channels/turns.h"
#include "workers/common/channel/block_chunker.h"

namespace agent {

struct BlockSettings {
    bool on = false;
    bool waits_for_message_end = false;  // blockStreamingBreak: message_end
    BlockLimits chunk;
    // Blocks that follow close upon each other go out as one.
    struct {
        size_t least = 800;
        size_t most = 4'000;
        std::chrono::milliseconds idle{1'000};
    } join;
    // Between two blocks, as a person would need to write them: humanDelay.
    struct {
        int64_t least_ms = 0;
        int64_t most_ms = 0;
    } pause;
};

BlockSettings block_settings(const AgentConfig& config, const ChannelTurn& turn);

}  // namespace agent
