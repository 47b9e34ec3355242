#include "workers/gateway/log_tail.h"

#include <algorithm>

#include "workers/common/base/clock.h"

namespace gateway {

namespace {

using hardshell::proto::LogAnswer;
using hardshell::proto::LogLine;
using hardshell::proto::LogQuery;

// Kept in the supervisor's memory; there is no file.
constexpr const char* log_name = "the log of all workers (hardshell logs)";
constexpr size_t longest_tag = 24;

struct Level {
    std::string_view name;
    int id;
    const char* shown;
};
constexpr Level levels[] = {
    {"trace", 1, "TRACE"}, {"debug", 2, "DEBUG"}, {"info", 3, "INFO"},
    {"warn", 4, "WARN"},   {"error", 5, "ERROR"},
};

const Level& level_of(std::string_view name) {
    for (const Level& level : levels)
        if (level.name == name) return level;
    return levels[2];
}

// "[ws] text" of the gateway is text of gateway/ws.
std::string take_tag(std::string_view& text) {
    if (!text.starts_with('[')) return {};
    const size_t end = text.find("] ");
    if (end == std::string_view::npos || end > longest_tag) return {};
    const std::string_view tag = text.substr(1, end - 1);
    const bool is_word = std::all_of(tag.begin(), tag.end(), [](unsigned char letter) {
        return std::isalnum(letter) || letter == '-' || letter == '_';
    });
    if (!is_word || tag.empty()) return {};
    text.remove_prefix(end + 2);
    return "/" + std::string(tag);
}

std::string size_fault(const Json& params, const char* name, int64_t most) {
    const int64_t value = int_member(params, name, 1);
    if (value >= 1 && value <= most) return {};
    return std::string("at /") + name + ": must be between 1 and " + std::to_string(most);
}

}  // namespace

std::string log_size_faults(const Json& params) {
    const std::string lines = size_fault(params, "limit", most_log_lines);
    const std::string bytes = size_fault(params, "maxBytes", most_log_bytes);
    return lines + (lines.empty() || bytes.empty() ? "" : "; ") + bytes;
}

LogQuery log_query(const Json& params) {
    LogQuery query;
    if (params.contains("cursor"))
        query.set_cursor(static_cast<uint64_t>(std::max<int64_t>(0, int_member(params, "cursor"))));
    query.set_worker(text_member(params, "worker"));
    query.set_most_lines(static_cast<uint32_t>(int_member(params, "limit", usual_log_lines)));
    query.set_most_bytes(static_cast<uint32_t>(int_member(params, "maxBytes", usual_log_bytes)));
    return query;
}

std::string log_file_line(const LogLine& line, const std::string& host) {
    std::string_view text = line.text();
    const Level& level = level_of(line.level());
    const std::string context = print_json({{"subsystem", line.worker() + take_tag(text)}});
    const std::string time = iso_time(line.time_ms());
    return print_json({{"0", context},
                       {"1", text},
                       {"_meta",
                        {{"runtime", "hardshell"},
                         {"hostname", host},
                         {"name", context},
                         {"date", time},
                         {"logLevelId", level.id},
                         {"logLevelName", level.shown}}},
                       {"time", time}});
}

Json log_reply(const LogAnswer& answer, const std::string& host, size_t most_bytes) {
    std::vector<std::string> lines;  // newest first
    size_t room = most_bytes;
    int index = answer.lines_size();
    while (index > 0) {
        std::string line = log_file_line(answer.lines(index - 1), host);
        if (line.size() > room) break;
        room -= line.size();
        lines.push_back(std::move(line));
        --index;
    }
    std::reverse(lines.begin(), lines.end());
    return {{"file", log_name},
            {"cursor", answer.cursor()},
            {"size", answer.cursor()},
            {"lines", std::move(lines)},
            {"truncated", answer.truncated() || index > 0},
            {"reset", answer.reset()}};
}

}  // namespace gateway
