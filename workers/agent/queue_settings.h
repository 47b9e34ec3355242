// What becomes of a message that comes while its session is busy, as the owner and the session have
// it. Pure.
//
//   mode            a message that comes while the session is busy
//   steer           goes into the turn under way, after the tool it is at; if it cannot, waits
//   followup        waits for a turn of its own
//   collect         waits; all that wait become one turn
//   steer-backlog   as steer, else as collect
//   interrupt       ends the turn under way and begins its own
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"

namespace agent {

enum class QueueMode { steer, followup, collect, steer_backlog, interrupt };
enum class QueueDrop { old, newest, summarize };

struct QueueSettings {
    QueueMode mode = QueueMode::collect;
    int64_t debounce_ms = 1000;  // quiet for so long before what waited begins
    size_t cap = 20;             // wait at most
    QueueDrop drop = QueueDrop::summarize;
    bool operator==(const QueueSettings&) const = default;
};

// messages.queue for that channel, the session's own members over it.
QueueSettings queue_settings(const Json& config, const Json& session_entry,
                             std::string_view channel);
// messages.inbound: how long a session that is idle waits for more of the same hand.
int64_t inbound_debounce_ms(const Json& config, std::string_view channel);

// False, and nothing changed, for a name that is none; "queue" is steer.
bool read_queue_mode(std::string_view name, QueueMode& mode);
bool read_queue_drop(std::string_view name, QueueDrop& drop);
const char* queue_mode_name(QueueMode mode);
const char* queue_drop_name(QueueDrop drop);

inline constexpr int64_t longest_debounce_ms = 60'000;
inline constexpr int64_t most_queued = 1000;

}  // namespace agent
