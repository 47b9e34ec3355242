#include "workers/planner/problem.h"

namespace planner {

std::string to_text(const Problem& problem) {
    std::string text = problem.file;
    if (problem.at.line > 0)
        text += ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column);
    if (!problem.path.empty()) text += ": " + problem.path;
    text += ": " + problem.what;
    if (!problem.cure.empty()) text += "; " + problem.cure;
    return text;
}

Problem problem_at(const Files& files, const Source& root, const Path& path, std::string what,
                   std::string cure, bool of_key) {
    bool complete = false;
    const Source& source = root.nearest(path, complete);
    const bool key = of_key && complete && source.key.line > 0;
    return {source.file < files.size() ? files[source.file] : "",
            key ? source.key : source.value,
            dotted(path),
            std::move(what),
            std::move(cure),
            path};
}

}  // namespace planner
