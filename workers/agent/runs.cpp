#include "workers/agent/runs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "workers/agent/memory_flush.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* stopping_text =
    "The gateway was stopped before this was answered. Your message was kept; send it again to "
    "get an answer.";

constexpr std::chrono::milliseconds record_again_after{1'000};

// Runs whose message is in a journal of its own that a later process goes through: they need not be
// cut off by a planned end.
bool can_wait_for_successor(const Run& run) {
    return run.record().method == "channel" && !run.is_decided();
}

// What it holds in memory; its documents, too, which a successor's model is shown.
size_t size_of(const RunRecord& run) {
    return message_size(run.message, std::numeric_limits<size_t>::max()) + run.extra_system.size() +
           run.document_bytes +
           (run.client_tools.is_null() ? 0 : print_json(run.client_tools).size());
}

}  // namespace

Runs::Runs(RunServices services)
    : services_(std::move(services)), queue_(services_.config.most_runs_at_once()) {
    services_.has_steering = [this](const Run& run) { return has_steering(run); };
    services_.steer = [this](const Run& run) { return steer(run); };
}

Runs::~Runs() {
    *alive_ = false;
}

Result<Runs::Opened> Runs::open_session(const SessionKey& key, bool continues) {
    Result<std::optional<Session>> found = services_.store.find(key);
    if (!found) return found.error();
    const int64_t now = services_.now_ms();
    Opened opened{*found ? std::move(**found) : Session{key, Json::object()}, false};
    Session& session = opened.session;
    const bool usable = is_session_id(session.id());
    // A session in use is not replaced below its runs.
    const bool outdated =
        usable && !continues && !queue_.is_busy(lane_of(key)) &&
        is_stale(services_.config.reset_policy(key.key, session.entry), session.updated_at(), now);
    if (usable && !outdated) return opened;
    opened.fresh = true;
    session.entry = fresh_entry(session.entry, now);
    session.entry["sessionFile"] = services_.store.transcript_location(session);
    return opened;
}

Result<Runs::Opened> Runs::session_for(const RunRecord& record) {
    if (record.heartbeat == RunRecord::Heartbeat::no)
        return open_session(record.session, record.continues);
    Result<std::optional<Session>> found = services_.store.find(record.session);
    if (!found) return found.error();
    return Opened{*found ? std::move(**found) : Session{record.session, Json::object()}, false};
}

Result<Runs::Accepted> Runs::accept(RunOrder order) {
    if (stopping_) return Error{Fault::busy, "the gateway is stopping"};
    order.record.document_bytes = size_of_documents(order.record.documents);
    const size_t size = size_of(order.record);
    if (runs_.size() >= most_held || held_bytes_ + size > most_held_bytes)
        return Error{Fault::busy, "too many messages wait for an answer (" +
                                      std::to_string(runs_.size()) +
                                      "); send it again when some are answered"};
    const Result<Run*> victim = place_for(order);
    if (!victim) return victim.error();
    const Result<Opened> opened = session_for(order.record);
    if (!opened) return opened.error();
    RunRecord& record = order.record;
    if (*victim && order.drop == QueueDrop::summarize) {
        record.dropped.add((*victim)->record().dropped);
        record.dropped.add(message_text((*victim)->record().message));
    }
    const std::string lane = lane_of(record.session);
    order.quiet = pause_before(order, lane);
    record.session_id = opened->session.id();
    record.accepted_ms = services_.now_ms();
    record.entry_id = new_entry_id();
    record.answer_id = new_entry_id();
    if (record.timeout_ms <= 0) record.timeout_ms = services_.config.run_timeout().count();
    // Recorded with the message where it is known to start now: it saves a wait for the disk.
    if (order.quiet.count() == 0 && queue_.starts_at_once(lane, pool_of(record))) {
        record.attempts = 1;
        order.attempt_recorded = true;
    }
    const Done done = services_.store.accept_run(record, opened->fresh ? &opened->session : nullptr,
                                                 std::exchange(order.notes, {}));
    if (!done) return done.error();
    if (services_.count) services_.count(Counter::turns_started, 1);
    record.documents = nullptr;  // the store has them
    const Accepted accepted{record.run_id, record.accepted_ms};
    if (*victim) drop(**victim);
    if (order.interrupts) abort_session(record.session, "interrupt");
    add(std::move(order));
    return accepted;
}

