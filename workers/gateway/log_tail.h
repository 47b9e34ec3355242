// What logs.tail and hardshell.logs answer: the supervisor's lines in the form in which stock
// clients read a log file.
#pragma once

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/json.h"

namespace gateway {

inline constexpr int64_t usual_log_lines = 500;
inline constexpr int64_t most_log_lines = 5'000;
inline constexpr int64_t usual_log_bytes = 250'000;
inline constexpr int64_t most_log_bytes = 1'000'000;

// From parameters that fit the method's shape.
hardshell::proto::LogQuery log_query(const Json& params);
// What is wrong with the sizes asked for; empty when nothing is.
std::string log_size_faults(const Json& params);

// One line of a log file: {"0": context, "1": message, "_meta": {…}, "time": …}.
std::string log_file_line(const hardshell::proto::LogLine& line, const std::string& host);

// {file, cursor, size, lines, truncated, reset}; at most `most_bytes` of lines, the newest.
Json log_reply(const hardshell::proto::LogAnswer& answer, const std::string& host,
               size_t most_bytes);

}  // namespace gateway
