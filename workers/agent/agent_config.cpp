#include "workers/agent/agent_config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "workers/common/base/fd.h"
#include "workers/common/base/workspace_place.h"

namespace agent {

namespace {

constexpr int64_t longest_timeout_seconds = 24 * 3600;
constexpr int default_idle_minutes = 60;
constexpr size_t identity_bytes = 16u << 10;

bool is_thread(std::string_view key) {
    return key.find(":thread:") != std::string_view::npos ||
           key.find(":topic:") != std::string_view::npos;
}

const char* reset_type(std::string_view key, const Json& entry) {
    if (is_thread(key)) return "thread";
    const std::string_view kind = session_kind(key, text_member(entry, "chatType"));
    return kind == "group" ? "group" : "dm";
}

bool rule_matches(const Json& match, std::string_view key, const Json& entry) {
    const auto fits = [&](const char* member_name, std::string_view value) {
        const std::string wanted = text_member(match, member_name);
        return wanted.empty() || lower_case(wanted) == lower_case(value);
    };
    const std::string chat_type = text_member(entry, "chatType", "direct");
    return fits("channel", text_member(entry, "channel")) && fits("chatType", chat_type) &&
           key.starts_with(lower_case(text_member(match, "keyPrefix")));
}

// "- **Name:** Ann" is name and Ann.
std::pair<std::string, std::string> labelled(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    const auto bare = [](std::string_view text) {
        constexpr std::string_view marks = " \t\r-*_`";
        const size_t first = text.find_first_not_of(marks);
        if (first == std::string_view::npos) return std::string_view();
        return text.substr(first, text.find_last_not_of(marks) - first + 1);
    };
    return {lower_case(bare(line.substr(0, colon))), std::string(bare(line.substr(colon + 1)))};
}

std::string first_of(std::initializer_list<std::string> texts) {
    for (const std::string& text : texts)
        if (!trimmed(text).empty()) return std::string(trimmed(text));
    return {};
}

}  // namespace

bool is_stale(const ResetPolicy& policy, int64_t updated_at_ms, int64_t now_ms) {
    if (policy.idle_minutes > 0 &&
        now_ms - updated_at_ms > static_cast<int64_t>(policy.idle_minutes) * 60'000)
        return true;
    if (!policy.daily) return false;
    const time_t now = static_cast<time_t>(now_ms / 1000);
    struct tm day {};
    localtime_r(&now, &day);
    day.tm_hour = policy.at_hour;
    day.tm_min = 0;
    day.tm_sec = 0;
    day.tm_isdst = -1;
    time_t boundary = mktime(&day);
    if (boundary > now) {
        --day.tm_mday;
        day.tm_hour = policy.at_hour;
        day.tm_isdst = -1;
        boundary = mktime(&day);
    }
    return updated_at_ms < static_cast<int64_t>(boundary) * 1000;
}

AgentConfig::AgentConfig(Json config, const std::string& home) : config_(std::move(config)) {
    AgentList list = agents_in(config_, home);
    for (ListedAgent& listed : list.agents)
        agents_.push_back({std::move(listed.id),
                           listed.entry ? text_member(*listed.entry, "name") : "",
                           listed.entry ? member(*listed.entry, "identity") : Json(),
                           std::move(listed.workspace), std::move(listed.workspace_key)});
    default_agent_ = std::move(list.default_id);
    global_ = text_member(member(config_, "session"), "scope") == "global";
}

const AgentEntry* AgentConfig::agent(std::string_view id) const {
    for (const AgentEntry& entry : agents_)
        if (entry.id == id) return &entry;
    return nullptr;
}

std::string AgentConfig::agent_names() const {
    std::string names;
    for (const AgentEntry& entry : agents_) names += (names.empty() ? "" : ", ") + entry.id;
    return names;
}

RunQueue::Widths AgentConfig::most_runs_at_once() const {
    struct Row {
        Pool pool;
        const char* section;
        const char* key;
        int64_t otherwise;
    };
    constexpr Row rows[] = {
        {Pool::main, "agents.defaults", "maxConcurrent", 4},
        {Pool::subagent, "agents.defaults.subagents", "maxConcurrent", 8},
        // Those that an owner asks for come beside the scheduled ones.
        {Pool::cron, "cron", "maxConcurrentRuns", 1},
        {Pool::voice, "", "", 8},
    };
    static_assert(std::size(rows) == pools);
    RunQueue::Widths widths{};
    for (const Row& row : rows)
        widths[static_cast<size_t>(row.pool)] = static_cast<size_t>(std::clamp<int64_t>(
            int_member(member_at(config_, row.section), row.key, row.otherwise), 1, 1000));
    return widths;
}

std::chrono::milliseconds AgentConfig::run_timeout() const {
    const int64_t seconds =
        int_member(member_at(config_, "agents.defaults"), "timeoutSeconds", 600);
    return std::chrono::seconds(std::clamp<int64_t>(seconds, 1, longest_timeout_seconds));
}

int64_t AgentConfig::reserve_tokens() const {
    const Json& settings = member_at(config_, "agents.defaults.compaction");
    return std::clamp<int64_t>(std::max(int_member(settings, "reserveTokens", 16'384),
                                        int_member(settings, "reserveTokensFloor", 20'000)),
                               1'000, 1'000'000);
}

std::string AgentConfig::thinking_default() const {
    return text_member(member_at(config_, "agents.defaults"), "thinkingDefault");
}

std::string AgentConfig::subagent_model(std::string_view id) const {
    const auto model_in = [](const Json& section) {
        const Json& model = member_at(section, "subagents.model");
        return model.is_object() ? text_member(model, "primary")
                                 : text_member(member(section, "subagents"), "model");
    };
    for (const Json& entry : member_at(config_, "agents.list"))
        if (normal_agent_id(text_view(entry, "id")) == id)
            if (const std::string own = model_in(entry); !own.empty()) return own;
    return model_in(member_at(config_, "agents.defaults"));
}

std::vector<std::string> AgentConfig::reset_triggers() const {
    std::vector<std::string> triggers;
    const Json& configured = member_at(config_, "session.resetTriggers");
    if (configured.is_array())
        for (const Json& trigger : configured)
            if (trigger.is_string()) triggers.push_back(lower_case(trigger.get<std::string>()));
    if (!configured.is_array()) triggers = {"/new", "/reset"};
    return triggers;
}

ResetPolicy AgentConfig::reset_policy(std::string_view key, const Json& entry) const {
    const Json& session = member(config_, "session");
    const std::string channel = text_member(entry, "channel", text_member(entry, "lastChannel"));
    const Json* own = &member(member(session, "resetByChannel"), channel);
    const bool is_channels = own->is_object();  // in place of all else
    if (!is_channels) own = &member(member(session, "resetByType"), reset_type(key, entry));
    const Json& shared = is_channels ? *own : member(session, "reset");
    const auto value = [&](const char* name) -> const Json& {
        const Json& mine = member(*own, name);
        return mine.is_null() ? member(shared, name) : mine;
    };
    const Json& legacy_idle = member(session, "idleMinutes");
    std::string mode = value("mode").is_string() ? value("mode").get<std::string>() : "";
    if (mode.empty()) mode = legacy_idle.is_number() && shared.is_null() ? "idle" : "daily";
    ResetPolicy policy;
    policy.daily = mode != "idle";
    if (value("atHour").is_number()) policy.at_hour = std::clamp(value("atHour").get<int>(), 0, 23);
    if (value("idleMinutes").is_number())
        policy.idle_minutes = value("idleMinutes").get<int>();
    else if (mode == "idle")
        policy.idle_minutes =
            legacy_idle.is_number() ? legacy_idle.get<int>() : default_idle_minutes;
    return policy;
}

bool AgentConfig::send_denied(std::string_view key, const Json& entry) const {
    const std::string own = text_member(entry, "sendPolicy");
    if (own == "allow" || own == "deny") return own == "deny";
    const Json& policy = member_at(config_, "session.sendPolicy");
    const Json& rules = member(policy, "rules");
    bool allowed = false;
    if (rules.is_array()) {
        for (const Json& rule : rules) {
            if (!rule_matches(member(rule, "match"), key, entry)) continue;
            if (text_member(rule, "action") == "deny") return true;
            allowed = true;
        }
    }
    return !allowed && text_member(policy, "default") == "deny";
}

Identity AgentConfig::identity(const AgentEntry& entry) const {
    const Json& assistant = member_at(config_, "ui.assistant");
    const Identity file =
        identity_in(read_small_file(entry.workspace + "/IDENTITY.md", identity_bytes));
    const std::string name =
        first_of({text_member(assistant, "name"), text_member(entry.identity, "name"), file.name});
    const std::string avatar =
        first_of({text_member(assistant, "avatar"), text_member(entry.identity, "avatar"),
                  text_member(entry.identity, "emoji"), file.avatar});
    return {name.empty() ? "Assistant" : name, avatar.empty() ? "A" : avatar};
}

Identity identity_in(std::string_view markdown) {
    Identity identity;
    std::string emoji;
    while (!markdown.empty()) {
        const size_t line_break = markdown.find('\n');
        const auto [label, value] = labelled(markdown.substr(0, line_break));
        const bool open = value.empty() || value.front() == '(';
        if (!open && label == "name") identity.name = value;
        if (!open && label == "avatar") identity.avatar = value;
        if (!open && label == "emoji") emoji = value;
        if (line_break == std::string_view::npos) break;
        markdown.remove_prefix(line_break + 1);
    }
    if (identity.avatar.empty()) identity.avatar = emoji;
    return identity;
}

std::vector<std::string> workspace_folders(const AgentConfig& config,
                                           const std::string& state_dir) {
    std::set<std::string> all{"workspace"};
    for (const AgentEntry& agent : config.agents()) {
        const auto below = workspace_below(absolute_path(agent.workspace, state_dir), state_dir);
        if (below && !below->empty()) all.insert(*below);
    }
    std::vector<std::string> folders;
    for (const std::string& folder : all)
        if (std::none_of(all.begin(), all.end(),
                         [&](const std::string& outer) { return folder.starts_with(outer + "/"); }))
            folders.push_back(folder);
    return folders;
}

std::string absolute_path(const std::string& path, const std::string& state_dir) {
    return path.starts_with('/') ? path : state_dir + "/" + path;
}

std::string read_small_file(const std::string& path, size_t most) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return {};
    std::string text(most, '\0');
    size_t have = 0;
    while (have < most) {
        const ssize_t got = ::read(file.get(), text.data() + have, most - have);
        if (got <= 0) break;
        have += static_cast<size_t>(got);
    }
    text.resize(have);
    return text;
}

}  // namespace agent
