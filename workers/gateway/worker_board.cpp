#include "workers/gateway/worker_board.h"

#include <algorithm>

namespace gateway {

namespace {

bool is_up(const WorkerState& worker) {
    return worker.pid() > 0;
}

// A page that was cleared for the next life has counted nothing yet.
int64_t memory_of(const WorkerState& worker, const BoardPage* page) {
    if (!is_up(worker)) return 0;
    const int64_t now = page ? page->get(Counter::memory_bytes) : 0;
    return now > 0 ? now : static_cast<int64_t>(worker.memory_bytes());
}

Json ends_of(const WorkerState& worker) {
    Json ends = Json::array();
    for (const auto& end : worker.ends())
        ends.push_back({{"cause", end.cause()}, {"count", end.count()}});
    return ends;
}

}  // namespace

void WorkerBoard::Movement::see(int64_t now_count, int64_t wall_ms) {
    // The first look tells nothing, and a smaller count is that of a new life.
    if (count && now_count > *count) at_ms = wall_ms;
    count = now_count;
}

void WorkerBoard::look(int64_t wall_ms) {
    for (const WorkerState& worker : workers_()) {
        const BoardPage* page = page_(worker.name());
        Trend& trend = trends_[worker.name()];
        if (page) {
            trend.in.see(page->get(Counter::messages_in), wall_ms);
            trend.out.see(page->get(Counter::messages_out), wall_ms);
        }
        if (wall_ms - trend.memory_ms < memory_period_ms) continue;
        trend.memory_ms = wall_ms;
        trend.memory.push_back(memory_of(worker, page));
        if (trend.memory.size() > most_points) trend.memory.pop_front();
    }
    std::erase_if(trends_,
                  [&](const auto& entry) { return !find_worker(workers_(), entry.first); });
}

Json WorkerBoard::list(bool with_history, int64_t wall_ms, int64_t monotonic_ms) const {
    Json rows = Json::array();
    for (const WorkerState& worker : workers_())
        rows.push_back(row(worker, with_history, monotonic_ms));
    return {{"ts", wall_ms}, {"workers", std::move(rows)}};
}

Json WorkerBoard::row(const WorkerState& worker, bool with_history, int64_t monotonic_ms) const {
    Json row = {{"name", worker.name()},
                {"kind", worker.kind()},
                {"state", state_name(worker.state())},
                {"pid", worker.pid()},
                {"incarnation", worker.incarnation()},
                {"restarts", worker.restarts()},
                {"critical", worker.critical()},
                {"startedAt", is_up(worker) ? worker.started_ms() : 0},
                {"nextStartAt", worker.next_start_ms()},
                {"lastEnd", worker.last_end()},
                {"lastCause", worker.last_cause()},
                {"ends", ends_of(worker)},
                {"logLinesSuppressed", worker.log_lines_suppressed()}};
    add_page(row, worker, monotonic_ms);
    const auto trend = trends_.find(worker.name());
    if (trend == trends_.end()) return row;
    row["lastInAt"] = trend->second.in.at_ms;
    row["lastOutAt"] = trend->second.out.at_ms;
    if (with_history)
        row["memoryHistory"] = {{"everyMs", memory_period_ms}, {"points", trend->second.memory}};
    return row;
}

void WorkerBoard::add_page(Json& row, const WorkerState& worker, int64_t monotonic_ms) const {
    const BoardPage* page = page_(worker.name());
    const int64_t peak = page ? page->get(Counter::memory_peak_bytes) : 0;
    row["memory"] = {
        {"bytes", memory_of(worker, page)},
        {"peak", std::max(peak, static_cast<int64_t>(worker.memory_peak_bytes()))},
        {"soft", worker.memory_soft_bytes()},
        {"limit", worker.memory_limit_bytes()},
    };
    row["descriptors"] = page ? page->get(Counter::descriptors) : worker.descriptors();
    row["queue"] = page ? page->get(Counter::link_queue) : 0;
    row["messagesIn"] = page ? page->get(Counter::messages_in) : 0;
    row["messagesOut"] = page ? page->get(Counter::messages_out) : 0;
    row["note"] = page ? page->text() : "";
    const int64_t beat = page ? page->last_beat() : 0;
    row["heartbeatAgeMs"] =
        is_up(worker) && beat > 0 ? Json(std::max<int64_t>(0, monotonic_ms - beat)) : Json();
}

std::optional<Json> WorkerBoard::history(const std::string& name) const {
    const WorkerState* worker = find_worker(workers_(), name);
    if (!worker) return {};
    Json deaths = Json::array();
    for (auto death = worker->deaths().rbegin(); death != worker->deaths().rend(); ++death)
        deaths.push_back(
            {{"at", death->at_ms()}, {"cause", death->cause()}, {"what", death->what()}});
    return Json{{"worker", name},
                {"lastEnd", worker->last_end()},
                {"lastCause", worker->last_cause()},
                {"lastLines", std::vector<std::string>(worker->last_lines().begin(),
                                                       worker->last_lines().end())},
                {"ends", ends_of(*worker)},
                {"deaths", std::move(deaths)}};
}

}  // namespace gateway
