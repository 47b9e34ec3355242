#include "workers/gateway/worker_board.h"

#include <gmock/gmock.h>

namespace gateway {
namespace {

using std::chrono::milliseconds;

class Board : public testing::Test {
  protected:
    Board() {
        Result<Fd> file = BoardPage::create("agent");
        page.emplace(std::move(*BoardPage::map(file->get(), true)));
        WorkerState agent;
        agent.set_name("agent");
        agent.set_kind("agent");
        agent.set_state(WorkerState::READY);
        agent.set_pid(7);
        agent.set_restarts(2);
        agent.set_last_end("killed by signal 9, after 3 h");
        agent.set_memory_soft_bytes(32 << 20);
        agent.set_memory_limit_bytes(40 << 20);
        agent.add_last_lines("the last line");
        for (const int64_t at : {1'000, 2'000}) {
            auto& death = *agent.add_deaths();
            death.set_at_ms(at);
            death.set_cause("killed");
        }
        workers.push_back(agent);
    }
    Json row(bool with_history = false, int64_t monotonic = 5'000) const {
        return board.list(with_history, 1, monotonic)["workers"][0];
    }

    std::optional<BoardPage> page;
    WorkerStates workers;
    WorkerBoard board{[this]() -> const WorkerStates& { return workers; },
                      [this](const std::string&) { return &*page; }};
};

TEST_F(Board, ShowsWhatThePageSaysNow) {
    page->set(Counter::memory_bytes, 9 << 20);
    page->set(Counter::link_queue, 3);
    page->beat(4'600);
    page->set_text("reads the history");
    const Json shown = row();
    EXPECT_EQ(shown["state"], "ready");
    EXPECT_EQ(shown["memory"]["bytes"], 9 << 20);
    EXPECT_EQ(shown["memory"]["soft"], 32 << 20);
    EXPECT_EQ(shown["memory"]["limit"], 40 << 20);
    EXPECT_EQ(shown["queue"], 3);
    EXPECT_EQ(shown["heartbeatAgeMs"], 400);
    EXPECT_EQ(shown["note"], "reads the history");
    EXPECT_FALSE(shown.contains("memoryHistory"));
}

TEST_F(Board, OfAWorkerThatIsDownShowsNoLife) {
    page->set(Counter::memory_bytes, 9 << 20);
    page->beat(4'600);
    workers[0].set_pid(0);
    workers[0].set_state(WorkerState::WAITING);
    EXPECT_EQ(row()["memory"]["bytes"], 0);
    EXPECT_EQ(row()["heartbeatAgeMs"], nullptr);
    EXPECT_EQ(row()["startedAt"], 0);
}

TEST_F(Board, TellsWhenMessagesLastWentByOnceItHasSeenThat) {
    page->set(Counter::messages_in, 5);
    board.look(10'000);
    EXPECT_EQ(row()["lastInAt"], 0) << "these were before it looked";
    page->add(Counter::messages_in, 1);
    board.look(15'000);
    board.look(20'000);
    EXPECT_EQ(row()["lastInAt"], 15'000);
    EXPECT_EQ(row()["lastOutAt"], 0);
    page->set(Counter::messages_in, 0);  // a new life
    board.look(25'000);
    EXPECT_EQ(row()["lastInAt"], 15'000);
}

TEST_F(Board, RemembersTheMemoryOfAnHour) {
    for (int look = 0; look < 2'000; ++look) {
        page->set(Counter::memory_bytes, look + 1);
        board.look(1'000'000 + look * WorkerBoard::look_period.count());
    }
    const Json history = row(true)["memoryHistory"];
    EXPECT_EQ(history["everyMs"], WorkerBoard::memory_period_ms);
    ASSERT_EQ(history["points"].size(), WorkerBoard::most_points);
    const Json& points = history["points"];
    EXPECT_EQ(points[1].get<int>() - points[0].get<int>(), 6) << "one in 30 s";
}

TEST_F(Board, TellsHowAWorkerEndedTheNewestFirst) {
    const Json history = *board.history("agent");
    EXPECT_EQ(history["lastLines"], Json::array({"the last line"}));
    EXPECT_EQ(history["lastEnd"], "killed by signal 9, after 3 h");
    ASSERT_EQ(history["deaths"].size(), 2u);
    EXPECT_EQ(history["deaths"][0]["at"], 2'000);
    EXPECT_FALSE(board.history("nobody"));
}

TEST_F(Board, ForgetsAWorkerThatIsNoLongerThere) {
    board.look(1'000'000);
    const WorkerStates before = workers;
    workers.clear();
    board.look(1'005'000);
    workers = before;
    EXPECT_FALSE(row(true).contains("memoryHistory"));
}

}  // namespace
}  // namespace gateway
