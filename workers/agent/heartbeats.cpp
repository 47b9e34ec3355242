#include "workers/agent/heartbeats.h"

#include <algorithm>

#include "workers/agent/channels/run_answer.h"
#include "workers/agent/run_messages.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* turned_off_note = "heartbeats-off";
constexpr const char* last_beat_note = "heartbeat:";
constexpr const char* last_event_note = "last-heartbeat";
constexpr const char* beat_promise = "beat/";  // and the run, until its answer is in the outbox
constexpr size_t most_tasks_bytes = 64u << 10;
constexpr const char* method_name = "heartbeat";

// Beneath the events, in a turn that they start.
constexpr const char* wake_text =
    "You were woken by the events above. See to what they call for, and say briefly what the user "
    "should know.";

struct BeatRow {
    Beat beat;
    const char* status;
    const char* indicator;
    bool silent;
};
constexpr BeatRow beat_rows[] = {
    {Beat::nothing_said, "ok-empty", "ok", true},
    {Beat::all_well, "ok-token", "ok", true},
    {Beat::repeated, "skipped", "ok", true},
    {Beat::said, "sent", "alert", false},
};

std::string answer_of(const RunRecord& record) {
    const Json& payloads = member_at(record.payload, "result.payloads");
    return payloads.is_array() && !payloads.empty() ? text_member(payloads[0], "text") : "";
}

// `place` is where the answer goes: a channel, or "webchat" with the reason.
struct BeatPlace {
    std::string channel = "webchat";
    std::string why_not;
};

bool has_news(const RunRecord& record) {
    return record.status == "ok" &&
           int_member(record.payload, "beat", static_cast<int>(Beat::said)) ==
               static_cast<int>(Beat::said);
}

Json event_for(const RunRecord& record, int64_t now_ms, const BeatPlace& place) {
    Json event{{"ts", now_ms}};
    if (record.status != "ok") {
        event["status"] = "failed";
        event["reason"] = record.summary;
        event["indicatorType"] = "error";
    } else {
        const auto beat =
            static_cast<Beat>(int_member(record.payload, "beat", static_cast<int>(Beat::said)));
        for (const BeatRow& row : beat_rows)
            if (row.beat == beat) {
                event["status"] = row.status;
                event["indicatorType"] = row.indicator;
                event["silent"] = row.silent;
            }
        if (beat == Beat::repeated) event["reason"] = "duplicate";
        if (beat == Beat::said) event["channel"] = place.channel;
        if (beat == Beat::said && !place.why_not.empty())
            event["reason"] = place.why_not + "; it is in the chat only";
        const std::string preview = preview_of(without_token(answer_of(record)));
        if (!preview.empty()) event["preview"] = preview;
    }
    event["durationMs"] = std::max<int64_t>(0, record.ended_ms - record.started_ms);
    return event;
}

}  // namespace

Heartbeats::Heartbeats(Services services) : services_(std::move(services)) {
    for (const AgentEntry& entry : services_.config.agents())
        agents_[entry.id] = {entry.id, heartbeat_settings(services_.config, entry.id), 0, false};
    services_.runs.on_ended(method_name, [this](const RunRecord& record) { ended(record); });
}

Done Heartbeats::start() {
    const Result<std::vector<SessionStore::Note>> beats =
        services_.store.notes_under(last_beat_note);
    if (!beats) return beats.error();
    for (const SessionStore::Note& note : *beats)
        if (const auto found = agents_.find(note.name.substr(std::string(last_beat_note).size()));
            found != agents_.end())
            found->second.last_ms = std::strtoll(note.value.c_str(), nullptr, 10);
    const Result<std::string> off = services_.store.note(turned_off_note);
    turned_on_ = !off || off->empty();
    const Result<std::string> events = services_.store.note(SystemEvents::note_name);
    if (events && !events->empty()) services_.system_events.read_note(*events);
    const Result<std::string> last = services_.store.note(last_event_note);
    if (last && !last->empty())
        if (Result<Json> parsed = parse_json(*last)) last_ = std::move(*parsed);
    // The first beat comes an interval after the first start.
    const int64_t now = services_.now_ms();
    if (const Done done = count_from_now(
            [&](const Agent& agent) { return agent.last_ms == 0 || agent.last_ms > now; });
        !done)
        log_warn("the time of the first heartbeat was not kept: {}", done.error().what);
    schedule();
    return {};
}

