#include "workers/agent/front_desk.h"

#include "workers/agent/compaction.h"
#include "workers/agent/group_rules.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// Where the platform lists commands of its own, typed ones can be turned off.
constexpr std::string_view channels_with_native[] = {"telegram", "discord", "slack"};

Taken answered(std::string text) {
    return {Taken::As::answered, std::move(text), {}};
}

}  // namespace

FrontDesk::FrontDesk(Services services) : services_(std::move(services)) {}

FrontDesk::~FrontDesk() = default;

void FrontDesk::take(Said said, const Reply& reply) {
    if (said.is_spoken) {
        said.may_command = false;
        return take_turn(std::move(said), nullptr, reply);
    }
    if (is_stop_word(said.text) && said.may_command) return reply(stop(said.order.record.session));
    std::optional<Command> command;
    if (reads_commands(said)) command = read_command(said.text, services_.config.reset_triggers());
    if (!command) return take_turn(std::move(said), nullptr, reply);
    // "/think hard about it" or "!important" of a stranger is a sentence.
    const bool is_shouted =
        command->row->kind == Command::Kind::absent && trimmed(said.text).starts_with('!');
    const bool is_sentence =
        is_shouted || (command->row->is_directive() && !command->rest.empty() &&
                       !take_directives(said.text, names_model()).rest.empty());
    if (!said.may_command && !is_sentence) {
        log_info("ignoring {} from unauthorized sender: {}", command->row->name(),
                 said.sender_id.empty() ? "unknown" : said.sender_id);
        return reply(Taken{Taken::As::ignored, "", {}});
    }
    if (!said.may_command) return take_turn(std::move(said), nullptr, reply);
    carry_out(*command, said, reply);
}

bool FrontDesk::reads_commands(const Said& said) const {
    if (said.is_native_command) return true;
    if (bool_member(member(services_.config.json(), "commands"), "text", true)) return true;
    for (const std::string_view channel : channels_with_native)
        if (channel == said.channel) return false;
    return true;
}

void FrontDesk::carry_out(const Command& command, Said& said, const Reply& reply) {
    using Kind = Command::Kind;
    const CommandRow& row = *command.row;
    const std::string name(row.name());
    const std::string gate(row.gate);
    if (!gate.empty() && !bool_member(member(services_.config.json(), "commands"), gate))
        return reply(
            answered("⚠️ " + name + " is disabled. Set commands." + gate + "=true to enable."));
    const Request request{said, said.order.record.session, command.rest, reply};
    switch (row.kind) {
        case Kind::stop:
            return reply(stop(request.session));
        case Kind::absent:
            return reply(answered("⚠️ " + name +
                                  " is not offered here: " + std::string(row.help) + "."));
        case Kind::fresh_session:
            return take_turn(std::move(said), &command, reply);
        case Kind::skill: {
            const Result<std::string> prompt = skill_prompt(request);
            if (!prompt) return reply(answered("⚠️ " + prompt.error().what));
            said.text = *prompt;
            return take_turn(std::move(said), nullptr, reply);
        }
        case Kind::compact:
            return compact(request);
        case Kind::allowlist:
            return allowlist(request);
        case Kind::usage:
            if (lower_case(trimmed(request.argument)) == "cost") return usage_cost(request);
            break;
        default:
            break;
    }
    if (row.is_directive()) {
        // More than its own argument: for this turn only, or several directives.
        const DirectedText directed = take_directives(said.text, names_model());
        if (!directed.directives.is_empty() && !directed.rest.empty())
            return take_turn(std::move(said), nullptr, reply);
        if (!directed.directives.is_empty()) {
            const Text text = set_all(directed.directives, said);
            return reply(text ? Result<Taken>(answered(*text)) : text.error());
        }
        if (command.rest.find(' ') != std::string::npos && row.kind != Kind::exec &&
            row.kind != Kind::queue)
            return take_turn(std::move(said), nullptr, reply);
    }
    const Text text = row.is_directive() ? direct(command, request) : answer(row.kind, request);
    if (text) return reply(answered(*text));
    if (text.error().fault == Fault::bad_message)
        return reply(answered("⚠️ " + text.error().what));
    reply(text.error());
}

Taken FrontDesk::stop(const SessionKey& session) {
    Taken taken{Taken::As::stopped, "⚙️ Agent was aborted.", {}};
    taken.stopped = services_.runs.abort_session(session, "stop");
    size_t subagents = 0;
    for (const SessionKey& other : services_.runs.busy_sessions()) {
        const Result<Json> entry = entry_of(other);
        if (!entry || text_view(*entry, "spawnedBy") != session.key) continue;
        if (!services_.runs.abort_session(other, "stop").empty()) ++subagents;
    }
    if (subagents > 0)
        taken.reply += " Stopped " + std::to_string(subagents) +
                       (subagents == 1 ? " sub-agent." : " sub-agents.");
    return taken;
}

void FrontDesk::take_turn(Said said, const Command* trigger, const Reply& reply) {
    DirectedText directed;
    directed.rest = trigger ? trigger->rest : said.text;
    if (said.may_command) directed = take_directives(directed.rest, names_model());
    const bool says_nothing = directed.rest.empty() && !said.has_files;
    if (says_nothing && !directed.directives.is_empty()) {
        const Text text = set_all(directed.directives, said);
        if (!text) return reply(text.error());
        if (!trigger) return reply(answered(*text));
    }
    if (!trigger && directed.directives.is_empty()) directed.rest = said.text;
    accept(std::move(said), directed, trigger != nullptr, reply);
}

