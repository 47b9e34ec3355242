// Where each value of a configuration was read, so that a message can name file, line and column.
//
// A tree beside the values rather than a map by path: its size stays linear however deep or long
// the keys are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace planner {

// Both count from 1; columns count characters. 0: not known.
struct Position {
    uint32_t line = 0;
    uint32_t column = 0;
    bool operator==(const Position&) const = default;
};

using Path = std::vector<std::string>;

// Where a member stands in the bytes of its text.
struct Bytes {
    uint32_t key_begin = 0;
    uint32_t begin = 0;  // of the value
    uint32_t end = 0;
};

struct Source {
    uint32_t file = 0;  // index into the list of files that were read
    Position key;       // of the key, for a member of an object
    Position value;
    Bytes bytes;
    std::map<std::string, Source, std::less<>> members;
    std::vector<Source> elements;
    // Members whose key occurs again later, so that they mean nothing.
    std::vector<Bytes> overruled;

    // The deepest known source on the way to `path`; `complete` tells whether it is the whole way.
    const Source& nearest(const Path& path, bool& complete) const;
};

// "agents.list.0.id"; "<root>" for the empty path.
std::string dotted(const Path& path);

}  // namespace planner
