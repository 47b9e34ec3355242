#include "workers/agent/queue_settings.h"

#include <algorithm>

#include "workers/agent/ids.h"

namespace agent {

namespace {

struct ModeRow {
    std::string_view name;
    QueueMode mode;
};
constexpr ModeRow mode_rows[] = {
    // name, mode; the first of a mode is what it is called
    {"steer", QueueMode::steer},
    {"queue", QueueMode::steer},
    {"followup", QueueMode::followup},
    {"follow-up", QueueMode::followup},
    {"collect", QueueMode::collect},
    {"steer-backlog", QueueMode::steer_backlog},
    {"steer+backlog", QueueMode::steer_backlog},
    {"interrupt", QueueMode::interrupt},
};

struct DropRow {
    std::string_view name;
    QueueDrop drop;
};
constexpr DropRow drop_rows[] = {
    {"old", QueueDrop::old},
    {"new", QueueDrop::newest},
    {"summarize", QueueDrop::summarize},
    {"summarise", QueueDrop::summarize},
};

// The last one that says something: the channels' setting, the channel's own, the session's.
const Json& last_of(std::initializer_list<const Json*> values) {
    static const Json nothing;
    const Json* found = &nothing;
    for (const Json* value : values)
        if (!value->is_null()) found = value;
    return *found;
}

std::string text_of(const Json& value) {
    return value.is_string() ? lower_case(trimmed(value.get_ref<const std::string&>())) : "";
}

int64_t number_of(const Json& value, int64_t otherwise, int64_t least, int64_t most) {
    if (!value.is_number()) return otherwise;
    return std::clamp(int_member({{"value", value}}, "value", otherwise), least, most);
}

}  // namespace

bool read_queue_mode(std::string_view name, QueueMode& mode) {
    for (const ModeRow& row : mode_rows)
        if (row.name == name) return mode = row.mode, true;
    return false;
}

bool read_queue_drop(std::string_view name, QueueDrop& drop) {
    for (const DropRow& row : drop_rows)
        if (row.name == name) return drop = row.drop, true;
    return false;
}

const char* queue_mode_name(QueueMode mode) {
    for (const ModeRow& row : mode_rows)
        if (row.mode == mode) return row.name.data();
    return "collect";
}

const char* queue_drop_name(QueueDrop drop) {
    for (const DropRow& row : drop_rows)
        if (row.drop == drop) return row.name.data();
    return "summarize";
}

QueueSettings queue_settings(const Json& config, const Json& entry, std::string_view channel) {
    const Json& shared = member_at(config, "messages.queue");
    const Json& modes = member(shared, "byChannel");
    const Json& debounces = member(shared, "debounceMsByChannel");
    QueueSettings settings;
    for (const Json* mode :
         {&member(shared, "mode"), &member(modes, channel), &member(entry, "queueMode")})
        (void)read_queue_mode(text_of(*mode), settings.mode);
    for (const Json* drop : {&member(shared, "drop"), &member(entry, "queueDrop")})
        (void)read_queue_drop(text_of(*drop), settings.drop);
    settings.debounce_ms =
        number_of(last_of({&member(shared, "debounceMs"), &member(debounces, channel),
                           &member(entry, "queueDebounceMs")}),
                  settings.debounce_ms, 0, longest_debounce_ms);
    settings.cap =
        static_cast<size_t>(number_of(last_of({&member(shared, "cap"), &member(entry, "queueCap")}),
                                      static_cast<int64_t>(settings.cap), 1, most_queued));
    return settings;
}

int64_t inbound_debounce_ms(const Json& config, std::string_view channel) {
    const Json& shared = member_at(config, "messages.inbound");
    return number_of(
        last_of({&member(shared, "debounceMs"), &member(member(shared, "byChannel"), channel)}), 0,
        0, longest_debounce_ms);
}

}  // namespace agent
