// What the embedded store reads out of transcripts for people.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "workers/agent/embedded_store.h"
#include "workers/common/base/fd.h"

namespace agent {

namespace {

constexpr size_t preview_bytes = 64u << 10;

std::string history_message(std::string_view line) {
    const Result<Json> entry = parse_json(line);
    if (!entry) return {};
    const Json& message = member(*entry, "message");
    if (!message.is_object()) return {};
    if (text_member(message, "role") != "user") return print_json(message);
    Json shown = message;
    Json& content = shown["content"];
    if (content.is_string()) content = without_envelope(content.get<std::string>());
    if (content.is_array())
        for (Json& block : content)
            if (member(block, "text").is_string())
                block["text"] = without_envelope(text_member(block, "text"));
    return print_json(shown);
}

// By sight: to read every line on the way would take many times as long.
bool has_message(std::string_view line) {
    return line.find(R"("message":{)") != std::string_view::npos;
}

std::string first_user_text(const std::string& path) {
    const Result<Fd> file = open_regular(path, O_RDONLY);
    if (!file) return {};
    std::string bytes(preview_bytes, '\0');
    const ssize_t got = ::read(file->get(), bytes.data(), bytes.size());
    std::string_view rest(bytes.data(), got > 0 ? static_cast<size_t>(got) : 0);
    while (!rest.empty()) {
        const size_t line_break = rest.find('\n');
        if (line_break == std::string_view::npos) return {};
        const Result<Json> entry = parse_json(rest.substr(0, line_break));
        rest.remove_prefix(line_break + 1);
        if (entry && text_member(member(*entry, "message"), "role") == "user")
            return without_envelope(message_text(member(*entry, "message")));
    }
    return {};
}

// Where the oldest turn begins that fits into so many tokens with all after it; at least the last
// turn is kept. 0: everything is.
size_t turn_to_keep(const std::vector<Json>& messages,
                    const std::vector<const TranscriptLine*>& lines, int64_t keep_tokens) {
    int64_t tokens = 0;
    size_t turn = 0;
    for (size_t i = messages.size(); i-- > 0;) {
        tokens += tokens_of(messages[i]);
        if (tokens > keep_tokens && turn != 0) break;
        if (text_view(messages[i], "role") == "user" && !lines[i]->is_compaction) turn = i;
    }
    return turn;
}

std::string joined(const std::vector<std::string>& newest_first, size_t bytes) {
    std::string text = "[";
    text.reserve(bytes + newest_first.size() + 2);
    for (auto message = newest_first.rbegin(); message != newest_first.rend(); ++message) {
        if (text.size() > 1) text += ',';
        text += *message;
    }
    return text += ']';
}

}  // namespace

Result<std::set<std::string>> EmbeddedStore::entry_ids(const Session& session) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    const Result<OpenedTranscript> opened = open_transcript(*path, options_.now_ms());
    if (!opened) return opened.error();
    std::set<std::string> ids;
    for (const TranscriptLine& line : opened->index.lines()) ids.insert(line.id);
    return ids;
}

Result<SessionStore::OlderPart> EmbeddedStore::older_part(const Session& session,
                                                          int64_t keep_tokens) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    const Result<OpenedTranscript> opened = open_transcript(*path, options_.now_ms());
    if (!opened) return opened.error();
    OlderPart part;
    if (opened->index.lines().empty()) return part;
    const Result<Fd> file = open_regular(*path, O_RDONLY);
    if (!file) return file.error();
    std::vector<Json> messages;
    std::vector<const TranscriptLine*> lines;
    for (const TranscriptLine* line : opened->index.shown()) {
        Json message = shown_message(read_entry(file->get(), *line));
        if (message.is_null()) continue;
        part.tokens += tokens_of(message);
        messages.push_back(std::move(message));
        lines.push_back(line);
    }
    const size_t cut = turn_to_keep(messages, lines, keep_tokens);
    // Nothing, or nothing but what was condensed before.
    if (cut == 0 || (cut == 1 && lines.front()->is_compaction)) return part;
    part.first_kept = lines[cut]->id;
    for (size_t i = cut; i < messages.size(); ++i) part.kept_tokens += tokens_of(messages[i]);
    messages.resize(cut);
    repair_pairs(messages);
    for (Json& message : messages) part.messages.emplace_back(std::move(message));
    return part;
}

Result<std::string> EmbeddedStore::history(const Session& session, const HistoryPart& part) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    std::vector<std::string> messages;
    size_t size = 2;
    size_t skipped = 0;
    const Done done = read_backwards(*path, [&](std::string_view line) {
        if (skipped < part.skip) return skipped += has_message(line), true;
        std::string message = history_message(line);
        if (message.empty()) return true;
        size += message.size() + 1;
        if (size > part.bytes) return false;
        messages.push_back(std::move(message));
        return messages.size() < part.limit;
    });
    if (!done) return done.error();
    return joined(messages, std::min(size, part.bytes));
}

SessionStore::Preview EmbeddedStore::preview(const Session& session) {
    Preview preview;
    const Result<std::string> path = transcript_path(session);
    if (!path) return preview;
    preview.first_user_text = first_user_text(*path);
    (void)read_backwards(*path, [&](std::string_view line) {
        const Result<Json> entry = parse_json(line);
        if (entry) preview.last_text = without_envelope(message_text(member(*entry, "message")));
        return preview.last_text.empty();
    });
    return preview;
}

Done EmbeddedStore::visit_messages(const Session& session,
                                   const std::function<bool(const Json& message)>& visitor) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    return read_backwards(*path, [&](std::string_view line) {
        const Result<Json> entry = parse_json(line);
        if (!entry || !member(*entry, "message").is_object()) return true;
        return visitor(member(*entry, "message"));
    });
}

void EmbeddedStore::usage(int64_t since_ms, CostOf cost_of,
                          std::function<void(const UsageByDay&)> done) {
    std::vector<std::string> folders;
    for (const std::string& agent : agents_) folders.push_back(sessions_directory(agent));
    usage_.run(std::move(folders), since_ms, std::move(cost_of), std::move(done));
}

Result<Json> EmbeddedStore::find_message(const Session& session, const std::string& entry_id) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    Json found;
    const Done done = read_backwards(*path, [&](std::string_view line) {
        if (line.find(entry_id) == std::string_view::npos) return true;
        const Result<Json> entry = parse_json(line);
        if (!entry || text_view(*entry, "id") != entry_id) return true;
        found = member(*entry, "message");
        return false;
    });
    if (!done) return done.error();
    return found;
}

bool EmbeddedStore::has_transcript(const Session& session) {
    const Result<std::string> path = transcript_path(session);
    return path && file_size(*path) > 0;
}

}  // namespace agent
