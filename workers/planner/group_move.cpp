#include "workers/planner/group_move.h"

#include <algorithm>

#include "workers/planner/channel_tokens.h"
#include "workers/planner/source.h"
#include "workers/planner/workers_table.h"

namespace planner {

namespace {

constexpr size_t longest_id = 64;

Error not_moved(std::string what) {
    return Error{Fault::bad_message, std::move(what)};
}

bool is_group_id(const std::string& id) {
    return !id.empty() && id.size() <= longest_id && std::all_of(id.begin(), id.end(), [](char c) {
        return c == '-' || (c >= '0' && c <= '9');
    });
}

bool is_channel(const std::string& name) {
    return std::any_of(channels().begin(), channels().end(),
                       [&](const ChannelKind& kind) { return kind.id == name; });
}

// False: nothing is said about it there, or about the new id already.
bool move_key(Json& config, const Path& section, const GroupMove& move) {
    Json* place = &config;
    for (const std::string& step : section) {
        if (!place->is_object() || !place->contains(step)) return false;
        place = &(*place)[step];
    }
    if (!place->is_object() || !place->contains(move.from) || place->contains(move.to))
        return false;
    Json said = (*place)[move.from];
    place->erase(move.from);
    (*place)[move.to] = std::move(said);
    return true;
}

}  // namespace

Result<MovedGroup> move_group(Json config, const std::string& worker, const GroupMove& move) {
    const size_t colon = std::min(worker.find(':'), worker.size());
    const std::string channel = worker.substr(0, colon);
    const std::string account =
        colon < worker.size() ? worker.substr(colon + 1) : std::string(default_account);
    if (!is_channel(channel))
        return not_moved("only the worker of a channel's account can say that a group has moved");
    if (!is_group_id(move.from) || !is_group_id(move.to) || move.from == move.to)
        return not_moved("a group moves from one numeric id to another");
    const Json& section = member(member(config, "channels"), channel);
    const Json& own = member(member(section, "accounts"), account);
    if (!bool_member(own, "configWrites", bool_member(section, "configWrites", true)))
        return not_moved("channels." + channel + ".configWrites is off");
    MovedGroup moved;
    for (const Path& place : {Path{"channels", channel, "accounts", account, "groups"},
                              Path{"channels", channel, "groups"}})
        if (move_key(config, place, move)) moved.places.push_back(dotted(place));
    moved.config = std::move(config);
    return moved;
}

}  // namespace planner
