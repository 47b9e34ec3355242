#include "workers/agent/runs.h"

#include <algorithm>
#include <limits>

#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* stopping_text =
    "The gateway was stopped before this was answered. Your message was kept; send it again to "
    "get an answer.";

std::string lane_of(const SessionKey& session) {
    return session.agent + "\n" + session.key;
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
    if (record.timeout_ms <= 0) record.timeout_ms = services_.config.run_timeout().count();
    // Recorded with the message where it is known to start now: it saves a wait for the disk.
    if (queue_.starts_at_once(lane_of(record.session))) {
        record.attempts = 1;
        order.attempt_recorded = true;
    }
    const Done done =
        services_.store.accept_run(record, opened->fresh ? &opened->session : nullptr);
    if (!done) return done.error();
    if (services_.count) services_.count(Counter::turns_started, 1);
    RunRecord accepted = record;
    add(std::move(order));
    return accepted;
}

void Runs::add(RunOrder order) {
    const uint64_t ticket = next_ticket_++;
    held_bytes_ += size_of(order.record);
    queue_.add(lane_of(order.record.session), ticket);
    runs_[ticket] = std::make_unique<Run>(services_, std::move(order),
                                          [this, ticket](Run&) { run_has_ended(ticket); });
    soon(&Runs::start_ready);
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
        if (run->record().session == session && !run->has_ended()) runs.push_back(run.get());
    std::vector<std::string> ids;
    for (Run* run : runs) {
        ids.push_back(run->record().run_id);
        run->abort(why);
    }
    tell_decided(runs);
    return ids;
}

// Recorded first: a later process must not answer what clients were told is over.
void Runs::tell_decided(const std::vector<Run*>& runs) {
    std::vector<SessionStore::RunChange> changes;
    for (Run* run : runs)
        if (run->is_decided() && !run->has_ended()) changes.push_back({&run->record(), nullptr});
    if (const Done done = services_.store.record_runs(changes); !done)
        log_error("the end of {} waiting runs was not recorded: {}", changes.size(),
                  done.error().what);
    for (Run* run : runs) run->tell_decided();
}

const SessionKey* Runs::session_of(const std::string& run_id) const {
    const Run* run = find(run_id);
    return run && !run->has_ended() ? &run->record().session : nullptr;
}

bool Runs::abort_run(const std::string& run_id, const std::string& why) {
    Run* run = find(run_id);
    if (!run || run->has_ended()) return false;
    run->abort(why);
    tell_decided({run});
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
    const std::vector<Run*> ready = take_ready();
    std::vector<SessionStore::RunChange> begun;
    for (Run* run : ready) {
        if (run->is_attempt_recorded()) continue;
        run->count_attempt();
        begun.push_back({&run->record(), nullptr});
    }
    start(ready, services_.store.record_runs(begun));
}

// What may start now. A run whose end is decided is written down on the way and makes place for the
// next, so that one sync serves all of them.
std::vector<Run*> Runs::take_ready() {
    std::vector<Run*> ready;
    for (bool more = true; more;) {
        more = false;
        for (const uint64_t ticket : queue_.take()) {
            Run& run = *runs_.at(ticket);
            if (!run.is_decided()) {
                ready.push_back(&run);
                continue;
            }
            run.start();
            more = true;
        }
    }
    return ready;
}

void Runs::start(const std::vector<Run*>& runs, const Done& recorded) {
    for (Run* run : runs) {
        if (recorded)
            run->start();
        else
            run->refuse("The run could not be recorded: " + recorded.error().what);
    }
}

// The journal is written after the clients were told: the answer itself is durable by then, and
// should the process end in between, recover() finds it.
void Runs::run_has_ended(uint64_t ticket) {
    queue_.finished(ticket);
    ended_.push_back(ticket);
    if (ended_.size() == 1) soon(&Runs::record_ends);
}

void Runs::record_ends() {
    const std::vector<Run*> ready = take_ready();
    std::vector<std::unique_ptr<Run>> ended;
    for (const uint64_t ticket : std::exchange(ended_, {}))
        ended.push_back(std::move(runs_.extract(ticket).mapped()));
    std::vector<SessionStore::RunChange> changes = durable_ends(ended);
    for (Run* run : ready) {
        if (run->is_attempt_recorded()) continue;
        run->count_attempt();
        changes.push_back({&run->record(), nullptr});
    }
    const Done done = services_.store.record_runs(changes);
    if (!done)
        log_error("the end of {} runs was not recorded: {}", ended.size(), done.error().what);
    announce_ends(ended);
    start(ready, done);
    tell_idle();
    if (stopping_ && runs_.empty() && drained_) std::exchange(drained_, nullptr)();
}

// What was written down for runs that never started is synced here, each transcript once. A run
// whose transcript is not on the disk stays unfinished, for the next process to write down.
std::vector<SessionStore::RunChange> Runs::durable_ends(
    const std::vector<std::unique_ptr<Run>>& ended) {
    std::map<std::string, bool> synced;
    std::vector<SessionStore::RunChange> changes;
    for (const auto& run : ended) {
        if (run->is_decided() && run->session()) {
            const auto [place, is_new] = synced.try_emplace(run->session()->id(), true);
            if (is_new)
                if (const Done done = services_.store.sync(*run->session()); !done) {
                    place->second = false;
                    log_error("the transcript of {} was not synced: {}", run->record().session.key,
                              done.error().what);
                }
            if (!place->second) continue;
        }
        changes.push_back({&run->record(), run->changed_session()});
    }
    return changes;
}

void Runs::announce_ends(const std::vector<std::unique_ptr<Run>>& ended) {
    for (const auto& run : ended) {
        held_bytes_ -= size_of(run->record());
        if (run->order().on_ended) run->order().on_ended(run->record());
        wake_waiters(run->record());
    }
}

void Runs::drain(std::chrono::milliseconds budget, std::function<void()> drained) {
    stopping_ = true;
    drained_ = std::move(drained);
    if (runs_.empty()) return std::exchange(drained_, nullptr)();
    std::vector<Run*> waiting;
    for (const auto& [ticket, run] : runs_)
        if (!run->has_started()) waiting.push_back(run.get());
    for (Run* run : waiting) run->interrupt(stopping_text);
    tell_decided(waiting);
    soon(&Runs::start_ready);
    drain_timer_ = services_.loop.after(budget, [this] { interrupt_all(stopping_text); });
}

void Runs::interrupt_all(const std::string& text) {
    for (const auto& [ticket, run] : runs_)
        if (run->has_started()) run->interrupt(text);
}

void Runs::soon(void (Runs::*action)()) {
    services_.loop.soon([this, action, alive = alive_] {
        if (*alive) (this->*action)();
    });
}

}  // namespace agent
