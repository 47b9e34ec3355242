// What a person may type that is no message to a model: the table of commands and stop words. Pure.
//
// Whoever may not give commands is not answered at all: a command of theirs is no message either,
// unless it begins with "!", as sentences do.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace agent {

// "/stop", stop, esc, abort, wait, exit, interrupt as the whole message, in any case.
bool is_stop_word(std::string_view text);

struct Command {
    enum class Kind {
        help,
        commands,
        status,
        whoami,
        context,
        stop,
        fresh_session,
        compact,
        usage,
        send_policy,
        models,
        subagents,
        skill,
        approve,
        allowlist,
        activation,
        // Directives: alone they count from now on, within a message for its turn.
        thinking,
        verbose,
        reasoning,
        elevated,
        exec,
        model,
        queue,
        // Known, and not offered here: `help` says why.
        absent,
    };
    const struct CommandRow* row = nullptr;
    std::string rest;  // what follows the command
};

struct CommandRow {
    std::string_view names;  // "/think /thinking /t": the first is what it is called
    Command::Kind kind;
    bool takes_text;             // else it is a command only when nothing follows
    bool is_native;              // platforms that show commands show it
    std::string_view gate;       // must be true in `commands`; empty: nothing need be
    std::string_view arguments;  // for people
    std::string_view help;

    std::string_view name() const { return names.substr(0, names.find(' ')); }
    bool is_directive() const {
        return kind >= Command::Kind::thinking && kind <= Command::Kind::queue;
    }
};
std::span<const CommandRow> command_rows();

// "/status", "/status: ", "/status@some_bot", "/new hello". Nothing: what is in no table is a
// message.
std::optional<Command> read_command(std::string_view text,
                                    const std::vector<std::string>& reset_triggers);

// What /help and /commands show.
std::string help_text(const std::vector<std::string>& reset_triggers);
std::string commands_text(const std::vector<std::string>& reset_triggers);

// What /status shows.
struct StatusFacts {
    std::string model;
    std::string key_kind;  // "api-key"; empty: none
    std::string session_key;
    int64_t updated_ago_ms = -1;  // negative: never
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    std::optional<double> cost;  // dollars of the last answer
    int64_t context_tokens = 0;  // in use
    int64_t context_window = 0;
    int64_t compactions = 0;
    std::string thinking;
    std::string verbose;
    std::string reasoning;
    std::string elevated;
    std::string activation;  // "mention", "always"; empty: no group
    std::string queue = "collect";
    size_t queued = 0;
    size_t active_runs = 0;
    size_t waiting_runs = 0;
};
std::string status_text(const StatusFacts& facts);
// "999", "12k", "1.2M"
std::string short_number(int64_t value);

}  // namespace agent
