#include "workers/agent/conversations.h"

#include <algorithm>
#include <limits>

#include "workers/common/log.h"

namespace agent {

namespace {

// A parsed message costs about this much beside its text.
constexpr size_t message_overhead = 800;

// Its text counts twice: as it is, and as it is kept printed for models.
size_t cost_of(const Json& message) {
    return message_size(message, std::numeric_limits<size_t>::max()) + message_size(message, 0) +
           message_overhead;
}

// What stands in for a result among those of the last answer, as the branch was read while its call
// was open; null: nothing does.
Message* stand_in_for(const Json& result, std::vector<Message>& messages) {
    if (text_view(result, "role") != "toolResult") return nullptr;
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        if (text_view(*message, "role") != "toolResult") return nullptr;
        if (is_stand_in(*message) &&
            text_view(*message, "toolCallId") == text_view(result, "toolCallId"))
            return &*message;
    }
    return nullptr;
}

}  // namespace

size_t Conversations::open_bytes() const {
    size_t bytes = 0;
    for (const Branch& branch : open_) bytes += branch.bytes;
    return bytes;
}

Result<Conversations::Branch*> Conversations::use(const std::string& path, int64_t now_ms) {
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const Branch& branch) { return branch.path == path; });
    if (found != open_.end()) {
        if (file_size(path) == found->file_bytes) {
            open_.splice(open_.begin(), open_, found);
            return &open_.front();
        }
        open_.erase(found);
    }
    Result<Branch> branch = load(path, now_ms);
    if (!branch) return branch.error();
    open_.push_front(std::move(*branch));
    return &open_.front();
}

Result<Conversations::Branch> Conversations::load(const std::string& path, int64_t now_ms) const {
    Result<OpenedTranscript> opened = open_transcript(path, now_ms);
    if (!opened) return opened.error();
    if (!opened->torn_copy.empty())
        log_warn("the end of {} was torn and was cut off; the file as it was: {}", path,
                 opened->torn_copy);
    if (opened->index.bad_lines() > 0)
        log_warn("{} unreadable lines in {} are left out", opened->index.bad_lines(), path);
    Branch branch;
    branch.path = path;
    branch.leaf = opened->index.leaf();
    branch.file_bytes = opened->size;
    branch.has_header = opened->index.has_header();
    Result<std::vector<Json>> messages = read_shown(path, opened->index);
    if (!messages) return messages.error();
    branch.messages.reserve(messages->size());
    for (Json& message : *messages) {
        branch.bytes += cost_of(message);
        branch.messages.emplace_back(std::move(message));
    }
    return branch;
}

Result<std::vector<Message>> Conversations::context(const std::string& path, int64_t now_ms) {
    const Result<Branch*> branch = use(path, now_ms);
    if (!branch) return branch.error();
    shrink();
    return (*branch)->messages;
}

Done Conversations::append(const std::string& path, const std::string& session_id,
                           const std::string& entry_id, const Json& message, int64_t now_ms,
                           bool durable) {
    const Result<Branch*> used = use(path, now_ms);
    if (!used) return used.error();
    Branch& branch = **used;
    std::string lines = branch.has_header ? "" : header_line(session_id, now_ms, directory_);
    lines += entry_line(entry_id, branch.leaf, now_ms, message);
    if (const Done done = append_lines(path, branch.file_bytes, lines, durable); !done) {
        // What the file holds now is for the next use to find out.
        open_.pop_front();
        return done;
    }
    branch.has_header = true;
    branch.file_bytes += lines.size();
    remember(branch, message, entry_id);
    shrink();
    return {};
}

Done Conversations::append_entry(const std::string& path, const std::string& entry_id,
                                 const Json& entry, int64_t now_ms) {
    const Result<Branch*> used = use(path, now_ms);
    if (!used) return used.error();
    const std::string line = entry_line_of(entry_id, (*used)->leaf, now_ms, entry);
    const Done done = append_lines(path, (*used)->file_bytes, line, true);
    open_.pop_front();
    return done;
}

void Conversations::remember(Branch& branch, const Json& message, const std::string& entry_id) {
    branch.leaf = entry_id;
    Json shown = shown_message(Json{{"type", "message"}, {"message", message}});
    if (shown.is_null()) return;
    branch.bytes += cost_of(shown);
    if (Message* stand_in = stand_in_for(shown, branch.messages)) {
        branch.bytes -= cost_of(*stand_in);
        *stand_in = Message(std::move(shown));
    } else {
        branch.messages.emplace_back(std::move(shown));
    }
}

// The one in use stays, whatever its size: dropping it would mean to read it twice a turn.
void Conversations::shrink() {
    while (open_.size() > 1 && (open_.size() > most_open || open_bytes() > most_bytes))
        open_.pop_back();
}

}  // namespace agent
