#include "workers/agent/models_demo.h"

#include "workers/agent/providers/conversation.h"

namespace agent {

namespace {

constexpr size_t longest_echo = 2000;

constexpr const char* introduction =
    "This is Hardshell's built-in demonstration, not a real model: it can only repeat what you "
    "wrote. You said: \"";
constexpr const char* what_to_do =
    "\". To talk to a real model, set ANTHROPIC_API_KEY (or OPENAI_API_KEY, or another provider's "
    "key) in the gateway's environment and start it again.";

std::string last_words(const std::vector<Message>& messages) {
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        if (text_member(*message, "role") != "user") continue;
        const Json& content = member(*message, "content");
        return content.is_string() ? content.get<std::string>() : joined_text(blocks_of(content));
    }
    return {};
}

std::string shortened(std::string text) {
    if (text.size() <= longest_echo) return text;
    size_t end = longest_echo;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "…";
}

}  // namespace

std::string demo_reply(const std::vector<Message>& messages) {
    return introduction + shortened(last_words(messages)) + what_to_do;
}

std::vector<std::string> demo_pieces(const std::string& reply) {
    std::vector<std::string> pieces;
    size_t begin = 0;
    while (begin < reply.size()) {
        size_t end = reply.find(' ', begin);
        end = end == std::string::npos ? end : reply.find_first_not_of(' ', end);
        pieces.push_back(reply.substr(begin, end == std::string::npos ? end : end - begin));
        if (end == std::string::npos) break;
        begin = end;
    }
    return pieces;
}

Json demo_message(const std::string& reply, int64_t now_ms) {
    const Json nothing_used = {
        {"input", 0},
        {"output", 0},
        {"cacheRead", 0},
        {"cacheWrite", 0},
        {"totalTokens", 0},
        {"cost", {{"input", 0}, {"output", 0}, {"cacheRead", 0}, {"cacheWrite", 0}, {"total", 0}}}};
    return {{"role", "assistant"},  {"content", Json::array({{{"type", "text"}, {"text", reply}}})},
            {"api", "demo"},        {"provider", "demo"},
            {"model", "demo"},      {"usage", nothing_used},
            {"stopReason", "stop"}, {"timestamp", now_ms}};
}

}  // namespace agent
