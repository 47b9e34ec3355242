#include "workers/agent/gauges.h"

#include "workers/common/base/volume_size.h"

namespace agent {

namespace {

void show(BoardPage& board, Counter count, Counter oldest, const Backlog& backlog) {
    board.set(count, static_cast<int64_t>(backlog.count));
    board.set(oldest, backlog.oldest_ms);
}

// A file system that does not tell its size is not shown.
void show_volume(BoardPage& board, const std::string& directory) {
    struct statvfs space {};
    if (::statvfs(directory.c_str(), &space) != 0) return;
    board.set(Counter::volume_bytes, static_cast<int64_t>(usable_bytes(space)));
    board.set(Counter::volume_free_bytes, static_cast<int64_t>(free_bytes(space)));
}

}  // namespace

Gauges::Gauges(Loop& loop, BoardPage& board, Sources sources)
    : board_(board), sources_(std::move(sources)) {
    look();
    timer_ = loop.every(period, [this] { look(); });
}

void Gauges::look() {
    Backlog messages = sources_.runs.unanswered();
    messages.add(sources_.turns.waiting());
    show(board_, Counter::messages_waiting, Counter::oldest_message_ms, messages);
    show(board_, Counter::deliveries_waiting, Counter::oldest_delivery_ms,
         sources_.outbox.undelivered());
    board_.set(Counter::deliveries_failed, static_cast<int64_t>(sources_.outbox.failed()));
    show_volume(board_, sources_.state_dir);
}

}  // namespace agent
