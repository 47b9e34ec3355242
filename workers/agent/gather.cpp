#include "workers/agent/gather.h"

#include "workers/agent/heartbeat.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

std::string one_line(std::string_view text) {
    std::string line = preview_of(text, Dropped::longest_line);
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return line.size() < trimmed(text).size() ? line + "…" : line;
}

std::string told(const Dropped& dropped) {
    if (dropped.count == 0) return {};
    std::string text = "[Queue overflow] Dropped " + std::to_string(dropped.count) +
                       (dropped.count == 1 ? " message" : " messages") + " due to cap.\n";
    if (!dropped.lines.empty()) text += "Summary:\n";
    for (const std::string& line : dropped.lines) text += "- " + line + "\n";
    return text;
}

std::string numbered(const std::vector<const Json*>& messages) {
    std::string text = "[Queued messages while agent was busy]\n";
    for (size_t i = 0; i < messages.size(); ++i)
        text +=
            "\n---\nQueued #" + std::to_string(i + 1) + "\n" + message_text(*messages[i]) + "\n";
    return std::string(trimmed(text));
}

std::string in_lines(const std::vector<const Json*>& messages) {
    std::string text;
    for (const Json* message : messages) {
        const std::string one = message_text(*message);
        if (!one.empty()) text += (text.empty() ? "" : "\n") + one;
    }
    return text;
}

}  // namespace

void Dropped::add(std::string_view text) {
    add(Dropped{1, {one_line(text)}});
}

void Dropped::add(const Dropped& later) {
    count += later.count;
    lines.insert(lines.end(), later.lines.begin(), later.lines.end());
    if (lines.size() > most_lines)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most_lines));
}

Json gathered_message(const std::vector<const Json*>& messages, Gather how,
                      const Dropped& dropped) {
    if (messages.size() == 1 && dropped.count == 0) return *messages.front();
    std::string text = messages.size() == 1  ? message_text(*messages.front())
                       : how == Gather::join ? in_lines(messages)
                                             : numbered(messages);
    if (const std::string above = told(dropped); !above.empty()) text = above + "\n" + text;
    Json content = Json::array({Json{{"type", "text"}, {"text", text}}});
    for (const Json* message : messages) {
        const Json& blocks = member(*message, "content");
        if (!blocks.is_array()) continue;
        for (const Json& block : blocks)
            if (text_view(block, "type") != "text") content.push_back(block);
    }
    Json gathered = *messages.back();  // its time
    gathered["content"] = std::move(content);
    return gathered;
}

}  // namespace agent
