// Blocks of a text that is still being written.

#include "workers/common/channel/block_chunker.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/chunk_rules.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> blocks_of(const std::string& text, const BlockLimits& limits,
                                   size_t step = 1) {
    BlockChunker chunker(limits);
    std::vector<std::string> blocks;
    for (size_t at = 0; at < text.size(); at += step) {
        chunker.add(std::string_view(text).substr(at, step));
        for (std::string& block : chunker.take()) blocks.push_back(std::move(block));
    }
    for (std::string& block : chunker.finish()) blocks.push_back(std::move(block));
    return blocks;
}

}  // namespace

TEST(BlockChunker, WaitsForTheEndOfAParagraph) {
    BlockChunker chunker({10, 60});
    chunker.add("First paragraph.\n");
    EXPECT_THAT(chunker.take(), IsEmpty());
    chunker.add("Its second line.");
    EXPECT_THAT(chunker.take(), IsEmpty());
    chunker.add("\n\nSe");
    EXPECT_THAT(chunker.take(), ElementsAre("First paragraph.\nIts second line."));
    chunker.add("cond.");
    EXPECT_THAT(chunker.take(), IsEmpty());
    EXPECT_THAT(chunker.finish(), ElementsAre("Second."));
    EXPECT_THAT(chunker.finish(), IsEmpty());
}

TEST(BlockChunker, EndsABlockAnywhereBeforeItIsTooLong) {
    EXPECT_THAT(blocks_of("One two three four five six seven", {10, 20}),
                ElementsAre("One two three four", "five six seven"));
}

TEST(BlockChunker, TakesSentencesWhereItIsToldTo) {
    const std::string text = "One two three. Four five six. Seven eight.";
    EXPECT_THAT(blocks_of(text, {10, 40, Place::sentence}),
                ElementsAre("One two three.", "Four five six.", "Seven eight."));
    EXPECT_THAT(blocks_of("One two\nthree four\nfive six", {5, 40, Place::newline}),
                ElementsAre("One two", "three four", "five six"));
}

TEST(BlockChunker, KeepsAFenceTogetherAndDividesALongOne) {
    EXPECT_THAT(blocks_of("Look:\n\n```\na\n\nb\n```\n\nDone.", {5, 60}),
                ElementsAre("Look:", "```\na\n\nb\n```", "Done."));
    EXPECT_THAT(blocks_of("```\nfirst line of it\nsecond line of it\n```", {8, 32}),
                ElementsAre("```\nfirst line of it\n```", "```\nsecond line of it\n```"));
}

TEST(BlockChunker, ReadsTheNamesOfItsPlaces) {
    EXPECT_EQ(break_preference("sentence"), Place::sentence);
    EXPECT_EQ(break_preference("newline"), Place::newline);
    EXPECT_EQ(break_preference("paragraph"), Place::paragraph);
    EXPECT_EQ(break_preference(""), Place::paragraph);
}

TEST(BlockChunker, LosesNothingOfTextsMadeAtRandom) {
    const std::vector<std::string> parts = {"word ", "Sentence. ", "\n",     "\n\n", "long_name",
                                            "😀",     "```\n",      "code\n", "é",    "  "};
    std::mt19937 random(11);
    const auto pick = [&](size_t from, size_t to) {
        return std::uniform_int_distribution<size_t>(from, to)(random);
    };
    for (int round = 0; round < 1500; ++round) {
        std::string text;
        for (size_t i = pick(0, 80); i > 0; --i) text += parts[pick(0, parts.size() - 1)];
        const size_t most = pick(20, 120);
        const BlockLimits limits{pick(1, most), most, static_cast<Place>(pick(0, 2)),
                                 static_cast<Measure>(pick(0, 2))};
        const ChunkLimits rules{most, 0, ChunkMode::length, limits.measure};
        ASSERT_EQ(test::broken_rule(text, rules, blocks_of(text, limits, pick(1, 30))), "") << text;
    }
}
