#include "workers/agent/command_approvals.h"

#include "workers/agent/ids.h"

namespace agent {

namespace {

struct DecisionWord {
    std::string_view word;
    const char* decision;
};
constexpr DecisionWord decision_words[] = {
    {"allow-once", "allow-once"},
    {"allow", "allow-once"},
    {"once", "allow-once"},
    {"allowonce", "allow-once"},
    {"allow-always", "allow-always"},
    {"always", "allow-always"},
    {"allowalways", "allow-always"},
    {"deny", "deny"},
    {"reject", "deny"},
    {"block", "deny"},
};

const char* decision_in(std::string_view word) {
    const std::string wanted = lower_case(word);
    for (const DecisionWord& row : decision_words)
        if (row.word == wanted) return row.decision;
    return nullptr;
}

constexpr size_t longest_shown_command = 80;

}  // namespace

void CommandApprovals::wanted(uint64_t call, Json request) {
    forget_old();
    const std::string id = new_session_id();
    pending_[id] = {call, text_member(request, "command"), text_member(request, "sessionKey"),
                    now_ms_()};
    request["id"] = id;
    ask_(call, request);
}

void CommandApprovals::decided(uint64_t call) {
    std::erase_if(pending_, [&](const auto& entry) { return entry.second.call == call; });
}

void CommandApprovals::forget_old() {
    const int64_t oldest = now_ms_() - longest_wait_ms;
    std::erase_if(pending_, [&](const auto& entry) { return entry.second.since_ms < oldest; });
}

// Others need not see what is run elsewhere.
std::string CommandApprovals::usage(const std::string& session) const {
    std::string text = "Usage: /approve <id> allow-once|allow-always|deny";
    for (const auto& [id, pending] : pending_) {
        if (!session.empty() && pending.session != session) continue;
        text += "\n- " + id + ": " + pending.command.substr(0, longest_shown_command);
    }
    return text;
}

Result<std::string> CommandApprovals::decide(const std::string& argument, const std::string& by,
                                             const std::string& session) {
    forget_old();
    const std::string said(trimmed(argument));
    const size_t blank = said.find_first_of(" \n\t");
    if (blank == std::string::npos) return Error{Fault::bad_message, usage(session)};
    std::string id = said.substr(0, blank);
    std::string word(trimmed(said.substr(blank)));
    if (decision_in(id)) std::swap(id, word);
    const char* decision = decision_in(word);
    if (!decision) return Error{Fault::bad_message, usage(session)};
    if (!pending_.contains(id))
        return "❌ Failed to submit approval: unknown approval id. " + usage(session);
    if (const Done done = resolve_(id, decision, by); !done)
        return "❌ Failed to submit approval: " + done.error().what;
    return "✅ Exec approval " + std::string(decision) + " submitted for " + id + ".";
}

}  // namespace agent
