// Pieces for platforms: limits, places to break, fences, characters.

#include "workers/common/channel/chunking.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/chunk_rules.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Pieces = std::vector<std::string>;

std::string repeated(std::string_view text, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i) all += text;
    return all;
}

std::vector<size_t> sizes(const Pieces& pieces) {
    std::vector<size_t> all;
    for (const std::string& piece : pieces) all.push_back(piece.size());
    return all;
}

std::vector<size_t> line_counts(const Pieces& pieces) {
    std::vector<size_t> all;
    for (const std::string& piece : pieces)
        all.push_back(static_cast<size_t>(std::count(piece.begin(), piece.end(), '\n')) + 1);
    return all;
}

constexpr ChunkLimits discord{2000, 17};

}  // namespace

TEST(Chunking, LeavesATextThatFitsAsItIs) {
    EXPECT_THAT(chunk_text("  hello\n\nworld \n", {}), ElementsAre("  hello\n\nworld \n"));
}

TEST(Chunking, MakesNoPieceOfBlanks) {
    EXPECT_THAT(chunk_text("", {}), IsEmpty());
    EXPECT_THAT(chunk_text(" \n\t\n", {}), IsEmpty());
    EXPECT_THAT(chunk_text(repeated(" \n", 5000), {}), IsEmpty());
}

TEST(Chunking, CutsALongWordAtTheLimit) {
    EXPECT_THAT(sizes(chunk_text(repeated("x", 4100), discord)), ElementsAre(2000, 2000, 100));
}

TEST(Chunking, KeepsALimitOfLines) {
    EXPECT_THAT(line_counts(chunk_text(repeated("x\n", 40), discord)), ElementsAre(17, 17, 6));
}

TEST(Chunking, ClosesAFenceAndOpensItAgain) {
    const Pieces pieces = chunk_text("```js\n" + repeated("x\n", 30) + "```", discord);
    EXPECT_THAT(line_counts(pieces), ElementsAre(17, 17));
    for (const std::string& piece : pieces) {
        EXPECT_TRUE(piece.starts_with("```js\nx\n")) << piece;
        EXPECT_TRUE(piece.ends_with("\nx\n```")) << piece;
    }
}

TEST(Chunking, ReopensWithTheMarkerAndLanguageOfItsFence) {
    EXPECT_THAT(chunk_text("~~~~ python\nfirst line of code\nsecond line of it\n~~~~", {48}),
                ElementsAre("~~~~ python\nfirst line of code\n~~~~",
                            "~~~~ python\nsecond line of it\n~~~~"));
}

TEST(Chunking, MakesNoEmptyBlockOfAClosingLineThatDidNotFit) {
    // The longer closing line is the one byte too many.
    EXPECT_THAT(chunk_text("```\n0123456789\n012345678\n`````\nafter", {28}),
                ElementsAre("```\n0123456789\n012345678\n```", "after"));
}

TEST(Chunking, BreaksBeforeAFenceThatBeginsLate) {
    EXPECT_THAT(chunk_text("Some words to begin with.\n```\ncode one\ncode two\n```", {40}),
                ElementsAre("Some words to begin with.", "```\ncode one\ncode two\n```"));
}

TEST(Chunking, KeepsBlankLinesAndIndentationOfCode) {
    EXPECT_THAT(chunk_text("```\na = 1\n\n    b = 2\n    c = 3\n```", {28}),
                ElementsAre("```\na = 1\n\n    b = 2\n```", "```\n    c = 3\n```"));
}

TEST(Chunking, CutsALineOfCodeThatIsTooLong) {
    EXPECT_THAT(
        chunk_text("```\n" + repeated("x", 50) + "\n```", {40}),
        ElementsAre("```\n" + repeated("x", 32) + "\n```", "```\n" + repeated("x", 18) + "\n```"));
}

TEST(Chunking, LeavesAnUnfinishedFenceOpenAtTheVeryEnd) {
    EXPECT_THAT(chunk_text("```\nfirst line of code\nsecond line of code", {32}),
                ElementsAre("```\nfirst line of code\n```", "```\nsecond line of code"));
}

TEST(Chunking, TakesCodeInASentenceForNoFence) {
    EXPECT_THAT(chunk_text("```code``` here\nmore words", {20}),
                ElementsAre("```code``` here", "more words"));
}

TEST(Chunking, TakesAnOpeningLineTooLongForTheLimitAsText) {
    const std::string marker = repeated("`", 50);
    const Pieces pieces = chunk_text(marker + "\ncode\n" + marker, {60});
    EXPECT_THAT(pieces, ElementsAre(marker + "\ncode", marker));
}

TEST(Chunking, PrefersParagraphsThenLinesThenSentencesThenWords) {
    EXPECT_THAT(chunk_text("One two three.\n\nFour five.\nSix seven eight.", {28}),
                ElementsAre("One two three.", "Four five.\nSix seven eight."));
    EXPECT_THAT(chunk_text("One two three.\nFour five. Six seven eight.", {28}),
                ElementsAre("One two three.", "Four five. Six seven eight."));
    EXPECT_THAT(chunk_text("One two three four. Five six seven eight.", {30}),
                ElementsAre("One two three four.", "Five six seven eight."));
    EXPECT_THAT(chunk_text("One two three four five six seven.", {21}),
                ElementsAre("One two three four", "five six seven."));
}

