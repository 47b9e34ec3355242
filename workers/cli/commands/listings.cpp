#include "workers/cli/commands/listings.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

constexpr int64_t longest_active_minutes = 10 * 365 * 24 * 60;
constexpr int64_t ms_per_minute = 60'000;

std::string number_text(const Json& value) {
    return value.is_number_integer() ? std::to_string(value.get<int64_t>()) : "-";
}

// "12000/200000 (6%)"
std::string tokens_of(const Json& session) {
    const int64_t total = int_member(session, "totalTokens");
    const int64_t window = int_member(session, "contextTokens");
    if (window <= 0) return number_text(member(session, "totalTokens"));
    return std::to_string(total) + "/" + std::to_string(window) + " (" +
           std::to_string(total * 100 / window) + "%)";
}

bool is_newer(const Json& one, const Json& other) {
    return int_member(one, "updatedAt") > int_member(other, "updatedAt");
}

std::string kind_of(const std::string& key) {
    if (key == "global" || key == "unknown") return key;
    const bool many =
        key.find(":group:") != std::string::npos || key.find(":channel:") != std::string::npos;
    return many ? "group" : "direct";
}

Result<Json> minutes_of(const Context& context) {
    if (!context.arguments.has("active")) return Json();
    const Result<int64_t> minutes = context.arguments.number("active", 0, longest_active_minutes);
    if (!minutes) return minutes.error();
    return Json(*minutes);
}

Result<Json> ask_sessions(const Context& context, const Json& minutes) {
    const std::string store = context.arguments.text("store");
    if (!store.empty()) return sessions_in_file(store, minutes, wall_ms());
    Json params = {{"includeGlobal", true}, {"includeUnknown", true}};
    if (minutes.is_number()) params["activeMinutes"] = minutes;
    return call_gateway(context, "sessions.list", params);
}

std::string agents_text(const Json& agents, const Style& style) {
    std::vector<std::vector<Cell>> rows = {{{"AGENT"}, {"NAME"}, {"MODEL"}, {"WORKSPACE"}, {""}}};
    for (const Json& agent : agents)
        rows.push_back(
            {{printable(text_member(agent, "id", "?"))},
             {printable(text_member(agent, "name", text_member(agent, "identityName", "-")))},
             {printable(text_member(agent, "model", "-"))},
             {printable(text_member(agent, "workspace", "-"))},
             {bool_member(agent, "isDefault") ? "the default agent" : ""}});
    return table(rows, style);
}

std::string models_text(const Json& models, bool plain, const Style& style) {
    std::string lines;
    std::vector<std::vector<Cell>> rows = {{{"MODEL"}, {"INPUT"}, {"CONTEXT"}, {"NAME"}}};
    for (const Json& model : models) {
        const std::string key = printable(text_member(model, "key", "?"));
        lines += key + "\n";
        rows.push_back({{key},
                        {printable(text_member(model, "input", "-"))},
                        {number_text(member(model, "contextWindow"))},
                        {printable(text_member(model, "name", "-"))}});
    }
    return plain ? lines : table(rows, style);
}

std::string input_of(const Json& model) {
    std::string input;
    for (const Json& kind : member(model, "input"))
        if (kind.is_string()) input += (input.empty() ? "" : "+") + kind.get<std::string>();
    return input.empty() ? "text" : input;
}

}  // namespace

Json sessions_json(const Json& list, const Json& active_minutes, int64_t now_ms) {
    Json sessions = Json::array();
    for (const Json& row : member(list, "sessions")) {
        Json session = row;
        session["ageMs"] = std::max<int64_t>(0, now_ms - int_member(row, "updatedAt"));
        sessions.push_back(std::move(session));
    }
    return {{"path", text_member(list, "path")},
            {"count", sessions.size()},
            {"activeMinutes", active_minutes},
            {"sessions", std::move(sessions)}};
}

std::string sessions_text(const Json& shown, const Style& style) {
    const Json& sessions = member(shown, "sessions");
    std::string text = "Sessions: " + std::to_string(sessions.size()) + "\n";
    if (sessions.empty()) return text;
    std::vector<std::vector<Cell>> rows = {
        {{"KIND"}, {"KEY"}, {"AGE"}, {"MODEL"}, {"TOKENS"}, {"SESSION"}}};
    for (const Json& session : sessions)
        rows.push_back({{printable(text_member(session, "kind", "-"))},
                        {printable(text_member(session, "key", "?"))},
                        {duration(int_member(session, "ageMs"))},
                        {printable(text_member(session, "model", "-"))},
                        {tokens_of(session)},
                        {printable(text_member(session, "sessionId", "-"))}});
    return text + table(rows, style);
}

