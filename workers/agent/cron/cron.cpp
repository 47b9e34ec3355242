#include "workers/agent/cron/cron.h"

#include <algorithm>

#include "workers/agent/cron/job.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// Before a run that could not begin is tried again.
constexpr int64_t pause_after_failure_ms = 10'000;

Error unknown_job(const std::string& id) {
    return {Fault::system, "unknown cron job id: " + id};
}

std::optional<int64_t> number_member(const Json& value, std::string_view key) {
    return member(value, key).is_number() ? std::optional(int_member(value, key)) : std::nullopt;
}

}  // namespace

Cron::Cron(Services services, Options options)
    : services_(std::move(services)),
      options_(std::move(options)),
      file_(options_.directory + "/jobs.json"),
      log_(options_.directory + "/runs") {
    services_.runs.on_ended("cron", [this](const RunRecord& record) { turn_ended(record); });
}

Cron::~Cron() {
    *alive_ = false;
}

void Cron::start() {
    const Result<std::vector<SessionStore::Note>> notes =
        services_.store.notes_under(Occurrence::prefix);
    if (!notes)
        log_error("which cron jobs were begun cannot be read: {}", notes.error().what);
    else
        for (const SessionStore::Note& note : *notes)
            if (const auto occurrence = Occurrence::read(note))
                last_begun_[occurrence->job_id] = *occurrence;
    for (const auto& [id, occurrence] : last_begun_)
        if (occurrence.is_open) under_way_[id] = occurrence;
    if (const Done done = refresh(); !done)
        log_error("{}", done.error().what);
    else
        take_up_all();
    if (!options_.is_enabled) log_info("cron is turned off: jobs run only when asked for");
    if (!file_.jobs().empty()) log_info("{} cron jobs", file_.jobs().size());
    tick();
}

void Cron::take_up_all() {
    if (std::exchange(taken_up_, true)) return;
    for (const auto& [id, occurrence] : std::map(under_way_)) take_up(occurrence);
}

// Also where another program changed the file: what it planned is looked at again.
Done Cron::refresh() {
    bool is_news = false;
    if (const Done done = file_.refresh(services_.now_ms(), is_news); !done) return done;
    if (is_news) schedule_all();
    return {};
}

void Cron::schedule_all() {
    std::erase_if(schedules_, [&](const auto& known) { return !file_.find(known.first); });
    bool changed = false;
    for (Json* job : file_.jobs()) {
        Json& state = (*job)["state"];
        if (!state.is_object()) state = Json::object();
        const Json before = state;
        // Of a process that ended meanwhile; what is still to be done is in the notes.
        if (!under_way_.contains(text_member(*job, "id"))) state.erase("runningAtMs");
        plan(*job);
        changed = changed || state != before;
    }
    if (changed)
        if (const Done done = file_.save(); !done) log_warn("{}", done.error().what);
}

void Cron::plan(Json& job) {
    if (const auto due = due_of(job))
        job["state"]["nextRunAtMs"] = *due;
    else
        job["state"].erase("nextRunAtMs");
}

const Result<Schedule>& Cron::schedule_of(const Json& job) {
    const std::string id = text_member(job, "id");
    const Json& written = member(job, "schedule");
    const int64_t created_ms = int_member(job, "createdAtMs");
    const auto known = schedules_.find(id);
    if (known != schedules_.end() && known->second.created_ms == created_ms &&
        known->second.written == written)
        return known->second.read;
    Result<Schedule> read = Schedule::read(written, created_ms, services_.zones);
    if (!read)
        log_warn("the cron job {} ({}) cannot run: {}", text_member(job, "name"), id,
                 read.error().what);
    return schedules_.insert_or_assign(id, KnownSchedule{written, created_ms, std::move(read)})
        .first->second.read;
}

