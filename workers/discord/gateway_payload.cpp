#include "workers/discord/gateway_payload.h"

#include <algorithm>
#include <iterator>

namespace discord {

namespace {

constexpr std::string_view never_read[] = {
    "members",
    "presences",
    "emojis",
    "stickers",
    "voice_states",
    "stage_instances",
    "soundboard_sounds",
    "guild_scheduled_events",
    "permission_overwrites",
    "activities",
    "available_tags",
    "_trace",
};

bool is_never_read(const Json& key) {
    const auto* text = key.get_ptr<const Json::string_t*>();
    return text &&
           std::find(std::begin(never_read), std::end(never_read), *text) != std::end(never_read);
}

}  // namespace

Result<Json> parse_gateway_payload(std::string_view text) {
    bool too_deep = false;
    const Json::parser_callback_t filter = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > deepest_json) too_deep = true;
        if (too_deep) return false;
        return event != Json::parse_event_t::key || !is_never_read(parsed);
    };
    Json json = Json::parse(text, filter, false);
    if (too_deep) return Error{Fault::bad_message, "nested too deeply"};
    // It stumbles over half a surrogate pair, which people's clients do send; this one does not.
    if (json.is_discarded())
        if (Result<Json> whole = parse_json(text)) json = std::move(*whole);
    if (!json.is_object()) return Error{Fault::bad_message, "it is no JSON object"};
    return json;
}

}  // namespace discord
