#include "workers/agent/run_messages.h"

#include <algorithm>

#include "workers/agent/ids.h"
#include "workers/agent/run.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// The wire format a provider speaks, as transcripts name it.
const char* api_of(const std::string& provider) {
    if (provider == "anthropic") return "anthropic-messages";
    if (provider == "openai") return "openai-responses";
    return "openai-completions";
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

// Of what a PDF takes as base64: a page is some 70 kB of it, and up to 3000 tokens as text and
// picture (Anthropic's and OpenAI's guides on PDF).
constexpr int64_t document_bytes_per_token = 24;

}  // namespace

Json text_content(const std::string& text) {
    Json content = Json::array();
    if (!text.empty()) content.push_back(Json{{"type", "text"}, {"text", text}});
    return content;
}

void put_above(const std::string& events, Json& message) {
    Json& content = message["content"];
    if (content.is_array() && !content.empty() && text_view(content[0], "type") == "text")
        content[0]["text"] = events + "\n" + text_member(content[0], "text");
    else if (content.is_array())
        content.insert(content.begin(), Json{{"type", "text"}, {"text", events}});
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

void add_documents(const Json& documents, std::vector<Message>& messages) {
    if (!documents.is_array() || documents.empty()) return;
    const auto newest = std::find_if(
        messages.rbegin(), messages.rend(),
        [](const Message& message) { return text_view(message.json(), "role") == "user"; });
    if (newest == messages.rend() || !member(newest->json(), "content").is_array()) return;
    Json shown = newest->json();
    for (const Json& document : documents) shown["content"].push_back(document);
    *newest = Message(std::move(shown));
}

size_t size_of_documents(const Json& documents) {
    size_t bytes = 0;
    if (documents.is_array())
        for (const Json& document : documents) bytes += text_view(document, "data").size();
    return bytes;
}

int64_t tokens_of_documents(size_t bytes, int64_t room) {
    return std::min(static_cast<int64_t>(bytes) / document_bytes_per_token, room / 2);
}

std::string wanted_model(const Json& entry) {
    const std::string model = text_member(entry, "modelOverride");
    const std::string provider = text_member(entry, "providerOverride");
    return provider.empty() || model.empty() ? model : provider + "/" + model;
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

void Run::record_end(const End& how) {
    RunRecord& record = order_.record;
    record.status = how.status;
    record.summary = how.text;
    record.client_tools = nullptr;  // they have done their work
    if (record.method != "chat") record.payload = final_payload(how);
    if (!sent_.empty() && record.payload.is_object()) record.payload["sent"] = sent_;
    if (is_heartbeat()) record.payload["beat"] = static_cast<int>(beat_);
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
    if (const Json& cost = member_at(how.message, "usage.cost.total"); cost.is_number())
        agent_meta["cost"] = cost;
    Json meta{{"durationMs", record.ended_ms - record.started_ms},
              {"agentMeta", agent_meta},
              {"aborted", status == "aborted"}};
    if (const std::string why = text_member(how.message, "stopReason"); !why.empty())
        meta["stopReason"] = why;
    if (how.is_written) {
        meta["stopReason"] = "tool_calls";
        meta["pendingToolCalls"] = handed_over_;
    }
    return Json{{"runId", record.run_id},
                {"status", "ok"},
                {"summary", status == "aborted" ? "aborted" : "completed"},
                {"result", {{"payloads", payloads}, {"meta", meta}}}};
}

}  // namespace agent
