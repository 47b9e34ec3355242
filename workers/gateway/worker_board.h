// Every process as clients are shown it: what the supervisor said at the last change, what the
// worker's page of the status board says now, and what was seen there in the last hour.
//
// Looks at shared memory only: costs no message, and answers while a worker hangs.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "workers/common/base/board_page.h"
#include "workers/common/base/json.h"
#include "workers/gateway/reports.h"

namespace gateway {

class WorkerBoard {
  public:
    // How often look() is called.
    static constexpr std::chrono::milliseconds look_period{5'000};
    static constexpr int64_t memory_period_ms = 30'000;
    static constexpr size_t most_points = 120;  // an hour

    using Workers = std::function<const WorkerStates&()>;
    // Null: there is no page of that worker.
    using Page = std::function<const BoardPage*(const std::string& worker)>;

    WorkerBoard(Workers workers, Page page)
        : workers_(std::move(workers)), page_(std::move(page)) {}

    // Remembers what the pages say now.
    void look(int64_t wall_ms);

    // The payload of hardshell.workers, and of the event of that name (without history).
    Json list(bool with_history, int64_t wall_ms, int64_t monotonic_ms) const;
    // The payload of hardshell.worker.history; nothing when there is no such worker.
    std::optional<Json> history(const std::string& worker) const;

  private:
    // When a counter was last seen to have moved.
    struct Movement {
        std::optional<int64_t> count;
        int64_t at_ms = 0;  // 0: not seen to
        void see(int64_t now_count, int64_t wall_ms);
    };
    struct Trend {
        std::deque<int64_t> memory;
        int64_t memory_ms = 0;
        Movement in, out;
    };
    Json row(const WorkerState& worker, bool with_history, int64_t monotonic_ms) const;
    void add_page(Json& row, const WorkerState& worker, int64_t monotonic_ms) const;

    Workers workers_;
    Page page_;
    std::map<std::string, Trend> trends_;
};

}  // namespace gateway
