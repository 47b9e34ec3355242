// What clients are told of a run while it goes on and when it ends.

#include <utility>

#include "workers/agent/ids.h"
#include "workers/agent/memory_flush.h"
#include "workers/agent/run.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"

namespace agent {

Json chat_message(const std::string& text, int64_t now_ms) {
    return Json{{"role", "assistant"}, {"content", text_content(text)}, {"timestamp", now_ms}};
}

void Run::tell_decided() {
    if (!end_before_start_ || std::exchange(end_told_, true)) return;
    tell(*end_before_start_);
}

void Run::tell(const End& how) {
    if (leaves_no_trace_) return;
    const std::string_view status = how.status;
    const int64_t now = services_.now_ms();
    const bool injected = text_member(how.message, "stopReason") == "injected";
    const std::string text(trimmed(message_text(how.message)));
    if (status == "ok" && !injected && !is_heartbeat()) {
        text_ = message_text(how.message);
        if (emitted_ > text_.size()) emitted_ = 0;
        flush_text();
        delta_timer_.reset();
    }
    if (injected) {
        ++sequence_;
    } else if (status == "error") {
        emit_agent("lifecycle", {{"phase", "error"}, {"error", how.text}, {"endedAt", now}});
    } else {
        Json data{{"phase", "end"}, {"endedAt", now}};
        if (status == "aborted") data["aborted"] = true;
        emit_agent("lifecycle", std::move(data));
    }
    if (status == "error") return emit_chat("error", {{"errorMessage", how.text}});
    if (status == "aborted") return emit_chat("aborted", {{"stopReason", how.stop_reason}});
    Json members = Json::object();
    if (!text.empty()) members["message"] = injected ? how.message : chat_message(text, now);
    emit_chat("final", std::move(members));
}

bool Run::is_silent() const {
    return order_.record.method == memory_flush_method;
}

void Run::emit_agent(const char* stream, Json data, bool drop_if_slow) {
    if (is_silent()) return;
    const RunRecord& record = order_.record;
    const Json payload{{"runId", record.run_id},
                       {"seq", ++sequence_},
                       {"stream", stream},
                       {"ts", services_.now_ms()},
                       {"sessionKey", record.spelling},
                       {"data", std::move(data)}};
    services_.events.emit(
        {"agent", payload, record.run_id, record.spelling, sequence_, drop_if_slow});
}

void Run::emit_chat(const char* state, Json members, bool drop_if_slow) {
    if (is_silent()) return;
    const RunRecord& record = order_.record;
    Json payload{{"runId", record.run_id},
                 {"sessionKey", record.spelling},
                 {"seq", sequence_},
                 {"state", state}};
    for (auto& [name, value] : members.items()) payload[name] = std::move(value);
    services_.events.emit(
        {"chat", payload, record.run_id, record.spelling, sequence_, drop_if_slow});
}

void Run::flush_text() {
    flush_scheduled_ = false;
    text_timer_.reset();
    if (emitted_ >= text_.size()) return;
    last_text_ms_ = services_.steady_ms();
    // A client that does not keep up may miss it: the next one holds all of it again.
    emit_agent("assistant", {{"text", text_}, {"delta", text_.substr(emitted_)}}, true);
    emitted_ = text_.size();
    if (has_ended_) return;  // the final event has it all
    const int64_t since = services_.steady_ms() - last_chat_delta_ms_;
    if (!chat_delta_sent_ || since >= chat_delta_every_ms) return chat_delta();
    // What comes before a model's pause is shown in the pause.
    if (!delta_timer_)
        delta_timer_ = services_.loop.after(std::chrono::milliseconds(chat_delta_every_ms - since),
                                            [this] { chat_delta(); });
}

void Run::chat_delta() {
    delta_timer_.reset();
    if (text_.empty()) return;
    chat_delta_sent_ = true;
    last_chat_delta_ms_ = services_.steady_ms();
    emit_chat("delta", {{"message", chat_message(text_, services_.now_ms())}}, true);
}

void Run::schedule_flush() {
    flush_scheduled_ = true;
    const int64_t since = services_.steady_ms() - last_text_ms_;
    // The longer the text, the rarer: what a client has to read stays in bounds.
    const int64_t every =
        text_every_ms * (1 + static_cast<int64_t>(text_.size() / text_step_bytes));
    if (emitted_ > 0 && since < every) {
        text_timer_ = services_.loop.after(std::chrono::milliseconds(every - since),
                                           [this] { flush_text(); });
        return;
    }
    services_.loop.soon([this, alive = alive_] {
        if (*alive && !has_ended_) flush_text();
    });
}

}  // namespace agent
