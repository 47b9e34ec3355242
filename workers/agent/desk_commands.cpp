// The commands that show something of a session, or set what counts for it.

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "workers/agent/compaction.h"
#include "workers/agent/front_desk.h"
#include "workers/agent/heartbeat.h"
#include "workers/agent/prompt.h"
#include "workers/agent/skill_folders.h"
#include "workers/agent/skills.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

constexpr size_t models_on_a_page = 20;
constexpr size_t most_looked_at = 2'000;  // of all sessions, the newest
constexpr int64_t cost_days = 30;
constexpr int64_t day_ms = 86'400'000;

struct ChoiceRow {
    std::string_view word;
    const char* value;  // null: the member is removed
    const char* says;
};
constexpr ChoiceRow send_rows[] = {
    {"on", "allow", "⚙️ Send policy set to on."},
    {"allow", "allow", "⚙️ Send policy set to on."},
    {"off", "deny", "⚙️ Send policy set to off."},
    {"deny", "deny", "⚙️ Send policy set to off."},
    {"inherit", nullptr, "⚙️ Send policy set to inherit."},
    {"default", nullptr, "⚙️ Send policy set to inherit."},
};
constexpr ChoiceRow activation_rows[] = {
    {"mention", "mention", "⚙️ Group activation set to mention."},
    {"always", "always", "⚙️ Group activation set to always."},
    {"inherit", nullptr, "⚙️ Group activation is as openclaw.json has it."},
};
constexpr ChoiceRow usage_rows[] = {
    {"off", nullptr, "⚙️ Usage footer: off."},
    {"tokens", "tokens", "⚙️ Usage footer: tokens."},
    {"on", "tokens", "⚙️ Usage footer: tokens."},
    {"full", "full", "⚙️ Usage footer: full."},
};

Error usage_of(std::string_view what) {
    return {Fault::bad_message, "Usage: " + std::string(what)};
}

const ChoiceRow* choice(std::span<const ChoiceRow> rows, std::string_view argument) {
    const std::string word = lower_case(trimmed(argument));
    for (const ChoiceRow& row : rows)
        if (row.word == word) return &row;
    return nullptr;
}

Json value_of(const ChoiceRow& row) {
    return row.value ? Json(row.value) : Json();
}

std::string dollars(double amount) {
    char text[32];
    std::snprintf(text, sizeof text, "$%.2f", amount);
    return text;
}

std::string usage_line(const char* when, const DayUsage& usage) {
    std::string line = std::string(when) + " " + dollars(usage.cost) + " · " +
                       short_number(usage.total_tokens) + " tokens";
    if (usage.missing_costs > 0)
        line += " (" + std::to_string(usage.missing_costs) + " answers without a known price)";
    return line;
}

std::string local_day(int64_t at_ms) {
    const time_t at = static_cast<time_t>(at_ms / 1000);
    struct tm day {};
    ::localtime_r(&at, &day);
    char text[16];
    return {text, ::strftime(text, sizeof text, "%Y-%m-%d", &day)};
}

int64_t tokens_in(size_t bytes) {
    return static_cast<int64_t>(bytes / 4);
}

// "telegram 2" is telegram and 2; "2" is page 2 of all.
std::pair<std::string, size_t> page_in(std::string_view argument) {
    std::string word(trimmed(argument));
    const size_t blank = word.rfind(' ');
    std::string last = blank == std::string::npos ? word : word.substr(blank + 1);
    const bool is_number =
        !last.empty() && last.size() < 5 &&
        std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return {lower_case(word), 1};
    word = blank == std::string::npos ? "" : std::string(trimmed(word.substr(0, blank)));
    return {lower_case(word), std::max<size_t>(1, std::strtoul(last.c_str(), nullptr, 10))};
}

std::string providers_text(const Json& models) {
    std::map<std::string, size_t> counts;
    for (const Json& model : models) ++counts[text_member(model, "provider")];
    std::string text = "Providers:";
    for (const auto& [provider, count] : counts)
        text += "\n- " + provider + " (" + std::to_string(count) + ")";
    return text + "\n\nUse: /models <provider>\nSwitch: /model <provider/model>";
}

}  // namespace

