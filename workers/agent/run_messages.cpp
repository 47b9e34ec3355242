#include "workers/agent/run_messages.h"

#include <algorithm>

#include "workers/agent/ids.h"
#include "workers/agent/run.h"

namespace agent {

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

std::string wanted_model(const Json& entry) {
    const std::string model = text_member(entry, "modelOverride");
    const std::string provider = text_member(entry, "providerOverride");
    return provider.empty() || model.empty() ? model : provider + "/" + model;
}

}  // namespace agent
