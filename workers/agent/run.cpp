#include "workers/agent/run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "workers/agent/compaction.h"
#include "workers/agent/context_pruning.h"
#include "workers/agent/ids.h"
#include "workers/agent/prompt.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/agent/usage_scan.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// No model writes so much. Each event carries the whole text so far, so without an end a provider
// that does not stop would fill every link.
constexpr size_t longest_answer = 1u << 20;  // bytes

constexpr const char* too_long_text =
    "⚠️ Context overflow — prompt too large for this model. Try again with less input or a "
    "larger-context model.";
constexpr const char* documents_too_large_text =
    "⚠️ The documents are too large for this model. Send fewer or smaller ones, or use a "
    "larger-context model.";
constexpr const char* begins_anew_text =
    "⚠️ Context limit exceeded. I've reset our conversation to start fresh - please try again.";

constexpr const char* out_of_order_text =
    "⚠️ Message ordering conflict. I've reset the conversation - please try again.";

// Every later turn of the conversation would be refused as well.
bool is_about_order(std::string_view refusal) {
    return refusal.find("roles must alternate") != std::string_view::npos ||
           refusal.find("incorrect role information") != std::string_view::npos;
}

}  // namespace

std::string usual_thinking(const AgentConfig& config, const ModelStarter& models,
                           const ModelName& name) {
    const std::string configured = config.thinking_default();
    return configured.empty() ? models.default_thinking(name) : configured;
}

Run::Run(RunServices& services, RunOrder order, std::function<void(Run&)> ended)
    : services_(services), order_(std::move(order)), ended_(std::move(ended)) {
    // Decided, and told, in an earlier process.
    const RunRecord& record = order_.record;
    if (record.status.empty()) return;
    const char* status = record.status == "aborted" ? "aborted" : "error";
    end_before_start_ = End{status, record.summary, "", nullptr};
    end_told_ = true;
}

Run::~Run() {
    *alive_ = false;
}

void Run::start() {
    begun_ = true;
    order_.record.started_ms = services_.now_ms();
    if (is_heartbeat()) {
        if (!find_session()) return;
        recall_sent();
        return end_before_start_ ? end(std::move(*end_before_start_)) : call_model();
    }
    if (!prepare_session()) return;
    if (order_.record.message.is_null() && !end_before_start_) return confirm_fresh_session();
    if (!write_user_message()) return;
    recall_sent();
    if (end_before_start_) return end(std::move(*end_before_start_));
    emit_agent("lifecycle", {{"phase", "start"}, {"startedAt", order_.record.started_ms}});
    if (!hand_over_again()) call_model();
}

bool Run::find_session() {
    if (order_.conversation) return session_ = order_.conversation, true;
    const RunRecord& record = order_.record;
    Result<std::optional<Session>> found = services_.store.find(record.session);
    if (!found) return end({"error", found.error().what, "", nullptr}), false;
    session_ = *found ? std::move(**found) : Session{record.session, Json::object()};
    if (!record.continues || session_->id() == record.session_id) return true;
    // The session has begun another since it was accepted.
    session_->entry["sessionId"] = record.session_id;
    session_->entry.erase("sessionFile");
    order_.conversation = session_;
    return true;
}

bool Run::prepare_session() {
    if (!find_session()) return false;
    if (order_.conversation) return true;
    const bool fresh = order_.record.fresh_session && !order_.message_stored && !end_before_start_;
    if (!fresh && is_session_id(session_->id())) return true;
    session_->entry = fresh_entry(session_->entry, services_.now_ms());
    session_->entry["sessionFile"] = services_.store.transcript_location(*session_);
    if (const Done done = services_.store.save(*session_); !done)
        return end({"error", done.error().what, "", nullptr}), false;
    return true;
}

// Not waited for: the message is in the journal until the run has ended, and the answer that
// follows it in the file is.
bool Run::write_user_message() {
    order_.record.session_id = session_->id();
    if (order_.record.message.is_null() || message_written_) return true;
    if (order_.message_stored) return message_written_ = true;
    bool has_events = false;
    const Done done =
        services_.store.append(*session_, order_.record.entry_id, message_with_events(has_events),
                               SessionStore::Durability::soon);
    message_written_ = static_cast<bool>(done);
    if (!done) end({"error", "The message could not be stored: " + done.error().what, "", nullptr});
    if (done && has_events)
        if (const Done kept = services_.store.put_notes(
                {{SystemEvents::note_name, services_.system_events.as_note()}});
            !kept)
            log_warn("system events may be told again: {}", kept.error().what);
    return message_written_;
}