void Runs::add(RunOrder order) {
    const uint64_t ticket = next_ticket_++;
    order.held_bytes = size_of(order.record);
    held_bytes_ += order.held_bytes;
    order.held_ms = services_.steady_ms();
    const std::string lane = lane_of(order.record.session);
    queue_.add({lane, pool_of(order.record), ticket, order.held_ms});
    runs_[ticket] = std::make_unique<Run>(services_, std::move(order),
                                          [this, ticket](Run&) { run_has_ended(ticket); });
    hold(lane);
    soon(&Runs::start_ready);
}

void Runs::remember(RunRecord record) {
    if (const Done done = services_.store.accept_run(record, nullptr, {}); !done)
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
    for (Run* run : runs) {
        run->tell_decided();
        queue_.hold(lane_of(run->record().session), 0);  // it need not wait for what it will not be
    }
    soon(&Runs::start_ready);
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

Backlog Runs::unanswered() const {
    Backlog all;
    for (const auto& [ticket, run] : runs_)
        if (!run->has_ended()) all.add(run->record().accepted_ms);
    return all;
}

bool Runs::is_busy(const SessionKey& session) const {
    return std::any_of(runs_.begin(), runs_.end(),
                       [&](const auto& run) { return run.second->record().session == session; });
}

std::vector<SessionKey> Runs::busy_sessions() const {
    std::vector<SessionKey> busy;
    for (const auto& [ticket, run] : runs_) {
        const SessionKey& session = run->record().session;
        if (!run->has_ended() && std::find(busy.begin(), busy.end(), session) == busy.end())
            busy.push_back(session);
    }
    return busy;
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
    note_begun(ready, begun);
    start(ready, services_.store.record_runs(begun));
    tell_drained();
}

void Runs::note_begun(const std::vector<Run*>& ready,
                      std::vector<SessionStore::RunChange>& changes) {
    for (Run* run : ready) {
        if (run->is_attempt_recorded()) continue;
        run->count_attempt();
        changes.push_back({&run->record(), nullptr});
    }
    for (const Run* run : gathered_) changes.push_back({&run->record(), nullptr});
}

// What may start now. A run whose end is decided is written down on the way and makes place for the
// next, so that one sync serves all of them.
std::vector<Run*> Runs::take_ready() {
    std::vector<Run*> ready;
    for (bool more = true; more;) {
        more = false;
        for (const RunQueue::Place& place : queue_.take(services_.steady_ms())) {
            Run& run = *runs_.at(place.ticket);
            if (stopping_ && (can_wait_for_successor(run) || left_lanes_.contains(place.lane))) {
                leave_place(place.lane, place.ticket);
                more = true;
                continue;
            }
            if (!run.is_decided()) {
                note_wait(place);
                gather(run);
                ready.push_back(&run);
                continue;
            }
            run.start();
            more = true;
        }
    }
    let_go_later();
    return ready;
}

void Runs::start(const std::vector<Run*>& runs, const Done& recorded) {
    for (Run* run : std::exchange(gathered_, {})) {
        if (recorded)
            run->end_passed_over();
        else
            run->refuse("The run could not be recorded: " + recorded.error().what);
    }
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
    hold(lane_of(runs_.at(ticket)->record().session));
    ended_.push_back(ticket);
    if (ended_.size() == 1) soon(&Runs::record_ends);
}

void Runs::record_ends() {
    const std::vector<Run*> ready = take_ready();
    std::vector<std::unique_ptr<Run>> ended;
    for (const uint64_t ticket : std::exchange(ended_, {}))
        ended.push_back(std::move(runs_.extract(ticket).mapped()));
    std::vector<SessionStore::RunChange> changes = durable_ends(ended);
    const size_t ends = changes.size();
    note_begun(ready, changes);
    const Done done = services_.store.record_runs(changes);
    if (!done) {
        log_error("the end of {} runs was not recorded: {}", ended.size(), done.error().what);
        for (size_t i = 0; i < ends; ++i) {
            unrecorded_.push_back(*changes[i].run);
            unrecorded_.back().message = nullptr;  // of no use once it has ended
        }
        record_ends_later();
    }
    announce_ends(ended);
    start(ready, done);
    tell_idle();
    tell_drained();
}

// A later process must not begin again what people were told the end of. The sessions' entries are
// left as they are: they may have changed since.
void Runs::record_ends_later() {
    if (record_timer_) return;
    record_timer_ = services_.loop.after(record_again_after, [this] {
        record_timer_.reset();
        std::vector<SessionStore::RunChange> changes;
        for (const RunRecord& run : unrecorded_) changes.push_back({&run, nullptr});
        if (services_.store.record_runs(changes))
            unrecorded_.clear();
        else
            record_ends_later();
    });
}

// What is left needs no more time: it has not begun, and a successor takes it up, or writes down
// its end in the right place.
void Runs::tell_drained() {
    if (!stopping_ || !drained_) return;
    const bool is_drained = std::all_of(runs_.begin(), runs_.end(), [this](const auto& entry) {
        const Run& run = *entry.second;
        return !run.has_started() &&
               (can_wait_for_successor(run) || left_lanes_.contains(lane_of(run.record().session)));
    });
    if (is_drained) std::exchange(drained_, nullptr)();
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
        held_bytes_ -= run->order().held_bytes;  // its message may have taken others in since
        if (run->order().on_ended) run->order().on_ended(run->record());
        const auto handler = on_ended_.find(run->record().method);
        if (handler != on_ended_.end()) handler->second(run->record());
        wake_waiters(run->record());
        flush_memory(*run);
    }
}