void FrontDesk::accept(Said said, const DirectedText& directed, bool fresh, const Reply& reply) {
    RunOrder& order = said.order;
    RunRecord& record = order.record;
    const Result<Json> entry = entry_of(record.session);
    if (!entry) return reply(entry.error());
    if (services_.config.send_denied(record.session.key, *entry))
        return reply(Taken{Taken::As::denied, "", {}});
    record.fresh_session = fresh;
    if (!fresh || !directed.rest.empty() || said.has_files) {
        Result<Json> message = said.compose(directed.rest);
        if (!message) return reply(message.error());
        record.message = std::move(*message);
    }
    for (const auto& [kind, level] : directed.directives.levels) {
        if (kind == Command::Kind::thinking) record.thinking = level;
        if (kind == Command::Kind::verbose) record.turn["verboseLevel"] = level;
        if (kind == Command::Kind::reasoning) record.turn["reasoningLevel"] = level;
    }
    if (const std::string level = elevated_for(said, *entry, directed.directives); !level.empty())
        record.turn["elevatedLevel"] = level;
    // Then nobody else's message shares the turn.
    if (said.is_group && rules_by_sender(services_.config.json(), said.channel))
        record.turn["senderId"] = said.sender_id;
    const ExecWishes& exec = directed.directives.exec;
    if (!exec.host.empty()) record.turn["execHost"] = exec.host;
    if (!exec.security.empty()) record.turn["execSecurity"] = exec.security;
    if (!exec.ask.empty()) record.turn["execAsk"] = exec.ask;
    if (!exec.node.empty()) record.turn["execNode"] = exec.node;
    if (const std::string& wanted = directed.directives.model; !wanted.empty()) {
        const size_t at = wanted.find('@');
        record.model = wanted.substr(0, at);
        const Result<ModelName> model = services_.models.choose(record.model);
        if (at != std::string::npos && model) {
            const Result<std::string> profile =
                services_.models.profile_named(record.session.agent, *model, wanted.substr(at + 1));
            if (!profile) return reply(answered("⚠️ " + profile.error().what));
            record.turn["authProfileOverride"] = *profile;
        }
    } else if (!text_view(*entry, "modelOverride").empty())
        record.model.clear();  // a person's choice comes before that of the place
    queue_as_told(said, *entry, directed.directives.queue, order);
    const Result<Runs::Accepted> run = services_.runs.accept(std::move(order));
    if (!run && run.error().fault == Fault::out_of_room)
        return reply(Taken{Taken::As::dropped, "", {}});
    if (!run) return reply(run.error());
    reply(Taken{Taken::As::turn, "", {}});
}

void FrontDesk::queue_as_told(const Said& said, const Json& entry, const QueueWishes& wishes,
                              RunOrder& order) const {
    if (said.is_spoken) return;
    const Json& config = services_.config.json();
    QueueSettings queue = queue_settings(config, entry, said.channel);
    if (wishes.mode) queue.mode = *wishes.mode;
    if (wishes.debounce_ms) queue.debounce_ms = *wishes.debounce_ms;
    if (wishes.cap) queue.cap = static_cast<size_t>(*wishes.cap);
    if (wishes.drop) queue.drop = *wishes.drop;
    const bool is_chosen = wishes.mode || !text_view(entry, "queueMode").empty() ||
                           !member_at(config, "messages.queue.byChannel.webchat").is_null();
    // Who writes in the page sees each message answered by itself, unless asked for otherwise.
    if (said.channel == "webchat" && !is_chosen) return;
    RunRecord& record = order.record;
    const bool collects =
        queue.mode == QueueMode::collect || queue.mode == QueueMode::steer_backlog;
    record.gather = collects ? Gather::collect : Gather::no;
    record.steers = queue.mode == QueueMode::steer || queue.mode == QueueMode::steer_backlog;
    order.interrupts = queue.mode == QueueMode::interrupt;
    order.cap = queue.cap;
    order.drop = queue.drop;
    order.quiet_busy =
        std::chrono::milliseconds(queue.mode == QueueMode::interrupt ? 0 : queue.debounce_ms);
    const int64_t inbound = inbound_debounce_ms(config, said.channel);
    order.quiet_idle = std::chrono::milliseconds(inbound);
    order.flushes = said.has_files;
    if (inbound > 0 && !services_.runs.is_running(record.session)) record.gather = Gather::join;
}

NamesModel FrontDesk::names_model() const {
    return [this](const std::string& word) {
        const std::string name = word.substr(0, word.find('@'));
        return !name.empty() && static_cast<bool>(services_.models.choose(name));
    };
}

Result<Json> FrontDesk::entry_of(const SessionKey& session) const {
    const Result<std::optional<Session>> found = services_.store.find(session);
    if (!found) return found.error();
    return *found ? (*found)->entry : Json::object();
}

Result<Session> FrontDesk::change_session(const SessionKey& key, const Json& members) {
    Result<Runs::Opened> opened = services_.runs.open_session(key);
    if (!opened) return opened.error();
    Session& session = opened->session;
    for (const auto& [name, value] : members.items()) {
        session.entry.erase(name);
        if (!value.is_null()) session.entry[name] = value;
    }
    session.entry["updatedAt"] = std::max(session.updated_at(), services_.now_ms());
    if (const Done done = services_.store.save(session); !done) return done.error();
    return session;
}

}  // namespace agent
