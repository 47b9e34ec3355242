#include "workers/agent/transcript.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "workers/agent/ids.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

// Reads the few members of a line that the index needs, without building a tree.
class LineFacts {
  public:
    TranscriptLine line;
    std::string type;
    int64_t version = 0;

    bool null() {
        if (depth_ == 1 && key_ == "parentId") line.in_tree = true;
        return true;
    }
    bool boolean(bool) { return true; }
    bool number_integer(int64_t value) { return number(value); }
    bool number_unsigned(uint64_t value) { return number(static_cast<int64_t>(value)); }
    bool number_float(double, const std::string&) { return true; }
    bool binary(Json::binary_t&) { return true; }
    bool string(std::string& value) {
        if (depth_ != 1) return true;
        if (key_ == "type") type = value;
        if (key_ == "id") line.id = value;
        if (key_ == "firstKeptEntryId") line.first_kept = value;
        if (key_ == "parentId") {
            line.parent = value;
            line.in_tree = true;
        }
        return true;
    }
    bool start_object(std::size_t) {
        if (depth_ == 1 && key_ == "message") line.is_message = true;
        return ++depth_ <= deepest_json;
    }
    bool end_object() { return --depth_, true; }
    bool start_array(std::size_t) {
        // A line is an object; an array at the top is none.
        return depth_ > 0 && ++depth_ <= deepest_json;
    }
    bool end_array() { return --depth_, true; }
    bool key(std::string& name) {
        if (depth_ == 1) key_ = name;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) { return false; }

  private:
    bool number(int64_t value) {
        if (depth_ == 1 && key_ == "version") version = value;
        return true;
    }
    int depth_ = 0;
    std::string key_;
};

bool is_blank(std::string_view line) {
    return trimmed(line).empty();
}

Json text_block(std::string text) {
    return Json{{"type", "text"}, {"text", std::move(text)}};
}

Json user_message(Json content, const Json& entry) {
    Json message{{"role", "user"}, {"content", std::move(content)}};
    if (const Json& timestamp = member(member(entry, "message"), "timestamp"); !timestamp.is_null())
        message["timestamp"] = timestamp;
    return message;
}

Json summary_message(std::string_view lead, const Json& entry) {
    const std::string text =
        std::string(lead) + "\n\n<summary>\n" + text_member(entry, "summary") + "\n</summary>";
    return user_message(Json::array({text_block(text)}), entry);
}

// An answer that failed, or was cut off before its first word, says nothing to a model.
bool says_nothing(const Json& message) {
    if (text_member(message, "role") != "assistant") return false;
    const std::string reason = text_member(message, "stopReason");
    if (reason == "error" || reason == "injected") return true;
    const Json& content = member(message, "content");
    return content.is_null() || content.empty();
}

bool is_open_call(const Json& block) {
    return text_member(block, "type") == "toolCall";
}

std::vector<Json> missing_results(const Json& message, std::unordered_set<std::string>& open) {
    std::vector<Json> results;
    const Json& content = member(message, "content");
    if (!content.is_array()) return results;
    for (const Json& block : content) {
        if (!is_open_call(block) || open.erase(text_member(block, "id")) == 0) continue;
        results.push_back(
            Json{{"role", "toolResult"},
                 {"toolCallId", text_member(block, "id")},
                 {"toolName", text_member(block, "name")},
                 {"content", Json::array({text_block("No result: the call was interrupted.")})},
                 {"isError", true}});
    }
    return results;
}

}  // namespace

void TranscriptIndex::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t line_break = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, line_break);
        if (partial_.size() + piece.size() > longest_transcript_line) overlong_ = true;
        if (overlong_) {
            overlong_size_ += partial_.size() + piece.size();
            partial_.clear();
        }
        if (line_break == std::string_view::npos) {
            if (!overlong_) partial_ += piece;
            return;
        }
        if (partial_.empty() && !overlong_) {
            take_line(piece, false);
        } else {
            partial_ += overlong_ ? std::string_view() : piece;
            take_line(partial_, false);
            partial_.clear();
        }
        bytes.remove_prefix(line_break + 1);
    }
}

void TranscriptIndex::finish() {
    if (partial_.empty() && !overlong_) return;
    take_line(partial_, true);
    partial_.clear();
}

void TranscriptIndex::take_line(std::string_view line, bool broken_off) {
    const uint64_t start = position_;
    const uint64_t size = overlong_ ? overlong_size_ : line.size();
    const bool unreadable = overlong_;
    position_ += size + (broken_off ? 0 : 1);
    overlong_ = false;
    overlong_size_ = 0;
    if (!unreadable && !broken_off && is_blank(line)) {
        // Blank lines are no damage; they stay where they are.
        if (bad_ == bad_before_last_good_) good_end_ = position_;
        return;
    }
    LineFacts facts;
    if (unreadable || !Json::sax_parse(line.begin(), line.end(), &facts)) {
        ++bad_;
        return;
    }
    good_end_ = position_;
    needs_line_break_ = broken_off;
    bad_before_last_good_ = bad_;
    if (facts.type == "session") {
        has_header_ = true;
        linear_ = facts.version < 2;
        return;
    }
    facts.line.offset = start;
    facts.line.size = static_cast<uint32_t>(size);
    facts.line.is_compaction = facts.type == "compaction";
    if (linear_) {
        if (facts.line.id.empty()) facts.line.id = "line-" + std::to_string(lines_.size());
        if (!facts.line.in_tree) facts.line.parent = leaf();
        facts.line.in_tree = true;
    }
    if (facts.line.id.empty()) facts.line.in_tree = false;
    lines_.push_back(std::move(facts.line));
}

