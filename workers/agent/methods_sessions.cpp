#include <algorithm>

#include "workers/agent/heartbeats.h"
#include "workers/agent/methods.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

constexpr size_t recent_in_health = 5;
constexpr size_t recent_in_status = 10;
constexpr size_t longest_title = 60;
// Questions whose answers are kept as texts.
constexpr size_t most_printed = 16;
constexpr size_t longest_printed = 1u << 20;  // bytes; a longer one is kept alone
constexpr size_t most_rows = 5000;
// It tells how old things are, in milliseconds.
constexpr int64_t oldest_status_ms = 1000;
constexpr size_t longest_preview = 120;

// Members of an entry that a row repeats as they are.
constexpr const char* row_members[] = {
    "label",         "displayName",    "channel",       "subject",         "groupChannel",
    "space",         "chatType",       "origin",        "updatedAt",       "sessionId",
    "systemSent",    "abortedLastRun", "thinkingLevel", "verboseLevel",    "reasoningLevel",
    "elevatedLevel", "sendPolicy",     "inputTokens",   "outputTokens",    "responseUsage",
    "modelProvider", "model",          "contextTokens", "deliveryContext", "lastChannel",
    "lastTo",        "lastAccountId"};
constexpr const char* status_members[] = {"thinkingLevel", "verboseLevel", "reasoningLevel",
                                          "elevatedLevel", "systemSent",   "abortedLastRun",
                                          "inputTokens",   "outputTokens"};

int64_t total_tokens(const Json& entry) {
    return int_member(entry, "totalTokens",
                      int_member(entry, "inputTokens") + int_member(entry, "outputTokens"));
}

// One line, cut between characters.
std::string one_line(std::string_view text, size_t most) {
    std::string line;
    bool blank = false;
    for (const char c : trimmed(text)) {
        const bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!is_blank || !blank) line += is_blank ? ' ' : c;
        blank = is_blank;
    }
    if (line.size() <= most) return line;
    size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    return line.substr(0, end) + "…";
}

bool mentions(const Session& session, const std::string& needle) {
    if (needle.empty()) return true;
    if (session.key.key.find(needle) != std::string::npos) return true;
    for (const char* name : {"displayName", "label", "subject", "sessionId"})
        if (lower_case(text_member(session.entry, name)).find(needle) != std::string::npos)
            return true;
    return false;
}

// Parameters that look at more of a session than its key.
constexpr const char* selecting[] = {
    "activeMinutes", "includeDerivedTitles", "includeLastMessage", "label", "spawnedBy", "search"};

size_t row_limit(const Json& params) {
    return static_cast<size_t>(int_member(params, "limit", std::numeric_limits<int32_t>::max()));
}

bool is_hidden(const std::string& key, const Json& params) {
    return (key == "global" && !bool_member(params, "includeGlobal")) ||
           (key == "unknown" && !bool_member(params, "includeUnknown"));
}

bool is_wanted(const Session& session, const Json& params, int64_t now_ms) {
    if (is_hidden(session.key.key, params)) return false;
    const auto same = [&](const char* name) {
        const std::string wanted = text_member(params, name);
        return wanted.empty() || wanted == text_member(session.entry, name);
    };
    if (!same("label") || !same("spawnedBy")) return false;
    const int64_t minutes = int_member(params, "activeMinutes");
    if (minutes > 0 && session.updated_at() < now_ms - minutes * 60'000) return false;
    return mentions(session, lower_case(trimmed(text_member(params, "search"))));
}

// What sets a session apart, at a glance.
Json flags_of(const Json& entry) {
    struct Level {
        const char* member;
        const char* flag;
    };
    constexpr Level levels[] = {{"thinkingLevel", "think"},
                                {"verboseLevel", "verbose"},
                                {"reasoningLevel", "reasoning"},
                                {"elevatedLevel", "elevated"}};
    Json flags = Json::array();
    for (const Level& level : levels)
        if (const std::string value = text_member(entry, level.member); !value.empty())
            flags.push_back(std::string(level.flag) + ":" + value);
    if (bool_member(entry, "systemSent")) flags.push_back("system");
    if (bool_member(entry, "abortedLastRun")) flags.push_back("aborted");
    if (const std::string id = text_member(entry, "sessionId"); !id.empty())
        flags.push_back("id:" + id);
    return flags;
}

}  // namespace

void Methods::models_list(const Json&, const Reply& reply) {
    reply(answer_with(services_.list_models()));
}

Json Methods::row_of(const Session& session, const Json& params) const {
    Json row{{"key", session.key.key},
             {"kind", session_kind(session.key.key, text_member(session.entry, "chatType"))}};
    for (const char* name : row_members)
        if (const Json& value = member(session.entry, name); !value.is_null()) row[name] = value;
    row["totalTokens"] = total_tokens(session.entry);
    const bool title = bool_member(params, "includeDerivedTitles");
    const bool last = bool_member(params, "includeLastMessage");
    if (!title && !last) return row;
    const SessionStore::Preview preview = services_.store.preview(session);
    if (title && !preview.first_user_text.empty())
        row["derivedTitle"] = one_line(preview.first_user_text, longest_title);
    if (last && !preview.last_text.empty())
        row["lastMessagePreview"] = one_line(preview.last_text, longest_preview);
    return row;
}