// The user's message beneath what the session is to know of; a run that was aborted before its turn
// leaves that to the next.
Json Run::message_with_events(bool& has_events) const {
    Json message = order_.record.message;
    if (end_before_start_ || is_heartbeat()) return message;  // a heartbeat's has them
    const std::string events = services_.system_events.take(order_.record.session);
    has_events = !events.empty();
    if (has_events) put_above(events, message);
    return message;
}

void Run::call_model() {
    const AgentEntry* agent = services_.config.agent(order_.record.session.agent);
    if (!agent)
        return end({"error", "no agent \"" + order_.record.session.agent + "\"", "", nullptr});
    Result<std::vector<Message>> messages = context();
    if (!messages) return end({"error", messages.error().what, "", nullptr});
    ModelRequest request;
    request.candidates = services_.models.candidates(agent->id, model_wanted());
    model_ = request.candidates.front();
    request.session_id = session_->id();
    request.agent = agent->id;
    request.profile = chosen_profile();
    Json tools = tools_offered();
    request.system =
        system_prompt(services_.config, *agent, tools, order_.record.started_ms,
                      order_.record.extra_system, order_.record.session.key, model_.full());
    request.messages = std::move(*messages);
    const int64_t window = services_.models.context_window(model_);
    prune_results(request.messages, pruning_settings(services_.config.json()), window);
    const int64_t room = window - std::min(services_.config.reserve_tokens(), window / 2);
    if (tokens_in_use(request.messages, request.system) > room && compact_first()) return;
    trim_to(request.messages, room - static_cast<int64_t>(request.system.size() / 3) -
                                  tokens_of_documents(order_.record.document_bytes, room));
    if (order_.record.document_bytes > 0) {
        const Result<Json> documents = services_.store.documents_of(order_.record);
        if (!documents) return end({"error", documents.error().what, "", nullptr});
        add_documents(*documents, request.messages);
    }
    request.thinking = order_.record.thinking;
    if (request.thinking.empty()) request.thinking = text_member(session_->entry, "thinkingLevel");
    if (request.thinking.empty())
        request.thinking = usual_thinking(services_.config, services_.models, model_);
    // The run's own deadline comes first: it is told as a timeout, not as a model's failure.
    const std::chrono::milliseconds limit(order_.record.timeout_ms);
    request.timeout = limit + std::chrono::seconds(1);
    if (!deadline_) deadline_ = services_.loop.after(limit, [this] { abort("timeout"); });
    count(Counter::model_calls, 1);
    call_ = services_.models.start(std::move(request), std::move(tools), *this);
}

// A heartbeat's own message is not in the transcript yet, and the session may not have begun.
Result<std::vector<Message>> Run::context() const {
    if (!is_heartbeat() || message_written_) return services_.store.context(*session_);
    std::vector<Message> messages;
    if (is_session_id(session_->id())) {
        Result<std::vector<Message>> found = services_.store.context(*session_);
        if (!found) return found;
        messages = std::move(*found);
    }
    if (!order_.message_stored) messages.push_back(Message(order_.record.message));
    return messages;
}

void Run::confirm_fresh_session() {
    order_.record.session_id = session_->id();
    const std::vector<ModelName> models =
        services_.models.candidates(order_.record.session.agent, wanted_model(session_->entry));
    const std::string text = "✅ New session started · model: " + models.front().full();
    end({"ok", "", "", injected_message(text, services_.now_ms())});
}

void Run::abort(const std::string& why) {
    if (has_ended_ || end_before_start_) return;
    End how{"aborted", why == "timeout" ? "the run was stopped after its time limit" : "aborted",
            why, nullptr};
    finish_early(std::move(how));
}

void Run::interrupt(const std::string& text) {
    if (has_ended_ || end_before_start_) return;
    finish_early({"error", text, "", nullptr});
}

void Run::finish_early(End how) {
    if (has_started()) return end(std::move(how));
    order_.record.status = how.status;
    order_.record.summary = how.text;
    end_before_start_ = std::move(how);
}

void Run::refuse(const std::string& text) {
    begun_ = true;
    order_.record.started_ms = services_.now_ms();
    end({"error", text, "", nullptr});
}

void Run::count_attempt() {
    ++order_.record.attempts;
    order_.attempt_recorded = true;
}

// Written down by whoever decided it; a later process does not take it up.
void Run::pass_over(const std::string& why, const std::string& other_run) {
    order_.record.pass_over(why, other_run, services_.now_ms());
}

