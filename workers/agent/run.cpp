#include "workers/agent/run.h"

#include "workers/agent/ids.h"
#include "workers/agent/prompt.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// No model writes so much. Each event carries the whole text so far, so without an end a provider
// that does not stop would fill every link.
constexpr size_t longest_answer = 1u << 20;  // bytes

// Left of a context window for the answer.
constexpr int64_t reserve_tokens = 20'000;

// The wire format a provider speaks, as transcripts name it.
const char* api_of(const std::string& provider) {
    if (provider == "anthropic") return "anthropic-messages";
    if (provider == "openai") return "openai-responses";
    return "openai-completions";
}

std::string wanted_model(const Json& entry) {
    const std::string model = text_member(entry, "modelOverride");
    const std::string provider = text_member(entry, "providerOverride");
    return provider.empty() || model.empty() ? model : provider + "/" + model;
}

Json usage_total(const Json& message) {
    Json usage = member(message, "usage");
    if (!usage.is_object()) return nullptr;
    return Json{{"input", int_member(usage, "input")},
                {"output", int_member(usage, "output")},
                {"cacheRead", int_member(usage, "cacheRead")},
                {"cacheWrite", int_member(usage, "cacheWrite")},
                {"total", int_member(usage, "totalTokens")}};
}

}  // namespace

Json text_content(const std::string& text) {
    Json content = Json::array();
    if (!text.empty()) content.push_back(Json{{"type", "text"}, {"text", text}});
    return content;
}

Json no_usage() {
    const Json cost{{"input", 0}, {"output", 0}, {"cacheRead", 0}, {"cacheWrite", 0}, {"total", 0}};
    return Json{{"input", 0},      {"output", 0},      {"cacheRead", 0},
                {"cacheWrite", 0}, {"totalTokens", 0}, {"cost", cost}};
}

Json injected_message(const std::string& text, int64_t now_ms) {
    Json message = chat_message(text, now_ms);
    message["stopReason"] = "injected";
    message["usage"] = no_usage();
    return message;
}

Json fresh_entry(const Json& entry, int64_t now_ms) {
    Json fresh = entry.is_object() ? entry : Json::object();
    fresh["sessionId"] = new_session_id();
    fresh["updatedAt"] = now_ms;
    fresh["systemSent"] = false;
    fresh["abortedLastRun"] = false;
    for (const char* gone :
         {"sessionFile", "inputTokens", "outputTokens", "totalTokens", "compactionCount",
          "memoryFlushAt", "memoryFlushCompactionCount", "cliSessionIds", "claudeCliSessionId"})
        fresh.erase(gone);
    return fresh;
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
    if (!prepare_session()) return;
    if (order_.record.message.is_null() && !end_before_start_) return confirm_fresh_session();
    if (!write_user_message()) return;
    if (end_before_start_) return end(std::move(*end_before_start_));
    emit_agent("lifecycle", {{"phase", "start"}, {"startedAt", order_.record.started_ms}});
    call_model();
}

bool Run::prepare_session() {
    if (order_.conversation) return session_ = order_.conversation, true;
    Result<std::optional<Session>> found = services_.store.find(order_.record.session);
    if (!found) return end({"error", found.error().what, "", nullptr}), false;
    session_ = *found ? std::move(**found) : Session{order_.record.session, Json::object()};
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
    if (order_.record.message.is_null()) return true;
    if (order_.message_stored) return message_written_ = true;
    const Done done = services_.store.append(*session_, order_.record.entry_id,
                                             message_with_events(), SessionStore::Durability::soon);
    message_written_ = static_cast<bool>(done);
    if (!done) end({"error", "The message could not be stored: " + done.error().what, "", nullptr});
    return message_written_;
}

// The user's message beneath what the session is to know of; a run that was aborted before its turn
// leaves that to the next.
Json Run::message_with_events() const {
    Json message = order_.record.message;
    if (end_before_start_) return message;
    const std::string events = services_.system_events.take(order_.record.session);
    if (events.empty()) return message;
    Json& content = message["content"];
    const Json block{{"type", "text"}, {"text", events}};
    if (content.is_array() && !content.empty() && text_view(content[0], "type") == "text")
        content[0]["text"] = events + "\n" + text_member(content[0], "text");
    else if (content.is_array())
        content.insert(content.begin(), block);
    return message;
}