std::optional<int64_t> Cron::due_of(const Json& job) {
    const std::string id = text_member(job, "id");
    const Result<Schedule>& schedule = schedule_of(job);
    if (!schedule) return {};
    const Json& state = member(job, "state");
    DueFacts facts;
    facts.enabled = bool_member(job, "enabled", true);
    facts.next_ms = number_member(state, "nextRunAtMs");
    if (const auto begun = last_begun_.find(id); begun != last_begun_.end())
        facts.begun_ms = begun->second.due_ms;
    facts.is_done = text_view(state, "lastStatus") == "ok" &&
                    int_member(state, "lastRunAtMs") >= schedule->at_ms();
    return due_at(*schedule, facts, services_.now_ms());
}

std::vector<Cron::Due> Cron::planned() {
    std::vector<Due> all;
    for (const Json* job : file_.jobs()) {
        const std::string id = text_member(*job, "id");
        if (under_way_.contains(id)) continue;
        if (const auto due = due_of(*job)) all.push_back({*due, id});
    }
    std::sort(all.begin(), all.end());
    return all;
}

void Cron::tick() {
    timer_.reset();
    if (!options_.is_enabled || services_.runs.is_stopping()) return;
    int64_t wait = pause_after_failure_ms;
    if (const Done done = refresh(); !done) {
        log_warn("{}", done.error().what);
    } else {
        take_up_all();
        wait = begin_due(services_.now_ms());
    }
    timer_ = services_.loop.after(std::chrono::milliseconds(wait), [this] { tick(); });
}

// No more than may run at once even where they end at once, as events do: each waits for the disk,
// and the process has others to serve.
int64_t Cron::begin_due(int64_t now) {
    const int64_t longest = longest_sleep.count();
    size_t begun = 0;
    for (const Due& due : planned()) {
        if (due.at_ms > now) return std::min(longest, due.at_ms - now);
        // The next end looks again.
        if (std::max(under_way_.size(), begun) >= options_.most_at_once) break;
        Json* job = file_.find(due.id);
        if (!job) continue;
        if (const Done done = begin(*job, due.at_ms, false); !done) {
            log_warn("the cron job {} did not begin: {}", due.id, done.error().what);
            return pause_after_failure_ms;
        }
        ++begun;
    }
    return longest;
}

void Cron::look_soon() {
    if (std::exchange(looks_soon_, true)) return;
    services_.loop.soon([this, alive = alive_] {
        if (!*alive) return;
        looks_soon_ = false;
        tick();
    });
}

Result<Json> Cron::list(bool with_disabled) {
    if (const Done done = refresh(); !done) return done.error();
    std::vector<const Json*> shown;
    for (const Json* job : file_.jobs())
        if (with_disabled || bool_member(*job, "enabled", true)) shown.push_back(job);
    std::stable_sort(shown.begin(), shown.end(), [](const Json* a, const Json* b) {
        const auto next = [](const Json& job) {
            return int_member(member(job, "state"), "nextRunAtMs", Schedule::last_ms);
        };
        return next(*a) < next(*b);
    });
    Json jobs = Json::array();
    for (const Json* job : shown) jobs.push_back(*job);
    return Json{{"jobs", std::move(jobs)}};
}

Result<Json> Cron::status() {
    if (const Done done = refresh(); !done) return done.error();
    const std::vector<Due> due = options_.is_enabled ? planned() : std::vector<Due>();
    return Json{{"enabled", options_.is_enabled},
                {"storePath", options_.shown_directory + "/jobs.json"},
                {"jobs", file_.jobs().size()},
                {"nextWakeAtMs", due.empty() ? Json() : Json(due.front().at_ms)}};
}

Done Cron::check_model(const Json& job) const {
    const std::string model(trimmed(text_member(member(job, "payload"), "model")));
    if (model.empty()) return {};
    const Result<ModelName> chosen = services_.models.choose(model);
    if (chosen) return {};
    return Error{Fault::bad_message, "invalid cron job: payload.model: " + chosen.error().what};
}

