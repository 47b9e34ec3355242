// What a workspace has from its first day: the files that the agent is shown before each
// conversation, for the owner and the agent to make their own.
#pragma once

#include <string>
#include <vector>

#include "workers/tools/workspace.h"

namespace tools {

// Writes those that are missing and replaces none; an owner who wants to be rid of one leaves it
// empty. BOOTSTRAP.md, the first conversation, is for a workspace that has none of them. Tells
// which were written.
Result<std::vector<std::string>> furnish(const Workspace& workspace);

}  // namespace tools
