// What becomes of runs that wait: which of them go together, which are dropped, when a lane is let
// go.

#include <algorithm>

#include "workers/agent/runs.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t long_wait_ms = 2'000;

// One turn can stand for both: nothing of it was begun, and they want the same of it.
bool go_together(const RunRecord& first, const RunRecord& next) {
    return next.gather != Gather::no && next.route == first.route && next.attempts == 0 &&
           !next.message.is_null() && !next.fresh_session && next.model == first.model &&
           next.thinking == first.thinking && next.turn == first.turn;
}

}  // namespace

std::string lane_of(const SessionKey& session) {
    return session.agent + "\n" + session.key;
}

Pool pool_of(const RunRecord& run) {
    if (run.method == "cron") return Pool::cron;
    if (run.method == "voice" || run.session.key.find(":voice:") != std::string::npos)
        return Pool::voice;
    if (run.session.key.find(":subagent:") != std::string::npos) return Pool::subagent;
    return Pool::main;
}

std::vector<Run*> Runs::waiting_in(const std::string& lane) const {
    std::vector<Run*> waiting;
    for (const uint64_t ticket : queue_.waiting_in(lane))
        if (Run* run = runs_.at(ticket).get(); !run->is_decided()) waiting.push_back(run);
    return waiting;
}

size_t Runs::waiting_for(const SessionKey& session) const {
    return waiting_in(lane_of(session)).size();
}

// Whose place a new one takes where too many wait: nobody's, or the oldest's that may be dropped.
Result<Run*> Runs::place_for(const RunOrder& order) {
    const std::vector<Run*> waiting = waiting_in(lane_of(order.record.session));
    if (order.cap == 0 || waiting.size() < order.cap) return static_cast<Run*>(nullptr);
    if (order.drop == QueueDrop::newest)
        return Error{Fault::out_of_room, std::to_string(waiting.size()) +
                                             " messages wait in this session; this one is dropped"};
    for (Run* run : waiting)
        if (run->order().cap > 0 && !run->order().message_stored) return run;
    return static_cast<Run*>(nullptr);
}

bool Runs::replace_waiting(const std::string& run_id, Json message) {
    Run* run = find(run_id);
    if (!run || run->has_started() || run->has_ended() || run->is_decided() ||
        run->order().message_stored || run->record().message.is_null() ||
        !run->record().joined.empty())
        return false;
    RunRecord changed = run->record();
    changed.message = message;
    const std::vector<SessionStore::RunChange> change{{&changed, nullptr}};
    if (const Done done = services_.store.record_runs(change); !done) {
        log_warn("a message that waits is not changed: {}", done.error().what);
        return false;
    }
    run->replace_message(std::move(message));
    return true;
}

void Runs::drop(Run& run) {
    log_info("too many messages wait in {}: one is dropped", run.record().session.key);
    run.pass_over("dropped", "");
    const std::vector<SessionStore::RunChange> change{{&run.record(), nullptr}};
    if (const Done done = services_.store.record_runs(change); !done)
        log_error("that a message was dropped was not recorded: {}", done.error().what);
    run.end_passed_over();
}

// After each arrival, and at the end of what ran: while people still write, the lane waits.
void Runs::hold(const std::string& lane) {
    if (stopping_ || queue_.is_running(lane)) return;
    const std::vector<Run*> waiting = waiting_in(lane);
    if (waiting.empty()) return;
    const RunOrder& first = waiting.front()->order();
    const RunOrder& last = waiting.back()->order();
    const int64_t pause = last.quiet.count();
    queue_.hold(lane, std::min(last.held_ms + pause, first.held_ms + most_pauses * pause));
}

// How long the lane must be quiet, counted from this one's arrival.
std::chrono::milliseconds Runs::pause_before(const RunOrder& order, const std::string& lane) const {
    if (order.flushes) return {};
    if (queue_.is_running(lane)) return order.quiet_busy;
    const std::vector<Run*> waiting = waiting_in(lane);
    return waiting.empty() ? order.quiet_idle
                           : std::max(order.quiet_idle, waiting.back()->order().quiet);
}

