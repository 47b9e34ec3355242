#include "workers/agent/channels/block_settings.h"

#include <algorithm>

#include "workers/agent/channels/turn_signs.h"

namespace agent {

namespace {

// What platforms take in one message, and how much is put together where it is not set.
struct BlockPlatform {
    std::string_view channel;
    size_t longest;  // of textChunkLimit
    size_t usual;    // textChunkLimit
    size_t least;    // blockStreamingCoalesce.minChars
};
constexpr BlockPlatform block_platforms[] = {
    {"telegram", 4'096, 4'000, 800},
    {"discord", 2'000, 2'000, 1'500},
    {"slack", 4'000, 4'000, 1'500},
    {"", 4'000, 4'000, 800},  // any other
};

const BlockPlatform& block_platform(std::string_view channel) {
    return *std::find_if(std::begin(block_platforms), std::end(block_platforms) - 1,
                         [&](const BlockPlatform& row) { return row.channel == channel; });
}

size_t size_setting(const Json& section, const char* name, size_t usual) {
    const int64_t value = int_member(section, name);
    return value > 0 ? static_cast<size_t>(value) : usual;
}

bool blocks_are_wanted(const Json& defaults, const AgentConfig& config, const ChannelTurn& turn) {
    const Json& own = channel_setting(config.json(), turn.account, "blockStreaming");
    if (own.is_boolean()) return own.get<bool>();
    return text_view(defaults, "blockStreamingDefault") == "on";
}

// Where it is spoken, or answers a command of the platform's own, an answer is one piece. The draft
// that Telegram itself has, in private chats with topics, takes the place of blocks.
bool blocks_are_possible(const AgentConfig& config, const ChannelTurn& turn) {
    const auto& place = turn.message.place();
    if (turn.account.channel == voice_channel || turn.message.is_native_command()) return false;
    return place.thread_id().empty() || !shows_drafts(config, turn);
}

const Json& human_delay(const AgentConfig& config, const Json& defaults, const std::string& agent) {
    const Json& list = member_at(config.json(), "agents.list");
    if (list.is_array())
        for (const Json& entry : list)
            if (normal_agent_id(text_view(entry, "id")) == agent &&
                member(entry, "humanDelay").is_object())
                return member(entry, "humanDelay");
    return member(defaults, "humanDelay");
}

constexpr int64_t natural_least_ms = 800;
constexpr int64_t natural_most_ms = 2'500;
constexpr int64_t longest_pause_ms_between_blocks = 60'000;

void set_pause(const Json& delay, BlockSettings& settings) {
    const std::string_view mode = text_view(delay, "mode");
    if (mode != "natural" && mode != "custom") return;
    const bool is_custom = mode == "custom";
    const auto in_bounds = [](int64_t ms) {
        return std::clamp<int64_t>(ms, 0, longest_pause_ms_between_blocks);
    };
    settings.pause.least_ms =
        in_bounds(is_custom ? int_member(delay, "minMs", natural_least_ms) : natural_least_ms);
    settings.pause.most_ms =
        in_bounds(is_custom ? int_member(delay, "maxMs", natural_most_ms) : natural_most_ms);
    settings.pause.most_ms = std::max(settings.pause.least_ms, settings.pause.most_ms);
}

}  // namespace

BlockSettings block_settings(const AgentConfig& config, const ChannelTurn& turn) {
    BlockSettings settings;
    const Json& defaults = member_at(config.json(), "agents.defaults");
    settings.on = blocks_are_wanted(defaults, config, turn) && blocks_are_possible(config, turn);
    if (!settings.on) return settings;
    settings.waits_for_message_end = text_view(defaults, "blockStreamingBreak") == "message_end";

    const BlockPlatform& platform = block_platform(turn.account.channel);
    const Json& limit = channel_setting(config.json(), turn.account, "textChunkLimit");
    const size_t longest =
        limit.is_number() && limit.get<double>() >= 1
            ? std::min(platform.longest, static_cast<size_t>(std::min(limit.get<double>(), 1e6)))
            : platform.usual;
    const Json& chunk = member(defaults, "blockStreamingChunk");
    settings.chunk.most = std::min(size_setting(chunk, "maxChars", 1'200), longest);
    settings.chunk.least = std::min(size_setting(chunk, "minChars", 800), settings.chunk.most);
    settings.chunk.at = break_preference(text_view(chunk, "breakPreference"));

    const Json& own = channel_setting(config.json(), turn.account, "blockStreamingCoalesce");
    const Json& join = own.is_object() ? own : member(defaults, "blockStreamingCoalesce");
    settings.join.most = std::min(size_setting(join, "maxChars", longest), longest);
    settings.join.least =
        std::min(size_setting(join, "minChars", platform.least), settings.join.most);
    settings.join.idle = std::chrono::milliseconds(
        std::clamp<int64_t>(int_member(join, "idleMs", 1'000), 0, 60'000));
    set_pause(human_delay(config, defaults, turn.route.agent), settings);
    return settings;
}

}  // namespace agent
