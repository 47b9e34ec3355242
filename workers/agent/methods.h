// The methods clients may call on the agent: one table of name, parameters and handler.
//
// Promises an answer to every call, with a message that says what to change. Never trusts a
// parameter: each is checked against its row first.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "workers/agent/media_fetches.h"
#include "workers/agent/params.h"
#include "workers/agent/runs.h"
#include "workers/agent/skill_folders.h"

namespace agent {

class Channels;
class Cron;
class Heartbeats;
struct DeliveryWish;
class FrontDesk;
struct Taken;

struct Answer {
    bool ok = true;
    std::string payload_json;  // may go with an error as well
    std::string error_code;    // "INVALID_REQUEST", "UNAVAILABLE"
    std::string error_message;
    bool more = false;  // another answer to the same request follows
    // It holds for so long, unless what is kept changes first.
    std::chrono::milliseconds keep{0};
};
using Reply = std::function<void(Answer)>;

// What the caller may do besides writing, where a message holds a command.
struct CallerRights {
    bool approves = true;
    bool administers = true;
};

Answer answer_with(const Json& payload);
Answer answer_with_text(std::string payload_json);
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
    Heartbeats& heartbeats;
    Cron& cron;
    FrontDesk& desk;
    std::function<Json()> list_models;  // payload of models.list
    std::function<int64_t()> now_ms;
    std::string state_dir = ".";   // absolute, for messages
    Channels* channels = nullptr;  // none: nothing can be delivered
    ToolBox* tools = nullptr;      // null: none
};

class Methods {
  public:
    explicit Methods(MethodServices services)
        : services_(std::move(services)),
          fetches_(services_.tools),
          changes_(services_.store.on_changed(
              [this](const SessionStore::Change& change) { store_changed(change); })) {}
    Methods(const Methods&) = delete;
    Methods& operator=(const Methods&) = delete;

    // May reply before it returns, or later, and twice where the first answer says `more`.
    void call(const std::string& name, std::string_view params_json, const Reply& reply,
              const CallerRights& rights = {});

    const AgentConfig& config() const { return services_.config; }

    // Lets go of the memory that only saves time.
    void release_memory();

    struct Row {
        const char* name;
        std::span<const Field> fields;
        void (Methods::*handler)(const Json& params, const Reply& reply);
        // Its answer comes before the handler returns, depends on the parameters and on what is
        // kept in the store only, and holds for so long besides; 0: it may not be given again.
        std::chrono::milliseconds keep{0};
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
    // `reply` is empty where the request was answered already.
    void chat_taken(const RunRecord& asked, const Result<Taken>& taken, const Reply& reply);
    void answer_command(const RunRecord& asked, const std::string& text, const Reply& reply);
    Done inject(const SessionKey& key, const RunRecord& record, const Json& message);
    Result<SessionKey> session_for_agent(const Json& params);
    Done must_exist(const SessionKey& key);
    Done note_spawner(const SessionKey& spawned, const Json& params);
    Result<DeliveryWish> delivery_wish(const Json& params, const SessionKey& session) const;
    // methods_channels.cpp
    void send(const Json& params, const Reply& reply);
    void channels_report(const Json& params, const Reply& reply);
    void channel_logout(const Json& params, const Reply& reply);
    void pairing_list(const Json& params, const Reply& reply);
    void pairing_approve(const Json& params, const Reply& reply);
    void pairing_reject(const Json& params, const Reply& reply);
    void deliver(const Json& params, const Reply& reply);
    void mirror(const SessionKey& key, const std::string& text);
    // methods_voice.cpp
    void voice_initiate(const Json& params, const Reply& reply);
    void voice_start(const Json& params, const Reply& reply);
    void voice_continue(const Json& params, const Reply& reply);
    void voice_speak(const Json& params, const Reply& reply);
    void voice_end(const Json& params, const Reply& reply);
    void voice_status(const Json& params, const Reply& reply);
    void voice_tool(const Json& params, const Reply& reply);
    void voice_call(const char* method, const Json& params, bool by_model, const Reply& reply);
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
    // methods_tools.cpp
    void tool(const Json& params, const Reply& reply);
    void session_status(const Json& params, const Reply& reply);
    void fetch(const Json& params, const Reply& reply);
    // avatar.cpp
    void avatar(const Json& params, const Reply& reply);
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
    // methods_cron.cpp
    void cron_list(const Json& params, const Reply& reply);
    void cron_status(const Json& params, const Reply& reply);
    void cron_add(const Json& params, const Reply& reply);
    void cron_update(const Json& params, const Reply& reply);
    void cron_remove(const Json& params, const Reply& reply);
    void cron_run(const Json& params, const Reply& reply);
    void cron_runs(const Json& params, const Reply& reply);
    // methods_agents.cpp
    void agents_list(const Json& params, const Reply& reply);
    void agent_identity(const Json& params, const Reply& reply);
    // methods_sessions.cpp
    void models_list(const Json& params, const Reply& reply);
    void sessions_list(const Json& params, const Reply& reply);
    void health(const Json& params, const Reply& reply);
    void status(const Json& params, const Reply& reply);
    Json recent_sessions(const std::string& agent, size_t most) const;
    Json session_counts(const std::string& agent, size_t most) const;
    Json status_rows(const std::string& agent, size_t most) const;
    Json row_of(const Session& session, const Json& params) const;
    Result<std::string> list_of(const Json& params);
    struct Rows {
        std::string text;  // joined by commas
        size_t count = 0;
        void add(const std::string& row) { text.append(count++ > 0 ? "," : "").append(row); }
    };
    Result<Rows> rows_of(const Json& params, const std::string& agent);
    Result<Rows> all_rows(const Json& params, const std::string& agent);
    const std::string* row_text(const SessionKey& key);
    void store_changed(const SessionStore::Change& change);
    Json status_now() const;
    // What was printed for that question, if nothing changed and it is not older; else null.
    const std::string* printed(const std::string& question, int64_t oldest_ms) const;
    const std::string& keep_printed(const std::string& question, std::string text);

    // The stored key of any session, also of an agent that is no longer configured.
    Result<SessionKey> stored_session(const std::string& spelling) const;
    // The stored key; refused when it names an agent that is not configured.
    Result<SessionKey> known_session(const std::string& spelling) const;
    ModelName model_of(const std::string& agent_id) const;

    MethodServices services_;
    MediaFetches fetches_;
    CallerRights rights_;  // of the call that is being taken
    struct KnownCost {
        int64_t at_ms = 0;
        Json payload;
    };
    std::map<int64_t, KnownCost> costs_;  // by number of days
    struct Printed {
        uint64_t changes = 0;  // of the store, until then
        int64_t at_ms = 0;
        std::string text;
    };
    std::map<std::string, Printed> printed_;
    SessionStore::Listener changes_;
    std::map<SessionKey, std::string> rows_;  // of sessions.list, printed
};

}  // namespace agent