Result<Json> Cron::add(const Json& params) {
    if (const Done done = refresh(); !done) return done.error();
    if (file_.jobs().size() >= most_jobs)
        return Error{Fault::bad_message, "there are " + std::to_string(most_jobs) +
                                             " cron jobs already; remove some first"};
    Result<Json> job = new_job(params, {services_.config, services_.zones, services_.now_ms()});
    if (!job) return job.error();
    if (const Done done = check_model(*job); !done) return done.error();
    plan(*job);
    const std::string id = text_member(*job, "id");
    file_.add(*job);
    if (const Done done = file_.save(); !done) {
        file_.remove(id);
        return done.error();
    }
    tell("added", *job);
    look_soon();
    return job;
}

Result<Json> Cron::update(const std::string& id, const Json& patch) {
    if (const Done done = refresh(); !done) return done.error();
    Json* job = file_.find(id);
    if (!job) return unknown_job(id);
    Result<Json> changed =
        patched_job(*job, patch, {services_.config, services_.zones, services_.now_ms()});
    if (!changed) return changed.error();
    if (const Done done = check_model(*changed); !done) return done.error();
    const bool anew = member(*changed, "schedule") != member(*job, "schedule") ||
                      bool_member(*changed, "enabled") != bool_member(*job, "enabled", true);
    if (!(*changed)["state"].is_object()) (*changed)["state"] = Json::object();
    if (anew) (*changed)["state"].erase("nextRunAtMs");
    if (anew) forget_begun(id);
    plan(*changed);
    const Json before = std::exchange(*job, *changed);
    if (const Done done = file_.save(); !done) {
        *job = before;
        return done.error();
    }
    tell("updated", *changed);
    look_soon();
    return changed;
}

// A run under way keeps its note: it is still to be finished.
void Cron::forget_begun(const std::string& id) {
    if (under_way_.contains(id) || last_begun_.erase(id) == 0) return;
    if (const Done done = services_.store.put_notes({{Occurrence::prefix + id, ""}}); !done)
        log_warn("the note of the cron job {} was not removed: {}", id, done.error().what);
}

Result<Json> Cron::remove(const std::string& id) {
    if (const Done done = refresh(); !done) return done.error();
    const Json* job = file_.find(id);
    if (!job) return Json{{"ok", true}, {"removed", false}};
    const Json before = *job;
    file_.remove(id);
    if (const Done done = file_.save(); !done) {
        file_.add(before);
        return done.error();
    }
    forget_begun(id);
    schedules_.erase(id);
    log_.remove(id);
    services_.events.emit({"cron", Json{{"jobId", id}, {"action", "removed"}}, "", "", 0, true});
    return Json{{"ok", true}, {"removed", true}};
}

Result<Json> Cron::runs(const std::string& id, size_t most) {
    Result<std::vector<Json>> entries = log_.last(id, most);
    if (!entries) return entries.error();
    return Json{{"entries", std::move(*entries)}};
}

void Cron::run(const std::string& id, bool forced, Answer answer) {
    if (const Done done = refresh(); !done) return answer(done.error());
    Json* job = file_.find(id);
    if (!job) return answer(unknown_job(id));
    const auto not_run = [&](const char* why) {
        answer(Json{{"ok", true}, {"ran", false}, {"reason", why}});
    };
    if (under_way_.contains(id)) return not_run("already-running");
    const int64_t now = services_.now_ms();
    const std::optional<int64_t> due = due_of(*job);
    const bool is_due = due && *due <= now;
    if (!forced && !is_due) return not_run("not-due");
    answers_[id].push_back(std::move(answer));
    if (const Done done = begin(*job, is_due ? *due : now, !is_due); !done)
        this->answer(id, done.error());
}

void Cron::answer(const std::string& id, const Result<Json>& result) {
    auto waiting = answers_.extract(id);
    if (!waiting) return;
    for (const Answer& one : waiting.mapped()) one(result);
}

void Cron::tell(const char* action, const Json& job) {
    Json payload{{"jobId", text_member(job, "id")}, {"action", action}};
    if (const auto next = number_member(member(job, "state"), "nextRunAtMs"))
        payload["nextRunAtMs"] = *next;
    services_.events.emit({"cron", payload, "", "", 0, true});
}

}  // namespace agent
