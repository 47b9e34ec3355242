// Lanes, pools and holds.

#include "workers/agent/run_queue.h"

#include <gmock/gmock.h>

#include "workers/agent/agent_config.h"

namespace agent {

namespace {

using testing::ElementsAre;

std::vector<uint64_t> take(RunQueue& queue, int64_t now_ms = 0) {
    std::vector<uint64_t> tickets;
    for (const RunQueue::Place& place : queue.take(now_ms)) tickets.push_back(place.ticket);
    return tickets;
}

}  // namespace

TEST(RunQueue, StartsInOrderOfArrivalAndSkipsBusyLanes) {
    RunQueue queue({2, 1, 1, 1});
    queue.add({"x", Pool::main, 1});
    queue.add({"x", Pool::main, 2});
    queue.add({"y", Pool::main, 3});
    queue.add({"z", Pool::main, 4});
    EXPECT_THAT(take(queue), ElementsAre(1u, 3u));
    EXPECT_THAT(take(queue), ElementsAre());
    queue.finished(3);
    EXPECT_THAT(take(queue), ElementsAre(4u)) << "x is busy";
    queue.finished(1);
    EXPECT_THAT(take(queue), ElementsAre(2u));
    EXPECT_TRUE(queue.is_busy("x"));
    EXPECT_FALSE(queue.is_busy("y"));
}

TEST(RunQueue, GivesEachPoolAWidthOfItsOwn) {
    RunQueue queue({1, 2, 1, 1});
    queue.add({"a", Pool::main, 1});
    queue.add({"b", Pool::main, 2});
    queue.add({"c", Pool::subagent, 3});
    queue.add({"d", Pool::subagent, 4});
    queue.add({"e", Pool::cron, 5});
    EXPECT_THAT(take(queue), ElementsAre(1u, 3u, 4u, 5u));
    EXPECT_FALSE(queue.starts_at_once("f", Pool::main));
    EXPECT_TRUE(queue.starts_at_once("f", Pool::voice));
}

TEST(RunQueue, KeepsALaneThatIsHeldUntilItsTime) {
    RunQueue queue({4, 1, 1, 1});
    queue.add({"x", Pool::main, 1});
    queue.add({"y", Pool::main, 2});
    queue.hold("x", 1000);
    EXPECT_THAT(take(queue, 0), ElementsAre(2u));
    EXPECT_EQ(queue.next_release(0), 1000);
    queue.hold("x", 1500);
    EXPECT_THAT(take(queue, 1499), ElementsAre());
    EXPECT_THAT(take(queue, 1500), ElementsAre(1u));
    EXPECT_EQ(queue.next_release(1500), std::nullopt);
}

TEST(RunQueue, HasTheWidthsOfTheConfiguration) {
    const AgentConfig usual{Json::object()};
    EXPECT_THAT(usual.most_runs_at_once(), ElementsAre(4u, 8u, 1u, 8u));
    const AgentConfig config(*parse_json(
        R"({"agents":{"defaults":{"maxConcurrent":2,"subagents":{"maxConcurrent":3}}},
            "cron":{"maxConcurrentRuns":5}})"));
    EXPECT_THAT(config.most_runs_at_once(), ElementsAre(2u, 3u, 5u, 8u));
}

}  // namespace agent
