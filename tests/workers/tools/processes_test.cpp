#include "workers/tools/processes.h"

#include "tests/workers/tools/cell_bench.h"

namespace tools {

namespace {

class Background : public CellBench {
  protected:
    std::string start(const std::string& command) {
        Processes::Order wanted = order(command);
        wanted.yield = std::chrono::milliseconds(0);
        return text_member(run(std::move(wanted)).details, "sessionId");
    }
    // The loop until the process says so; what it said.
    std::string poll_until(const std::string& id, const std::string& wanted) {
        std::string seen;
        const auto again = loop->every(std::chrono::milliseconds(10), [&] { loop->stop(0); });
        while (seen.find(wanted) == std::string::npos && !HasFailure()) {
            loop->run();
            seen += text(speak({{"action", "poll"}, {"sessionId", id}}));
        }
        return seen;
    }
};

}  // namespace

TEST_F(Background, GoesOnWhenTheCallIsAnswered) {
    const std::string id = start("echo one; read line; echo got $line; exit 4");
    ASSERT_EQ(id.size(), 8u);
    poll_until(id, "one");
    EXPECT_FALSE(speak({{"action", "submit"}, {"sessionId", id}, {"data", "hello"}}).is_error);
    poll_until(id, "exit code 4");
    EXPECT_EQ(text(speak({{"action", "log"}, {"sessionId", id}})), "one\ngot hello\n");
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_NE(ended[0].find("exit code 4"), std::string::npos);
    EXPECT_NE(text(speak({{"action", "list"}})).find(id), std::string::npos);
    EXPECT_FALSE(speak({{"action", "clear"}, {"sessionId", id}}).is_error);
    EXPECT_EQ(text(speak({{"action", "list"}})), "No commands.");
}

TEST_F(Background, TakesOverACommandThatIsSlow) {
    Processes::Order slow = order("echo early; sleep 1000");
    slow.yield = std::chrono::milliseconds(200);
    const Outcome outcome = run(std::move(slow));
    EXPECT_FALSE(outcome.is_error);
    EXPECT_EQ(text_member(outcome.details, "status"), "running");
    if (text(outcome).find("early\n") != 0)
        poll_until(text_member(outcome.details, "sessionId"), "early\n");
    EXPECT_EQ(processes.running(), 1u);
}

TEST_F(Background, IsEndedByKill) {
    const std::string id = start("sleep 1000");
    EXPECT_FALSE(speak({{"action", "kill"}, {"sessionId", id}}).is_error);
    poll_until(id, "exit code 143");
    EXPECT_EQ(processes.running(), 0u);
}

TEST_F(Background, BelongsToItsSession) {
    const std::string id = start("sleep 1000");
    EXPECT_TRUE(processes.speak("other", {{"action", "kill"}, {"sessionId", id}}).is_error);
    EXPECT_EQ(text(processes.speak("other", {{"action", "list"}})), "No commands.");
    processes.end_session("other");
    EXPECT_EQ(processes.running(), 1u);
    processes.end_session("s");
    EXPECT_EQ(processes.running(), 0u);
}

TEST_F(Background, EndsNotWithTheCallsOfAnAgentThatIsGone) {
    const std::string id = start("sleep 1000");
    Processes::Order waited = order("sleep 1000");
    const uint64_t call = waited.call;
    processes.run(std::move(waited));
    EXPECT_EQ(processes.running(), 2u);
    processes.end_calls();
    EXPECT_EQ(processes.running(), 1u);
    EXPECT_FALSE(results.contains(call));
}

TEST_F(Background, HasABound) {
    for (size_t count = 0; count < Processes::most_running; ++count) start("sleep 1000");
    EXPECT_NE(text(run("true")).find("Too many commands"), std::string::npos);
}

TEST_F(Background, ACancelledCallEndsItsCommand) {
    Processes::Order waited = order("sleep 1000");
    const uint64_t call = waited.call;
    processes.run(std::move(waited));
    processes.cancel(call);
    EXPECT_EQ(processes.running(), 0u);
    EXPECT_FALSE(run("true").is_error);
}

}  // namespace tools
