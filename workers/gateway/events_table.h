// Every event the gateway sends, who may see it, and what happens to a client too slow for it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/gateway/methods_table.h"

namespace gateway {

// Events that a client has not taken yet, in bytes; above it the client is slow.
inline constexpr size_t most_unsent_events = 1572864;

struct Event {
    std::string_view name;
    // May be left out for a slow client.
    bool droppable = false;
    // Not empty: only for operators with that scope, or the administrator's.
    std::string_view guard = {};
    // Sent to one client, outside the count.
    bool targeted = false;
};

std::span<const Event> events();
const Event* find_event(std::string_view name);
std::vector<std::string> offered_events();

enum class Delivery { send, skip, close };

// What a broadcast means for one client. `droppable` adds to what the table says.
Delivery delivery_of(const Event& event, bool droppable, std::string_view role,
                     const std::vector<std::string>& scopes, size_t unsent_bytes);

}  // namespace gateway
