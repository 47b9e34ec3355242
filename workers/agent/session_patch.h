// What sessions.patch may write into a session's entry: a table of members and their values.
//
// Pure. Never stores a value that is not in its row.
#pragma once

#include <functional>
#include <string>

#include "workers/agent/model_types.h"
#include "workers/agent/session_store.h"

namespace agent {

struct PatchContext {
    // The model a text means; an error when it may not be used.
    std::function<Result<ModelName>(const std::string& text)> choose_model;
    ModelName default_model;  // choosing it means to have no choice of one's own
    // The key of another session of the store that has the label; empty: none.
    std::function<Result<std::string>(const std::string& label)> label_owner;
};

// The entry with the members of `params` set, or cleared where they are null. bad_message with what
// would be accepted.
Result<Json> patched_entry(const Session& session, const Json& params, const PatchContext& context);

}  // namespace agent
