#include "supervisor/log_tail.h"

#include <algorithm>

#include "supervisor/log_text.h"

namespace supervisor {

namespace {

using hardshell::proto::LogAnswer;
using hardshell::proto::LogQuery;

// A query may ask for less.
constexpr size_t most_lines = 5'000;
constexpr size_t most_bytes = 1'000'000;

void add_line(LogAnswer& answer, const std::string& worker, const LogRecord& record,
              const std::string& text) {
    const Levelled levelled = split_level(text);
    auto& line = *answer.add_lines();
    line.set_sequence(record.sequence);
    line.set_worker(worker);
    line.set_time_ms(record.time_ms);
    line.set_level(std::string(levelled.level));
    line.set_text(std::string(levelled.text));
}

}  // namespace

LogAnswer log_tail(const LogPump& log, const LogQuery& query) {
    const auto base = static_cast<uint64_t>(log.began_ms());
    LogAnswer answer;
    answer.set_id(query.id());
    answer.set_cursor(base + log.newest());
    const bool continues =
        query.has_cursor() && query.cursor() >= base && query.cursor() <= answer.cursor();
    answer.set_reset(query.has_cursor() && !continues);
    const uint64_t after = continues ? query.cursor() - base : 0;
    if (after == log.newest()) return answer;

    auto lines =
        log.recent(query.worker(), after, std::min<size_t>(query.most_lines(), most_lines));
    const size_t room = std::min<size_t>(query.most_bytes(), most_bytes);
    size_t bytes = 0;
    size_t first = lines.size();
    while (first > 0 && bytes + lines[first - 1].second.text.size() <= room)
        bytes += lines[--first].second.text.size();
    answer.set_truncated(first > 0 || log.has_forgotten(query.worker(), after));
    if (answer.truncated() && continues) answer.set_reset(true);
    for (; first < lines.size(); ++first)
        add_line(answer, lines[first].first, lines[first].second,
                 log.masked(lines[first].second.text));
    return answer;
}

}  // namespace supervisor