const std::string* Methods::printed(const std::string& question, int64_t oldest_ms) const {
    services_.store.look();
    const auto found = printed_.find(question);
    const bool is_right = found != printed_.end() &&
                          found->second.changes == services_.store.changes() &&
                          found->second.at_ms >= oldest_ms;
    return is_right ? &found->second.text : nullptr;
}

const std::string& Methods::keep_printed(const std::string& question, std::string text) {
    if (printed_.size() >= most_printed || text.size() > longest_printed) printed_.clear();
    Printed& printed = printed_[question];
    printed = {services_.store.changes(), services_.now_ms(), std::move(text)};
    return printed.text;
}

void Methods::sessions_list(const Json& params, const Reply& reply) {
    const int64_t now = services_.now_ms();
    // These look at the clock, or at transcripts, which others may write.
    const auto asks_for = [&](const char* name) { return params.contains(name); };
    const bool is_made_anew = asks_for("activeMinutes") || asks_for("includeDerivedTitles") ||
                              asks_for("includeLastMessage");
    const std::string question = "sessions.list " + print_json(params);
    const std::string* known = is_made_anew ? nullptr : printed(question, 0);
    if (!known) {
        Result<std::string> list = list_of(params);
        if (!list) return reply(answer_for(list.error()));
        known = &keep_printed(question, std::move(*list));
    }
    std::string text = R"({"ts":)" + std::to_string(now) + "," + *known;
    if (is_made_anew) printed_.erase(question);
    reply(answer_with_text(std::move(text)));
}

// All but the opening brace and the time.
Result<std::string> Methods::list_of(const Json& params) {
    const std::string wanted = text_member(params, "agentId");
    const std::string agent = wanted.empty() ? "" : normal_agent_id(wanted);
    const bool selects = std::any_of(std::begin(selecting), std::end(selecting),
                                     [&](const char* name) { return params.contains(name); });
    const Result<Rows> rows = selects ? rows_of(params, agent) : all_rows(params, agent);
    if (!rows) return rows.error();
    const std::string& shown = agent.empty() ? services_.config.default_agent() : agent;
    const ModelName model = model_of(shown);
    const bool several = agent.empty() && services_.config.agents().size() > 1;
    const Json head{{"path", several ? "(multiple)" : services_.store.location(shown)},
                    {"count", rows->count},
                    {"defaults",
                     {{"modelProvider", model.provider},
                      {"model", model.model},
                      {"contextTokens", services_.models.context_window(model)}}}};
    std::string text = print_json(head).substr(1);
    text.pop_back();
    return text += R"(,"sessions":[)" + rows->text + "]}";
}

Result<Methods::Rows> Methods::rows_of(const Json& params, const std::string& agent) {
    const int64_t now = services_.now_ms();
    const size_t limit = row_limit(params);
    // Collected first: what a row costs must not be paid inside the query.
    std::vector<Session> sessions;
    const Done done = services_.store.visit(agent, [&](const Session& session) {
        if (!is_wanted(session, params, now)) return true;
        sessions.push_back(session);
        sessions.back().entry.erase("skillsSnapshot");
        sessions.back().entry.erase("systemPromptReport");
        return sessions.size() < limit;
    });
    if (!done) return done.error();
    Rows rows;
    for (const Session& session : sessions) rows.add(print_json(row_of(session, params)));
    return rows;
}

// Without reading a session that has not changed since its row was printed.
Result<Methods::Rows> Methods::all_rows(const Json& params, const std::string& agent) {
    const Result<std::vector<SessionKey>> keys = services_.store.keys(agent);
    if (!keys) return keys.error();
    const size_t limit = row_limit(params);
    Rows rows;
    for (const SessionKey& key : *keys) {
        if (rows.count >= limit) break;
        if (is_hidden(key.key, params)) continue;
        if (const std::string* text = row_text(key)) rows.add(*text);
    }
    return rows;
}

// Null when there is no such session, or nothing that can be read.
const std::string* Methods::row_text(const SessionKey& key) {
    if (const auto known = rows_.find(key); known != rows_.end()) return &known->second;
    const Result<std::optional<Session>> session = services_.store.find(key);
    if (!session || !*session) return nullptr;
    if (rows_.size() >= most_rows) rows_.clear();
    return &(rows_[key] = print_json(row_of(**session, Json::object())));
}

void Methods::store_changed(const SessionStore::Change& change) {
    using What = SessionStore::Change::What;
    if (change.what == What::sessions) rows_.clear();
    if (change.what == What::one_session) rows_.erase(*change.session);
}

