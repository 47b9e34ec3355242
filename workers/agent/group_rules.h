// What the owner lets be done in a group or a channel: `tools` and `toolsBySender` of its entry in
// `channels`, as layers of the tool policy. Pure.
//
// A rule of one person is found by their id only: names are changed by those who wear them. The
// first that is there counts: the place's rule for the person, the place's, the guild's for the
// person, the guild's; places without an entry have that of `*`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

struct GroupPlace {
    std::string channel;  // "telegram"; empty: no group
    std::string account = "default";
    std::string id;
    std::string parent = {};  // of a thread: the chat it hangs on
    std::string guild = {};
    std::string title = {};  // "#general"
};

// Of "agent:<a>:<channel>:<group|channel>:<id>…"; no channel: it is none.
GroupPlace group_in(std::string_view session_key);
// The same with what the session's entry adds.
GroupPlace group_of(std::string_view session_key, const Json& entry);

// Each must allow a tool; none: nothing is said of that place. They are parts of `config`.
std::vector<const Json*> group_layers(const Json& config, const GroupPlace& place,
                                      const std::string& sender);
// Whether the bot has to be named there to answer.
bool needs_mention(const Json& config, const GroupPlace& place);
// Whether it matters there who speaks.
bool rules_by_sender(const Json& config, std::string_view channel);

}  // namespace agent
