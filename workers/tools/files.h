// The tools that read and write files of the workspace: read, write, edit, and what is remembered
// in its memory files.
#pragma once

#include "workers/tools/outcome.h"
#include "workers/tools/workspace.h"

namespace tools {

inline constexpr size_t most_lines = 2000;
inline constexpr size_t most_read_bytes = 50'000;

Outcome read_file(const Workspace& workspace, const Json& arguments);
Outcome write_file(const Workspace& workspace, const Json& arguments);
Outcome edit_file(const Workspace& workspace, const Json& arguments);
// MEMORY.md, memory.md and memory/*.md.
Outcome search_memory(const Workspace& workspace, const Json& arguments);
Outcome get_memory(const Workspace& workspace, const Json& arguments);

}  // namespace tools
