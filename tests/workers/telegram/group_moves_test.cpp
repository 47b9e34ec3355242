#include "workers/telegram/group_moves.h"

#include <gmock/gmock.h>

#include "tests/support/manual_loop.h"

namespace telegram {

namespace {

using testing::ElementsAre;

class GroupMovesTest : public testing::Test {
  protected:
    void follow(const std::string& from) {
        moves.follow(from, "-100000000000" + from.substr(1),
                     [this, from] { over.push_back(from); });
    }
    void answer(const std::string& error_code = {}) {
        GroupMoves::ConfigAnswer made;
        made.set_id(asked.back().id());
        made.set_error_code(error_code);
        made.set_payload_json(R"({"places": []})");
        moves.answered(made);
    }

    ManualLoop loop;
    Settings settings;
    std::vector<GroupMoves::ConfigCall> asked;
    std::vector<std::string> over;
    GroupMoves moves{loop, settings, [this](const GroupMoves::ConfigCall& call) -> Done {
                         asked.push_back(call);
                         return {};
                     }};
};

}  // namespace

TEST_F(GroupMovesTest, AskForOneGroupAtATime) {
    for (const char* group : {"-5", "-6", "-7"}) follow(group);
    ASSERT_EQ(asked.size(), 1u);
    answer();
    ASSERT_EQ(asked.size(), 2u);
    answer("INVALID_REQUEST");
    ASSERT_EQ(asked.size(), 3u);
    answer();
    EXPECT_THAT(over, ElementsAre("-5", "-6", "-7"));
    EXPECT_EQ(asked[1].params_json(), R"({"from":"-6","to":"-1000000000006"})");
}

TEST_F(GroupMovesTest, AskAgainWhileSomebodyElseIsServed) {
    follow("-5");
    for (int i = 1; i < GroupMoves::most_tries; ++i) {
        answer("UNAVAILABLE");
        EXPECT_EQ(asked.size(), static_cast<size_t>(i));
        loop.advance(GroupMoves::try_again.count());
        EXPECT_EQ(asked.size(), static_cast<size_t>(i) + 1);
    }
    EXPECT_TRUE(over.empty());
    answer("UNAVAILABLE");
    EXPECT_THAT(over, ElementsAre("-5"));
    EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(GroupMovesTest, GoOnWithTheNextWhereNoAnswerComes) {
    follow("-5");
    follow("-6");
    loop.advance(GroupMoves::longest_wait.count());
    EXPECT_THAT(over, ElementsAre("-5"));
    ASSERT_EQ(asked.size(), 2u);
    GroupMoves::ConfigAnswer late;
    late.set_id(asked[0].id());
    moves.answered(late);
    EXPECT_EQ(over.size(), 1u);
    answer();
    EXPECT_THAT(over, ElementsAre("-5", "-6"));
}

TEST_F(GroupMovesTest, AreAskedForOnceHoweverOftenTheyAreTold) {
    follow("-5");
    follow("-5");
    EXPECT_EQ(asked.size(), 1u);
    answer();
    EXPECT_THAT(over, ElementsAre("-5", "-5"));
    follow("-5");
    EXPECT_EQ(asked.size(), 1u);
    EXPECT_EQ(over.size(), 3u);
}

}  // namespace telegram
