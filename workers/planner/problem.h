// One thing that is wrong with a configuration, as its owner should read it.
#pragma once

#include <string>
#include <vector>

#include "workers/planner/source.h"

namespace planner {

struct Problem {
    std::string file;
    Position at;
    std::string path;  // dotted; empty when the file as a whole is meant
    std::string what;  // what is wrong, what was expected, what was found; never a secret's value
    std::string cure;  // what to write instead, where that is known
    Path steps = {};   // the same as `path`, where it is known
};

using Problems = std::vector<Problem>;

// "<file>:<line>:<column>: <path>: <what>; <cure>"
std::string to_text(const Problem& problem);

// Files by number, as Source::file counts them.
using Files = std::vector<std::string>;

// The problem of the value at `path`; with `of_key` of the key itself.
Problem problem_at(const Files& files, const Source& root, const Path& path, std::string what,
                   std::string cure = {}, bool of_key = false);

}  // namespace planner
