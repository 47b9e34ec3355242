// One turn: the user's message into the transcript, the model's answer out to the clients and into
// the transcript.
//
// Promises exactly one end, told once: `final` only when the whole chain of models is through and
// the answer is on the disk, else `error` or `aborted`. An end that was told before the run's turn
// is written down without waiting for the disk: whoever records it syncs first. Keeps the user's
// message and what there is of the answer in every case, but for a heartbeat that has nothing to
// tell: it leaves no trace, neither in the transcript nor with the clients.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "workers/agent/agent_config.h"
#include "workers/agent/heartbeat.h"
#include "workers/agent/model_types.h"
#include "workers/agent/queue_settings.h"
#include "workers/agent/session_store.h"
#include "workers/agent/system_events.h"
#include "workers/agent/tool_box.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/loop.h"

namespace agent {

// What a run needs of the models; an adapter over Models in the product, a fake in tests.
class ModelStarter {
  public:
    virtual ~ModelStarter() = default;
    // In the order to try; `wanted` (a session's own choice, may be empty) comes first.
    virtual std::vector<ModelName> candidates(const std::string& agent_id,
                                              const std::string& wanted) const = 0;
    // The model that a text means; an error when there is none, or it may not be used.
    virtual Result<ModelName> choose(const std::string& text) const = 0;
    // The id of a key that a person names, of the model's provider; bad_message: there is none.
    virtual Result<std::string> profile_named(const std::string& agent, const ModelName& model,
                                              const std::string& name) const = 0;
    // The kind of key that a call would use, for people; empty: none.
    virtual std::string key_label(const std::string& agent, const ModelName& model,
                                  const std::string& profile) const = 0;
    // Dollars for so much usage; nothing when the model's price is not known.
    virtual std::optional<double> cost(const ModelName& name, const Json& usage) const = 0;
    virtual int64_t context_window(const ModelName& name) const = 0;
    // How much a model thinks that nobody told: "low" for one that reasons, else "off".
    virtual std::string default_thinking(const ModelName& name) const = 0;
    // `tools`: the definitions of those it may ask for, {name, description, parameters} each.
    virtual std::unique_ptr<ModelCall> start(ModelRequest request, Json tools,
                                             ModelListener& listener) = 0;
};

// How much a model thinks where neither a message nor its session says so.
std::string usual_thinking(const AgentConfig& config, const ModelStarter& models,
                           const ModelName& name);

// Where events for clients go.
class EventSink {
  public:
    virtual ~EventSink() = default;
    struct Event {
        const char* name;  // "agent", "chat"
        const Json& payload;
        const std::string& run_id;
        const std::string& session_key;
        uint64_t sequence;
        bool drop_if_slow = false;
    };
    virtual void emit(const Event& event) = 0;
    // All that the model has said before it uses tools, told before it is on the disk.
    virtual void run_turns_to_tools(const std::string&, const std::string&) {}
    virtual void run_ended(const std::string& run_id) = 0;
};

class Run;

// What runs share; outlives them.
struct RunServices {
    Loop& loop;
    SessionStore& store;
    ModelStarter& models;
    EventSink& events;
    const AgentConfig& config;
    SystemEvents& system_events;
    std::function<int64_t()> now_ms;                        // wall clock
    std::function<int64_t()> steady_ms;                     // for intervals
    std::function<void(Counter, int64_t)> count = nullptr;  // may be empty
    ToolBox* tools = nullptr;                               // null: none
    // Messages that wait and may go into this turn, which is between two tools: whether there are
    // any; those that are in its conversation now. Set by whoever holds the runs.
    std::function<bool(const Run&)> has_steering = nullptr;
    std::function<size_t(const Run&)> steer = nullptr;
};

// What a caller wants.
struct RunOrder {
    RunRecord record;
    std::vector<SessionStore::Note> notes = {};  // recorded with it
    bool attempt_recorded = false;               // of this process
    bool message_stored = false;                 // in the transcript, by an earlier process
    // Where it is stored, when the session has begun another conversation since.
    std::optional<Session> conversation;
    // What is done about others of its session that wait or run when it is accepted.
    bool interrupts = false;  // the turn under way, and those that wait, end
    size_t cap = 0;           // more do not wait; 0: any number
    QueueDrop drop = QueueDrop::summarize;
    // The session must be quiet for so long before it starts: where it is idle, where it is not.
    std::chrono::milliseconds quiet_idle{0};
    std::chrono::milliseconds quiet_busy{0};
    bool flushes = false;  // not even that
    // Set when it is accepted: the one of these that counts, and when that was.
    std::chrono::milliseconds quiet{0};
    int64_t held_ms = 0;
    size_t held_bytes = 0;  // as it was then
    // Called once the run has ended and that is recorded.
    std::function<void(const RunRecord&)> on_ended;
};

class Compaction;

class Run final : public ModelListener, private ToolListener {
  public:
    Run(RunServices& services, RunOrder order, std::function<void(Run&)> ended);
    ~Run() override;

