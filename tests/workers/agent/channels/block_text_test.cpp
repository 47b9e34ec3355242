// Where an answer that grows is divided, and what of a text was sent before.

#include "workers/agent/channels/block_text.h"

#include <gmock/gmock.h>

#include <random>

#include "workers/agent/channels/reply_text.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

BlockLimits limits(size_t least, size_t most) {
    BlockLimits made;
    made.least = least;
    made.most = most;
    return made;
}

std::vector<std::string> blocks(const std::string& said, const BlockLimits& of, bool is_whole) {
    std::vector<std::string> all;
    size_t from = 0;
    for (const size_t end : block_ends(said, from, of, is_whole)) {
        all.push_back(block_text(said, from, end));
        from = end;
    }
    return all;
}

std::string without_blanks(std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
}

TEST(BlockText, EndsWhereAParagraphDoes) {
    const std::string said = "first part\n\nsecond part\n\nthi";
    EXPECT_THAT(blocks(said, limits(5, 100), false), ElementsAre("first part\n\nsecond part"));
    EXPECT_THAT(blocks(said, limits(5, 12), true), ElementsAre("first part", "second part", "thi"));
    EXPECT_THAT(blocks("  \n", limits(5, 100), true), IsEmpty());
}

TEST(BlockText, ClosesAFenceThatIsDividedAndOpensItAgain) {
    std::string said = "Code:\n\n```cpp\n";
    for (int line = 10; line < 40; ++line) said += "    line " + std::to_string(line) + ";\n";
    said += "```\n\nDone.";
    const std::vector<std::string> all = blocks(said, limits(50, 120), true);
    ASSERT_GT(all.size(), 3u);
    for (size_t at = 1; at + 1 < all.size(); ++at) {
        EXPECT_THAT(all[at], HasSubstr("```cpp\n    line")) << at;
        EXPECT_TRUE(all[at].find("\n```", 3) != std::string::npos) << all[at];
        EXPECT_LE(all[at].size(), 140u);
    }
    std::string together;
    for (const std::string& block : all) together += block + "\n";
    for (int line = 10; line < 40; ++line)
        EXPECT_THAT(together, HasSubstr("\n    line " + std::to_string(line) + ";\n"));
}

// However the text comes in, its blocks are the text.
TEST(BlockText, LosesAndRepeatsNothingWhileATextGrows) {
    std::mt19937 random(7);
    const char* pieces[] = {"word ", "another, ", "end. ", "\n", "\n\n", "äöü ", "x"};
    for (int round = 0; round < 200; ++round) {
        std::string said = "begin ";
        for (size_t n = random() % 300; n > 0; --n) said += pieces[random() % std::size(pieces)];
        const BlockLimits of = limits(20 + random() % 40, 80 + random() % 80);
        size_t from = 0;
        std::string sent;
        const auto take = [&](const std::string& so_far, bool is_whole) {
            for (const size_t end : block_ends(so_far, from, of, is_whole)) {
                ASSERT_GT(end, from);
                sent += block_text(so_far, from, end);
                from = end;
            }
        };
        for (size_t size = 0; size < said.size(); size += 1 + random() % 40)
            take(said.substr(0, size), false);
        take(said, true);
        EXPECT_EQ(without_blanks(sent), without_blanks(said));
    }
}

TEST(BlockText, KnowsItsBlocksByTheirOrigin) {
    const std::string run = "channel:telegram:5#1";
    const SentBlock block{3, 1'234, mark_of("some text")};
    const std::string origin = block_origin(run, block);
    EXPECT_TRUE(origin.starts_with(run + "#3@1234."));
    const auto read = block_of(run, origin);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->number, 3u);
    EXPECT_EQ(read->end, 1'234u);
    EXPECT_EQ(read->mark, block.mark);
    EXPECT_FALSE(block_of("channel:telegram:5", origin)) << "another run's";
    EXPECT_FALSE(block_of(run, run));
    EXPECT_FALSE(block_of(run, origin + " "));
}

TEST(BlockText, WasSentAsFarAsItBeginsWithTheSameWords) {
    const std::string first = "One. Two. Three.";
    const std::vector<SentBlock> sent{{1, 4, mark_of(first.substr(0, 4))},
                                      {2, 9, mark_of(first.substr(0, 9))}};
    EXPECT_EQ(sent_of(first, sent), 9u);
    EXPECT_EQ(sent_of("One. Other words.", sent), 4u);
    EXPECT_EQ(sent_of("Something else.", sent), 0u);
    EXPECT_EQ(sent_of("One", sent), 0u);
}

TEST(SpokenSoFar, HoldsBackWhatMayBecomeAThought) {
    EXPECT_EQ(spoken_so_far("Hi <th"), "Hi ");
    EXPECT_EQ(spoken_so_far("Hi <think>what is"), "Hi ");
    EXPECT_EQ(spoken_so_far("<think>what is</think>\nHi <b>you"), "Hi <b>you");
    EXPECT_EQ(spoken_so_far("a < b"), "a < b");
    EXPECT_EQ(spoken("Hi <think>what is"), "Hi <think>what is");
    EXPECT_EQ(spoken_so_far("```\n<think>\n"), "```\n<think>\n");
}

// What was said once stays said: the whole text begins so.
TEST(SpokenSoFar, IsTheBeginningOfTheWholeAnswer) {
    const std::string answer =
        "<think>hm</think>Hello <final>there</final>. Use <thinking>a</thinking>`x<y` and <b>.";
    const std::string whole = spoken(answer);
    for (size_t size = 0; size <= answer.size(); ++size)
        EXPECT_TRUE(whole.starts_with(spoken_so_far(answer.substr(0, size)))) << size;
}

}  // namespace
}  // namespace agent
