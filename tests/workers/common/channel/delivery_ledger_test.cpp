#include "workers/common/channel/delivery_ledger.h"

#include <gtest/gtest.h>

using channel::DeliveryLedger;
using hardshell::proto::DeliveryReport;

namespace {

DeliveryReport sent(const std::string& id) {
    DeliveryReport made;
    made.set_delivery_id(id);
    made.set_parts(1);
    made.set_outcome(DeliveryReport::SENT);
    return made;
}

TEST(DeliveryLedger, ForgetsTheOldestSettledDeliveries) {
    DeliveryLedger ledger;
    EXPECT_EQ(ledger.take("in hand", 0), DeliveryLedger::Verdict::fresh);
    for (size_t n = 0; n < DeliveryLedger::most_settled + 10; ++n) {
        const std::string id = std::to_string(n);
        EXPECT_EQ(ledger.take(id, 0), DeliveryLedger::Verdict::fresh);
        ledger.note(sent(id));
    }
    EXPECT_EQ(ledger.size(), DeliveryLedger::most_settled + 1);
    EXPECT_EQ(ledger.take("in hand", 0), DeliveryLedger::Verdict::in_hand);
    EXPECT_EQ(ledger.take("10", 0), DeliveryLedger::Verdict::reported);
    EXPECT_EQ(ledger.take("9", 0), DeliveryLedger::Verdict::fresh);
}

TEST(DeliveryLedger, KeepsOneReportOfADeliveryPutOffManyTimes) {
    DeliveryLedger ledger;
    DeliveryReport later = sent("d");
    later.set_outcome(DeliveryReport::LATER);
    for (int n = 0; n < 100; ++n) {
        ledger.take("d", 0);
        ledger.note(later);
    }
    EXPECT_EQ(ledger.reports("d").size(), 1u);
    EXPECT_EQ(ledger.take("d", 0), DeliveryLedger::Verdict::again);
    ledger.note(sent("d"));
    ledger.note(later);  // after it was settled: nothing
    ASSERT_EQ(ledger.reports("d").size(), 1u);
    EXPECT_EQ(ledger.reports("d").front().outcome(), DeliveryReport::SENT);
}

}  // namespace
