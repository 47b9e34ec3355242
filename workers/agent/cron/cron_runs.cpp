// What happens when a job is due: begun, followed to its end, told, written down.

#include <algorithm>

#include "workers/agent/cron/cron.h"
#include "workers/agent/cron/job.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr size_t longest_summary = 2000;
constexpr size_t longest_post = 8000;

// Nothing that a user would want to read.
bool says_nothing(const std::string& answer) {
    return trimmed(without_token(answer)).empty() || trimmed(answer) == "NO_REPLY";
}

std::string answer_of(const RunRecord& record, SessionStore& store) {
    const Json& payloads = member_at(record.payload, "result.payloads");
    if (payloads.is_array()) return payloads.empty() ? "" : text_member(payloads[0], "text");
    // Answered by an earlier process: it is in the transcript.
    const Result<std::optional<Session>> session = store.find(record.session);
    return session && *session ? store.preview(**session).last_text : "";
}

// Why the answer does not reach the channel it is for; empty: it is on its way, or for none.
std::string delivery_failure(const RunRecord& record, const std::string& answer,
                             const Json& payload, const SessionKey& main, Deliverer* deliverer) {
    DeliveryWish wish;
    wish.channel = text_member(payload, "channel", "last");
    wish.to = text_member(payload, "to");
    wish.session = main;
    if (!bool_member(payload, "deliver", !wish.to.empty()) || says_nothing(answer)) return {};
    const std::string where =
        wish.channel == "last" ? "the last channel" : "channel " + wish.channel;
    const std::string to = wish.to.empty() ? "" : " (" + wish.to + ")";
    Done done = Error{Fault::unreachable, "no channel is running here"};
    if (deliverer) {
        const Result<DeliveryWish> resolved = deliverer->resolve(wish);
        done = resolved ? deliverer->deliver(*resolved, answer, "cron:" + record.run_id, nullptr)
                        : Done(resolved.error());
    }
    if (done) return {};
    return "not delivered to " + where + to + ": " + done.error().what +
           "; the answer is in the session " + record.session.key +
           " and was posted to the main session";
}

SessionKey session_of(const Occurrence& occurrence) {
    return {occurrence.agent,
            lower_case("agent:" + occurrence.agent + ":cron:" + occurrence.job_id)};
}

}  // namespace

Outcome Cron::outcome_of(const RunRecord& record, const Json& job) {
    Outcome outcome;
    outcome.ended_ms = record.ended_ms;
    if (record.status != "ok") {
        outcome.status = "error";
        outcome.error = record.summary;
        return outcome;
    }
    outcome.answer = answer_of(record, services_.store);
    outcome.summary = preview_of(outcome.answer, longest_summary);
    const Json& payload = member(job, "payload");
    outcome.error = delivery_failure(record, outcome.answer, payload,
                                     services_.heartbeats.main_session(record.session.agent),
                                     services_.deliverer);
    if (!outcome.error.empty())
        outcome.status = bool_member(payload, "bestEffortDeliver") ? "skipped" : "error";
    return outcome;
}

Done Cron::begin(Json& job, int64_t due_ms, bool forced) {
    Occurrence occurrence;
    occurrence.job_id = text_member(job, "id");
    occurrence.due_ms = due_ms;
    occurrence.started_ms = services_.now_ms();
    occurrence.agent = agent_of(job, services_.config);
    occurrence.forced = forced;
    if (const auto last = last_begun_.find(occurrence.job_id); last != last_begun_.end())
        occurrence.failures = last->second.failures;
    const Done done = is_isolated(job) ? begin_turn(job, occurrence) : begin_event(job, occurrence);
    if (!done) return done;
    const std::string id = occurrence.job_id;
    under_way_[id] = last_begun_[id] = occurrence;
    job["state"]["runningAtMs"] = occurrence.started_ms;
    plan(job);
    if (const Done saved = file_.save(); !saved)
        log_warn("the cron job {} runs, but that was not written down: {}", id, saved.error().what);
    services_.events.emit(
        {"cron", Json{{"jobId", id}, {"action", "started"}, {"runAtMs", occurrence.started_ms}}, "",
         "", 0, true});
    log_info("the cron job {} ({}) begins", text_member(job, "name"), id);
    if (!is_isolated(job)) see_to_event(id);
    return {};
}

