// What becomes of the runs that an earlier process did not finish.

#include <map>

#include "workers/agent/runs.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr const char* given_up_text =
    "The assistant's process ended twice while answering this. Your message was kept; send it "
    "again to try once more.";

void mark_answered(RunRecord& run, int64_t now_ms) {
    run.ended_ms = now_ms;
    run.status = "ok";
    run.summary.clear();
    if (run.method != "chat")
        run.payload = Json{{"runId", run.run_id}, {"status", "ok"}, {"summary", "completed"}};
}

void decide(RunRecord& run, const char* text) {
    if (!run.status.empty()) return;  // decided already, and told
    run.status = "error";
    run.summary = text;
}

}  // namespace

Result<Runs::Recovered> Runs::recover() {
    Result<std::vector<RunRecord>> runs = services_.store.unfinished_runs();
    if (!runs) return runs.error();
    Recovered recovered;
    std::vector<RunRecord> answered;
    WrittenIds written;
    for (RunRecord& run : *runs) {
        const std::string id = run.run_id;
        Result<RunOrder> order = taken_up(std::move(run), written);
        if (!order) {
            log_warn("the interrupted run {} could not be taken up: {}", id, order.error().what);
            continue;
        }
        if (const Run* turn = taken_in_by(*order))
            order->record.pass_over("steered", turn->record().run_id, services_.now_ms());
        if (order->record.has_ended()) {
            answered.push_back(std::move(order->record));
            continue;
        }
        ++(order->record.status.empty() ? recovered.resumed : recovered.given_up);
        add(std::move(*order));
    }
    recovered.answered = answered.size();
    std::vector<SessionStore::RunChange> changes;
    for (const RunRecord& run : answered) changes.push_back({&run, nullptr});
    if (const Done done = services_.store.record_runs(changes); !done)
        log_warn("the end of {} answered runs was not recorded: {}", changes.size(),
                 done.error().what);
    return recovered;
}

// The turn, to go on now, whose conversation has its message: the process ended before the journal
// said so too.
const Run* Runs::taken_in_by(const RunOrder& order) const {
    const RunRecord& record = order.record;
    if (!order.message_stored || record.attempts > 0 || !record.status.empty()) return nullptr;
    for (const auto& [ticket, run] : runs_)
        if (run->record().session == record.session && run->order().message_stored &&
            !run->is_decided() && fits_into(record, run->record()))
            return run.get();
    return nullptr;
}

// A transcript is read once, however many of its runs were interrupted.
Result<std::set<std::string>*> Runs::ids_of(const Session& session, WrittenIds& written) {
    const auto known = written.find(session.id());
    if (known != written.end()) return &known->second;
    std::set<std::string> none;
    Result<std::set<std::string>> ids =
        is_session_id(session.id()) ? services_.store.entry_ids(session) : std::move(none);
    if (!ids) return ids.error();
    return &written.emplace(session.id(), std::move(*ids)).first->second;
}

Result<RunOrder> Runs::taken_up(RunRecord run, WrittenIds& written) {
    Result<std::optional<Session>> found = services_.store.find(run.session);
    if (!found) return found.error();
    const Session now = *found ? std::move(**found) : Session{run.session, Json::object()};
    // Where it was accepted: the session may have been started anew since.
    Session then = now;
    then.entry["sessionId"] = run.session_id;
    then.entry.erase("sessionFile");
    RunOrder order;
    for (const Session* session : {&now, static_cast<const Session*>(&then)}) {
        const Result<std::set<std::string>*> ids = ids_of(*session, written);
        if (!ids) return ids.error();
        if ((*ids)->contains(run.answer_id)) mark_answered(run, services_.now_ms());
        if (order.message_stored || !(*ids)->contains(run.entry_id)) continue;
        order.message_stored = true;
        if (session == &then && then.id() != now.id()) order.conversation = then;
    }
    order.record = std::move(run);
    if (!order.record.has_ended() && order.record.attempts >= most_attempts)
        decide(order.record, given_up_text);
    return order;
}

}  // namespace agent
