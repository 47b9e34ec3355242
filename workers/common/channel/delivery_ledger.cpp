#include "workers/common/channel/delivery_ledger.h"

namespace channel {

using hardshell::proto::DeliveryReport;

namespace {

bool settles(const DeliveryReport& report) {
    switch (report.outcome()) {
        case DeliveryReport::SENT:
            return report.part() + 1 >= report.parts();
        case DeliveryReport::REFUSED:
        case DeliveryReport::LOST:
            return true;
        default:
            return false;
    }
}

}  // namespace

DeliveryLedger::Verdict DeliveryLedger::take(const std::string& id, uint32_t first_part) {
    const auto [found, is_new] = records_.try_emplace(id);
    Record& record = found->second;
    if (is_new) {
        record.next_part = first_part;
        return Verdict::fresh;
    }
    if (record.settled) return Verdict::reported;
    if (record.in_hand) return Verdict::in_hand;
    if (first_part < record.next_part) return Verdict::reported;
    record.in_hand = true;
    return Verdict::again;
}

void DeliveryLedger::note(const DeliveryReport& report) {
    const auto found = records_.find(report.delivery_id());
    if (found == records_.end() || found->second.settled) return;
    Record& record = found->second;
    // Put off, tried, put off again: only the last of these is of interest.
    if (!record.reports.empty() && record.reports.back().outcome() == DeliveryReport::LATER)
        record.reports.pop_back();
    record.reports.push_back(report);
    if (report.outcome() == DeliveryReport::SENT) record.next_part = report.part() + 1;
    if (report.outcome() == DeliveryReport::LATER) record.in_hand = false;
    if (settles(report)) settle(report.delivery_id(), record);
}

void DeliveryLedger::settle(const std::string& id, Record& record) {
    record.in_hand = false;
    record.settled = true;
    settled_.push_back(id);
    if (settled_.size() <= most_settled) return;
    records_.erase(settled_.front());
    settled_.pop_front();
}

bool DeliveryLedger::has_in_hand(const std::string& id) const {
    const auto found = records_.find(id);
    return found != records_.end() && found->second.in_hand;
}

std::vector<DeliveryReport> DeliveryLedger::reports(const std::string& id) const {
    const auto found = records_.find(id);
    return found == records_.end() ? std::vector<DeliveryReport>{} : found->second.reports;
}

}  // namespace channel
