#include "workers/gateway/strangers.h"

#include <gtest/gtest.h>

#include <vector>

namespace gateway {
namespace {

struct Connection {
    int number;
};

TEST(Strangers, LetsTheOldestOfTheMostNumerousSourceMakeRoom) {
    std::vector<Connection> made{{0}, {1}, {2}, {3}};
    Strangers<Connection> strangers;
    EXPECT_EQ(strangers.who_makes_room(), nullptr);
    strangers.add(made[0], "quiet", 10);
    strangers.add(made[1], "flood", 11);
    strangers.add(made[2], "flood", 12);
    EXPECT_EQ(strangers.who_makes_room(), &made[1]);
    strangers.remove(made[1]);
    EXPECT_EQ(strangers.who_makes_room(), &made[0]);  // one each: the oldest
    EXPECT_FALSE(strangers.remove(made[1]));
    EXPECT_EQ(strangers.size(), 2u);
}

TEST(Strangers, CountsByWhatTheProxySaysOnceItIsKnown) {
    std::vector<Connection> made{{0}, {1}, {2}};
    Strangers<Connection> strangers;
    strangers.add(made[0], "proxy", 10);
    strangers.add(made[1], "proxy", 11);
    strangers.add(made[2], "proxy", 12);
    strangers.comes_from(made[0], "owner");
    EXPECT_EQ(strangers.who_makes_room(), &made[1]);
    strangers.comes_from(made[1], "flood");
    strangers.comes_from(made[2], "flood");
    EXPECT_EQ(strangers.who_makes_room(), &made[1]);
}

TEST(Strangers, TellsWhoIsLateInOrder) {
    std::vector<Connection> made{{0}, {1}};
    Strangers<Connection> strangers;
    EXPECT_EQ(strangers.late(1000), nullptr);
    strangers.add(made[0], "a", 10);
    strangers.add(made[1], "b", 20);
    EXPECT_EQ(strangers.late(9), nullptr);
    EXPECT_EQ(strangers.late(10), &made[0]);
    strangers.add(made[0], "a", 30);  // anew
    EXPECT_EQ(strangers.next_deadline_ms(), 20);
    EXPECT_EQ(strangers.late(25), &made[1]);
}

}  // namespace
}  // namespace gateway