Result<Json> sessions_in_file(const std::string& path, const Json& active_minutes, int64_t now_ms) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{Fault::bad_message, "--store " + path + " cannot be read"};
    std::stringstream text;
    text << file.rdbuf();
    const Result<Json> store = parse_json(text.str());
    if (!store || !store->is_object())
        return Error{Fault::bad_message, "--store " + path + " is no session store" +
                                             (store ? "" : ": " + store.error().what)};
    std::vector<Json> rows;
    for (const auto& [key, entry] : store->items()) {
        if (!entry.is_object()) continue;
        const int64_t age = now_ms - int_member(entry, "updatedAt");
        if (active_minutes.is_number() && age > active_minutes.get<int64_t>() * ms_per_minute)
            continue;
        Json row = {{"key", key}, {"kind", kind_of(key)}};
        for (const auto& [name, value] : entry.items())
            if (value.is_primitive()) row[name] = value;
        rows.push_back(std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(), is_newer);
    return Json{{"path", path}, {"sessions", rows}};
}

Json agents_json(const Json& list) {
    Json agents = Json::array();
    for (const Json& row : member(list, "agents")) {
        Json agent = {{"id", text_member(row, "id")}};
        if (row.contains("name")) agent["name"] = row["name"];
        const Json& identity = member(row, "identity");
        if (identity.contains("name")) agent["identityName"] = identity["name"];
        if (identity.contains("emoji")) agent["identityEmoji"] = identity["emoji"];
        if (identity.contains("name") || identity.contains("emoji"))
            agent["identitySource"] = "config";
        for (const char* name : {"workspace", "agentDir", "model", "bindings"})
            if (row.contains(name)) agent[name] = row[name];
        const bool is_default = text_member(row, "id") == text_member(list, "defaultId");
        agent["isDefault"] = is_default;
        if (row.contains("routes"))
            agent["routes"] = row["routes"];
        else if (is_default)
            agent["routes"] = Json::array({"default (no explicit rules)"});
        agents.push_back(std::move(agent));
    }
    return agents;
}

Json models_json(const Json& list, const std::string& provider) {
    Json models = Json::array();
    for (const Json& row : member(list, "models")) {
        const std::string owner = text_member(row, "provider");
        if (!provider.empty() && owner != provider) continue;
        Json model = {{"key", owner + "/" + text_member(row, "id")},
                      {"name", text_member(row, "name", text_member(row, "id"))},
                      {"input", input_of(row)}};
        model["contextWindow"] = member(row, "contextWindow");
        // Nobody is asked where a model runs and whether its key is good.
        model["local"] = nullptr;
        model["available"] = nullptr;
        model["tags"] = Json::array();
        model["missing"] = false;
        models.push_back(std::move(model));
    }
    return {{"count", models.size()}, {"models", std::move(models)}};
}

int run_sessions(const Context& context) {
    const Result<Json> minutes = minutes_of(context);
    if (!minutes) return fail(minutes.error());
    const Result<Json> list = ask_sessions(context, *minutes);
    if (!list) return fail(list.error());
    const Json shown = sessions_json(*list, *minutes, wall_ms());
    print(context.arguments.has("json") ? pretty(shown) : sessions_text(shown, context.style));
    return 0;
}

int run_agents_list(const Context& context) {
    const Result<Json> list = call_gateway(context, "agents.list", Json::object());
    if (!list) return fail(list.error());
    const Json agents = agents_json(*list);
    print(context.arguments.has("json") ? pretty(agents) : agents_text(agents, context.style));
    return 0;
}

int run_models_list(const Context& context) {
    const Result<Json> list = call_gateway(context, "models.list", Json::object());
    if (!list) return fail(list.error());
    const Json shown = models_json(*list, context.arguments.text("provider"));
    print(context.arguments.has("json")
              ? pretty(shown)
              : models_text(shown["models"], context.arguments.has("plain"), context.style));
    return 0;
}

}  // namespace cli