Done Heartbeats::recover() {
    const Result<std::vector<SessionStore::Note>> promises =
        services_.store.notes_under(beat_promise);
    if (!promises) return promises.error();
    for (const SessionStore::Note& promise : *promises) {
        const std::string run_id = promise.name.substr(std::string_view(beat_promise).size());
        Result<std::optional<RunRecord>> run = services_.store.find_run(method_name, run_id);
        if (!run) return run.error();
        if (!*run)
            close(run_id);  // it was never accepted
        else if ((*run)->has_ended())
            ended(judged(std::move(**run)));
    }
    return {};
}

// The process ended between the answer and the run's end: what there is of it is in the transcript.
RunRecord Heartbeats::judged(RunRecord record) {
    if (record.status != "ok" || record.payload.contains("beat")) return record;
    const Result<std::string> answer = answer_of_run(services_.store, record);
    const Result<std::optional<Session>> session = services_.store.find(record.session);
    const Json entry = session && *session ? (*session)->entry : Json::object();
    const Beat beat =
        answer ? judge_answer(*answer, heartbeat_settings(services_.config, record.session.agent),
                              entry, services_.now_ms())
               : Beat::nothing_said;
    if (!answer)
        log_warn("the answer of heartbeat {} is lost: {}", record.run_id, answer.error().what);
    record.payload["beat"] = static_cast<int>(beat);
    record.payload["result"]["payloads"] =
        Json::array({Json{{"text", answer ? *answer : std::string()}}});
    return record;
}

void Heartbeats::close(const std::string& run_id) {
    if (!services_.deliverer) return;
    if (const Done done = services_.store.put_notes({{beat_promise + run_id, ""}}); !done)
        log_warn("what heartbeat {} had to tell may be told again: {}", run_id, done.error().what);
}

Done Heartbeats::count_from_now(const std::function<bool(const Agent&)>& which) {
    const int64_t now = services_.now_ms();
    std::vector<SessionStore::Note> notes;
    for (auto& [id, agent] : agents_) {
        if (!agent.settings.is_periodic() || !which(agent)) continue;
        agent.last_ms = now;
        notes.push_back({last_beat_note + id, std::to_string(now)});
    }
    return notes.empty() ? Done() : services_.store.put_notes(notes);
}

int64_t Heartbeats::next_of(const Agent& agent) const {
    const int64_t now = services_.now_ms();
    if (agent.waits) return now + busy_pause.count();
    // A last time that is still to come is that of a clock which was set back since.
    return std::min(agent.last_ms, now) + agent.settings.every_ms;
}

void Heartbeats::schedule() {
    timer_.reset();
    if (!turned_on_) return;
    const int64_t now = services_.now_ms();
    int64_t wait = longest_sleep.count();
    bool any = false;
    for (const auto& [id, agent] : agents_) {
        if (!agent.settings.is_periodic()) continue;
        any = true;
        wait = std::min(wait, std::max<int64_t>(next_of(agent) - now, 0));
    }
    if (any) timer_ = services_.loop.after(std::chrono::milliseconds(wait), [this] { beat_all(); });
}

void Heartbeats::beat_all() {
    const int64_t now = services_.now_ms();
    for (auto& [id, agent] : agents_) {
        if (!agent.settings.is_periodic() || services_.runs.is_stopping()) continue;
        if (agent.last_ms > now) agent.last_ms = now;
        if (agent.last_ms + agent.settings.every_ms <= now) beat(agent);
    }
    schedule();
}

SessionKey Heartbeats::main_session(const std::string& agent_id) const {
    return {agent_id, main_key(agent_id, services_.config.keys())};
}

