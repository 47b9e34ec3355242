// Methods about what happens beside the conversation: system events and heartbeats.

#include "workers/agent/methods.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// Beneath the events, in the turn that they start.
constexpr const char* wake_text =
    "You were woken by the events above. See to what they call for, and say briefly what the user "
    "should know.";

}  // namespace

SessionKey Methods::main_session() const {
    const AgentConfig& config = services_.config;
    return {config.default_agent(), main_key(config.default_agent(), config.keys())};
}

void Methods::wake(const Json& params, const Reply& reply) {
    const std::string mode = text_member(params, "mode");
    if (mode != "now" && mode != "next-heartbeat")
        return reply(refused("invalid wake params: at /mode: use now or next-heartbeat"));
    const std::string text(trimmed(text_member(params, "text")));
    if (text.empty()) return reply(answer_with({{"ok", false}}));
    const SessionKey session = main_session();
    services_.system_events.add(session, text, services_.now_ms());
    if (mode == "now") {
        RunOrder order;
        order.record.method = "wake";
        order.record.run_id = new_session_id();
        order.record.session = session;
        order.record.spelling = session.key;
        order.record.message =
            Json{{"role", "user"},
                 {"content", Json::array({Json{{"type", "text"}, {"text", wake_text}}})},
                 {"timestamp", services_.now_ms()}};
        const Result<RunRecord> run = services_.runs.accept(std::move(order));
        if (!run) return reply(answer_for(run.error()));
        log_info("woken: run {} begins", run->run_id);
    }
    reply(answer_with({{"ok", true}}));
}

void Methods::system_event(const Json& params, const Reply& reply) {
    services_.system_events.add(main_session(), text_member(params, "text"), services_.now_ms());
    reply(answer_with({{"ok", true}}));
}

void Methods::last_heartbeat(const Json&, const Reply& reply) {
    reply(answer_with(nullptr));  // there has been none
}

void Methods::set_heartbeats(const Json& params, const Reply& reply) {
    if (bool_member(params, "enabled"))
        return reply(unavailable(
            "this version has no heartbeats; wake with the mode now starts a turn instead"));
    reply(answer_with({{"ok", true}, {"enabled", false}}));
}

}  // namespace agent
