// What a person wants of a turn, said by words of a message: "/think high", "/model opus",
// "/queue collect cap:5". Pure.
//
// A directive stands at the start or behind a blank, never in fenced code, and takes with it only
// what belongs to it: "what does /model do" has none.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/commands.h"
#include "workers/agent/queue_settings.h"

namespace agent {

// The level a word means: "on" of thinking is "low", "max" is "high". Nothing: it is no level.
std::optional<std::string> level_in(Command::Kind kind, std::string_view word);
// "off, minimal, low, medium, high, xhigh"
std::string levels_of(Command::Kind kind);

struct ExecWishes {
    std::string host, security, ask, node;  // empty: not said
    bool is_empty() const {
        return host.empty() && security.empty() && ask.empty() && node.empty();
    }
};
struct QueueWishes {
    bool resets = false;  // to what is configured
    std::optional<QueueMode> mode;
    std::optional<int64_t> debounce_ms;
    std::optional<int64_t> cap;
    std::optional<QueueDrop> drop;
    bool is_empty() const { return !resets && !mode && !debounce_ms && !cap && !drop; }
};

struct Directives {
    std::map<Command::Kind, std::string> levels;  // thinking, verbose, reasoning, elevated
    std::string model;                            // as written, with "@profile" if it was there
    ExecWishes exec;
    QueueWishes queue;

    bool is_empty() const {
        return levels.empty() && model.empty() && exec.is_empty() && queue.is_empty();
    }
};

struct DirectedText {
    Directives directives;
    std::string rest;  // the text without them
};
// `names_model` says whether a word is one that a model has.
using NamesModel = std::function<bool(const std::string& word)>;
DirectedText take_directives(std::string_view text, const NamesModel& names_model);

// What one directive's own argument says; the error names what would be understood.
Result<ExecWishes> read_exec(std::string_view argument);
Result<QueueWishes> read_queue(std::string_view argument);

}  // namespace agent
