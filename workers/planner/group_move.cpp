#include "workers/planner/group_move.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "workers/common/base/text.h"
#include "workers/planner/channel_tokens.h"
#include "workers/planner/source.h"
#include "workers/planner/workers_table.h"

namespace planner {

namespace {

// The Bot API's ids: basic groups are above it, supergroups and channels at it or below.
constexpr int64_t first_supergroup = -1'000'000'000'000;

struct Account {
    std::string channel;
    std::string name;
};

Error not_moved(std::string what) {
    return Error{Fault::bad_message, std::move(what)};
}

// In the one form that an id is written in.
std::optional<int64_t> group_id(const std::string& text) {
    int64_t id = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failure != std::errc() || std::to_string(id) != text || id >= 0) return {};
    return id;
}

bool is_basic_group(const std::string& text) {
    const auto id = group_id(text);
    return id && *id > first_supergroup;
}

bool is_supergroup(const std::string& text) {
    const auto id = group_id(text);
    return id && *id <= first_supergroup;
}

bool is_channel(const std::string& name) {
    return std::any_of(channels().begin(), channels().end(),
                       [&](const ChannelKind& kind) { return kind.id == name; });
}

// Nothing is done where nothing is said about it, or about the new id already.
void move_key(MovedGroup& moved, const Path& section, const GroupMove& move) {
    Json* place = &moved.config;
    for (const std::string& step : section) {
        if (!place->is_object() || !place->contains(step)) return;
        place = &(*place)[step];
    }
    if (!place->is_object() || !place->contains(move.from) || place->contains(move.to)) return;
    Json said = (*place)[move.from];
    place->erase(move.from);
    (*place)[move.to] = std::move(said);
    moved.places.push_back(dotted(section));
    Path key = section;
    key.push_back(move.from);
    moved.edits.push_back({std::move(key), std::nullopt, move.to});
}

std::string text_of(const Json& object, const char* key) {
    const std::string text = id_member(object, key);
    return std::string(trimmed(text));
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

bool binds(const Json& binding, const Account& account, const std::string& group) {
    const Json& match = member(binding, "match");
    const Json& peer = member(match, "peer");
    std::string wanted = text_of(match, "accountId");
    if (wanted.empty()) wanted = default_account;
    return lower(text_of(match, "channel")) == account.channel &&
           (wanted == "*" || wanted == account.name) && lower(text_of(peer, "kind")) == "group" &&
           text_of(peer, "id") == group;
}

void move_bindings(MovedGroup& moved, const Account& account, const GroupMove& move) {
    if (!member(moved.config, "bindings").is_array()) return;
    Json& bindings = moved.config["bindings"];
    if (std::any_of(bindings.begin(), bindings.end(),
                    [&](const Json& binding) { return binds(binding, account, move.to); }))
        return;
    for (size_t index = 0; index < bindings.size(); ++index) {
        if (!binds(bindings[index], account, move.from)) continue;
        const Path path{"bindings", std::to_string(index), "match", "peer", "id"};
        Json& id = bindings[index]["match"]["peer"]["id"];
        id = id.is_string() ? Json(move.to) : Json(*group_id(move.to));
        moved.places.push_back(dotted(path));
        moved.edits.push_back({path, id});
    }
}

}  // namespace

Result<MovedGroup> move_group(Json config, const std::string& worker, const GroupMove& move) {
    const size_t colon = std::min(worker.find(':'), worker.size());
    const Account account{worker.substr(0, colon), colon < worker.size()
                                                       ? worker.substr(colon + 1)
                                                       : std::string(default_account)};
    if (!is_channel(account.channel))
        return not_moved("only the worker of a channel's account can say that a group has moved");
    if (!is_basic_group(move.from) || !is_supergroup(move.to))
        return not_moved("a group moves from the id of a basic group to that of a supergroup");
    MovedGroup moved;
    moved.config = std::move(config);
    for (const Path& place : {Path{"channels", account.channel, "accounts", account.name, "groups"},
                              Path{"channels", account.channel, "groups"}})
        move_key(moved, place, move);
    move_bindings(moved, account, move);
    const Json& channel = member(member(moved.config, "channels"), account.channel);
    const Json& own = member(member(channel, "accounts"), account.name);
    const bool may_write =
        bool_member(own, "configWrites", bool_member(channel, "configWrites", true));
    if (!moved.places.empty() && !may_write)
        return not_moved("channels." + account.channel + ".configWrites is off");
    return moved;
}

}  // namespace planner
