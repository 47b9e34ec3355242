// The patch format of the tool apply_patch: files added, deleted, changed and moved in one text.
//
//     *** Begin Patch
//     *** Add File: a.txt            every line begins with +
//     *** Update File: b.txt         chunks: an optional "@@ line" to find the place, then lines
//     *** Move to: c.txt             that begin with a space, - or +
//     *** Delete File: d.txt
//     *** End Patch
//
// Reading it and making a file's new text are pure. Nothing is written unless all of it fits. What
// would take long to find its place is refused, so that no patch keeps the worker from its other
// work.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"
#include "workers/tools/outcome.h"
#include "workers/tools/workspace.h"

namespace tools {

struct PatchChunk {
    std::string anchor;  // a line above it, or empty
    std::vector<std::string> before;
    std::vector<std::string> after;
    bool at_end = false;  // "*** End of File" follows
};

struct FilePatch {
    enum class Kind { add, remove, update };
    Kind kind = Kind::update;
    std::string path;
    std::string moved_to;  // of an update; empty: stays
    std::string content;   // of an added file
    std::vector<PatchChunk> chunks;
};

// bad_message names the line.
Result<std::vector<FilePatch>> read_patch(std::string_view text);
// What comparing lines may cost, of all files of a patch; a short line costs one.
constexpr size_t most_line_steps = 4'000'000;
// bad_message when a chunk's lines are not there, or finding them takes more than `steps`, which is
// less afterwards.
Result<std::string> patched(const std::string& content, const FilePatch& patch, size_t& steps);

Outcome apply_patch(const Workspace& workspace, const Json& arguments);

}  // namespace tools
