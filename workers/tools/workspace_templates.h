// What a workspace has from its first day: the files that the agent is shown before each
// conversation, for the owner and the agent to make their own.
#pragma once

#include <string>
#include <vector>

#include "workers/tools/workspace.h"

namespace tools {

// Writes those that are missing and replaces none; an owner who wants to be rid of one leaves it
// empty. BOOTSTRAP.md, the first conversation, is for a workspace that has none of them. One that
// cannot be written keeps none of the others from it.
struct Furnished {
    std::vector<std::string> written;
    std::vector<Error> failed;
};
Furnished furnish(const Workspace& workspace);

}  // namespace tools
