#include "workers/gateway/liveness.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using Next = Liveness::Next;
constexpr Patience patience{std::chrono::milliseconds(1000)};

TEST(Liveness, AsksAQuietClientOnceAndGivesItUpLater) {
    Liveness life(5000);
    EXPECT_EQ(life.next(patience, 5999), Next::nothing);
    EXPECT_EQ(life.next(patience, 6000), Next::ask);
    EXPECT_EQ(life.next(patience, 6249), Next::nothing);
    EXPECT_EQ(life.next(patience, 6250), Next::give_up);
}

TEST(Liveness, TakesWhateverComesForASign) {
    Liveness life(0);
    EXPECT_EQ(life.next(patience, 1000), Next::ask);
    life.heard(1200);
    EXPECT_EQ(life.next(patience, 1250), Next::nothing);
    EXPECT_EQ(life.next(patience, 2200), Next::ask);
}

// After a pause of the whole machine everybody was quiet for long.
TEST(Liveness, GivesNobodyUpUnasked) {
    Liveness life(0);
    EXPECT_EQ(life.next(patience, 1'000'000), Next::ask);
    life.heard(1'000'010);
    EXPECT_EQ(life.next(patience, 1'000'020), Next::nothing);
}

}  // namespace
}  // namespace gateway
