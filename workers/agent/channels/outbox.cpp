#include "workers/agent/channels/outbox.h"

#include <algorithm>
#include <utility>

#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToChannel;
using hardshell::proto::DeliveryReport;

namespace {

constexpr std::chrono::milliseconds expiry_check{60'000};
constexpr std::chrono::milliseconds commit_retry{1'000};
constexpr int64_t first_pause_ms = 1'000;
constexpr int64_t longest_pause_ms = 600'000;

}  // namespace

Outbox::Outbox(Services services) : services_(std::move(services)) {
    expiry_ = services_.loop.every(expiry_check, [this] { expire(); });
}

Outbox::~Outbox() {
    *alive_ = false;
}

int64_t Outbox::pause_ms(int attempts) {
    return std::min(first_pause_ms << std::clamp(attempts - 1, 0, 20), longest_pause_ms);
}

Done Outbox::recover() {
    Result<std::vector<OutboundRow>> open = services_.store.open_outbound();
    if (!open) return open.error();
    if (!open->empty())
        log_info("{} messages to channels wait since the last end of this process", open->size());
    for (OutboundRow& row : *open) insert(std::move(row), nullptr);
    return {};
}

Backlog Outbox::undelivered() const {
    Backlog all;
    for (const auto& [place, waiting] : rows_)
        if (!waiting.row.is_settled()) all.add(waiting.row.created_ms);
    return all;
}

void Outbox::insert(OutboundRow row, Settled settled) {
    const uint64_t place = next_++;
    by_id_[row.id] = place;
    rows_[place] = {std::move(row), false, std::move(settled)};
}

Done Outbox::add(OutboundRow row, Settled settled) {
    if (!has_room(1))
        return Error{Fault::busy, fmt::format("{} messages wait for their channels", waiting())};
    if (const Done done = services_.store.put_outbound({&row}); !done) return done;
    const std::string worker = row.worker;
    insert(std::move(row), std::move(settled));
    dispatch_soon(worker);
    return {};
}

bool Outbox::also_tell(const std::string& id, Settled settled) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return false;
    Settled& first = rows_.at(found->second).settled;
    if (!first) {
        first = std::move(settled);
    } else {
        first = [one = std::move(first), other = std::move(settled)](const OutboundRow& row) {
            one(row);
            other(row);
        };
    }
    return true;
}

void Outbox::add_stored(std::vector<OutboundRow> rows) {
    std::set<std::string> workers;
    for (OutboundRow& row : rows) {
        workers.insert(row.worker);
        insert(std::move(row), nullptr);
    }
    for (const std::string& worker : workers) dispatch_soon(worker);
}

void Outbox::account_up(const std::string& worker) {
    up_.insert(worker);
    for (auto& [place, waiting] : rows_)
        if (waiting.row.worker == worker) waiting.in_hand = false;
    dispatch(worker);
}

void Outbox::dispatch_soon(const std::string& worker) {
    services_.loop.soon([this, worker, alive = alive_] {
        if (*alive) dispatch(worker);
    });
}

// The oldest of each chat, while the channel has not enough in hand already.
void Outbox::dispatch(const std::string& worker) {
    if (!up_.contains(worker)) return;
    const int64_t now = services_.now_ms();
    std::set<std::string> chats;
    size_t in_hand = 0;
    for (auto& [place, waiting] : rows_) {
        if (waiting.row.worker != worker || waiting.row.is_settled()) continue;
        if (!chats.insert(waiting.row.chat).second) continue;
        if (!waiting.in_hand) {
            if (waiting.row.next_try_ms > now) {
                wake_at(waiting.row.next_try_ms);
                continue;
            }
            if (in_hand >= most_in_hand || !hand_over(waiting)) return;
        }
        ++in_hand;
    }
}

bool Outbox::hand_over(Waiting& waiting) {
    AgentToChannel message;
    OutboundRow& row = waiting.row;
    bool readable;
    if (row.is_change) {
        readable = message.mutable_change()->ParseFromString(row.message);
    } else {
        readable = message.mutable_deliver()->ParseFromString(row.message);
        message.mutable_deliver()->set_first_part(row.part);
        message.mutable_deliver()->set_first_part_is_ambiguous(row.part_begun);
        if (row.part > 0) message.mutable_deliver()->set_first_message_id(row.platform_id);
    }
    if (!readable) {
        settle(waiting, OutboundRow::State::refused, "its record could not be read");
        return true;
    }
    if (const Done done = services_.send(row.worker, message); !done) {
        log_warn("a message waits for {}: {}", row.worker, done.error().what);
        row.next_try_ms = services_.now_ms() + first_pause_ms;
        wake_at(row.next_try_ms);
        return false;
    }
    waiting.in_hand = true;
    return true;
}

Outbox::Waiting* Outbox::find(const std::string& worker, const std::string& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return nullptr;
    Waiting& waiting = rows_.at(found->second);
    return waiting.row.worker == worker && !waiting.row.is_settled() ? &waiting : nullptr;
}

void Outbox::take_report(const std::string& worker, const DeliveryReport& report) {
    Waiting* waiting = find(worker, report.delivery_id());
    if (!waiting) return;  // settled before: the report was repeated
    OutboundRow& row = waiting->row;
    if (report.part() < row.part) return;
    if (report.parts() > 0) row.parts = report.parts();
    switch (report.outcome()) {
        case DeliveryReport::SENDING:
            row.part = report.part();
            row.part_begun = true;
            after_commit_.push_back([this, worker, id = row.id, part = report.part()] {
                AgentToChannel noted;
                noted.mutable_sending_noted()->set_delivery_id(id);
                noted.mutable_sending_noted()->set_part(part);
                (void)services_.send(worker, noted);
            });
            return changed(row.id);
        case DeliveryReport::SENT:
            row.part = report.part() + 1;
            row.part_begun = false;
            if (row.platform_id.empty()) row.platform_id = report.platform_id();
            if (row.part >= row.parts) return settle(*waiting, OutboundRow::State::sent, "");
            return changed(row.id);
        case DeliveryReport::LATER:
            return put_off(*waiting, report);
        case DeliveryReport::REFUSED:
            return settle(*waiting, OutboundRow::State::refused, report.reason());
        case DeliveryReport::LOST:
            return settle(*waiting, OutboundRow::State::unknown, report.reason());
        default:
            return;  // of a later version
    }
}

void Outbox::put_off(Waiting& waiting, const DeliveryReport& report) {
    if (!waiting.in_hand) return;
    OutboundRow& row = waiting.row;
    waiting.in_hand = false;
    row.part = report.part();
    row.part_begun = false;
    row.reason = report.reason();
    ++row.attempts;
    const int64_t now = services_.now_ms();
    row.next_try_ms = now + std::max<int64_t>(report.retry_after_ms(), pause_ms(row.attempts));
    if (row.attempts >= most_attempts || row.next_try_ms > row.created_ms + time_to_live_ms)
        return settle(waiting, OutboundRow::State::expired, report.reason());
    wake_at(row.next_try_ms);
    changed(row.id);
}

void Outbox::settle(Waiting& waiting, OutboundRow::State state, const std::string& reason) {
    waiting.row.state = state;
    waiting.row.settled_ms = services_.now_ms();
    waiting.row.reason = reason;
    waiting.in_hand = false;
    changed(waiting.row.id);
}

// One transaction for all that came in meanwhile.
void Outbox::changed(const std::string& id) {
    dirty_.insert(id);
    if (std::exchange(commit_planned_, true)) return;
    services_.loop.soon([this, alive = alive_] {
        if (*alive) commit();
    });
}

void Outbox::commit() {
    std::vector<const OutboundRow*> rows;
    for (const std::string& id : dirty_) rows.push_back(&rows_.at(by_id_.at(id)).row);
    if (const Done done = services_.store.put_outbound(rows); !done) {
        log_error("what became of {} messages to channels was not recorded: {}", rows.size(),
                  done.error().what);
        commit_retry_ = services_.loop.after(commit_retry, [this] { commit(); });
        return;
    }
    commit_planned_ = false;
    finish_commit();
}

void Outbox::finish_commit() {
    std::vector<Waiting> settled;
    std::set<std::string> workers;
    for (const std::string& id : std::exchange(dirty_, {})) {
        const uint64_t place = by_id_.at(id);
        Waiting& waiting = rows_.at(place);
        workers.insert(waiting.row.worker);
        if (!waiting.row.is_settled()) continue;
        if (waiting.row.state != OutboundRow::State::sent) ++failed_;
        settled.push_back(std::move(waiting));
        rows_.erase(place);
        by_id_.erase(id);
    }
    for (const auto& action : std::exchange(after_commit_, {})) action();
    for (const std::string& worker : workers) dispatch(worker);
    const std::shared_ptr<bool> alive = alive_;
    for (const Waiting& done : settled) {
        if (done.settled) done.settled(done.row);
        if (*alive && on_settled_) on_settled_(done.row);
    }
}

void Outbox::expire() {
    const int64_t now = services_.now_ms();
    for (auto& [place, waiting] : rows_)
        if (!waiting.in_hand && !waiting.row.is_settled() &&
            now > waiting.row.created_ms + time_to_live_ms)
            settle(waiting, OutboundRow::State::expired,
                   waiting.row.reason.empty() ? "its channel was not there for a day"
                                              : waiting.row.reason);
    // What was handed over and not heard of is handed over again: the channel knows if it has it.
    for (auto& [place, waiting] : rows_) {
        if (!waiting.in_hand || waiting.row.part_begun) continue;
        waiting.in_hand = false;
        dispatch_soon(waiting.row.worker);
    }
    if (const Done done = services_.store.prune(now); !done)
        log_warn("old messages of channels were not forgotten: {}", done.error().what);
}

void Outbox::wake_at(int64_t time_ms) {
    if (wake_timer_ && wake_ms_ <= time_ms) return;
    wake_ms_ = time_ms;
    const int64_t wait = std::max<int64_t>(time_ms - services_.now_ms(), 1);
    wake_timer_ = services_.loop.after(std::chrono::milliseconds(wait), [this] {
        wake_timer_.reset();
        for (const std::string& worker : std::set<std::string>(up_)) dispatch(worker);
    });
}

}  // namespace agent