void Run::end_passed_over() {
    if (std::exchange(has_ended_, true)) return;
    begun_ = true;
    emit_agent("lifecycle", {{"phase", "end"}, {"endedAt", order_.record.ended_ms}});
    emit_chat("final", Json::object());
    services_.events.run_ended(order_.record.run_id);
    ended_(*this);
}

void Run::gather(Json message, std::vector<std::string> joined) {
    order_.record.message = std::move(message);
    order_.record.joined = std::move(joined);
    order_.record.gather = Gather::no;
    order_.record.dropped = {};
    order_.attempt_recorded = false;
}

void Run::text_delta(std::string_view text) {
    if (text_.size() + text.size() > longest_answer)
        return end({"error", model_.full() + " did not stop writing; the run was ended after 1 MiB",
                    "", nullptr});
    text_ += text;
    if (!flush_scheduled_ && !is_heartbeat()) schedule_flush();
}

void Run::thinking_delta(std::string_view) {}

void Run::restarted(const ModelFailure& why, const ModelName& next) {
    log_info("{} failed, trying {}: {}", model_.full(), next.full(), why.text);
    model_ = next;
    text_.clear();
    emitted_ = 0;
    count(Counter::model_failures, 1);
    count(Counter::model_calls, 1);
}

void Run::done(Json message) {
    count_cost(message);
    if (wants_tools(message)) return use_tools(std::move(message));
    end({"ok", "", "", std::move(message)});
}

void Run::count_cost(const Json& message) {
    const double dollars =
        cost_of_answer(message, [this](const ModelName& name, const Json& usage) {
            return services_.models.cost(name, usage);
        }).value_or(0);
    count(Counter::model_cost_microdollars, std::llround(std::max(dollars, 0.0) * 1e6));
}

void Run::failed(const ModelFailure& failure) {
    count(Counter::model_failures, 1);
    if (failure.reason == ModelFailure::Reason::format && is_about_order(failure.text)) {
        begins_anew_ = true;
        return end({"error", out_of_order_text, "", nullptr});
    }
    if (failure.reason != ModelFailure::Reason::context_overflow)
        return end({"error", failure.text, "", nullptr});
    // Not the conversation's fault: it stays as it is.
    if (order_.record.document_bytes > 0)
        return end({"error", documents_too_large_text, "", nullptr});
    if (!overflowed_) {
        overflowed_ = true;
        text_.clear();
        emitted_ = 0;
        tried_compaction_ = false;  // by an estimate; now it is known
        if (compact_first()) return;
        if (!condensed_) return end({"error", too_long_text, "", nullptr});
    }
    begins_anew_ = true;
    end({"error", begins_anew_text, "", nullptr});
}

std::string Run::model_wanted() const {
    return order_.record.model.empty() ? wanted_model(session_->entry) : order_.record.model;
}

// One that the stock program noted for itself is no choice of a person's.
std::string Run::chosen_profile() const {
    const std::string own = text_member(order_.record.turn, "authProfileOverride");
    if (!own.empty()) return own;
    if (text_view(session_->entry, "authProfileOverrideSource") == "auto") return {};
    return text_member(session_->entry, "authProfileOverride");
}

// The last answer told what all before it took; what came since is estimated.
int64_t Run::tokens_in_use(const std::vector<Message>& messages, const std::string& system) const {
    int64_t estimated = static_cast<int64_t>(system.size() / 3);
    for (const Message& message : messages) estimated += tokens_of(message);
    const int64_t counted = int_member(session_->entry, "totalTokens");
    const int64_t newest = messages.empty() ? 0 : tokens_of(messages.back());
    return std::max(estimated, counted > 0 ? counted + newest : 0);
}

bool Run::compact_first() {
    if (is_heartbeat() || std::exchange(tried_compaction_, true)) return false;
    compaction_ = std::make_unique<Compaction>(
        services_.store, services_.models, services_.now_ms,
        CompactionOrder{*session_, model_wanted(), ""},
        [this](const Result<Compacted>& result) { compacted(result ? Done() : result.error()); });
    if (const Done done = compaction_->start(); !done) {
        compaction_.reset();
        return false;
    }
    emit_agent("compaction", {{"phase", "start"}});
    if (!deadline_)
        deadline_ = services_.loop.after(std::chrono::milliseconds(order_.record.timeout_ms),
                                         [this] { abort("timeout"); });
    return true;
}

