#include "workers/agent/heartbeat.h"

#include <algorithm>

namespace agent {

namespace {

constexpr std::string_view token = "HEARTBEAT_OK";
constexpr int64_t repeated_within_ms = 24 * 3600 * 1000;

constexpr const char* usual_prompt =
    "This is your heartbeat, a regular moment to look after things; the user is not waiting. Do "
    "what HEARTBEAT.md in your workspace asks for, if it is there, and nothing from earlier in "
    "the conversation unless it is still open. If the user needs to know nothing, answer only "
    "HEARTBEAT_OK.";

constexpr double longest_duration_ms = 1e15;  // more than anybody waits

struct Unit {
    std::string_view name;
    int64_t milliseconds;
};
constexpr Unit units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"", 60'000},
};

// "08:30"; "24:00" is the end of the day.
std::optional<int> minute_in(const std::string& text) {
    if (text.size() != 5 || text[2] != ':') return {};
    for (const size_t at : {0, 1, 3, 4})
        if (text[at] < '0' || text[at] > '9') return {};
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (hour > 24 || minute > 59 || (hour == 24 && minute > 0)) return {};
    return hour * 60 + minute;
}

const Json& own_heartbeat(const AgentConfig& config, const std::string& agent_id) {
    const Json& list = member_at(config.json(), "agents.list");
    if (list.is_array())
        for (const Json& item : list)
            if (!text_member(item, "id").empty() &&
                normal_agent_id(text_member(item, "id")) == agent_id)
                return member(item, "heartbeat");
    return member(Json(), "");
}

bool anyone_has_own(const AgentConfig& config) {
    const Json& list = member_at(config.json(), "agents.list");
    return list.is_array() && std::any_of(list.begin(), list.end(), [](const Json& item) {
               return member(item, "heartbeat").is_object();
           });
}

void read_hours(const Json& hours, HeartbeatSettings& settings, const AgentConfig& config) {
    settings.active_from = minute_in(text_member(hours, "start"));
    settings.active_to = minute_in(text_member(hours, "end"));
    const std::string zone = text_member(hours, "timezone", "user");
    if (zone == "user")
        settings.time_zone =
            text_member(member_at(config.json(), "agents.defaults"), "userTimezone");
    else if (zone != "local")
        settings.time_zone = zone;
}

bool is_edge_mark(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '*' || c == '_' || c == '`' ||
           c == '.' || c == '!';
}

std::string_view bare(std::string_view text) {
    while (!text.empty() && is_edge_mark(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_edge_mark(text.back())) text.remove_suffix(1);
    return text;
}

size_t characters_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

}  // namespace

std::optional<int64_t> duration_in(std::string_view text) {
    text = trimmed(text);
    double number = 0;
    double worth = 1;
    bool fraction = false;
    size_t at = 0;
    for (; at < text.size() && at < 12; ++at) {
        const char c = text[at];
        if (c == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        number = number * 10 + (c - '0');
        if (fraction) worth *= 10;
    }
    if (at == 0) return {};
    const std::string unit = lower_case(trimmed(text.substr(at)));
    for (const Unit& row : units) {
        if (row.name != unit) continue;
        const double time = number / worth * static_cast<double>(row.milliseconds);
        if (time > longest_duration_ms) return {};
        return static_cast<int64_t>(time);
    }
    return {};
}

HeartbeatSettings heartbeat_settings(const AgentConfig& config, const std::string& agent_id) {
    const Json& shared = member_at(config.json(), "agents.defaults.heartbeat");
    const Json& own = own_heartbeat(config, agent_id);
    const auto value = [&](const char* name) -> const Json& {
        const Json& mine = member(own, name);
        return mine.is_null() ? member(shared, name) : mine;
    };
    const auto text = [&](const char* name, std::string otherwise = {}) {
        return value(name).is_string() ? value(name).get<std::string>() : std::move(otherwise);
    };
    HeartbeatSettings settings;
    settings.on = anyone_has_own(config) ? own.is_object() : agent_id == config.default_agent();
    settings.every = text("every", "30m");
    settings.every_ms = duration_in(settings.every).value_or(0);
    settings.prompt = std::string(trimmed(text("prompt")));
    settings.own_prompt = !settings.prompt.empty();
    if (!settings.own_prompt) settings.prompt = usual_prompt;
    settings.model = text("model");
    settings.session = text("session");
    settings.target = text("target", "last");
    if (value("ackMaxChars").is_number())
        settings.most_ack_chars = std::max<int64_t>(0, value("ackMaxChars").get<int64_t>());
    read_hours(value("activeHours"), settings, config);
    return settings;
}

bool has_tasks(std::string_view markdown) {
    bool in_comment = false;
    while (!markdown.empty()) {
        const size_t end = markdown.find('\n');
        std::string_view line = trimmed(markdown.substr(0, end));
        markdown.remove_prefix(end == std::string_view::npos ? markdown.size() : end + 1);
        if (line.starts_with("<!--")) in_comment = true;
        if (in_comment) {
            in_comment = line.find("-->") == std::string_view::npos;
            continue;
        }
        const bool is_heading = line.starts_with("#");
        for (const std::string_view item : {"- [ ]", "- [x]", "* [ ]", "-", "*", "+"})
            if (line == item) line = {};
        if (!line.empty() && !is_heading) return true;
    }
    return false;
}

bool is_active(const HeartbeatSettings& settings, int minute_of_day) {
    if (!settings.active_from || !settings.active_to) return true;
    const int from = *settings.active_from;
    const int to = *settings.active_to;
    if (from == to) return true;
    if (from < to) return minute_of_day >= from && minute_of_day < to;
    return minute_of_day >= from || minute_of_day < to;
}

std::string reason_to_skip(const HeartbeatSettings& settings, const BeatFacts& facts) {
    struct Row {
        const char* reason;
        bool applies;
    };
    const bool has_work = facts.has_events || facts.has_tasks || settings.own_prompt;
    const Row rows[] = {
        // The first that applies.
        {"disabled", !facts.turned_on || !settings.is_periodic()},
        {"quiet-hours", !is_active(settings, facts.minute_of_day)},
        {"no-model", !facts.has_model},
        {"empty-heartbeat-file", !has_work},
        {"requests-in-flight", facts.is_busy},
    };
    for (const Row& row : rows)
        if (row.applies) return row.reason;
    return {};
}

std::string without_token(std::string_view answer) {
    std::string_view text = trimmed(answer);
    const std::string_view inside = bare(text);
    if (inside == token) return {};
    if (inside.starts_with(token)) return std::string(trimmed(inside.substr(token.size())));
    if (inside.ends_with(token))
        return std::string(trimmed(inside.substr(0, inside.size() - token.size())));
    return std::string(text);
}

Beat judge_answer(std::string_view answer, const HeartbeatSettings& settings, const Json& entry,
                  int64_t now_ms) {
    const std::string_view text = trimmed(answer);
    if (text.empty() || text == "NO_REPLY") return Beat::nothing_said;
    const std::string rest = without_token(text);
    const bool has_token = rest.size() < text.size() && text.find(token) != std::string_view::npos;
    if (has_token && characters_of(rest) <= static_cast<size_t>(settings.most_ack_chars))
        return Beat::all_well;
    const int64_t since = now_ms - int_member(entry, "lastHeartbeatSentAt");
    if (trimmed(text_view(entry, "lastHeartbeatText")) == trimmed(rest) && since >= 0 &&
        since < repeated_within_ms)
        return Beat::repeated;
    return Beat::said;
}

std::string preview_of(std::string_view text, size_t most) {
    text = trimmed(text);
    if (text.size() <= most) return std::string(text);
    size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

}  // namespace agent
