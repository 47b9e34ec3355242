#include "workers/agent/channels/account.h"

namespace agent {

const Json& channel_setting(const Json& config, const ChannelAccount& account, const char* key) {
    const Json& channel = member(member(config, "channels"), account.channel);
    const Json& own = member(member(member(channel, "accounts"), account.account), key);
    return own.is_null() ? member(channel, key) : own;
}

std::string channel_label(const std::string& channel) {
    std::string label = channel;
    if (!label.empty() && label[0] >= 'a' && label[0] <= 'z')
        label[0] = static_cast<char>(label[0] - 'a' + 'A');
    return label;
}

}  // namespace agent
