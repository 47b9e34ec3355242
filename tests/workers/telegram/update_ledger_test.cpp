#include "workers/telegram/update_ledger.h"

#include <gtest/gtest.h>

namespace telegram {

TEST(UpdateLedger, RisesOnlyWhenAllBelowIsDone) {
    UpdateLedger ledger(10);
    EXPECT_TRUE(ledger.take(11));
    EXPECT_TRUE(ledger.take(12));
    EXPECT_TRUE(ledger.take(15)) << "numbers may be left out";
    ledger.settle(12);
    EXPECT_EQ(ledger.done(), 10);
    ledger.settle(11);
    EXPECT_EQ(ledger.done(), 12);
    ledger.settle(15);
    EXPECT_EQ(ledger.done(), 15);
    EXPECT_EQ(ledger.open(), 0u);
}

TEST(UpdateLedger, TakesEachOnce) {
    UpdateLedger ledger(10);
    EXPECT_FALSE(ledger.take(10));
    EXPECT_TRUE(ledger.take(11));
    EXPECT_FALSE(ledger.take(11)) << "under way";
    EXPECT_TRUE(ledger.take(12));
    ledger.settle(12);
    EXPECT_FALSE(ledger.take(12)) << "done ahead of 11";
    ledger.settle(13);
    EXPECT_EQ(ledger.done(), 10) << "never taken";
}

TEST(UpdateLedger, BeginsAnywhereAndAnewAfterAWeek) {
    UpdateLedger ledger;
    EXPECT_EQ(ledger.done(), std::nullopt);
    EXPECT_TRUE(ledger.take(500));
    ledger.forget();
    EXPECT_EQ(ledger.open(), 1u) << "not while something is open";
    ledger.settle(500);
    EXPECT_EQ(ledger.done(), 500);
    ledger.forget();
    EXPECT_TRUE(ledger.take(3));
    ledger.settle(3);
    EXPECT_EQ(ledger.done(), 3);
}

}  // namespace telegram