TEST(Chunking, TakesAWorsePlaceBeforeAPieceThatIsLessThanHalfFull) {
    EXPECT_THAT(chunk_text("Hi.\n\nOne two three four five six", {20}),
                ElementsAre("Hi.\n\nOne two three", "four five six"));
}

TEST(Chunking, BreaksAfterAFullStopOfAScriptWithoutBlanks) {
    EXPECT_THAT(chunk_text("今日は良い天気です。明日も晴れるでしょう。", {15}),
                ElementsAre("今日は良い天気です。", "明日も晴れるでしょう。"));
}

TEST(Chunking, KeepsTheIndentationOfAListItem) {
    EXPECT_THAT(chunk_text("- first item\n  - second item\n  - third item", {30}),
                ElementsAre("- first item\n  - second item", "  - third item"));
}

TEST(Chunking, CountsWhatThePlatformCounts) {
    const std::string smiles = repeated("😀", 10);  // four bytes, two units of UTF-16
    EXPECT_THAT(chunk_text(smiles, {10, 0, ChunkMode::length, Measure::utf16_units}), SizeIs(2));
    EXPECT_THAT(chunk_text(smiles, {10, 0, ChunkMode::length, Measure::code_points}), SizeIs(1));
    EXPECT_THAT(chunk_text(smiles, {10, 0, ChunkMode::length, Measure::bytes}), SizeIs(5));
}

TEST(Chunking, NeverCutsACharacter) {
    EXPECT_THAT(chunk_text("aa😀😀", {5}), ElementsAre("aa😀", "😀"));
    EXPECT_THAT(chunk_text("😀😀", {1}), ElementsAre("😀", "😀"));
}

TEST(Chunking, KeepsTogetherWhatIsShownAsOne) {
    const std::string family = "👨‍👩‍👧";  // three people and two joiners: eight units
    const std::string flag = "🇩🇪";
    EXPECT_THAT(chunk_text(repeated("x", 30) + family, {36}),
                ElementsAre(repeated("x", 30), family));
    EXPECT_THAT(chunk_text(repeated("x", 14) + flag + "y", {16}),
                ElementsAre(repeated("x", 14), flag + "y"));
    EXPECT_THAT(chunk_text(repeated("x", 15) + "e\u0301", {16}),
                ElementsAre(repeated("x", 15), "e\u0301"));
}

TEST(Chunking, LeavesBytesThatAreNoUtf8AsTheyAre) {
    EXPECT_THAT(chunk_text("\xff\xfe\xe2\x82", {2}), ElementsAre("\xff\xfe", "\xe2\x82"));
}

TEST(Chunking, GivesEachParagraphItsPieceInNewlineMode) {
    const std::string text = "One.\nStill one.\n\nTwo.\n\n\n```\na\n\nb\n```\n \nThree.";
    EXPECT_THAT(chunk_text(text, {4000, 0, ChunkMode::newline}),
                ElementsAre("One.\nStill one.", "Two.", "```\na\n\nb\n```", "Three."));
}

TEST(Chunking, DividesAParagraphThatIsTooLongInNewlineMode) {
    EXPECT_THAT(chunk_text("One two three\n\nfour", {8, 0, ChunkMode::newline}),
                ElementsAre("One two", "three", "four"));
}

TEST(Chunking, ReadsTheNamesOfItsModes) {
    EXPECT_EQ(chunk_mode("newline"), ChunkMode::newline);
    EXPECT_EQ(chunk_mode("length"), ChunkMode::length);
    EXPECT_EQ(chunk_mode(""), ChunkMode::length);
}

TEST(Chunking, TakesALongTextInTimeThatGrowsWithIt) {
    for (const std::string& line : {std::string("```\n"), std::string("x"), std::string(" \n"),
                                    std::string("* "), std::string("é"), std::string("\n\n")}) {
        const Pieces pieces = chunk_text(repeated(line, 20'000), {4000, 17});
        EXPECT_EQ(test::broken_rule(repeated(line, 20'000), {4000, 17}, pieces), "");
    }
}

TEST(Chunking, KeepsItsRulesForTextsMadeAtRandom) {
    const std::vector<std::string> parts = {
        "a", "word ", "Sentence. ", "\n", "\n\n",    "```",  "```js",           "~~~", "    ",
        "😀", "é",     "🇩🇪",         "。", "\n```\n", "\r\n", "long_name_of_it", "\t"};
    std::mt19937 random(7);
    const auto pick = [&](size_t from, size_t to) {
        return std::uniform_int_distribution<size_t>(from, to)(random);
    };
    for (int round = 0; round < 4'000; ++round) {
        std::string text;
        for (size_t i = pick(0, 60); i > 0; --i) text += parts[pick(0, parts.size() - 1)];
        const ChunkLimits limits{pick(1, 80), pick(0, 8),
                                 pick(0, 1) ? ChunkMode::newline : ChunkMode::length,
                                 static_cast<Measure>(pick(0, 2))};
        const Pieces pieces = chunk_text(text, limits);
        ASSERT_EQ(test::broken_rule(text, limits, pieces), "")
            << "characters " << limits.characters << " lines " << limits.lines << "\n"
            << text;
    }
}
