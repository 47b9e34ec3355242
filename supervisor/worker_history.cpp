#include "supervisor/worker_history.h"

#include <algorithm>
#include <utility>

namespace supervisor {

namespace {

constexpr size_t lines_in_the_log = 3;
constexpr size_t longest_quote = 160;
constexpr size_t kept_lines = 20;
constexpr size_t lines_before_a_crash = 4;

// Where a worker began to say why it crashed (workers/common/backtrace.cpp); past the end where it
// did not.
size_t crash_in(const std::vector<std::string>& lines) {
    const auto is_header = [](const std::string& line) {
        return line.starts_with("crashed: SIG") || line.starts_with("aborted: SIG");
    };
    const auto last = std::find_if(lines.rbegin(), lines.rend(), is_header);
    return last == lines.rend() ? lines.size() : static_cast<size_t>(lines.rend() - last) - 1;
}

// The last ones; those around the beginning of a backtrace that is longer.
std::vector<std::string> worth_keeping(const std::vector<std::string>& lines) {
    const size_t crash = crash_in(lines);
    const size_t first = std::min(lines.size() - std::min(lines.size(), kept_lines),
                                  crash - std::min(crash, lines_before_a_crash));
    const size_t end = std::min(lines.size(), first + kept_lines);
    return {lines.begin() + static_cast<ptrdiff_t>(first),
            lines.begin() + static_cast<ptrdiff_t>(end)};
}

}  // namespace

void WorkerHistory::add(Ended how, const std::string& text, std::vector<std::string> lines,
                        int64_t at_ms) {
    const std::string cause(name_of(how));
    ++ends_[cause];
    auto& death = deaths_.emplace_back();
    death.set_at_ms(at_ms);
    death.set_cause(cause);
    death.set_what(text);
    if (deaths_.size() > most_deaths) deaths_.pop_front();
    if (how == Ended::on_request) return;
    ++restarts_;
    last_end_ = text;
    last_cause_ = cause;
    last_lines_ = worth_keeping(lines);
}

std::string WorkerHistory::last_words() const {
    std::string text = last_end_;
    const size_t last = last_lines_.size() - std::min(last_lines_.size(), lines_in_the_log);
    const size_t first = std::min(crash_in(last_lines_), last);
    const size_t end = std::min(last_lines_.size(), first + lines_in_the_log);
    for (size_t i = first; i < end; ++i)
        text += (i == first ? "; it last said: \"" : " | \"") +
                last_lines_[i].substr(0, longest_quote) + "\"";
    return text;
}

void WorkerHistory::describe(hardshell::proto::WorkerStatus& status) const {
    status.set_restarts(restarts_);
    status.set_last_end(last_end_);
    status.set_last_cause(last_cause_);
    for (const std::string& line : last_lines_) status.add_last_lines(line);
    for (const auto& [cause, count] : ends_) {
        auto& ended = *status.add_ends();
        ended.set_cause(cause);
        ended.set_count(count);
    }
    for (const auto& death : deaths_) *status.add_deaths() = death;
}

}  // namespace supervisor
