// The channels, threads and servers that the gateway has told of. Bounded; what is not here has to
// be asked for.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "workers/discord/events.h"

namespace discord {

class Places {
  public:
    static constexpr size_t most_channels = 20'000;

    void learn(const Guild& guild);
    void forget_guild(const std::string& guild_id);
    // Null members of an update are no news: an owner that is known stays.
    void learn(const Channel& channel);
    void forget_channel(const std::string& channel_id) { channels_.erase(channel_id); }

    // Null when it is not known.
    const Channel* channel(const std::string& id) const;
    const std::string* guild_name(const std::string& id) const;
    void name_guild(const std::string& id, const std::string& name) { guilds_[id] = name; }
    size_t size() const { return channels_.size(); }
    // Everything here can be asked for again.
    void clear();

  private:
    std::unordered_map<std::string, Channel> channels_;
    std::map<std::string, std::string> guilds_;
};

}  // namespace discord
