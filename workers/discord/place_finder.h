// Where something was written, from what the gateway has told and, for the rest, from the API.
//
// Promises: as long as Discord cannot be asked, whoever wants to know waits; what Discord refuses
// to tell is a nameless place for a while, and asked for again then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "workers/common/base/loop.h"
#include "workers/discord/admission.h"
#include "workers/discord/places.h"
#include "workers/discord/rest.h"

namespace discord {

class PlaceFinder {
  public:
    PlaceFinder(Loop& loop, const Settings& settings, Rest& rest, Places& places)
        : loop_(loop), settings_(settings), rest_(rest), places_(places) {}
    PlaceFinder(const PlaceFinder&) = delete;
    PlaceFinder& operator=(const PlaceFinder&) = delete;

    // The place as far as it is known now. False: what is missing is being asked for, and `then`
    // is called when it is worth asking here again.
    bool find(const std::string& guild_id, const std::string& channel_id, Where& where,
              std::function<void()> then);
    // Everything else that the API had told can be asked for again.
    void forget();

  private:
    struct Asked {
        std::vector<std::function<void()>> waiting;
        Loop::Registration again;
    };

    const Channel* channel(const std::string& id) const;
    void ask_channel(const std::string& id, std::function<void()> then);
    void look_up_channel(const std::string& id);
    void ask_guild(const std::string& id, std::function<void()> then);
    void look_up_guild(const std::string& id);
    void answered(const std::string& what);
    void guess(const std::string& channel_id);

    Loop& loop_;
    const Settings& settings_;
    Rest& rest_;
    Places& places_;
    std::map<std::string, Asked> asked_;      // by what is asked for
    std::map<std::string, int64_t> guesses_;  // channels that nothing was told of, until when
};

}  // namespace discord
