// One account of a channel as the rest of the agent names it.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace agent {

struct ChannelAccount {
    std::string channel;  // "telegram"
    std::string account;  // "default", "ops"
    bool operator==(const ChannelAccount&) const = default;

    // "telegram", "telegram:ops"
    std::string worker() const { return account == "default" ? channel : channel + ":" + account; }
    static ChannelAccount of_worker(const std::string& worker) {
        const size_t colon = worker.find(':');
        if (colon == std::string::npos) return {worker, "default"};
        return {worker.substr(0, colon), worker.substr(colon + 1)};
    }
};

// The channel of telephone calls: one account, and no section of `channels`.
inline constexpr const char* voice_channel = "voice";

// A setting of the account, else of its channel; null when neither has it. `config` is the whole
// configuration.
const Json& channel_setting(const Json& config, const ChannelAccount& account, const char* key);
// "Telegram"
std::string channel_label(const std::string& channel);

}  // namespace agent
