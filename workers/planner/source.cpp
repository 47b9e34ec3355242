#include "workers/planner/source.h"

#include <cstdlib>

namespace planner {

namespace {

const Source* step(const Source& from, const std::string& name) {
    if (const auto found = from.members.find(name); found != from.members.end())
        return &found->second;
    if (from.elements.empty() || name.find_first_not_of("0123456789") != std::string::npos)
        return nullptr;
    const size_t index = std::strtoul(name.c_str(), nullptr, 10);
    return index < from.elements.size() ? &from.elements[index] : nullptr;
}

}  // namespace

const Source& Source::nearest(const Path& path, bool& complete) const {
    const Source* at = this;
    complete = true;
    for (const std::string& name : path) {
        const Source* next = step(*at, name);
        if (!next) {
            complete = false;
            break;
        }
        at = next;
    }
    return *at;
}

std::string dotted(const Path& path) {
    if (path.empty()) return "<root>";
    std::string text;
    for (const std::string& name : path) text += text.empty() ? name : "." + name;
    return text;
}

}  // namespace planner