// The run and the note that the job was begun are one transaction.
Done Cron::begin_turn(const Json& job, Occurrence& occurrence) {
    const Json& payload = member(job, "payload");
    occurrence.run_id = run_id_for(occurrence);
    const std::string text = "[cron:" + occurrence.job_id + " " + text_member(job, "name") + "] " +
                             text_member(payload, "message");
    RunOrder order;
    order.record.method = "cron";
    order.record.run_id = occurrence.run_id;
    order.record.session = session_of(occurrence);
    order.record.spelling = order.record.session.key;
    order.record.fresh_session = true;
    order.record.model = text_member(payload, "model");
    order.record.thinking = text_member(payload, "thinking");
    const int64_t limit = int_member(payload, "timeoutSeconds") * 1000;
    order.record.timeout_ms =
        limit > 0 ? std::min(limit, longest_run_ms)
                  : std::min<int64_t>(services_.config.run_timeout().count(), longest_run_ms);
    order.record.message = Json{{"role", "user"},
                                {"content", Json::array({Json{{"type", "text"}, {"text", text}}})},
                                {"timestamp", services_.now_ms()}};
    order.notes = {occurrence.note()};
    const Result<Runs::Accepted> run = services_.runs.accept(std::move(order));
    return run ? Done() : Done(run.error());
}

// The event and the note that the job was begun are one transaction.
Done Cron::begin_event(const Json& job, Occurrence& occurrence) {
    SystemEvents with = services_.system_events;
    with.add(services_.heartbeats.main_session(occurrence.agent),
             text_member(member(job, "payload"), "text"), services_.now_ms());
    const Done done =
        services_.store.put_notes({occurrence.note(), {SystemEvents::note_name, with.as_note()}});
    if (done) services_.system_events = std::move(with);
    return done;
}

// The event waits; an agent that is to be woken for it is, unless it has taken it up already.
void Cron::see_to_event(const std::string& id) {
    const Occurrence& occurrence = under_way_.at(id);
    const Json* job = file_.find(id);
    Outcome outcome;
    outcome.ended_ms = services_.now_ms();
    outcome.summary =
        job ? preview_of(text_view(member(*job, "payload"), "text"), longest_summary) : "";
    const SessionKey main = services_.heartbeats.main_session(occurrence.agent);
    const bool waits = !services_.system_events.waiting(main).empty();
    if (!job || text_view(*job, "wakeMode") != "now" || !waits) return finish(id, outcome);
    const Done done = services_.heartbeats.wake(
        occurrence.agent, [this, id, outcome, alive = alive_](const RunRecord& run) {
            if (!*alive || !under_way_.contains(id)) return;
            // Cut off by a stop: the turn itself is in the journal, the event in it.
            Outcome ended = outcome;
            ended.ended_ms = services_.now_ms();
            if (run.status != "ok") {
                ended.status = "error";
                ended.error = run.summary;
            }
            finish(id, ended);
        });
    if (done) return;
    outcome.status = "error";
    outcome.error =
        "the agent was not woken (" + done.error().what + "); the text waits for its next turn";
    finish(id, outcome);
}

// Of an earlier process. Its turn is in the journal and goes on, or has ended, or was cut off.
void Cron::take_up(Occurrence occurrence) {
    const std::string id = occurrence.job_id;
    const Json* job = file_.find(id);
    if (occurrence.outcome) return conclude(id);
    if (occurrence.run_id.empty()) return see_to_event(id);
    if (occurrence.cut_off && occurrence.attempt == 1 && job && is_isolated(*job)) {
        occurrence.attempt = 2;
        occurrence.cut_off = false;
        if (begin_turn(*job, occurrence)) {
            under_way_[id] = last_begun_[id] = occurrence;
            return;
        }
    }
    const Result<std::optional<RunRecord>> run =
        services_.store.find_run("cron", under_way_[id].run_id);
    if (run && *run && !(*run)->has_ended()) return;  // turn_ended() will be told
    if (run && *run) return finish(id, outcome_of(**run, job ? *job : Json()));
    finish(id,
           {"error", "it was interrupted, and nothing of it was kept", "", "", services_.now_ms()});
}

void Cron::turn_ended(const RunRecord& record) {
    const std::string id = job_of_run(record.run_id);
    const auto found = under_way_.find(id);
    if (found == under_way_.end() || found->second.run_id != record.run_id) return;
    if (!taken_up_) return;  // the journal tells once more
    Occurrence& occurrence = found->second;
    if (record.status != "ok" && services_.runs.is_stopping() && occurrence.attempt == 1) {
        occurrence.cut_off = true;  // the next process begins it again
        if (services_.store.put_notes({occurrence.note()})) return;
        occurrence.cut_off = false;
    }
    const Json* job = file_.find(id);
    finish(id, outcome_of(record, job ? *job : Json()));
}

// What came of it is noted, and posted to the main session, in one transaction; then written down.
void Cron::finish(const std::string& id, Outcome outcome) {
    Occurrence& occurrence = under_way_.at(id);
    occurrence.outcome = std::move(outcome);
    SystemEvents with = services_.system_events;
    const bool posted = post_to_main(occurrence, with);
    std::vector<SessionStore::Note> notes{occurrence.note()};
    if (posted) notes.push_back({SystemEvents::note_name, with.as_note()});
    if (const Done done = services_.store.put_notes(notes); !done)
        log_error("the outcome of the cron job {} was not noted: {}", id, done.error().what);
    if (posted) services_.system_events = std::move(with);
    const Json* job = file_.find(id);
    if (posted && job && text_view(*job, "wakeMode") == "now" && !services_.runs.is_stopping())
        if (const Done done = services_.heartbeats.wake(occurrence.agent); !done)
            log_warn("the agent {} was not woken: {}", occurrence.agent, done.error().what);
    conclude(id);
}

