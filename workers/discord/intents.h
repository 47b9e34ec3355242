// What the gateway is asked to tell, bit by bit, and which of it Discord gives only to bots whose
// owner has switched it on.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>

namespace discord {

struct Intent {
    uint32_t bit;
    const char* name;  // as the Developer Portal calls the privileged ones
    bool is_privileged;
    enum class When { always, with_members, with_presence } when;
    // Bits of the application's flags that say it is switched on (in full, or for small bots).
    uint64_t flags;
};

constexpr Intent intents[] = {
    // bit       name                       privileged  asked for                   flags
    {1u << 0, "Guilds", false, Intent::When::always, 0},
    {1u << 9, "Guild Messages", false, Intent::When::always, 0},
    {1u << 10, "Guild Message Reactions", false, Intent::When::always, 0},
    {1u << 12, "Direct Messages", false, Intent::When::always, 0},
    {1u << 13, "Direct Message Reactions", false, Intent::When::always, 0},
    {1u << 15, "Message Content Intent", true, Intent::When::always, 1u << 18 | 1u << 19},
    {1u << 1, "Server Members Intent", true, Intent::When::with_members, 1u << 14 | 1u << 15},
    {1u << 8, "Presence Intent", true, Intent::When::with_presence, 1u << 12 | 1u << 13},
};

constexpr uint32_t intents_for(bool members, bool presence) {
    uint32_t sum = 0;
    for (const Intent& intent : intents)
        if (intent.when == Intent::When::always ||
            (intent.when == Intent::When::with_members && members) ||
            (intent.when == Intent::When::with_presence && presence))
            sum |= intent.bit;
    return sum;
}
static_assert(intents_for(false, false) == 46593, "what OpenClaw asks for");

// "Message Content Intent, Server Members Intent" of those asked for.
inline std::string privileged_names(uint32_t asked) {
    std::string names;
    for (const Intent& intent : intents)
        if (intent.is_privileged && (asked & intent.bit))
            names += (names.empty() ? "" : ", ") + std::string(intent.name);
    return names;
}

}  // namespace discord
