#include "workers/agent/runs.h"

#include <algorithm>
#include <limits>

#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* interrupted_text =
    "The assistant's process ended while answering and was restarted. Your message was kept; send "
    "it again to get an answer.";
constexpr const char* stopping_text =
    "The gateway was stopped before this was answered. Your message was kept; send it again to "
    "get an answer.";

std::string lane_of(const SessionKey& session) {
    return session.agent + "\n" + session.key;
}

Json interruption(const char* text, int64_t now_ms) {
    return Json{{"role", "assistant"},
                {"content", Json::array()},
                {"api", ""},
                {"provider", ""},
                {"model", ""},
                {"usage", no_usage()},
                {"stopReason", "error"},
                {"errorMessage", text},
                {"timestamp", now_ms}};
}

size_t size_of(const RunRecord& run) {
    return message_size(run.message, std::numeric_limits<size_t>::max());
}

}  // namespace

Runs::Runs(RunServices services)
    : services_(std::move(services)), queue_(services_.config.most_runs_at_once()) {}

Runs::~Runs() {
    *alive_ = false;
}

Result<Runs::Opened> Runs::open_session(const SessionKey& key) {
    Result<std::optional<Session>> found = services_.store.find(key);
    if (!found) return found.error();
    const int64_t now = services_.now_ms();
    Opened opened{*found ? std::move(**found) : Session{key, Json::object()}, false};
    Session& session = opened.session;
    const bool usable = is_session_id(session.id());
    // A session in use is not replaced below its runs.
    const bool outdated =
        usable && !queue_.is_busy(lane_of(key)) &&
        is_stale(services_.config.reset_policy(key.key, session.entry), session.updated_at(), now);
    if (usable && !outdated) return opened;
    opened.fresh = true;
    session.entry = fresh_entry(session.entry, now);
    session.entry["sessionFile"] = services_.store.transcript_location(session);
    return opened;
}

Result<RunRecord> Runs::accept(RunOrder order) {
    if (stopping_) return Error{Fault::busy, "the gateway is stopping"};
    const size_t size = size_of(order.record);
    if (runs_.size() >= most_held || held_bytes_ + size > most_held_bytes)
        return Error{Fault::busy, "too many messages wait for an answer (" +
                                      std::to_string(runs_.size()) +
                                      "); send it again when some are answered"};
    const Result<Opened> opened = open_session(order.record.session);
    if (!opened) return opened.error();
    RunRecord& record = order.record;
    record.session_id = opened->session.id();
    record.accepted_ms = services_.now_ms();
    record.entry_id = new_entry_id();
    record.answer_id = new_entry_id();
    if (order.timeout.count() <= 0) order.timeout = services_.config.run_timeout();
    const Done done =
        services_.store.accept_run(record, opened->fresh ? &opened->session : nullptr);
    if (!done) return done.error();
    if (services_.count) services_.count(Counter::turns_started, 1);
    RunRecord accepted = record;
    const uint64_t ticket = next_ticket_++;
    const std::string lane = lane_of(record.session);
    runs_[ticket] = std::make_unique<Run>(services_, std::move(order),
                                          [this, ticket](Run&) { run_has_ended(ticket); });
    held_bytes_ += size;
    queue_.add(lane, ticket);
    soon(&Runs::start_ready);
    return accepted;
}

void Runs::remember(RunRecord record) {
    if (const Done done = services_.store.accept_run(record, nullptr); !done)
        log_warn("the command {} was not recorded: {}", record.run_id, done.error().what);
}

Run* Runs::find(const std::string& run_id) const {
    for (const auto& [ticket, run] : runs_)
        if (run->record().run_id == run_id) return run.get();
    return nullptr;
}

Result<std::optional<RunRecord>> Runs::known(const std::string& method, const std::string& run_id) {
    for (const auto& [ticket, run] : runs_) {
        const RunRecord& record = run->record();
        if (record.run_id == run_id && (method.empty() || record.method == method))
            return std::optional<RunRecord>(record);
    }
    Result<std::optional<RunRecord>> found = services_.store.find_run(method, run_id);
    if (found && *found && (*found)->has_ended() && !method.empty() &&
        services_.now_ms() - (*found)->ended_ms > duplicate_ms)
        return std::optional<RunRecord>();
    return found;
}

void Runs::wait(const std::string& run_id, std::chrono::milliseconds at_most, Waiter waiter) {
    const Result<std::optional<RunRecord>> run = known("", run_id);
    if (run && *run && (*run)->has_ended()) return waiter(&**run);
    const uint64_t id = next_wait_++;
    waits_[run_id][id] = {std::move(waiter), services_.loop.after(at_most, [this, run_id, id] {
                              end_wait(run_id, id);
                          })};
}

void Runs::end_wait(const std::string& run_id, uint64_t wait_id) {
    const auto waits = waits_.find(run_id);
    if (waits == waits_.end()) return;
    const auto found = waits->second.find(wait_id);
    if (found == waits->second.end()) return;
    const Wait wait = std::move(found->second);
    waits->second.erase(found);
    if (waits->second.empty()) waits_.erase(waits);
    wait.waiter(nullptr);
}

void Runs::wake_waiters(const RunRecord& record) {
    const auto found = waits_.find(record.run_id);
    if (found == waits_.end()) return;
    const std::map<uint64_t, Wait> waits = std::move(found->second);
    waits_.erase(found);
    for (const auto& [id, wait] : waits) wait.waiter(&record);
}

std::vector<std::string> Runs::abort_session(const SessionKey& session, const std::string& why) {
    std::vector<Run*> runs;
    for (const auto& [ticket, run] : runs_)
        if (run->record().session == session && !run->record().has_ended())
            runs.push_back(run.get());
    std::vector<std::string> ids;
    for (Run* run : runs) {
        ids.push_back(run->record().run_id);
        run->abort(why);
    }
    return ids;
}

