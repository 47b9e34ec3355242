// Messages that waited for a turn and become one: what the model is shown of them. Pure.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

// How a message that waits may be put together with others.
enum class Gather {
    no,       // a turn of its own
    join,     // written in one breath: the texts, a line each
    collect,  // came while the session was busy: numbered, under a heading
};

// Messages that were dropped because too many waited.
struct Dropped {
    size_t count = 0;
    std::vector<std::string> lines;  // of the last ones, one for each

    void add(std::string_view text);
    void add(const Dropped& later);
    static constexpr size_t most_lines = 20;
    static constexpr size_t longest_line = 160;  // bytes
};

// One user message in transcript form out of several; images follow all of the text. `dropped` is
// told above. A single one that nothing was dropped before stays as it is.
Json gathered_message(const std::vector<const Json*>& messages, Gather how, const Dropped& dropped);

}  // namespace agent
