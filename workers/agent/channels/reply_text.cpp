#include "workers/agent/channels/reply_text.h"

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr std::string_view silent = "NO_REPLY";
constexpr std::string_view reply_tag = "[[reply_to:";
constexpr std::string_view file_tag = "MEDIA:";

bool take_out(std::string& line, std::string_view tag) {
    const size_t at = lower_case(line).find(tag);
    if (at == std::string::npos) return false;
    line.erase(at, tag.size());
    return true;
}

void take_reply_tags(std::string& line, ChannelReply& reply) {
    if (take_out(line, "[[reply_to_current]]")) reply.wants_reply_to = true;
    if (take_out(line, "[[audio_as_voice]]")) reply.as_voice = true;
    const size_t at = lower_case(line).find(reply_tag);
    const size_t end = line.find("]]", at);
    if (at == std::string::npos || end == std::string::npos) return;
    reply.wants_reply_to = true;
    const size_t from = at + reply_tag.size();
    reply.reply_to_id = std::string(trimmed(line.substr(from, end - from)));
    line.erase(at, end + 2 - at);
}

// "MEDIA: /a/b.png" or "MEDIA:`a.png`"; empty when the line is none.
std::string file_in(std::string_view line) {
    line = trimmed(line);
    if (!line.starts_with(file_tag)) return {};
    line = trimmed(line.substr(file_tag.size()));
    while (line.size() > 1 && (line.front() == '`' || line.front() == '"' || line.front() == '<'))
        line.remove_prefix(1);
    while (line.size() > 1 && (line.back() == '`' || line.back() == '"' || line.back() == '>'))
        line.remove_suffix(1);
    return std::string(trimmed(line));
}

bool is_fence(std::string_view line) {
    line = trimmed(line);
    return line.starts_with("```") || line.starts_with("~~~");
}

bool is_silent(std::string_view text) {
    while (!text.empty() && (text.back() == '.' || text.back() == '*' || text.back() == '`'))
        text.remove_suffix(1);
    while (!text.empty() && (text.front() == '*' || text.front() == '`')) text.remove_prefix(1);
    return text == silent;
}

}  // namespace

ChannelReply channel_reply(const std::string& answer) {
    ChannelReply reply;
    std::string_view rest = answer;
    bool in_code = false;
    bool more = true;
    while (more) {
        const size_t line_break = rest.find('\n');
        more = line_break != std::string_view::npos;
        std::string line(rest.substr(0, line_break));
        if (more) rest.remove_prefix(line_break + 1);
        if (is_fence(line)) in_code = !in_code;
        if (!in_code) {
            if (std::string file = file_in(line); !file.empty()) {
                reply.files.push_back(std::move(file));
                continue;
            }
            take_reply_tags(line, reply);
        }
        reply.text += line;
        if (more) reply.text += '\n';
    }
    reply.text = std::string(trimmed(reply.text));
    if (is_silent(reply.text)) reply.text.clear();
    return reply;
}

std::string failure_text(const std::string& why) {
    return "⚠️ Agent failed before reply: " + why + "\nLogs: openclaw logs --follow";
}

}  // namespace agent