const SessionKey* Runs::session_of(const std::string& run_id) const {
    const Run* run = find(run_id);
    return run && !run->record().has_ended() ? &run->record().session : nullptr;
}

bool Runs::abort_run(const std::string& run_id, const std::string& why) {
    Run* run = find(run_id);
    if (!run || run->record().has_ended()) return false;
    run->abort(why);
    return true;
}

bool Runs::is_busy(const SessionKey& session) const {
    return std::any_of(runs_.begin(), runs_.end(),
                       [&](const auto& run) { return run.second->record().session == session; });
}

void Runs::when_idle(const SessionKey& session, std::chrono::milliseconds at_most,
                     std::function<void(bool idle)> then) {
    if (!is_busy(session)) return then(true);
    const uint64_t id = next_wait_++;
    idle_waits_[id] = {session, std::move(then), services_.loop.after(at_most, [this, id] {
                           const auto wait = idle_waits_.extract(id);
                           wait.mapped().then(false);
                       })};
}

void Runs::tell_idle() {
    std::vector<std::function<void(bool)>> idle;
    for (auto wait = idle_waits_.begin(); wait != idle_waits_.end();) {
        if (is_busy(wait->second.session)) {
            ++wait;
            continue;
        }
        idle.push_back(std::move(wait->second.then));
        wait = idle_waits_.erase(wait);
    }
    for (const auto& then : idle) then(true);
}

void Runs::start_ready() {
    for (const uint64_t ticket : queue_.take()) {
        const auto found = runs_.find(ticket);
        if (found != runs_.end()) found->second->start();
    }
}

// The journal is written after the clients were told: the answer itself is durable by then, and
// should the process end in between, recover() finds it.
void Runs::run_has_ended(uint64_t ticket) {
    ended_.push_back(ticket);
    if (ended_.size() == 1) soon(&Runs::record_ends);
}

void Runs::record_ends() {
    for (const uint64_t ticket : std::exchange(ended_, {})) {
        const std::unique_ptr<Run> run = std::move(runs_.extract(ticket).mapped());
        held_bytes_ -= size_of(run->record());
        queue_.finished(ticket);
        if (const Done done = services_.store.end_run(run->record(), run->changed_session()); !done)
            log_error("the end of run {} was not recorded: {}", run->record().run_id,
                      done.error().what);
        if (run->order().on_ended) run->order().on_ended(run->record());
        wake_waiters(run->record());
    }
    tell_idle();
    start_ready();
    if (stopping_ && runs_.empty() && drained_) std::exchange(drained_, nullptr)();
}

Result<size_t> Runs::recover() {
    Result<std::vector<RunRecord>> runs = services_.store.unfinished_runs();
    if (!runs) return runs.error();
    WrittenIds written;
    for (RunRecord& run : *runs) {
        const std::string id = run.run_id;
        if (const Done done = recover_one(std::move(run), written); !done)
            log_warn("the interrupted run {} could not be ended: {}", id, done.error().what);
    }
    return runs->size();
}

// A transcript is read once, however many of its runs were interrupted.
Result<std::set<std::string>*> Runs::ids_of(const Session& session, WrittenIds& written) {
    const auto known = written.find(session.key.key);
    if (known != written.end()) return &known->second;
    Result<std::set<std::string>> ids = services_.store.entry_ids(session);
    if (!ids) return ids.error();
    return &written.emplace(session.key.key, std::move(*ids)).first->second;
}

Done Runs::recover_one(RunRecord run, WrittenIds& written) {
    run.ended_ms = services_.now_ms();
    run.status = "error";
    run.summary = interrupted_text;
    if (run.method == "agent")
        run.payload =
            Json{{"runId", run.run_id}, {"status", "error"}, {"summary", interrupted_text}};
    Result<std::optional<Session>> session = services_.store.find(run.session);
    if (!session) return session.error();
    if (run.message.is_null() || !*session) return services_.store.end_run(run, nullptr);
    const Result<std::set<std::string>*> ids = ids_of(**session, written);
    if (!ids) return ids.error();
    if ((*ids)->contains(run.answer_id)) {
        run.status = "ok";
        run.summary.clear();
        if (run.method == "agent")
            run.payload = Json{{"runId", run.run_id}, {"status", "ok"}, {"summary", "completed"}};
        return services_.store.end_run(run, nullptr);
    }
    if (!(*ids)->contains(run.entry_id)) {
        const Done done = services_.store.append(**session, run.entry_id, run.message,
                                                 SessionStore::Durability::soon);
        if (!done) return done;
    }
    const Done done = services_.store.append(**session, run.answer_id,
                                             interruption(interrupted_text, run.ended_ms),
                                             SessionStore::Durability::now);
    if (!done) return done;
    if (services_.count) services_.count(Counter::turns_interrupted, 1);
    return services_.store.end_run(run, nullptr);
}

void Runs::drain(std::chrono::milliseconds budget, std::function<void()> drained) {
    stopping_ = true;
    drained_ = std::move(drained);
    if (runs_.empty()) return std::exchange(drained_, nullptr)();
    for (const auto& [ticket, run] : runs_)
        if (!run->has_started()) run->interrupt(stopping_text);
    drain_timer_ = services_.loop.after(budget, [this] { interrupt_all(stopping_text); });
}

void Runs::interrupt_all(const std::string& text) {
    for (const auto& [ticket, run] : runs_) run->interrupt(text);
}

void Runs::soon(void (Runs::*action)()) {
    services_.loop.soon([this, action, alive = alive_] {
        if (*alive) (this->*action)();
    });
}

}  // namespace agent
