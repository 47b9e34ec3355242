// The methods clients may call on the agent: one table of name, parameters and handler.
//
// Promises an answer to every call, with a message that says what to change. Never trusts a
// parameter: each is checked against its row first.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "workers/agent/params.h"
#include "workers/agent/runs.h"
#include "workers/agent/skill_folders.h"

namespace agent {

struct Answer {
    bool ok = true;
    std::string payload_json;  // may go with an error as well
    std::string error_code;    // "INVALID_REQUEST", "UNAVAILABLE"
    std::string error_message;
    bool more = false;  // another answer to the same request follows
};
using Reply = std::function<void(Answer)>;

Answer answer_with(const Json& payload);
Answer refused(std::string message);      // the request cannot be served as it is
Answer unavailable(std::string message);  // it can, another time
// As the fault says.
Answer answer_for(const Error& error);

struct MethodServices {
    Runs& runs;
    SessionStore& store;
    ModelStarter& models;
    EventSink& events;
    const AgentConfig& config;
    SystemEvents& system_events;
    std::function<Json()> list_models;  // payload of models.list
    std::function<int64_t()> now_ms;
    std::string state_dir = ".";  // absolute, for messages
};

class Methods {
  public:
    explicit Methods(MethodServices services) : services_(std::move(services)) {}

    // May reply before it returns, or later, and twice where the first answer says `more`.
    void call(const std::string& name, std::string_view params_json, const Reply& reply);

    struct Row {
        const char* name;
        std::span<const Field> fields;
        void (Methods::*handler)(const Json& params, const Reply& reply);
    };
    static std::span<const Row> table();

  private:
    // methods_chat.cpp
    void chat_send(const Json& params, const Reply& reply);
    void chat_history(const Json& params, const Reply& reply);
    void chat_abort(const Json& params, const Reply& reply);
    void agent(const Json& params, const Reply& reply);
    void agent_wait(const Json& params, const Reply& reply);
    bool answer_duplicate(const std::string& run_id, const Reply& reply);
    bool answer_command(const Json& params, const SessionKey& key, const Reply& reply);
    Result<std::string> command_text(const Json& params, const SessionKey& key) const;
    Done inject(const SessionKey& key, const RunRecord& record, const Json& message);
    Result<SessionKey> session_for_agent(const Json& params);
    // methods_session_lookup.cpp
    void sessions_preview(const Json& params, const Reply& reply);
    void sessions_resolve(const Json& params, const Reply& reply);
    Json preview_of(const std::string& spelling, size_t limit, size_t characters) const;
    // methods_session_changes.cpp
    void sessions_patch(const Json& params, const Reply& reply);
    void sessions_reset(const Json& params, const Reply& reply);
    void sessions_delete(const Json& params, const Reply& reply);
    void sessions_compact(const Json& params, const Reply& reply);
    void chat_inject(const Json& params, const Reply& reply);
    void delete_idle(const SessionKey& key, bool with_transcript, const Reply& reply);
    void answer_entry(const Session& session, const Reply& reply) const;
    // methods_usage.cpp
    void usage_status(const Json& params, const Reply& reply);
    void usage_cost(const Json& params, const Reply& reply);
    // methods_events.cpp
    void wake(const Json& params, const Reply& reply);
    void system_event(const Json& params, const Reply& reply);
    void last_heartbeat(const Json& params, const Reply& reply);
    void set_heartbeats(const Json& params, const Reply& reply);
    // methods_skills.cpp
    void skills_status(const Json& params, const Reply& reply);
    void skills_bins(const Json& params, const Reply& reply);
    std::vector<SkillFolder> skill_folders(const AgentEntry& entry) const;
    // The one that system events are for.
    SessionKey main_session() const;
    // methods_sessions.cpp
    void agents_list(const Json& params, const Reply& reply);
    void agent_identity(const Json& params, const Reply& reply);
    void models_list(const Json& params, const Reply& reply);
    void sessions_list(const Json& params, const Reply& reply);
    void health(const Json& params, const Reply& reply);
    void status(const Json& params, const Reply& reply);
    Json recent_sessions(const std::string& agent, size_t most) const;
    Json session_counts(const std::string& agent, size_t most) const;
    Json status_rows(const std::string& agent, size_t most) const;
    Json row_of(const Session& session, const Json& params) const;

    // The stored key of any session, also of an agent that is no longer configured.
    Result<SessionKey> stored_session(const std::string& spelling) const;
    // The stored key; refused when it names an agent that is not configured.
    Result<SessionKey> known_session(const std::string& spelling) const;
    ModelName model_of(const std::string& agent_id) const;

    MethodServices services_;
    struct KnownCost {
        int64_t at_ms = 0;
        Json payload;
    };
    std::map<int64_t, KnownCost> costs_;  // by number of days
};

}  // namespace agent
