#include "supervisor/log_text.h"

#include <gtest/gtest.h>

namespace supervisor {
namespace {

TEST(LogText, EscapesControlBytesAndBrokenText) {
    EXPECT_EQ(escape_control("plain\ttext"), "plain\ttext");
    EXPECT_EQ(escape_control("\x1b[31mred\r"), "\\x1b[31mred\\x0d");
    EXPECT_EQ(escape_control("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(escape_control("bad \xff\xc3"), "bad \\xff\\xc3");
    EXPECT_EQ(escape_control("\xc2\x9b"), "\\x9b");
    EXPECT_EQ(escape_control("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    EXPECT_EQ(escape_control("\x7f"), "\\x7f");
}

TEST(LogText, KnowsWhatNeedsNoEscapingAtEveryPlace) {
    for (int value = 0; value < 256; ++value)
        for (size_t place = 0; place < 20; ++place) {
            std::string text(20, 'a');
            text[place] = static_cast<char>(value);
            const bool plain = value == '\t' || (value >= 0x20 && value < 0x7f);
            EXPECT_EQ(is_plain(text), plain) << value << " at " << place;
        }
}

TEST(LogText, CutsBetweenCharacters) {
    EXPECT_EQ(whole_characters("abc", 5), 3u);
    EXPECT_EQ(whole_characters("abcdef", 5), 5u);
    EXPECT_EQ(whole_characters("abc\xe2\x80\xa6", 5), 3u);
    EXPECT_EQ(whole_characters("ab\xf0\x9f\x98\x80", 5), 2u);
    EXPECT_EQ(whole_characters("\x80\x80\x80\x80\x80\x80\x80", 5), 5u);  // no text: anywhere
}

TEST(LogText, WritesJsonStrings) {
    EXPECT_EQ(json_escaped("a\"b\\c\n\t\r\b\f\x01/\xc3\xbc"),
              "a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001/\xc3\xbc");
}

TEST(LogText, TakesTheLevelOff) {
    EXPECT_EQ(split_level("warn: full").level, "warn");
    EXPECT_EQ(split_level("warn: full").text, "full");
    EXPECT_EQ(split_level("warning: full").level, "info");
    EXPECT_EQ(split_level("error").text, "error");
    EXPECT_EQ(split_level("").level, "info");
}

}  // namespace
}  // namespace supervisor
