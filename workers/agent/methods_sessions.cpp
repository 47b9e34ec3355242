#include <algorithm>

#include "workers/agent/methods.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

constexpr size_t recent_in_health = 5;
constexpr size_t recent_in_status = 10;
constexpr size_t longest_title = 60;
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

bool is_wanted(const Session& session, const Json& params, int64_t now_ms) {
    const std::string& key = session.key.key;
    if (key == "global" && !bool_member(params, "includeGlobal")) return false;
    if (key == "unknown" && !bool_member(params, "includeUnknown")) return false;
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

// Heartbeats are not part of this version: said as it is, not as it is configured.
Json no_heartbeat(const std::string& agent) {
    return Json{
        {"agentId", agent}, {"enabled", false}, {"every", "disabled"}, {"everyMs", nullptr}};
}

}  // namespace

void Methods::agents_list(const Json&, const Reply& reply) {
    Json agents = Json::array();
    for (const AgentEntry& entry : services_.config.agents()) {
        Json row{{"id", entry.id}};
        if (!entry.name.empty()) row["name"] = entry.name;
        Json identity = Json::object();
        for (const char* name : {"name", "theme", "emoji", "avatar"})
            if (member(entry.identity, name).is_string())
                identity[name] = text_member(entry.identity, name);
        const std::string avatar = text_member(entry.identity, "avatar");
        if (avatar.starts_with("http://") || avatar.starts_with("https://") ||
            avatar.starts_with("data:"))
            identity["avatarUrl"] = avatar;
        if (!identity.empty()) row["identity"] = std::move(identity);
        agents.push_back(std::move(row));
    }
    reply(answer_with({{"defaultId", services_.config.default_agent()},
                       {"mainKey", "main"},
                       {"scope", services_.config.keys().global ? "global" : "per-sender"},
                       {"agents", agents}}));
}

void Methods::agent_identity(const Json& params, const Reply& reply) {
    const std::string wanted = text_member(params, "agentId");
    const std::string spelling = text_member(params, "sessionKey");
    std::string id = wanted.empty() ? services_.config.default_agent() : normal_agent_id(wanted);
    if (!trimmed(spelling).empty()) {
        const Result<SessionKey> key = canonical_key(spelling, services_.config.keys());
        if (!key) return reply(answer_for(key.error()));
        if (!wanted.empty() && key->agent != id)
            return reply(refused("invalid agent.identity.get params: agent \"" + wanted +
                                 "\" does not match the session key's agent \"" + key->agent +
                                 "\""));
        id = key->agent;
    }
    const AgentEntry* entry = services_.config.agent(id);
    if (!entry)
        return reply(refused("unknown agent id \"" + id +
                             "\"; configured agents: " + services_.config.agent_names()));
    const Identity identity = services_.config.identity(*entry);
    reply(answer_with({{"agentId", id}, {"name", identity.name}, {"avatar", identity.avatar}}));
}

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

void Methods::sessions_list(const Json& params, const Reply& reply) {
    const int64_t now = services_.now_ms();
    const std::string wanted = text_member(params, "agentId");
    const std::string agent = wanted.empty() ? "" : normal_agent_id(wanted);
    const size_t limit =
        static_cast<size_t>(int_member(params, "limit", std::numeric_limits<int32_t>::max()));
    // Collected first: what a row costs must not be paid inside the query.
    std::vector<Session> sessions;
    const Done done = services_.store.visit(agent, [&](const Session& session) {
        if (!is_wanted(session, params, now)) return true;
        sessions.push_back(session);
        sessions.back().entry.erase("skillsSnapshot");
        sessions.back().entry.erase("systemPromptReport");
        return sessions.size() < limit;
    });
    if (!done) return reply(answer_for(done.error()));
    Json rows = Json::array();
    for (const Session& session : sessions) rows.push_back(row_of(session, params));
    const ModelName model = model_of(agent.empty() ? services_.config.default_agent() : agent);
    const bool several = agent.empty() && services_.config.agents().size() > 1;
    reply(answer_with(
        {{"ts", now},
         {"path", several ? "(multiple)"
                          : services_.store.location(
                                agent.empty() ? services_.config.default_agent() : agent)},
         {"count", rows.size()},
         {"defaults",
          {{"modelProvider", model.provider},
           {"model", model.model},
           {"contextTokens", services_.models.context_window(model)}}},
         {"sessions", std::move(rows)}}));
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
        row["heartbeat"] = no_heartbeat(entry.id);
        row["heartbeat"].erase("agentId");
        row["sessions"] = session_counts(entry.id, recent_in_health);
        agents.push_back(std::move(row));
    }
    reply(answer_with({{"defaultAgentId", main},
                       {"heartbeatSeconds", 0},
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
        heartbeats.push_back(no_heartbeat(entry.id));
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
    reply(answer_with({{"sessions", sessions},
                       {"heartbeat", {{"defaultAgentId", main}, {"agents", heartbeats}}},
                       {"queuedSystemEvents", services_.system_events.waiting(main_session())},
                       {"model", model.full()}}));
}

}  // namespace agent
