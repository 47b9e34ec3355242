// A worker's log: whole lines to stdout, which the supervisor collects, stamps with time and worker
// name, and masks. spdlog formats and writes; this header keeps it out of everyone's build.
//
// info speaks to an owner, debug to a developer. Never a token, never a message's text.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

enum class LogLevel { trace, debug, info, warn, error };

// Sets what is written; called by run_worker. "trace" … "error", anything else means "info".
void set_log_level(std::string_view level);
bool logs(LogLevel level);
// Writes one line; a line break inside the text starts a second, indented line.
void write_log(LogLevel level, std::string_view text);

template <typename... Values>
void log_line(LogLevel level, fmt::format_string<Values...> format, Values&&... values) {
    if (logs(level)) write_log(level, fmt::format(format, std::forward<Values>(values)...));
}
template <typename... Values>
void log_debug(fmt::format_string<Values...> format, Values&&... values) {
    log_line(LogLevel::debug, format, std::forward<Values>(values)...);
}
template <typename... Values>
void log_info(fmt::format_string<Values...> format, Values&&... values) {
    log_line(LogLevel::info, format, std::forward<Values>(values)...);
}
template <typename... Values>
void log_warn(fmt::format_string<Values...> format, Values&&... values) {
    log_line(LogLevel::warn, format, std::forward<Values>(values)...);
}
template <typename... Values>
void log_error(fmt::format_string<Values...> format, Values&&... values) {
    log_line(LogLevel::error, format, std::forward<Values>(values)...);
}