std::string TranscriptIndex::leaf() const {
    for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
        if (line->in_tree) return line->id;
    return {};
}

std::vector<const TranscriptLine*> TranscriptIndex::branch() const {
    std::unordered_map<std::string_view, const TranscriptLine*> by_id;
    const TranscriptLine* at = nullptr;
    for (const TranscriptLine& line : lines_) {
        if (!line.in_tree) continue;
        by_id[line.id] = &line;  // of two with one id the later counts
        at = &line;
    }
    std::vector<const TranscriptLine*> path;
    while (at && path.size() <= lines_.size()) {
        path.push_back(at);
        const auto parent = by_id.find(at->parent);
        // A parent stands before its child; anything else would be a circle.
        at = parent != by_id.end() && parent->second < at ? parent->second : nullptr;
    }
    std::reverse(path.begin(), path.end());
    return path;
}

std::vector<const TranscriptLine*> TranscriptIndex::shown() const {
    std::vector<const TranscriptLine*> path = branch();
    const auto compaction = std::find_if(path.rbegin(), path.rend(),
                                         [](const auto* line) { return line->is_compaction; });
    if (compaction == path.rend()) return path;
    const TranscriptLine* summary = *compaction;
    const auto after = compaction.base();
    const auto kept = std::find_if(
        path.begin(), after - 1, [&](const auto* line) { return line->id == summary->first_kept; });
    std::vector<const TranscriptLine*> shown{summary};
    for (auto line = kept; line != after - 1; ++line)
        if (!(*line)->is_compaction) shown.push_back(*line);
    shown.insert(shown.end(), after, path.end());
    return shown;
}

Json shown_message(const Json& entry) {
    const std::string type = text_member(entry, "type");
    if (type == "compaction")
        return summary_message("The conversation before this point was condensed to:", entry);
    if (type == "branch_summary")
        return summary_message("A side branch of this conversation, condensed:", entry);
    if (type == "custom_message" && !member(entry, "content").is_null())
        return user_message(member(entry, "content"), entry);
    const Json& message = member(entry, "message");
    if (type != "message" || !message.is_object() || says_nothing(message)) return nullptr;
    const std::string role = text_member(message, "role");
    if (role != "user" && role != "assistant" && role != "toolResult") return nullptr;
    Json shown = message;
    shown.erase("usage");  // of no use to a model, and the larger half of a short answer
    return shown;
}

void repair_pairs(std::vector<Json>& messages) {
    std::vector<Json> repaired;
    repaired.reserve(messages.size());
    std::unordered_set<std::string> open;  // calls of the last answer that wait for a result
    size_t caller = 0;                     // where that answer is
    const auto close = [&] {
        if (open.empty()) return;
        for (Json& result : missing_results(Json(repaired[caller]), open))
            repaired.push_back(std::move(result));
        open.clear();
    };
    for (Json& message : messages) {
        if (text_member(message, "role") == "toolResult") {
            if (open.erase(text_member(message, "toolCallId")) > 0)
                repaired.push_back(std::move(message));
            continue;
        }
        close();
        const bool answer = text_member(message, "role") == "assistant";
        repaired.push_back(std::move(message));
        const Json& content = member(repaired.back(), "content");
        if (!answer || !content.is_array()) continue;
        caller = repaired.size() - 1;
        for (const Json& block : content)
            if (is_open_call(block)) open.insert(text_member(block, "id"));
    }
    close();
    messages = std::move(repaired);
}

bool is_stand_in(const Json& result) {
    return member(result, "timestamp").is_null();
}

size_t message_size(const Json& message, size_t most_per_image) {
    const Json& content = member(message, "content");
    if (content.is_string()) return content.get_ref<const std::string&>().size();
    size_t size = 0;
    if (!content.is_array()) return size;
    for (const Json& block : content) {
        if (const Json& data = member(block, "data"); data.is_string())
            size += std::min(most_per_image, data.get_ref<const std::string&>().size());
        for (const char* key : {"text", "thinking", "thinkingSignature"})
            if (const Json& part = member(block, key); part.is_string())
                size += part.get_ref<const std::string&>().size();
        if (const Json& arguments = member(block, "arguments"); !arguments.is_null())
            size += print_json(arguments).size();
    }
    return size;
}