FrontDesk::Text FrontDesk::answer(Command::Kind kind, const Request& request) {
    using Kind = Command::Kind;
    switch (kind) {
        case Kind::help:
            return help_text(services_.config.reset_triggers());
        case Kind::commands:
            return commands_text(services_.config.reset_triggers());
        case Kind::status:
            return status_of(request.session, request.said.channel);
        case Kind::whoami:
            return whoami(request);
        case Kind::context:
            return context(request);
        case Kind::usage:
            return usage(request);
        case Kind::send_policy:
            return send_policy(request);
        case Kind::activation:
            return activation(request);
        case Kind::models:
            return models(request);
        case Kind::subagents:
            return subagents(request);
        case Kind::approve:
            return approve(request);
        default:
            break;
    }
    return Error{Fault::bad_message, "this command is not offered here"};
}

Result<std::string> FrontDesk::status_of(const SessionKey& key, const std::string& channel) {
    const Result<Json> found = entry_of(key);
    if (!found) return found.error();
    const Json& entry = *found;
    const ModelName model = model_for(key, entry);
    StatusFacts facts;
    facts.model = model.full();
    facts.key_kind =
        services_.models.key_label(key.agent, model, text_member(entry, "authProfileOverride"));
    facts.session_key = key.key;
    const int64_t updated = int_member(entry, "updatedAt");
    if (updated > 0) facts.updated_ago_ms = std::max<int64_t>(0, services_.now_ms() - updated);
    facts.input_tokens = int_member(entry, "inputTokens");
    facts.output_tokens = int_member(entry, "outputTokens");
    if (facts.input_tokens + facts.output_tokens > 0)
        facts.cost = services_.models.cost(
            model, Json{{"input", facts.input_tokens}, {"output", facts.output_tokens}});
    facts.context_tokens = int_member(entry, "totalTokens");
    facts.context_window = services_.models.context_window(model);
    facts.compactions = int_member(entry, "compactionCount");
    facts.thinking = text_member(entry, "thinkingLevel",
                                 usual_thinking(services_.config, services_.models, model));
    const Json& defaults = member_at(services_.config.json(), "agents.defaults");
    facts.verbose = text_member(entry, "verboseLevel", text_view(defaults, "verboseDefault"));
    facts.reasoning = text_member(entry, "reasoningLevel");
    facts.elevated = text_member(entry, "elevatedLevel");
    if (const GroupPlace place = group_of(key.key, entry); !place.channel.empty())
        facts.activation =
            text_member(entry, "groupActivation",
                        needs_mention(services_.config.json(), place) ? "mention" : "always");
    facts.queue = queue_mode_name(queue_settings(services_.config.json(), entry, channel).mode);
    facts.queued = services_.runs.waiting_for(key);
    facts.active_runs = services_.runs.active();
    facts.waiting_runs = services_.runs.waiting();
    return status_text(facts);
}

FrontDesk::Text FrontDesk::whoami(const Request& request) const {
    const Said& said = request.said;
    std::string text = "🧭 Identity\nChannel: " + said.channel;
    if (!said.sender_id.empty()) text += "\nUser id: " + said.sender_id;
    if (!said.sender_name.empty()) text += "\nName: " + said.sender_name;
    if (!said.chat.empty()) text += "\nChat: " + said.chat;
    text += "\nSession: " + request.session.key;
    if (!said.sender_id.empty()) text += "\nAllowFrom: " + said.sender_id;
    return text;
}

