#include "workers/discord/places.h"

namespace discord {

void Places::learn(const Guild& guild) {
    if (guild.id.empty()) return;
    if (!guild.name.empty()) guilds_[guild.id] = guild.name;
    for (const Channel& channel : guild.channels) learn(channel);
}

void Places::forget_guild(const std::string& guild_id) {
    guilds_.erase(guild_id);
    std::erase_if(channels_, [&](const auto& entry) { return entry.second.guild_id == guild_id; });
}

void Places::learn(const Channel& channel) {
    if (channel.id.empty()) return;
    if (channels_.size() >= most_channels && !channels_.count(channel.id))
        channels_.erase(channels_.begin());
    Channel& known = channels_[channel.id];
    const std::string owner = known.owner_id;
    known = channel;
    if (known.owner_id.empty()) known.owner_id = owner;
}

const Channel* Places::channel(const std::string& id) const {
    const auto found = channels_.find(id);
    return found == channels_.end() ? nullptr : &found->second;
}

const std::string* Places::guild_name(const std::string& id) const {
    const auto found = guilds_.find(id);
    return found == guilds_.end() ? nullptr : &found->second;
}

void Places::clear() {
    channels_.clear();
    guilds_.clear();
}

}  // namespace discord
