// What a user may type that is no message to a model: the table of commands and stop words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent {

// "/stop", stop, esc, abort, wait, exit, interrupt as the whole message, in any case.
bool is_stop_word(std::string_view text);

struct Command {
    enum class Kind { none, help, status, fresh_session };
    Kind kind = Kind::none;
    std::string rest;  // what follows the command
};
// "/status", "/status:", "/new hello". What is in no table is a message.
Command read_command(std::string_view text, const std::vector<std::string>& reset_triggers);

std::string help_text(const std::vector<std::string>& reset_triggers);

// What /status shows.
struct StatusFacts {
    std::string model;
    std::string session_key;
    int64_t updated_ago_ms = -1;  // negative: never
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    int64_t context_tokens = 0;  // in use
    int64_t context_window = 0;
    std::string thinking;
    size_t active_runs = 0;
    size_t waiting_runs = 0;
};
std::string status_text(const StatusFacts& facts);

}  // namespace agent