void Run::call_model() {
    const AgentEntry* agent = services_.config.agent(order_.record.session.agent);
    if (!agent)
        return end({"error", "no agent \"" + order_.record.session.agent + "\"", "", nullptr});
    Result<std::vector<Message>> context = services_.store.context(*session_);
    if (!context) return end({"error", context.error().what, "", nullptr});
    ModelRequest request;
    request.candidates = services_.models.candidates(agent->id, wanted_model(session_->entry));
    model_ = request.candidates.front();
    request.session_id = session_->id();
    request.system = system_prompt(services_.config, *agent, order_.record.started_ms,
                                   order_.record.extra_system);
    request.messages = std::move(*context);
    trim_to(request.messages, services_.models.context_window(model_) - reserve_tokens -
                                  static_cast<int64_t>(request.system.size() / 3));
    request.thinking = order_.record.thinking;
    if (request.thinking.empty()) request.thinking = text_member(session_->entry, "thinkingLevel");
    if (request.thinking.empty()) request.thinking = services_.config.thinking_default();
    // The run's own deadline comes first: it is told as a timeout, not as a model's failure.
    const std::chrono::milliseconds limit(order_.record.timeout_ms);
    request.timeout = limit + std::chrono::seconds(1);
    deadline_ = services_.loop.after(limit, [this] { abort("timeout"); });
    count(Counter::model_calls, 1);
    call_ = services_.models.start(std::move(request), *this);
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

void Run::text_delta(std::string_view text) {
    if (text_.size() + text.size() > longest_answer)
        return end({"error", model_.full() + " did not stop writing; the run was ended after 1 MiB",
                    "", nullptr});
    text_ += text;
    if (!flush_scheduled_) schedule_flush();
}

void Run::thinking_delta(std::string_view) {}

void Run::restarted(const ModelFailure& why, const ModelName& next) {
    log_info("{} failed, trying {}: {}", model_.full(), next.full(), why.text);
    model_ = next;
    text_.clear();
    emitted_ = 0;
    count(Counter::model_calls, 1);
}

void Run::done(Json message) {
    end({"ok", "", "", std::move(message)});
}

void Run::failed(const ModelFailure& failure) {
    end({"error", failure.text, "", nullptr});
}

void Run::end(End how) {
    if (has_ended_) return;
    has_ended_ = true;
    deadline_.reset();
    delta_timer_.reset();
    text_timer_.reset();
    call_.reset();
    write_answer(how);
    order_.record.ended_ms = services_.now_ms();
    record_end(how);
    if (!end_told_) tell(how);
    services_.events.run_ended(order_.record.run_id);
    ended_(*this);
}

void Run::write_answer(End& how) {
    const bool is_answer = !how.message.is_null();
    if (!session_ || (!message_written_ && !is_answer)) return;
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

Json Run::own_message(const End& how) const {
    const bool aborted = std::string_view(how.status) == "aborted";
    Json message{{"role", "assistant"},
                 {"content", text_content(text_)},
                 {"api", api_of(model_.provider)},
                 {"provider", model_.provider},
                 {"model", model_.model},
                 {"usage", no_usage()},
                 {"stopReason", aborted ? "aborted" : "error"},
                 {"errorMessage", how.text},
                 {"timestamp", services_.now_ms()}};
    return message;
}

// Read again: a stock tool may have changed it meanwhile.
void Run::update_session(const Json& message) {
    Result<std::optional<Session>> found = services_.store.find(order_.record.session);
    if (!found || !*found || (*found)->id() != session_->id()) return;
    changed_ = std::move(**found);
    Json& entry = changed_->entry;
    entry["updatedAt"] = services_.now_ms();
    const std::string reason = text_member(message, "stopReason");
    entry["abortedLastRun"] = reason == "aborted";
    if (reason == "injected" || reason == "error" || reason == "aborted") return;
    entry["systemSent"] = true;
    const Json& usage = member(message, "usage");
    const int64_t prompt = int_member(usage, "input") + int_member(usage, "cacheRead") +
                           int_member(usage, "cacheWrite");
    entry["inputTokens"] = int_member(usage, "input");
    entry["outputTokens"] = int_member(usage, "output");
    entry["totalTokens"] = int_member(usage, "totalTokens", prompt + int_member(usage, "output"));
    const ModelName answered{text_member(message, "provider", model_.provider),
                             text_member(message, "model", model_.model)};
    entry["modelProvider"] = answered.provider;
    entry["model"] = answered.model;
    entry["contextTokens"] = services_.models.context_window(answered);
}

void Run::record_end(const End& how) {
    RunRecord& record = order_.record;
    record.status = how.status;
    record.summary = how.text;
    if (record.method == "agent") record.payload = final_payload(how);
    const std::string_view status = how.status;
    const bool failed = status == "error" && !end_told_;
    if (failed) count(Counter::turns_failed, 1);
    if (status == "aborted" || end_told_) count(Counter::turns_interrupted, 1);
    if (failed) log_warn("run {} failed: {}", record.run_id, how.text);
}

Json Run::final_payload(const End& how) const {
    const RunRecord& record = order_.record;
    const std::string_view status = how.status;
    if (status == "error")
        return Json{{"runId", record.run_id}, {"status", "error"}, {"summary", how.text}};
    const std::string text(trimmed(how.message.is_null() ? text_ : message_text(how.message)));
    Json payloads = Json::array();
    if (!text.empty()) payloads.push_back(Json{{"text", text}, {"mediaUrl", nullptr}});
    Json agent_meta{{"sessionId", record.session_id},
                    {"provider", text_member(how.message, "provider", model_.provider)},
                    {"model", text_member(how.message, "model", model_.model)}};
    if (Json usage = usage_total(how.message); !usage.is_null()) agent_meta["usage"] = usage;
    const Json meta{{"durationMs", record.ended_ms - record.started_ms},
                    {"agentMeta", agent_meta},
                    {"aborted", status == "aborted"}};
    return Json{{"runId", record.run_id},
                {"status", "ok"},
                {"summary", status == "aborted" ? "aborted" : "completed"},
                {"result", {{"payloads", payloads}, {"meta", meta}}}};
}

void Run::count(Counter counter, int64_t amount) {
    if (services_.count) services_.count(counter, amount);
}

}  // namespace agent