// The person has their answer; what should be remembered is written down before it is condensed.
void Runs::flush_memory(const Run& run) {
    const Session* session = run.changed_session();
    if (!session || stopping_ || !services_.tools) return;
    const ModelName model =
        services_.models.candidates(session->key.agent, wanted_model(session->entry)).front();
    auto flush = memory_flush_after(run.record(), *session, services_.config,
                                    services_.models.context_window(model), services_.now_ms());
    if (!flush) return;
    ToolCaller caller{session->key.agent, model.provider, model.model, session->key.key};
    caller.group = group_of(session->key.key, session->entry);
    const Json tools = services_.tools->definitions(caller);
    const bool can_write = std::any_of(tools.begin(), tools.end(), [](const Json& tool) {
        return text_view(tool, "name") == "write";
    });
    if (!can_write) return;
    Done done = services_.store.save(flush->session);
    if (done) {
        const Result<Accepted> accepted = accept(std::move(flush->order));
        if (!accepted) done = accepted.error();
    }
    if (!done)
        log_warn("what {} should remember was not asked for: {}", session->key.key,
                 done.error().what);
}

void Runs::drain(std::chrono::milliseconds budget, std::function<void()> drained) {
    stopping_ = true;
    drained_ = std::move(drained);
    if (runs_.empty()) return tell_drained();
    std::vector<Run*> waiting;
    for (const auto& [ticket, run] : runs_)
        if (!run->has_started() && !can_wait_for_successor(*run)) waiting.push_back(run.get());
    for (Run* run : waiting) run->interrupt(stopping_text);
    tell_decided(waiting);
    soon(&Runs::start_ready);
    drain_timer_ = services_.loop.after(budget, [this] { interrupt_all(stopping_text); });
    tell_drained();
}

void Runs::interrupt_all(const std::string& text) {
    leave_to_successor();
    for (const auto& [ticket, run] : runs_)
        if (run->has_started()) run->interrupt(text);
    tell_drained();
}

// As after a crash, only that no attempt is counted.
void Runs::leave_to_successor() {
    std::vector<uint64_t> left;
    std::vector<SessionStore::RunChange> changes;
    for (const auto& [ticket, run] : runs_) {
        if (!can_wait_for_successor(*run) || !run->has_started() || run->has_ended()) continue;
        run->forget_attempt();
        left.push_back(ticket);
        changes.push_back({&run->record(), nullptr});
    }
    if (const Done done = services_.store.record_runs(changes); !done)
        log_warn("{} runs that go on later count as tried: {}", changes.size(), done.error().what);
    for (const uint64_t ticket : left) {
        leave_place(lane_of(runs_.at(ticket)->record().session), ticket);
        runs_.erase(ticket);
    }
}

// It holds up no other lane, and what is behind it in its own keeps its turn.
void Runs::leave_place(const std::string& lane, uint64_t ticket) {
    queue_.finished(ticket);
    left_lanes_.insert(lane);
}

void Runs::soon(void (Runs::*action)()) {
    services_.loop.soon([this, action, alive = alive_] {
        if (*alive) (this->*action)();
    });
}

}  // namespace agent
