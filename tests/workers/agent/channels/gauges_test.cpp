// What the status board shows of those who wait.

#include "workers/agent/gauges.h"

#include <gmock/gmock.h>

#include <optional>

#include "tests/workers/agent/channels/channel_process.h"

namespace agent {
namespace {

using hardshell::proto::DeliveryReport;

class AgentGauges : public testing::Test {
  protected:
    AgentGauges() {
        const Result<Fd> file = BoardPage::create("agent");
        board.emplace(std::move(*BoardPage::map(file->get(), true)));
        gauges.emplace(loop, *board,
                       Gauges::Sources{*agent.life.runs, agent.channels->outbox(),
                                       agent.channels->turns(), directory.path()});
        agent.come_up();
    }
    int64_t shown(Counter counter) {
        loop.advance(std::chrono::milliseconds(Gauges::period).count());
        return board->get(counter);
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    // A turn for each message, at once, and none is left out.
    ChannelProcess agent{
        directory.path(), loop,
        *parse_json(
            R"({"messages": {"queue": {"mode": "followup", "debounceMs": 0, "cap": 9999}}})")};
    std::optional<BoardPage> board;
    std::optional<Gauges> gauges;
};

TEST_F(AgentGauges, ShowWhoWaitsForAnAnswerAndSinceWhen) {
    EXPECT_EQ(shown(Counter::messages_waiting), 0);
    EXPECT_EQ(shown(Counter::oldest_message_ms), 0);
    const int64_t first = loop.now_ms;
    agent.offer("1", "hello");
    loop.advance(20'000);
    agent.offer("2", "are you there?");
    EXPECT_EQ(shown(Counter::messages_waiting), 2);
    EXPECT_EQ(shown(Counter::oldest_message_ms), first);
    agent.answer("Hi");
    agent.answer("Yes");
    EXPECT_EQ(shown(Counter::messages_waiting), 0);
    EXPECT_EQ(shown(Counter::oldest_message_ms), 0);
}

TEST_F(AgentGauges, CountMessagesThatHaveNoRunYet) {
    const int64_t first = loop.now_ms;
    for (size_t n = 0; n < Runs::most_held + 3; ++n) agent.offer(std::to_string(n), "hello");
    EXPECT_EQ(shown(Counter::messages_waiting), static_cast<int64_t>(Runs::most_held + 3));
    EXPECT_EQ(shown(Counter::oldest_message_ms), first);
}

TEST_F(AgentGauges, ShowWhatIsNotDelivered) {
    agent.offer("1", "hello");
    const int64_t written = loop.now_ms;
    agent.answer("Hi");
    EXPECT_EQ(shown(Counter::deliveries_waiting), 1);
    EXPECT_EQ(shown(Counter::oldest_delivery_ms), written);
    EXPECT_EQ(shown(Counter::deliveries_failed), 0);
    agent.report(agent.delivered().front().delivery_id(), DeliveryReport::REFUSED, 0, 1, "blocked");
    EXPECT_EQ(shown(Counter::deliveries_waiting), 0);
    EXPECT_EQ(shown(Counter::oldest_delivery_ms), 0);
    EXPECT_EQ(shown(Counter::deliveries_failed), 1);
    agent.offer("2", "again");
    agent.answer("Hi");
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    EXPECT_EQ(shown(Counter::deliveries_failed), 1) << "that one arrived";
}

TEST_F(AgentGauges, ShowTheVolume) {
    EXPECT_GT(shown(Counter::volume_bytes), 0);
    EXPECT_GE(shown(Counter::volume_bytes), shown(Counter::volume_free_bytes));
}

}  // namespace
}  // namespace agent
