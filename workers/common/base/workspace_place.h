// Where an agent's workspace may lie. In a folder of ours it would hand a model what a process
// keeps there: sessions, credentials, the offset of a channel.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/result.h"

// Whether the first folder below the state directory is a process's own, or hidden.
bool is_own_folder(std::string_view name);

// The path below the state directory; empty: it lies elsewhere, which is its owner's affair.
// bad_config when no workspace can be there: it holds the state directory, or lies in a folder of a
// process. Both are absolute, in any spelling; links are not looked at.
Result<std::string> workspace_below(const std::string& path, const std::string& state_dir);