bool Cron::post_to_main(const Occurrence& occurrence, SystemEvents& events) const {
    const Outcome& outcome = *occurrence.outcome;
    const Json* job = file_.find(occurrence.job_id);
    if (occurrence.run_id.empty() || !job) return false;
    if (outcome.error.empty() && says_nothing(outcome.answer)) return false;
    const Json& isolation = member(*job, "isolation");
    std::string prefix(trimmed(text_member(isolation, "postToMainPrefix", "Cron")));
    if (prefix.empty()) prefix = "Cron";
    if (outcome.status != "ok") prefix += " (" + outcome.status + ")";
    std::string body = outcome.summary.empty() ? outcome.error : outcome.summary;
    if (text_view(isolation, "postToMainMode") == "full" && !outcome.answer.empty())
        body = preview_of(outcome.answer,
                          static_cast<size_t>(int_member(isolation, "postToMainMaxChars",
                                                         static_cast<int64_t>(longest_post))));
    return events.add(services_.heartbeats.main_session(occurrence.agent), prefix + ": " + body,
                      services_.now_ms());
}

// The same after a restart: nothing here counts twice.
void Cron::conclude(const std::string& id) {
    Occurrence occurrence = under_way_.extract(id).mapped();
    const Outcome& outcome = *occurrence.outcome;
    Json entry{{"ts", outcome.ended_ms}, {"jobId", id}, {"action", "finished"}};
    entry["status"] = outcome.status;
    if (!outcome.error.empty()) entry["error"] = outcome.error;
    if (!outcome.summary.empty()) entry["summary"] = outcome.summary;
    entry["runAtMs"] = occurrence.started_ms;
    entry["durationMs"] = std::max<int64_t>(0, outcome.ended_ms - occurrence.started_ms);
    occurrence.is_open = false;
    Json* job = file_.find(id);
    const bool is_known = job != nullptr;
    if (is_known && !occurrence.forced)
        occurrence.failures = outcome.status == "error" ? occurrence.failures + 1 : 0;
    last_begun_[id] = occurrence;
    if (job) apply(outcome, occurrence, id);
    job = file_.find(id);
    if (job && member(member(*job, "state"), "nextRunAtMs").is_number())
        entry["nextRunAtMs"] = (*job)["state"]["nextRunAtMs"];
    if (const Done done = is_known ? log_.add(id, entry) : Done(); !done)
        log_warn("a run of the cron job {} is missing in its list: {}", id, done.error().what);
    if (const Done done = is_known ? file_.save() : Done(); !done)
        log_warn("the end of the cron job {} was not written down: {}", id, done.error().what);
    const SessionStore::Note note =
        job ? occurrence.note() : SessionStore::Note{Occurrence::prefix + id, ""};
    if (!job) last_begun_.erase(id);
    if (const Done done = services_.store.put_notes({note}); !done)
        log_warn("the end of the cron job {} was not noted: {}", id, done.error().what);
    if (outcome.status == "error") log_warn("the cron job {} failed: {}", id, outcome.error);
    entry.erase("ts");
    services_.events.emit({"cron", entry, "", "", 0, true});
    answer(id, Json{{"ok", true}, {"ran", true}});
    look_soon();
}

// Into the job: what its list shows, and what becomes of one that runs once.
void Cron::apply(const Outcome& outcome, const Occurrence& occurrence, const std::string& id) {
    Json& job = *file_.find(id);
    Json& state = job["state"];
    state.erase("runningAtMs");
    state["lastRunAtMs"] = occurrence.started_ms;
    state["lastStatus"] = outcome.status;
    state.erase("lastError");
    if (!outcome.error.empty()) state["lastError"] = outcome.error;
    state["lastDurationMs"] = std::max<int64_t>(0, outcome.ended_ms - occurrence.started_ms);
    // Given another time while it ran: it is to run then.
    const bool is_moved =
        !occurrence.forced && int_member(member(job, "schedule"), "atMs") > occurrence.started_ms;
    const bool once = text_view(member(job, "schedule"), "kind") == "at" && !is_moved;
    if (once && outcome.status != "error") {
        if (bool_member(job, "deleteAfterRun")) {
            file_.remove(id);
        } else {
            job["enabled"] = false;
            state.erase("nextRunAtMs");
        }
    } else if (once && !occurrence.forced) {
        const std::optional<int64_t> pause = retry_pause_ms(occurrence.failures);
        if (pause) state["nextRunAtMs"] = outcome.ended_ms + *pause;
        if (!pause) job["enabled"] = false;
        if (!pause) state.erase("nextRunAtMs");
    } else {
        plan(job);
    }
}

}  // namespace agent
