#include "workers/agent/channels/reply_text.h"

#include <algorithm>
#include <array>

#include "workers/agent/ids.h"
#include "workers/common/channel/fences.h"

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

// What a model thinks aloud, where its server leaves that in the text.
struct ThoughtTag {
    std::string_view open;
    std::string_view close;
};
constexpr ThoughtTag thought_tags[] = {
    {"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}};
constexpr std::string_view bare_tags[] = {"<final>", "</final>"};

// Where what is to be left out ends. Takes time linear to the text.
class ThoughtEnds {
  public:
    explicit ThoughtEnds(const std::string& text)
        : lower_(lower_case(text)), first_(lower_.find_first_not_of(" \t\r\n")) {
        for (size_t tag = 0; tag < last_.size(); ++tag)
            last_[tag] = lower_.rfind(thought_tags[tag].close);
    }

    // Of what begins at that place; the same place when nothing does. A thought without an end is
    // one only at the beginning: elsewhere the tag is what is written about.
    size_t after(size_t at) const {
        for (const std::string_view tag : bare_tags)
            if (lower_.compare(at, tag.size(), tag) == 0) return at + tag.size();
        for (size_t tag = 0; tag < last_.size(); ++tag) {
            const ThoughtTag& row = thought_tags[tag];
            if (lower_.compare(at, row.open.size(), row.open) != 0) continue;
            if (last_[tag] != std::string::npos && last_[tag] > at)
                return lower_.find(row.close, at) + row.close.size();
            return at == first_ ? lower_.size() : at;
        }
        return at;
    }

    // Whether a text that goes on may make something of what begins at that place.
    bool may_follow(size_t at) const {
        const std::string_view seen = std::string_view(lower_).substr(at);
        for (const std::string_view tag : bare_tags)
            if (seen.size() < tag.size() && tag.starts_with(seen)) return true;
        for (size_t tag = 0; tag < last_.size(); ++tag) {
            const std::string_view open = thought_tags[tag].open;
            if (seen.size() < open.size() && open.starts_with(seen)) return true;
            const bool has_end = last_[tag] != std::string::npos && last_[tag] > at;
            if (seen.starts_with(open) && !has_end) return true;
        }
        return false;
    }

  private:
    std::string lower_;
    size_t first_;  // that is no blank
    std::array<size_t, std::size(thought_tags)> last_{};
};

std::string without_thoughts(const std::string& text, bool is_whole) {
    const ThoughtEnds thoughts(text);
    const std::vector<Fence> fences = find_fences(text);
    auto fence = fences.begin();
    std::string kept;
    for (size_t at = 0; at < text.size();) {
        const size_t sign = std::min(text.find('<', at), text.size());
        kept.append(text, at, sign - at);
        if (sign == text.size()) break;
        while (fence != fences.end() && fence->after <= sign) ++fence;
        const bool is_code = fence != fences.end() && fence->begin <= sign;
        if (!is_whole && !is_code && thoughts.may_follow(sign)) break;
        at = is_code ? sign : thoughts.after(sign);
        if (at == sign) kept += text[at++];
    }
    kept.erase(0, std::min(kept.find_first_not_of(" \t\r\n"), kept.size()));
    return kept;
}

bool is_silent(std::string_view text) {
    while (!text.empty() && (text.back() == '.' || text.back() == '*' || text.back() == '`'))
        text.remove_suffix(1);
    while (!text.empty() && (text.front() == '*' || text.front() == '`')) text.remove_prefix(1);
    return text == silent;
}

struct ToldFailure {
    std::string_view begins;  // what a provider said, as providers/failures.cpp puts it
    const char* told;
    bool with_reason;
};
constexpr ToldFailure told_failures[] = {
    {"HTTP 529", "The AI service is temporarily overloaded. Please try again in a moment.", false},
    {"overloaded_error", "The AI service is temporarily overloaded. Please try again in a moment.",
     false},
    {"HTTP 408", "LLM request timed out.", false},
    {"HTTP 504", "LLM request timed out.", false},
    {"no complete answer within the run's limit", "LLM request timed out.", false},
    {"HTTP 400 invalid_request_error: ", "LLM request rejected: ", true},
};

// Of "provider/model: HTTP 529 …": what it means for a person; empty: it needs more words.
std::string plain_failure(std::string_view why) {
    if (why == "the run was stopped after its time limit") return "LLM request timed out.";
    const size_t named = why.find(": ");
    if (named == std::string_view::npos || why.substr(0, named).find('/') == std::string_view::npos)
        return {};
    const std::string_view said = why.substr(named + 2);
    for (const ToldFailure& row : told_failures)
        if (said.starts_with(row.begins))
            return row.told + std::string(row.with_reason ? said.substr(row.begins.size()) : "");
    return {};
}

}  // namespace

std::string spoken(const std::string& answer) {
    return without_thoughts(answer, true);
}

std::string spoken_so_far(const std::string& text) {
    return without_thoughts(text, false);
}

ChannelReply channel_reply(const std::string& answer) {
    return reply_in(spoken(answer));
}

ChannelReply reply_in(const std::string& spoken_text) {
    ChannelReply reply;
    std::string_view rest = spoken_text;
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
    if (why.starts_with("⚠️")) return why;
    if (const std::string plain = plain_failure(why); !plain.empty()) return plain;
    return "⚠️ Agent failed before reply: " + why + "\nLogs: openclaw logs --follow";
}

}  // namespace agent
