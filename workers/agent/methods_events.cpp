// Methods about what happens beside the conversation: system events and heartbeats.

#include "workers/agent/heartbeats.h"
#include "workers/agent/methods.h"

namespace agent {

SessionKey Methods::main_session() const {
    return services_.heartbeats.main_session(services_.config.default_agent());
}

void Methods::wake(const Json& params, const Reply& reply) {
    const std::string mode = text_member(params, "mode");
    if (mode != "now" && mode != "next-heartbeat")
        return reply(refused("invalid wake params: at /mode: use now or next-heartbeat"));
    const std::string text(trimmed(text_member(params, "text")));
    if (text.empty()) return reply(answer_with({{"ok", false}}));
    const AgentConfig& config = services_.config;
    const std::string wanted = text_member(params, "agentId");
    const std::string agent = wanted.empty() ? config.default_agent() : normal_agent_id(wanted);
    if (!config.agent(agent))
        return reply(refused("unknown agent id \"" + agent +
                             "\"; configured agents: " + config.agent_names()));
    const Result<bool> added =
        services_.heartbeats.add_event(services_.heartbeats.main_session(agent), text);
    if (!added) return reply(answer_for(added.error()));
    if (mode == "now")
        if (const Done done = services_.heartbeats.wake(agent); !done)
            return reply(answer_for(done.error()));
    reply(answer_with({{"ok", true}}));
}

void Methods::system_event(const Json& params, const Reply& reply) {
    const Result<bool> added =
        services_.heartbeats.add_event(main_session(), text_member(params, "text"));
    if (!added) return reply(answer_for(added.error()));
    reply(answer_with({{"ok", true}}));
}

void Methods::last_heartbeat(const Json&, const Reply& reply) {
    reply(answer_with(services_.heartbeats.last()));
}

void Methods::set_heartbeats(const Json& params, const Reply& reply) {
    const bool on = bool_member(params, "enabled");
    if (const Done done = services_.heartbeats.turn(on); !done)
        return reply(answer_for(done.error()));
    reply(answer_with({{"ok", true}, {"enabled", on}}));
}

}  // namespace agent
