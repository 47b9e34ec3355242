// Answers of runs that are to be delivered to a person: `agent --deliver`.
//
// Promises that what was promised with the run is delivered once it has ended, be it by a later
// process: the promise is recorded in the commit that accepts the run, and is closed after the
// answer is in the outbox.
#pragma once

#include <string>

#include "workers/agent/deliverer.h"
#include "workers/agent/runs.h"

namespace agent {

class PromisedAnswers {
  public:
    PromisedAnswers(SessionStore& store, Runs& runs, Deliverer& deliverer);

    // To be recorded with the run.
    static SessionStore::Note note(const std::string& run_id, const DeliveryWish& resolved);
    // Takes up what an earlier process promised.
    Done recover();

  private:
    void run_ended(const RunRecord& run);
    void keep(const SessionStore::Note& promise, const RunRecord& run);

    SessionStore& store_;
    Deliverer& deliverer_;
};

}  // namespace agent
