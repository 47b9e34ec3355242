// Directives that count from now on: noted in the session's entry, and confirmed.

#include "workers/agent/front_desk.h"
#include "workers/agent/heartbeat.h"
#include "workers/agent/run_messages.h"

namespace agent {

namespace {

using Kind = Command::Kind;
constexpr size_t most_choices = 20;

struct LevelText {
    Kind kind;
    const char* member;     // of the session's entry
    const char* otherwise;  // of agents.defaults; empty: off
    const char* called;
    const char* off;  // what is said
    const char* set;  // what is said, then the level
};
constexpr LevelText level_texts[] = {
    // directive, member, default, called, off, set
    // A model that reasons thinks unless it is told not to.
    {Kind::thinking, "thinkingLevel", "", "thinking level", "Thinking disabled.",
     "Thinking level set to "},
    {Kind::verbose, "verboseLevel", "verboseDefault", "verbose level",
     "⚙️ Verbose logging disabled.", "⚙️ Verbose logging set to "},
    {Kind::reasoning, "reasoningLevel", "", "reasoning level",
     "⚙️ Reasoning visibility disabled.", "⚙️ Reasoning visibility set to "},
    {Kind::elevated, "elevatedLevel", "", "elevated level", "⚙️ Elevated mode disabled.",
     "⚙️ Elevated mode set to "},
};

const LevelText& text_of(Kind kind) {
    for (const LevelText& row : level_texts)
        if (row.kind == kind) return row;
    return level_texts[0];
}

// Whether a level left out means off.
std::string default_level(const AgentConfig& config, const LevelText& row) {
    return text_member(member_at(config.json(), "agents.defaults"), row.otherwise, "off");
}

std::string time_text(int64_t milliseconds) {
    return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + "s"
                                    : std::to_string(milliseconds) + "ms";
}

}  // namespace

FrontDesk::Text FrontDesk::direct(const Command& command, const Request& request) {
    const Kind kind = command.row->kind;
    const std::string argument(trimmed(request.argument));
    if (argument.empty()) return shown(kind, request.session, request.said.channel);
    if (kind == Kind::model) return set_model(argument, request.session);
    if (kind == Kind::exec) {
        const Result<ExecWishes> wishes = read_exec(argument);
        return wishes ? set_exec(*wishes, request.session) : Text(wishes.error());
    }
    if (kind == Kind::queue) {
        const Result<QueueWishes> wishes = read_queue(argument);
        return wishes ? set_queue(*wishes, request.session, request.said.channel)
                      : Text(wishes.error());
    }
    if (const auto level = level_in(kind, argument)) return set_level(kind, *level, request.said);
    return Error{Fault::bad_message, "Unrecognized " + std::string(text_of(kind).called) + " \"" +
                                         argument + "\". Valid levels: " + levels_of(kind) + "."};
}

FrontDesk::Text FrontDesk::set_all(const Directives& directives, const Said& said) {
    const SessionKey& session = said.order.record.session;
    std::string all;
    const auto add = [&](const Text& text) -> Done {
        if (!text && text.error().fault != Fault::bad_message) return text.error();
        all += (all.empty() ? "" : "\n") + (text ? *text : "⚠️ " + text.error().what);
        return {};
    };
    for (const auto& [kind, level] : directives.levels)
        if (const Done done = add(set_level(kind, level, said)); !done) return done.error();
    if (!directives.model.empty())
        if (const Done done = add(set_model(directives.model, session)); !done) return done.error();
    if (!directives.exec.is_empty())
        if (const Done done = add(set_exec(directives.exec, session)); !done) return done.error();
    if (!directives.queue.is_empty())
        if (const Done done = add(set_queue(directives.queue, session, said.channel)); !done)
            return done.error();
    return all;
}

// The owner's page may, unless it is turned off; who writes on a channel only by name.
bool FrontDesk::may_elevate(const Said& said) const {
    const Json& settings = member_at(services_.config.json(), "tools.elevated");
    if (!said.may_command || !bool_member(settings, "enabled", true)) return false;
    if (said.channel == "webchat") return true;
    for (const Json& entry : member(member(settings, "allowFrom"), said.channel)) {
        const std::string name = entry.is_number_integer() ? std::to_string(entry.get<int64_t>())
                                 : entry.is_string()       ? entry.get<std::string>()
                                                           : "";
        if (name == "*" || (!name.empty() && name == said.sender_id)) return true;
    }
    return false;
}

// What this turn is granted; empty: nothing.
std::string FrontDesk::elevated_for(const Said& said, const Json& entry,
                                    const Directives& directives) const {
    const auto own = directives.levels.find(Kind::elevated);
    const std::string level =
        own == directives.levels.end() ? text_member(entry, "elevatedLevel") : own->second;
    return level == "off" || !may_elevate(said) ? "" : level;
}

FrontDesk::Text FrontDesk::set_level(Kind kind, const std::string& level, const Said& said) {
    const SessionKey& session = said.order.record.session;
    const LevelText& row = text_of(kind);
    if (kind == Kind::elevated && level != "off" && !may_elevate(said))
        return Error{Fault::bad_message,
                     "elevated is not available to you here: tools.elevated.enabled must not be "
                     "false, and tools.elevated.allowFrom." +
                         said.channel + " must name you"};
    // "off" is written down where leaving it out would mean something else.
    const bool is_default = level == default_level(services_.config, row);
    const bool is_told = kind == Kind::verbose || kind == Kind::thinking;
    const bool may_leave_out = level == "off" && is_default && !is_told;
    const auto changed =
        change_session(session, {{row.member, may_leave_out ? Json() : Json(level)}});
    if (!changed) return changed.error();
    return level == "off" ? std::string(row.off) : row.set + level + ".";
}

ModelName FrontDesk::model_for(const SessionKey& session, const Json& entry) const {
    return services_.models.candidates(session.agent, wanted_model(entry)).front();
}

// What a number after /model means: the agent's own first, then the others there are.
std::vector<ModelName> FrontDesk::choices(const SessionKey& session) const {
    std::vector<ModelName> names = services_.models.candidates(session.agent, "");
    const Json listed = services_.list_models();
    for (const Json& model : member(listed, "models")) {
        const ModelName name{text_member(model, "provider"), text_member(model, "id")};
        if (names.size() >= most_choices) break;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

FrontDesk::Text FrontDesk::set_model(const std::string& wanted, const SessionKey& session) {
    const std::string word = lower_case(wanted);
    if (word == "status") return shown(Kind::model, session, "");
    const std::vector<ModelName> names = choices(session);
    if (word == "list") {
        std::string text = "Models:";
        for (size_t i = 0; i < names.size(); ++i)
            text += "\n" + std::to_string(i + 1) + ") " + names[i].full();
        return text + "\n\nSwitch: /model <number or provider/model>\nMore: /models";
    }
    Json members{{"providerOverride", nullptr},
                 {"modelOverride", nullptr},
                 {"authProfileOverride", nullptr},
                 {"authProfileOverrideSource", nullptr},
                 {"authProfileOverrideCompactionCount", nullptr}};
    const ModelName usual = services_.models.candidates(session.agent, "").front();
    if (word == "default" || word == "reset") {
        const auto changed = change_session(session, members);
        return changed ? Text("Model reset to default (" + usual.full() + ").")
                       : Text(changed.error());
    }
    const size_t at = wanted.rfind('@');
    std::string profile = at == std::string::npos ? "" : wanted.substr(at + 1);
    std::string name = wanted.substr(0, at);
    const bool is_number = !name.empty() && name.size() < 4 &&
                           name.find_first_not_of("0123456789") == std::string::npos;
    if (is_number) {
        const size_t number = std::stoul(name);
        if (number < 1 || number > names.size())
            return Error{Fault::bad_message,
                         "there is no number " + name + "; /model list shows " + "what there is"};
        name = names[number - 1].full();
    }
    const Result<ModelName> chosen = services_.models.choose(name);
    if (!chosen) return Error{Fault::bad_message, chosen.error().what};
    if (!profile.empty()) {
        const Result<std::string> id =
            services_.models.profile_named(session.agent, *chosen, profile);
        if (!id) return Error{Fault::bad_message, id.error().what};
        profile = *id;
    }
    const bool is_usual = *chosen == usual && profile.empty();
    if (!is_usual) {
        members["providerOverride"] = chosen->provider;
        members["modelOverride"] = chosen->model;
    }
    if (!profile.empty()) {
        members["authProfileOverride"] = profile;
        members["authProfileOverrideSource"] = "user";
    }
    const auto changed = change_session(session, members);
    if (!changed) return changed.error();
    return "Model set to " + chosen->full() + (profile.empty() ? "" : " with " + profile) +
           (is_usual ? " (default)." : ".");
}

FrontDesk::Text FrontDesk::set_exec(const ExecWishes& wishes, const SessionKey& session) {
    struct Row {
        const char* member;
        const char* called;
        const std::string& value;
    };
    const Row rows[] = {{"execHost", "host", wishes.host},
                        {"execSecurity", "security", wishes.security},
                        {"execAsk", "ask", wishes.ask},
                        {"execNode", "node", wishes.node}};
    Json members = Json::object();
    std::string told;
    for (const Row& row : rows) {
        if (row.value.empty()) continue;
        members[row.member] = row.value;
        told += (told.empty() ? "" : ", ") + std::string(row.called) + "=" + row.value;
    }
    const auto changed = change_session(session, members);
    return changed ? Text("⚙️ Exec defaults set (" + told + ").") : Text(changed.error());
}

FrontDesk::Text FrontDesk::set_queue(const QueueWishes& wishes, const SessionKey& session,
                                     const std::string& channel) {
    Json members = Json::object();
    if (wishes.resets)
        members = {{"queueMode", nullptr},
                   {"queueDebounceMs", nullptr},
                   {"queueCap", nullptr},
                   {"queueDrop", nullptr}};
    if (wishes.mode) members["queueMode"] = queue_mode_name(*wishes.mode);
    if (wishes.debounce_ms) members["queueDebounceMs"] = *wishes.debounce_ms;
    if (wishes.cap) members["queueCap"] = *wishes.cap;
    if (wishes.drop) members["queueDrop"] = queue_drop_name(*wishes.drop);
    const auto changed = change_session(session, members);
    if (!changed) return changed.error();
    const QueueSettings now = queue_settings(services_.config.json(), changed->entry, channel);
    const std::string what =
        wishes.resets ? "⚙️ Queue reset to default: " : "⚙️ Queue mode set to ";
    return what + queue_mode_name(now.mode) + " (debounce " + time_text(now.debounce_ms) +
           ", cap " + std::to_string(now.cap) + ", drop " + queue_drop_name(now.drop) + ").";
}

FrontDesk::Text FrontDesk::shown(Kind kind, const SessionKey& session,
                                 const std::string& channel) const {
    const Result<Json> found = entry_of(session);
    if (!found) return found.error();
    const Json& entry = *found;
    if (kind == Kind::model) {
        const ModelName usual = services_.models.candidates(session.agent, "").front();
        return "Current: " + model_for(session, entry).full() + "\nDefault: " + usual.full() +
               "\n\nSwitch: /model <provider/model>\nBrowse: /models or /model list";
    }
    if (kind == Kind::exec) {
        const auto value = [&](const char* name) { return text_member(entry, name, "default"); };
        return "Current exec defaults: host=" + value("execHost") +
               ", security=" + value("execSecurity") + ", ask=" + value("execAsk") +
               ", node=" + value("execNode") + ".";
    }
    if (kind == Kind::queue) {
        const QueueSettings now = queue_settings(services_.config.json(), entry, channel);
        return "Current queue settings: mode=" + std::string(queue_mode_name(now.mode)) +
               ", debounce=" + time_text(now.debounce_ms) + ", cap=" + std::to_string(now.cap) +
               ", drop=" + queue_drop_name(now.drop) +
               ".\nModes: steer, followup, collect, steer-backlog, interrupt, default.";
    }
    const LevelText& row = text_of(kind);
    const std::string otherwise =
        kind == Kind::thinking
            ? usual_thinking(services_.config, services_.models, model_for(session, entry))
            : default_level(services_.config, row);
    return "Current " + std::string(row.called) + ": " + text_member(entry, row.member, otherwise) +
           ".\nOptions: " + levels_of(kind) + ".";
}

}  // namespace agent