// Without a summary the oldest turns are left out, as far as that helps.
void Run::compacted(const Done& done) {
    const std::unique_ptr<Compaction> ended = std::move(compaction_);  // lives to the end of this
    emit_agent("compaction", {{"phase", "end"}, {"willRetry", true}});
    if (!done) log_warn("run {}: {}", order_.record.run_id, done.error().what);
    if (!done && overflowed_) return end({"error", too_long_text, "", nullptr});
    condensed_ = condensed_ || done;
    if (done) session_->entry.erase("totalTokens");  // what it was
    call_model();
}

void Run::end(End how) {
    if (has_ended_) return;
    has_ended_ = true;
    deadline_.reset();
    delta_timer_.reset();
    text_timer_.reset();
    call_.reset();
    if (next_tool_ < tool_calls_.size()) give_up_tools("No result: " + how.text + ".");
    compaction_.reset();
    if (is_heartbeat()) settle_heartbeat(how);
    if (!leaves_no_trace_) write_answer(how);
    order_.record.ended_ms = services_.now_ms();
    record_end(how);
    if (!end_told_) tell(how);
    services_.events.run_ended(order_.record.run_id);
    ended_(*this);
}

// What is worth telling gets its place in the conversation now: an answer for the user, and the
// events that the model was told of, whatever it made of them.
void Run::settle_heartbeat(End& how) {
    const bool ok = std::string_view(how.status) == "ok";
    const HeartbeatSettings settings =
        heartbeat_settings(services_.config, order_.record.session.agent);
    const Json entry = session_ ? session_->entry : Json::object();
    if (ok) beat_ = judge_answer(message_text(how.message), settings, entry, services_.now_ms());
    const bool has_news = ok && beat_ == Beat::said;
    // What it did with tools is in the transcript, and stays.
    leaves_no_trace_ = !session_ || (!has_news && !message_written_ &&
                                     order_.record.heartbeat != RunRecord::Heartbeat::with_events);
    if (leaves_no_trace_ || (prepare_session() && write_user_message())) return;
    leaves_no_trace_ = true;
    how = {"error", "The heartbeat could not be stored", "", nullptr};
}

void Run::write_answer(End& how) {
    const bool is_answer = !how.message.is_null();
    if (!session_ || (!message_written_ && !is_answer)) return;
    if (how.is_written) return update_session(how.message);
    const Json message = is_answer ? how.message : own_message(how);
    const Done done = services_.store.append(
        *session_, order_.record.answer_id, message,
        end_told_ ? SessionStore::Durability::soon : SessionStore::Durability::now);
    if (!done) {
        log_error("the answer of run {} could not be stored: {}", order_.record.run_id,
                  done.error().what);
        if (std::string_view(how.status) == "ok")
            how = {"error", "The answer could not be stored: " + done.error().what, "", nullptr};
        return;
    }
    update_session(message);
}

// Read again: a stock tool may have changed it meanwhile.
void Run::update_session(const Json& message) {
    Result<std::optional<Session>> found = services_.store.find(order_.record.session);
    if (!found || !*found || (*found)->id() != session_->id()) return;
    changed_ = std::move(**found);
    Json& entry = changed_->entry;
    if (begins_anew_) {
        entry = fresh_entry(entry, services_.now_ms());
        entry["sessionFile"] = services_.store.transcript_location(*changed_);
        return;
    }
    entry["updatedAt"] = services_.now_ms();
    const std::string reason = text_member(message, "stopReason");
    entry["abortedLastRun"] = reason == "aborted";
    if (reason == "injected" || reason == "error" || reason == "aborted") return;
    entry["systemSent"] = true;
    if (is_heartbeat() && beat_ == Beat::said) {
        entry["lastHeartbeatText"] = without_token(message_text(message));
        entry["lastHeartbeatSentAt"] = services_.now_ms();
    }
    const Json& usage = member(message, "usage");
    const int64_t prompt = int_member(usage, "input") + int_member(usage, "cacheRead") +
                           int_member(usage, "cacheWrite");
    entry["inputTokens"] = int_member(usage, "input");
    entry["outputTokens"] = int_member(usage, "output");
    // What documents took is not part of the conversation.
    if (order_.record.document_bytes == 0)
        entry["totalTokens"] =
            int_member(usage, "totalTokens", prompt + int_member(usage, "output"));
    const ModelName answered{text_member(message, "provider", model_.provider),
                             text_member(message, "model", model_.model)};
    entry["modelProvider"] = answered.provider;
    entry["model"] = answered.model;
    entry["contextTokens"] = services_.models.context_window(answered);
}

void Run::count(Counter counter, int64_t amount) {
    if (services_.count) services_.count(counter, amount);
}

}  // namespace agent