    // May end the run before it returns.
    void start();
    // Ends it; `why` is "rpc", "stop" or "timeout". The end of a run that waits is only decided: it
    // is in its record from here on, told by tell_decided(), and written down when its turn comes.
    void abort(const std::string& why);
    // As abort, but an error for the clients: the process is about to end.
    void interrupt(const std::string& text);
    void tell_decided();
    // Ends it with an error before it could start.
    void refuse(const std::string& text);
    // From here on this process counts among those that began to answer it.
    void count_attempt();
    // Before its turn: it gets none. The first is in its record from here on, to be recorded; the
    // second tells the clients and ends it.
    void pass_over(const std::string& why, const std::string& other_run);
    void end_passed_over();
    // Before its turn: others' messages are part of its own.
    void gather(Json message, std::vector<std::string> joined);
    // Its message was changed by who wrote it.
    void replace_message(Json message) { order_.record.message = std::move(message); }
    // It is cut off on purpose, and goes on in a later process.
    void forget_attempt() {
        if (order_.record.attempts > 0) --order_.record.attempts;
    }

    const RunOrder& order() const { return order_; }
    const RunRecord& record() const { return order_.record; }
    // The session's entry to be recorded with the end; null when it did not change.
    const Session* changed_session() const { return changed_ ? &*changed_ : nullptr; }
    bool has_started() const { return begun_; }
    bool has_ended() const { return has_ended_; }
    // Its end is decided, though its turn has not come.
    bool is_decided() const { return end_before_start_.has_value(); }
    bool is_attempt_recorded() const { return order_.attempt_recorded; }
    // The conversation it writes to; null before its turn, and where it writes nothing.
    const Session* session() const { return session_ && !leaves_no_trace_ ? &*session_ : nullptr; }

    void text_delta(std::string_view text) override;
    void thinking_delta(std::string_view text) override;
    void restarted(const ModelFailure& why, const ModelName& next) override;
    void done(Json message) override;
    void failed(const ModelFailure& failure) override;

    static constexpr int64_t chat_delta_every_ms = 150;
    // Each event carries the whole text so far: pieces that arrive in a burst share one.
    static constexpr int64_t text_every_ms = 10;
    static constexpr size_t text_step_bytes = 4096;  // so much text: one more text_every_ms
    // Answers that ask for tools, one after another, in one run.
    static constexpr int most_tool_rounds = 100;
    // A call's output as clients are shown it while it grows: so often, and so much of its end.
    static constexpr int64_t tool_update_every_ms = 250;
    static constexpr size_t longest_tool_update = 16u << 10;

