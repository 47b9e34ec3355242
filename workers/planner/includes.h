// Reads a configuration file with everything it includes.
//
// {"$include": "path"} or a list of paths, in any object: relative to the including file; objects
// merge, lists are joined, of scalars the later wins; keys beside $include override what was
// included. Bounded: nested at most 10 deep, 64 files, 2 MiB together, 64 levels after merging.
// Never follows a cycle.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/planner/problem.h"

namespace planner {

struct Document {
    Json value;
    Source source;
};

inline constexpr auto include_key = "$include";

// `text` is the text of `path`. Each failure is one problem; with any, the document means nothing.
Document read_with_includes(const std::string& path, std::string_view text, Files& files,
                            Problems& problems);

}  // namespace planner