FrontDesk::Text FrontDesk::context(const Request& request) {
    const Result<std::optional<Session>> session = services_.store.find(request.session);
    if (!session) return session.error();
    const AgentEntry* agent = services_.config.agent(request.session.agent);
    if (!agent) return Error{Fault::bad_message, "no agent \"" + request.session.agent + "\""};
    size_t messages = 0, bytes = 0;
    if (*session && is_session_id((*session)->id())) {
        const Result<std::vector<Message>> shown = services_.store.context(**session);
        if (!shown) return shown.error();
        messages = shown->size();
        for (const Message& message : *shown) bytes += message_size(message, 4800);
    }
    const Json entry = *session ? (*session)->entry : Json::object();
    const ModelName model = model_for(request.session, entry);
    ToolCaller caller{request.session.agent, model.provider, model.model, request.session.key, {}};
    caller.group = group_of(request.session.key, entry);
    caller.sender = request.said.sender_id;
    const Json tools = services_.tools ? services_.tools->definitions(caller) : Json::array();
    const std::string prompt = system_prompt(services_.config, *agent, tools, services_.now_ms(),
                                             "", request.session.key, model.full());
    return "🧠 Context of " + request.session.key + "\nSystem prompt: about " +
           short_number(tokens_in(prompt.size())) +
           " tokens (workspace files included)\nTools: " + std::to_string(tools.size()) +
           ", about " + short_number(tokens_in(print_json(tools).size())) +
           " tokens\nConversation: " + std::to_string(messages) + " messages, about " +
           short_number(tokens_in(bytes)) +
           " tokens\nLast answer counted: " + short_number(int_member(entry, "totalTokens")) +
           " tokens\nWindow of " + model.full() + ": " +
           short_number(services_.models.context_window(model)) + " tokens";
}

FrontDesk::Text FrontDesk::usage(const Request& request) {
    if (trimmed(request.argument).empty()) {
        const Result<Json> entry = entry_of(request.session);
        if (!entry) return entry.error();
        return "Current usage footer: " + text_member(*entry, "responseUsage", "off") +
               ". Options: off, tokens, full, cost.";
    }
    const ChoiceRow* row = choice(usage_rows, request.argument);
    if (!row) return usage_of("/usage off|tokens|full|cost");
    const auto changed = change_session(request.session, {{"responseUsage", value_of(*row)}});
    return changed ? Text(row->says) : Text(changed.error());
}

void FrontDesk::usage_cost(const Request& request) {
    const int64_t now = services_.now_ms();
    services_.store.usage(
        now - (cost_days - 1) * day_ms,
        [this](const ModelName& model, const Json& usage) {
            return services_.models.cost(model, usage);
        },
        [reply = request.reply, today = local_day(now)](const UsageByDay& by_day) {
            DayUsage last, all;
            for (const auto& [day, usage] : by_day) {
                all += usage;
                if (day == today) last = usage;
            }
            reply(Taken{Taken::As::answered,
                        "💸 Usage cost\n" + usage_line("Today", last) + "\n" +
                            usage_line("Last 30 days", all),
                        {}});
        });
}

void FrontDesk::compact(const Request& request) {
    const auto say = [reply = request.reply](std::string text) {
        reply(Taken{Taken::As::answered, std::move(text), {}});
    };
    const Result<std::optional<Session>> session = services_.store.find(request.session);
    if (!session) return request.reply(session.error());
    if (!*session || !is_session_id((*session)->id()))
        return say("⚙️ Compaction skipped: there is no conversation yet.");
    const std::string lane = lane_of(request.session);
    if (compactions_.contains(lane))
        return say("⚙️ This conversation is being condensed already.");
    const Json& entry = (*session)->entry;
    const std::string model = model_for(request.session, entry).full();
    auto compaction = std::make_unique<Compaction>(
        services_.store, services_.models, services_.now_ms,
        CompactionOrder{**session, model, request.argument},
        [this, say, lane](const Result<Compacted>& result) {
            const auto ended = compactions_.extract(lane);  // lives to the end of this
            say(result ? compacted_text(*result)
                       : "⚙️ Compaction failed: " + result.error().what);
        });
    const Done begun = compaction->start();
    if (!begun && begun.error().fault != Fault::bad_message) return request.reply(begun.error());
    if (!begun) return say("⚙️ Compaction skipped: " + begun.error().what + ".");
    compactions_[lane] = std::move(compaction);
}

FrontDesk::Text FrontDesk::send_policy(const Request& request) {
    const ChoiceRow* row = choice(send_rows, request.argument);
    if (!row) return usage_of("/send on|off|inherit");
    const auto changed = change_session(request.session, {{"sendPolicy", value_of(*row)}});
    return changed ? Text(row->says) : Text(changed.error());
}