int64_t tokens_of(const Json& message) {
    constexpr size_t image = 4800;
    return static_cast<int64_t>((message_size(message, image) + 16 + 2) / 3);
}

int64_t tokens_of(const Message& message) {
    std::optional<int64_t>& tokens = message.findings().tokens;
    if (!tokens) tokens = tokens_of(message.json());
    return *tokens;
}

void trim_to(std::vector<Message>& messages, int64_t tokens) {
    const int64_t budget = std::max<int64_t>(tokens, 0);
    int64_t size = 0;
    size_t first = messages.size();
    size_t turn = messages.size();  // where the oldest turn that fits begins
    while (first > 0) {
        size += tokens_of(messages[--first]);
        const bool starts_turn = text_view(messages[first], "role") == "user";
        if (size > budget && turn != messages.size()) break;
        if (starts_turn) turn = first;
    }
    if (size <= budget || turn == messages.size()) return;
    messages.erase(messages.begin(), messages.begin() + static_cast<ptrdiff_t>(turn));
}

namespace {

// How a channel begins the envelope in front of a user's text.
constexpr std::string_view channel_names[] = {
    "WebChat",  "WhatsApp", "Telegram", "Signal", "Slack",         "Discord",    "Google Chat",
    "iMessage", "Teams",    "Matrix",   "Zalo",   "Zalo Personal", "BlueBubbles"};

bool is_digits(std::string_view text, size_t at, size_t count) {
    if (at + count > text.size()) return false;
    for (size_t i = at; i < at + count; ++i)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

// "2026-01-30 10:00" or "2026-01-30T10:00" somewhere in the text.
bool names_a_time(std::string_view text) {
    for (size_t at = 0; at + 16 <= text.size(); ++at)
        if (is_digits(text, at, 4) && text[at + 4] == '-' && is_digits(text, at + 5, 2) &&
            text[at + 7] == '-' && is_digits(text, at + 8, 2) &&
            (text[at + 10] == ' ' || text[at + 10] == 'T') && is_digits(text, at + 11, 2) &&
            text[at + 13] == ':' && is_digits(text, at + 14, 2))
            return true;
    return false;
}

bool is_envelope(std::string_view header) {
    if (names_a_time(header)) return true;
    return std::any_of(std::begin(channel_names), std::end(channel_names), [&](auto name) {
        return header.substr(0, name.size() + 1) == std::string(name) + " ";
    });
}

bool is_message_id(std::string_view line) {
    line = trimmed(line);
    constexpr std::string_view start = "[message_id:";
    return line.substr(0, start.size()) == start && line.back() == ']' &&
           !trimmed(line.substr(start.size(), line.size() - start.size() - 1)).empty();
}

std::string without_message_ids(std::string_view text) {
    if (text.find("[message_id:") == std::string_view::npos) return std::string(text);
    std::string kept;
    bool first = true;
    while (true) {
        const size_t line_break = text.find('\n');
        const std::string_view line = text.substr(0, line_break);
        if (!is_message_id(line)) {
            if (!first) kept += '\n';
            kept += line;
            first = false;
        }
        if (line_break == std::string_view::npos) return kept;
        text.remove_prefix(line_break + 1);
    }
}

}  // namespace

std::string without_envelope(std::string_view text) {
    if (!text.empty() && text[0] == '[') {
        const size_t end = text.find(']');
        if (end != std::string_view::npos && is_envelope(text.substr(1, end - 1))) {
            text.remove_prefix(end + 1);
            while (!text.empty() && (text[0] == ' ' || text[0] == '\n')) text.remove_prefix(1);
        }
    }
    return without_message_ids(text);
}

std::string message_text(const Json& message) {
    const Json& content = member(message, "content");
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    if (content.is_array())
        for (const Json& block : content)
            if (text_member(block, "type") == "text") text += text_member(block, "text");
    return text;
}

std::string header_line(std::string_view session_id, int64_t now_ms, std::string_view directory) {
    return print_json(Json{{"type", "session"},
                           {"version", transcript_version},
                           {"id", session_id},
                           {"timestamp", iso_time(now_ms)},
                           {"cwd", directory}}) +
           "\n";
}

std::string entry_line(std::string_view id, std::string_view parent, int64_t now_ms,
                       const Json& message) {
    Json entry{{"type", "message"}, {"id", id}};
    entry["parentId"] = parent.empty() ? Json() : Json(parent);
    entry["timestamp"] = iso_time(now_ms);
    entry["message"] = message;
    return print_json(entry) + "\n";
}

std::string entry_line_of(std::string_view id, std::string_view parent, int64_t now_ms,
                          const Json& entry) {
    Json line{{"type", text_member(entry, "type")}, {"id", id}};
    line["parentId"] = parent.empty() ? Json() : Json(parent);
    line["timestamp"] = iso_time(now_ms);
    for (const auto& [name, value] : entry.items())
        if (!line.contains(name)) line[name] = value;
    return print_json(line) + "\n";
}

}  // namespace agent