void Methods::release_memory() {
    printed_.clear();
    rows_.clear();
}

Json Methods::recent_sessions(const std::string& agent, size_t most) const {
    const int64_t now = services_.now_ms();
    Json recent = Json::array();
    (void)services_.store.visit(agent, [&](const Session& session) {
        recent.push_back(Json{{"key", session.key.key},
                              {"updatedAt", session.updated_at()},
                              {"age", now - session.updated_at()}});
        return recent.size() < most;
    });
    return recent;
}

Json Methods::session_counts(const std::string& agent, size_t most) const {
    Json recent = recent_sessions(agent, most);
    const Result<size_t> count = services_.store.count(agent);
    const std::string shown = agent.empty() ? services_.config.default_agent() : agent;
    return Json{{"path", services_.store.location(shown)},
                {"count", count ? *count : recent.size()},
                {"recent", std::move(recent)}};
}

void Methods::health(const Json&, const Reply& reply) {
    const std::string& main = services_.config.default_agent();
    Json agents = Json::array();
    for (const AgentEntry& entry : services_.config.agents()) {
        Json row{{"agentId", entry.id}};
        if (!entry.name.empty()) row["name"] = entry.name;
        row["isDefault"] = entry.id == main;
        row["heartbeat"] = services_.heartbeats.summary(entry.id);
        row["heartbeat"].erase("agentId");
        row["sessions"] = session_counts(entry.id, recent_in_health);
        agents.push_back(std::move(row));
    }
    const int64_t every_ms = int_member(services_.heartbeats.summary(main), "everyMs");
    reply(answer_with({{"defaultAgentId", main},
                       {"heartbeatSeconds", every_ms / 1000},
                       {"agents", std::move(agents)},
                       {"sessions", session_counts(main, recent_in_health)}}));
}

Json Methods::status_rows(const std::string& agent, size_t most) const {
    const int64_t now = services_.now_ms();
    const ModelName model = model_of(agent.empty() ? services_.config.default_agent() : agent);
    Json rows = Json::array();
    (void)services_.store.visit(agent, [&](const Session& session) {
        const Json& entry = session.entry;
        Json row{{"agentId", session.key.agent},
                 {"key", session.key.key},
                 {"kind", session_kind(session.key.key, text_member(entry, "chatType"))},
                 {"sessionId", session.id()},
                 {"updatedAt", session.updated_at()},
                 {"age", now - session.updated_at()}};
        for (const char* name : status_members)
            if (const Json& value = member(entry, name); !value.is_null()) row[name] = value;
        const int64_t window =
            int_member(entry, "contextTokens", services_.models.context_window(model));
        const int64_t total = total_tokens(entry);
        row["totalTokens"] = total;
        row["remainingTokens"] = std::max<int64_t>(window - total, 0);
        row["percentUsed"] = window > 0 ? std::min<int64_t>(total * 100 / window, 999) : 0;
        row["model"] = text_member(entry, "model", model.model);
        row["contextTokens"] = window;
        row["flags"] = flags_of(entry);
        rows.push_back(std::move(row));
        return rows.size() < most;
    });
    return rows;
}

void Methods::status(const Json&, const Reply& reply) {
    const std::string* known = printed("status", services_.now_ms() - oldest_status_ms);
    if (!known) known = &keep_printed("status", print_json(status_now()));
    reply(answer_with_text(*known));
}

Json Methods::status_now() const {
    Json paths = Json::array();
    Json by_agent = Json::array();
    Json heartbeats = Json::array();
    for (const AgentEntry& entry : services_.config.agents()) {
        const std::string path = services_.store.location(entry.id);
        const Result<size_t> count = services_.store.count(entry.id);
        paths.push_back(path);
        by_agent.push_back(Json{{"agentId", entry.id},
                                {"path", path},
                                {"count", count ? *count : 0},
                                {"recent", status_rows(entry.id, recent_in_status)}});
        const Json beat = services_.heartbeats.summary(entry.id);
        heartbeats.push_back({{"agentId", entry.id},
                              {"enabled", beat["enabled"]},
                              {"every", beat["every"]},
                              {"everyMs", beat["everyMs"]}});
    }
    const std::string& main = services_.config.default_agent();
    const ModelName model = model_of(main);
    const Result<size_t> count = services_.store.count("");
    const Json sessions{
        {"paths", paths},
        {"count", count ? *count : 0},
        {"defaults",
         {{"model", model.model}, {"contextTokens", services_.models.context_window(model)}}},
        {"recent", status_rows("", recent_in_status)},
        {"byAgent", std::move(by_agent)}};
    return {{"sessions", sessions},
            {"heartbeat", {{"defaultAgentId", main}, {"agents", heartbeats}}},
            {"queuedSystemEvents", services_.system_events.waiting(main_session())},
            {"model", model.full()}};
}

}  // namespace agent