void Runs::let_go_later() {
    release_timer_.reset();
    const int64_t now = services_.steady_ms();
    if (const std::optional<int64_t> release = queue_.next_release(now))
        release_timer_ = services_.loop.after(std::chrono::milliseconds(*release - now),
                                              [this] { start_ready(); });
}

void Runs::note_wait(const RunQueue::Place& place) const {
    const int64_t waited = services_.steady_ms() - place.since_ms;
    const Run& run = *runs_.at(place.ticket);
    if (waited <= long_wait_ms || run.order().message_stored) return;
    log_info("lane wait exceeded: lane=session:{} pool={} waitedMs={} queueAhead={}",
             run.record().session.key, pool_name(place.pool), waited,
             queue_.waiting_in(place.lane).size());
}

// All of the lane that may share this one's turn do, in one transaction with its beginning.
void Runs::gather(Run& run) {
    const RunRecord& record = run.record();
    if (record.attempts > 0 || run.order().message_stored || record.message.is_null()) return;
    std::vector<const Json*> messages{&record.message};
    std::vector<std::string> joined;
    Dropped dropped = record.dropped;
    Gather how = record.gather;
    std::vector<Run*> others;
    for (Run* other : waiting_in(lane_of(record.session))) {
        if (record.gather == Gather::no || other->order().message_stored ||
            !go_together(record, other->record()))
            break;
        others.push_back(other);
        messages.push_back(&other->record().message);
        joined.push_back(other->record().run_id);
        dropped.add(other->record().dropped);
        if (other->record().gather == Gather::collect) how = Gather::collect;
    }
    if (others.empty() && dropped.count == 0) return;
    run.gather(gathered_message(messages, how, dropped), std::move(joined));
    for (Run* other : others) {
        other->pass_over("joined", record.run_id);
        gathered_.push_back(other);
    }
    for (const uint64_t ticket : queue_.waiting_in(lane_of(record.session)))
        if (std::find(others.begin(), others.end(), runs_.at(ticket).get()) != others.end())
            queue_.finished(ticket);
}

// What the writer of the turn under way was granted is nobody else's, and some turns nobody is told
// of: such a one takes in nothing.
bool Runs::fits_into(const RunRecord& message, const RunRecord& turn) {
    return message.steers && message.method == turn.method && message.route == turn.route &&
           message.turn.is_null() && turn.turn.is_null() && !message.fresh_session &&
           !message.message.is_null();
}

bool Runs::may_steer(const Run& waiting, const Run& into) const {
    return fits_into(waiting.record(), into.record()) && !waiting.order().message_stored &&
           into.session() != nullptr;
}

bool Runs::has_steering(const Run& into) const {
    const std::vector<Run*> waiting = waiting_in(lane_of(into.record().session));
    return !waiting.empty() && may_steer(*waiting.front(), into);
}

// In the conversation first: a process that ends before the journal knows of it finds the message
// there, and gives it a turn.
size_t Runs::steer(const Run& into) {
    std::vector<Run*> taken;
    for (Run* run : waiting_in(lane_of(into.record().session))) {
        if (!may_steer(*run, into)) break;
        const RunRecord& record = run->record();
        const Json message = gathered_message({&record.message}, Gather::collect, record.dropped);
        const Done done = services_.store.append(*into.session(), record.entry_id, message,
                                                 SessionStore::Durability::now);
        if (!done) {
            log_warn("a message could not go into the turn under way: {}", done.error().what);
            break;
        }
        taken.push_back(run);
    }
    if (taken.empty()) return 0;
    std::vector<SessionStore::RunChange> changes;
    for (Run* run : taken) {
        run->pass_over("steered", into.record().run_id);
        changes.push_back({&run->record(), nullptr});
    }
    if (const Done done = services_.store.record_runs(changes); !done)
        log_error("that {} messages went into a turn was not recorded: {}", taken.size(),
                  done.error().what);
    for (Run* run : taken) run->end_passed_over();
    return taken.size();
}

}  // namespace agent
