#include "supervisor/worker_calls.h"

#include <string>

#include "supervisor/supervisor.h"

namespace supervisor {

namespace {

using hardshell::proto::SupervisorCall;

WorkerCallOutcome refused(const std::string& why) {
    WorkerCallOutcome outcome;
    outcome.answer.set_error(why);
    return outcome;
}

WorkerCallOutcome status(Supervisor& supervisor, const SupervisorCall&) {
    WorkerCallOutcome outcome;
    outcome.answer.set_report(supervisor.report().SerializeAsString());
    return outcome;
}

template <Done (Supervisor::*Verb)(const std::string&)>
WorkerCallOutcome on_worker(Supervisor& supervisor, const SupervisorCall& call) {
    if (const Done known = supervisor.check_worker(call.worker()); !known)
        return refused(known.error().what);
    WorkerCallOutcome outcome;
    outcome.then = [&supervisor, worker = call.worker()] { (void)(supervisor.*Verb)(worker); };
    return outcome;
}

struct Row {
    std::string_view verb;
    WorkerCallOutcome (*take)(Supervisor&, const SupervisorCall&);
};
constexpr Row rows[] = {
    {"status", status},
    {"restart", on_worker<&Supervisor::restart_worker>},
    {"start", on_worker<&Supervisor::start_worker>},
    {"stop", on_worker<&Supervisor::stop_worker>},
};

}  // namespace

WorkerCallOutcome take_call(Supervisor& supervisor, const SupervisorCall& call) {
    std::string known;
    for (const Row& row : rows) {
        known += (known.empty() ? "" : ", ") + std::string(row.verb);
        if (row.verb != call.verb()) continue;
        WorkerCallOutcome outcome = row.take(supervisor, call);
        outcome.answer.set_id(call.id());
        return outcome;
    }
    WorkerCallOutcome outcome = refused("unknown request " + call.verb() + "; there are " + known);
    outcome.answer.set_id(call.id());
    return outcome;
}

}  // namespace supervisor
