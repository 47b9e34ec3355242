#include "supervisor/worker_history.h"

#include <algorithm>
#include <utility>

namespace supervisor {

namespace {

constexpr size_t lines_in_the_log = 3;
constexpr size_t longest_quote = 160;

}  // namespace

void WorkerHistory::add(Ended how, const std::string& text, std::vector<std::string> lines) {
    last_end_ = text;
    last_cause_ = name_of(how);
    last_lines_ = std::move(lines);
    ++ends_[last_cause_];
    if (how != Ended::on_request) ++restarts_;
}

std::string WorkerHistory::last_words() const {
    std::string text = last_end_;
    const size_t first = last_lines_.size() - std::min(last_lines_.size(), lines_in_the_log);
    for (size_t i = first; i < last_lines_.size(); ++i)
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
}

}  // namespace supervisor