SessionKey Heartbeats::session_of(const Agent& agent) const {
    KeyDefaults keys = services_.config.keys();
    keys.agent = agent.id;
    if (agent.settings.session.empty()) return main_session(agent.id);
    const Result<SessionKey> key = canonical_key(agent.settings.session, keys);
    return key && key->agent == agent.id ? *key : main_session(agent.id);
}

BeatFacts Heartbeats::facts_of(const Agent& agent) const {
    BeatFacts facts;
    facts.turned_on = turned_on_;
    const SessionKey session = session_of(agent);
    facts.is_busy = services_.runs.is_busy(session);
    facts.has_events = !services_.system_events.waiting(session).empty();
    const AgentEntry* entry = services_.config.agent(agent.id);
    facts.has_tasks =
        entry && has_tasks(read_small_file(entry->workspace + "/HEARTBEAT.md", most_tasks_bytes));
    const std::vector<ModelName> models =
        services_.models.candidates(agent.id, agent.settings.model);
    facts.has_model = !models.empty() && models.front().provider != "demo";
    const int64_t now = services_.now_ms() / 1000;
    Result<Zone> zone = services_.zones.find(agent.settings.time_zone);
    if (!zone) log_warn("heartbeat.activeHours.timezone: {}", zone.error().what);
    const int64_t offset = zone ? (*zone)(now) : 0;
    facts.minute_of_day = static_cast<int>((now + offset) % 86'400 / 60);
    return facts;
}

// The time is kept before the turn begins: a process that ends in between does not begin it twice.
void Heartbeats::beat(Agent& agent) {
    const std::string reason = reason_to_skip(agent.settings, facts_of(agent));
    agent.waits = reason == "requests-in-flight";
    if (agent.waits) return;
    agent.last_ms = services_.now_ms();
    if (reason.empty()) {
        const Result<Runs::Accepted> run =
            begin(agent.id, {agent.settings.prompt, session_of(agent), agent.settings.model});
        if (!run) {
            log_warn("the heartbeat of agent {} did not begin: {}", agent.id, run.error().what);
            tell({{"ts", agent.last_ms},
                  {"status", "failed"},
                  {"reason", run.error().what},
                  {"indicatorType", "error"}});
        }
        return;
    }
    if (const Done done =
            services_.store.put_notes({{last_beat_note + agent.id, std::to_string(agent.last_ms)}});
        !done)
        log_warn("the time of a heartbeat was not kept: {}", done.error().what);
    tell({{"ts", agent.last_ms}, {"status", "skipped"}, {"reason", reason}, {"silent", true}});
}

// The events go into the turn's own message: they are gone from the list in the same moment.
Result<Runs::Accepted> Heartbeats::begin(const std::string& agent_id, const Order& order) {
    const int64_t now = services_.now_ms();
    const std::string events = services_.system_events.lines(order.session);
    SystemEvents without = services_.system_events;
    (void)without.take(order.session);
    RunOrder run;
    run.record.method = method_name;
    run.record.run_id = new_session_id();
    run.record.session = order.session;
    run.record.spelling = order.session.key;
    run.record.model = order.model;
    run.record.heartbeat =
        events.empty() ? RunRecord::Heartbeat::plain : RunRecord::Heartbeat::with_events;
    run.record.message =
        Json{{"role", "user"},
             {"content", Json::array({Json{{"type", "text"}, {"text", order.prompt}}})},
             {"timestamp", now}};
    if (!events.empty()) put_above(events, run.record.message);
    run.notes = {{SystemEvents::note_name, without.as_note()}};
    if (!order.is_wake) run.notes.push_back({last_beat_note + agent_id, std::to_string(now)});
    if (services_.deliverer) run.notes.push_back({beat_promise + run.record.run_id, "1"});
    const Result<Runs::Accepted> accepted = services_.runs.accept(std::move(run));
    if (accepted) services_.system_events = std::move(without);
    return accepted;
}

Done Heartbeats::wake(const std::string& agent_id, Woken woken) {
    const auto found = agents_.find(agent_id);
    if (found == agents_.end())
        return Error{Fault::bad_message, "no agent \"" + agent_id + "\" is configured"};
    const Result<Runs::Accepted> run =
        begin(agent_id, {wake_text, main_session(agent_id), found->second.settings.model, true});
    if (!run) return run.error();
    log_info("woken: run {} of agent {} begins", run->run_id, agent_id);
    if (woken) woken_[run->run_id] = std::move(woken);
    return {};
}

Result<bool> Heartbeats::add_event(const SessionKey& session, const std::string& text) {
    SystemEvents with = services_.system_events;
    if (!with.add(session, text, services_.now_ms())) return false;
    if (const Done done = services_.store.put_notes({{SystemEvents::note_name, with.as_note()}});
        !done)
        return done.error();
    services_.system_events = std::move(with);
    return true;
}

void Heartbeats::ended(const RunRecord& record) {
    const auto agent = agents_.find(record.session.agent);
    BeatPlace place;
    bool is_kept = false;  // for the next process
    if (has_news(record)) {
        const Result<std::string> channel =
            deliver(record, agent == agents_.end() ? "last" : agent->second.settings.target);
        if (channel)
            place.channel = *channel;
        else
            place.why_not = channel.error().what;
        is_kept = !channel && channel.error().fault != Fault::bad_message &&
                  channel.error().fault != Fault::unreachable;
    }
    if (!is_kept) close(record.run_id);
    tell(event_for(record, services_.now_ms(), place));
    auto waiting = woken_.extract(record.run_id);
    if (waiting) waiting.mapped()(record);
}

// Where it went. "last" is nobody where nobody has written on a channel yet: that is no fault.
Result<std::string> Heartbeats::deliver(const RunRecord& record, const std::string& target) {
    const std::string answer = without_token(answer_of(record));
    if (target == "none" || target == "webchat" || answer.empty()) return std::string("webchat");
    const bool to_last = target.empty() || target == "last";
    if (!services_.deliverer) {
        if (to_last) return std::string("webchat");
        return Error{Fault::unreachable, "no channel \"" + target + "\" is running"};
    }
    DeliveryWish wish;
    wish.channel = target;
    wish.to = text_member(member_at(services_.config.json(), "agents.defaults.heartbeat"), "to");
    wish.session = record.session;
    const Result<DeliveryWish> resolved = services_.deliverer->resolve(std::move(wish));
    if (!resolved && to_last) return std::string("webchat");
    if (!resolved) return resolved.error();
    const Done done =
        services_.deliverer->deliver(*resolved, answer, "heartbeat:" + record.run_id, nullptr);
    if (!done) return done.error();
    return resolved->channel;
}

void Heartbeats::tell(Json event) {
    last_ = std::move(event);
    const bool is_news = text_member(last_, "status") != "skipped";
    if (is_news)
        if (const Done done = services_.store.put_notes({{last_event_note, print_json(last_)}});
            !done)
            log_warn("the last heartbeat was not kept: {}", done.error().what);
    services_.events.emit({"heartbeat", last_, "", "", 0, true});
}

Done Heartbeats::turn(bool on) {
    if (const Done done = services_.store.put_notes({{turned_off_note, on ? "" : "1"}}); !done)
        return done;
    if (on && !turned_on_)
        if (const Done done = count_from_now([](const Agent&) { return true; }); !done) return done;
    turned_on_ = on;
    log_info("heartbeats are turned {}", on ? "on" : "off");
    schedule();
    return {};
}

Json Heartbeats::summary(const std::string& agent_id) const {
    const auto found = agents_.find(agent_id);
    if (found == agents_.end() || !found->second.settings.is_periodic())
        return Json{
            {"agentId", agent_id}, {"enabled", false}, {"every", "disabled"}, {"everyMs", nullptr}};
    const HeartbeatSettings& settings = found->second.settings;
    Json summary{{"agentId", agent_id},       {"enabled", turned_on_},
                 {"every", settings.every},   {"everyMs", settings.every_ms},
                 {"prompt", settings.prompt}, {"target", settings.target}};
    if (!settings.model.empty()) summary["model"] = settings.model;
    summary["ackMaxChars"] = settings.most_ack_chars;
    return summary;
}

}  // namespace agent