  private:
    struct End {
        const char* status = "ok";  // ok, error, aborted
        std::string text;           // of an error
        std::string stop_reason;    // of an abort
        Json message;               // of the answer, transcript form
        bool is_written = false;    // already, for it calls the caller
    };
    Json message_with_events(bool& has_events) const;
    void finish_early(End how);
    bool find_session();
    bool prepare_session();
    // A turn that nobody is told of.
    bool is_silent() const;
    bool is_heartbeat() const { return order_.record.heartbeat != RunRecord::Heartbeat::no; }
    void settle_heartbeat(End& how);
    Result<std::vector<Message>> context() const;
    bool write_user_message();
    void call_model();
    // run_tools.cpp
    bool wants_tools(const Json& message) const;
    void use_tools(Json message);
    void next_tool();
    // The agent's tools and the caller's functions, as the model is offered them.
    Json tools_offered() const;
    bool is_clients(std::string_view tool) const;
    bool hand_over(const Json& tool_call);
    bool hand_over_again();
    void tool_output(std::string_view text) override;
    void tool_ended(ToolOutcome outcome) override;
    bool write_result(const Json& tool_call, const ToolOutcome& outcome);
    void note_sent(std::string_view tool, const Json& details);
    void recall_sent();
    void give_up_tools(const std::string& why);
    void emit_tool(const char* phase, const Json& tool_call, Json members);
    void emit_tool_update();
    ToolCaller tool_caller() const;
    // A member of the session's entry, as this turn has it.
    std::string setting(const char* name) const;
    std::string model_wanted() const;
    std::string chosen_profile() const;
    // Tokens that the conversation takes, as far as is known.
    int64_t tokens_in_use(const std::vector<Message>& messages, const std::string& system) const;
    // False when there is no use in it: it was done, or cannot be.
    bool compact_first();
    void compacted(const Done& done);
    void confirm_fresh_session();
    void end(End how);
    void write_answer(End& how);
    void tell(const End& how);
    void record_end(const End& how);
    void update_session(const Json& message);
    Json own_message(const End& how) const;
    Json final_payload(const End& how) const;

    void emit_agent(const char* stream, Json data, bool drop_if_slow = false);
    void emit_chat(const char* state, Json members, bool drop_if_slow = false);
    void flush_text();
    void chat_delta();
    void schedule_flush();
    void count(Counter counter, int64_t amount);
    void count_cost(const Json& message);

    RunServices& services_;
    RunOrder order_;
    std::function<void(Run&)> ended_;
    std::optional<Session> session_;
    std::optional<Session> changed_;
    std::unique_ptr<ModelCall> call_;
    std::unique_ptr<Compaction> compaction_;
    bool tried_compaction_ = false;
    bool condensed_ = false;           // the conversation, in this run
    bool overflowed_ = false;          // the model refused the conversation as too long
    bool begins_anew_ = false;         // the session, because nothing else helped
    ModelName model_;                  // the one that answers
    Json tool_calls_ = Json::array();  // of the answer under way, those from next_tool_ on open
    size_t next_tool_ = 0;
    int tool_rounds_ = 0;
    Json asking_;                       // the answer under way, if it calls the caller
    Json handed_over_ = Json::array();  // its calls of the caller's: {id, name, arguments}
    Json sent_ = Json::array();         // by the message tool: where and what
    std::unique_ptr<ToolCall> tool_;    // the one that runs
    std::string tool_text_;             // what it has written, its end
    int64_t last_tool_update_ms_ = 0;
    std::string text_;       // of the attempt under way
    size_t emitted_ = 0;     // bytes of it that clients have
    uint64_t sequence_ = 0;  // of agent events
    bool flush_scheduled_ = false;
    bool chat_delta_sent_ = false;
    int64_t last_chat_delta_ms_ = 0;
    int64_t last_text_ms_ = 0;
    bool begun_ = false;
    bool message_written_ = false;
    bool has_ended_ = false;
    Beat beat_ = Beat::said;  // what came of a heartbeat
    bool leaves_no_trace_ = false;
    std::optional<End> end_before_start_;
    bool end_told_ = false;
    Loop::Registration deadline_;
    Loop::Registration delta_timer_;
    Loop::Registration text_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

// A zero usage, as transcripts have it.
Json no_usage();
// A reply that no model wrote (commands), in transcript form.
Json injected_message(const std::string& text, int64_t now_ms);
// The entry of a session that starts anew: levels and labels stay, the conversation does not.
Json fresh_entry(const Json& entry, int64_t now_ms);

}  // namespace agent