FrontDesk::Text FrontDesk::activation(const Request& request) {
    if (group_in(request.session.key).channel.empty())
        return Text("⚙️ Group activation only applies to group chats.");
    const ChoiceRow* row = choice(activation_rows, request.argument);
    if (!row) return usage_of("/activation mention|always|inherit");
    const auto changed = change_session(request.session, {{"groupActivation", value_of(*row)}});
    return changed ? Text(row->says) : Text(changed.error());
}

FrontDesk::Text FrontDesk::models(const Request& request) const {
    const Json listed = services_.list_models();
    const Json& all = member(listed, "models");
    const auto [provider, page] = page_in(request.argument);
    if (provider.empty()) return providers_text(all);
    std::vector<std::string> names;
    for (const Json& model : all)
        if (text_view(model, "provider") == provider)
            names.push_back(provider + "/" + text_member(model, "id"));
    if (names.empty())
        return Error{Fault::bad_message, "no models of \"" + provider +
                                             "\" are known; /models "
                                             "lists the providers"};
    const size_t pages = (names.size() + models_on_a_page - 1) / models_on_a_page;
    const size_t shown = std::min(page, pages);
    std::string text = "Models of " + provider + " (page " + std::to_string(shown) + " of " +
                       std::to_string(pages) + "):";
    for (size_t i = (shown - 1) * models_on_a_page;
         i < std::min(shown * models_on_a_page, names.size()); ++i)
        text += "\n- " + names[i];
    if (shown < pages) text += "\n\nMore: /models " + provider + " " + std::to_string(shown + 1);
    return text;
}

FrontDesk::Text FrontDesk::subagents(const Request& request) {
    std::vector<Session> children;
    size_t looked_at = 0;
    const Done done = services_.store.visit("", [&](const Session& session) {
        if (text_view(session.entry, "spawnedBy") == request.session.key)
            children.push_back(session);
        return ++looked_at < most_looked_at;
    });
    if (!done) return done.error();
    const std::string argument = lower_case(trimmed(request.argument));
    if (!argument.empty() && argument != "list" && !argument.starts_with("stop"))
        return usage_of("/subagents list|stop <number|all>");
    const std::string which(trimmed(argument.starts_with("stop") ? argument.substr(4) : ""));
    if (argument.starts_with("stop") && which.empty())
        return usage_of("/subagents stop <number|all>");
    if (children.empty()) return Text("No subagents in this session.");
    std::string text = "Subagents:";
    size_t stopped = 0;
    for (size_t i = 0; i < children.size(); ++i) {
        const bool busy = services_.runs.is_busy(children[i].key);
        text += "\n" + std::to_string(i + 1) + ") " +
                text_member(children[i].entry, "label", children[i].key.key) +
                (busy ? " (running)" : " (done)");
        if (which == "all" || which == std::to_string(i + 1))
            stopped += !services_.runs.abort_session(children[i].key, "stop").empty();
    }
    if (which.empty()) return text;
    return "⚙️ Stopped " + std::to_string(stopped) +
           (stopped == 1 ? " subagent." : " subagents.");
}

Result<std::string> FrontDesk::skill_prompt(const Request& request) const {
    const std::string argument(trimmed(request.argument));
    const size_t blank = argument.find_first_of(" \n\t");
    const std::string name = lower_case(argument.substr(0, blank));
    if (name.empty()) return usage_of("/skill <name> [input]");
    const AgentEntry* agent = services_.config.agent(request.session.agent);
    std::string known;
    for (const SkillFile& file : find_skills(skill_folders_of(
             services_.config.json(), agent ? agent->workspace : "", services_.state_dir))) {
        const Skill skill =
            read_skill(file.text, file.directory.substr(file.directory.rfind('/') + 1));
        if (lower_case(skill.name) == name) {
            const std::string input(blank == std::string::npos ? ""
                                                               : trimmed(argument.substr(blank)));
            return "Use the \"" + skill.name + "\" skill for this request." +
                   (input.empty() ? "" : "\n\nUser input:\n" + input);
        }
        known += (known.empty() ? "" : ", ") + skill.name;
    }
    return Error{Fault::bad_message,
                 "there is no skill \"" + name + "\"" +
                     (known.empty() ? "; none is installed" : "; there are: " + known)};
}

}  // namespace agent
