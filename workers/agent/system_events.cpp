#include "workers/agent/system_events.h"

#include <ctime>

namespace agent {

namespace {

std::string name_of(const SessionKey& session) {
    return session.agent + "\n" + session.key;
}

std::string local_time(int64_t at_ms) {
    const time_t at = static_cast<time_t>(at_ms / 1000);
    struct tm local {};
    ::localtime_r(&at, &local);
    char text[64];
    return {text, ::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &local)};
}

// One line, of a bounded length, cut between characters: more could pass for events of its own.
std::string one_line(std::string_view text) {
    std::string line;
    for (const char c : trimmed(text))
        line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    if (line.size() <= SystemEvents::longest_text) return line;
    size_t end = SystemEvents::longest_text;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    return line.substr(0, end) + "…";
}

}  // namespace

bool SystemEvents::add(const SessionKey& session, std::string_view text, int64_t now_ms) {
    std::string line = one_line(text);
    if (line.empty()) return false;
    const std::string name = name_of(session);
    if (sessions_.size() >= most_sessions && !sessions_.contains(name)) return false;
    std::deque<Waiting>& waiting = sessions_[name];
    if (!waiting.empty() && waiting.back().text == line) return false;
    waiting.push_back({std::move(line), now_ms});
    if (waiting.size() > most) waiting.pop_front();
    return true;
}

std::vector<std::string> SystemEvents::waiting(const SessionKey& session) const {
    std::vector<std::string> texts;
    if (const auto found = sessions_.find(name_of(session)); found != sessions_.end())
        for (const Waiting& one : found->second) texts.push_back(one.text);
    return texts;
}

std::string SystemEvents::lines(const SessionKey& session) const {
    std::string lines;
    if (const auto found = sessions_.find(name_of(session)); found != sessions_.end())
        for (const Waiting& one : found->second)
            lines += "System: [" + local_time(one.at_ms) + "] " + one.text + "\n";
    return lines;
}

std::string SystemEvents::take(const SessionKey& session) {
    std::string taken = lines(session);
    sessions_.erase(name_of(session));
    return taken;
}

std::string SystemEvents::as_note() const {
    if (sessions_.empty()) return {};
    Json note = Json::array();
    for (const auto& [name, waiting] : sessions_)
        for (const Waiting& one : waiting) note.push_back({name, one.at_ms, one.text});
    return print_json(note);
}

void SystemEvents::read_note(const std::string& note) {
    const Result<Json> events = parse_json(note);
    if (!events || !events->is_array()) return;
    for (const Json& one : *events) {
        if (!one.is_array() || one.size() != 3 || !one[0].is_string() || !one[1].is_number() ||
            !one[2].is_string() || sessions_.size() >= most_sessions)
            continue;
        std::deque<Waiting>& waiting = sessions_[one[0].get<std::string>()];
        waiting.push_back({one[2].get<std::string>(), one[1].get<int64_t>()});
        if (waiting.size() > most) waiting.pop_front();
    }
}

}  // namespace agent
