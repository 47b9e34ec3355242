// What a run answered, for whoever passes it on later.
#pragma once

#include <string>

#include "workers/agent/session_store.h"

namespace agent {

// From its record, or from the transcript where an earlier process answered it. Empty: nothing.
Result<std::string> answer_of_run(SessionStore& store, const RunRecord& run);
// The answer as the transcript has it; null when there is none.
Result<Json> answer_message(SessionStore& store, const RunRecord& run);

}  // namespace agent
