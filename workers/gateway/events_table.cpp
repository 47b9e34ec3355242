#include "workers/gateway/events_table.h"

namespace gateway {

namespace {

constexpr std::string_view pairing = "operator.pairing";
constexpr std::string_view approvals = "operator.approvals";

constexpr Event known_events[] = {
    // event, droppable, guard, targeted
    {"connect.challenge", false, {}, true},
    {"agent"},
    {"chat"},
    {"presence", true},
    {"tick", true},
    {"talk.mode", true},
    {"shutdown"},
    {"health"},
    {"heartbeat", true},
    {"cron", true},
    {"node.pair.requested", true, pairing},
    {"node.pair.resolved", true, pairing},
    {"node.invoke.request", false, {}, true},
    {"device.pair.requested", true, pairing},
    {"device.pair.resolved", true, pairing},
    {"voicewake.changed", true},
    {"exec.approval.requested", true, approvals},
    {"exec.approval.resolved", true, approvals},
    {"hardshell.workers", true},
};

}  // namespace

std::span<const Event> events() {
    return known_events;
}

const Event* find_event(std::string_view name) {
    for (const Event& event : known_events)
        if (event.name == name) return &event;
    return nullptr;
}

std::vector<std::string> offered_events() {
    std::vector<std::string> names;
    for (const Event& event : known_events) names.emplace_back(event.name);
    return names;
}

Delivery delivery_of(const Event& event, bool droppable, std::string_view role,
                     const std::vector<std::string>& scopes, size_t unsent_bytes) {
    if (!event.guard.empty()) {
        const bool admitted = role == "operator" && (has_scope(scopes, "operator.admin") ||
                                                     has_scope(scopes, event.guard));
        if (!admitted) return Delivery::skip;
    }
    if (unsent_bytes <= most_unsent_events) return Delivery::send;
    return event.droppable || droppable ? Delivery::skip : Delivery::close;
}

}  // namespace gateway
