#include "workers/voice/spoken_text.h"

#include <gtest/gtest.h>

namespace voice {

TEST(SpokenText, HasNoSignsForTheEye) {
    struct Row {
        const char* written;
        const char* spoken;
    };
    const Row rows[] = {
        {"Hello there.", "Hello there."},
        {"**Bold** and *it* and `code`", "Bold and it and code"},
        {"# Title\n\nText", "Title. Text"},
        {"- one\n- two\n+ three", "one. two. three"},
        {"1. first\n2. second", "1. first. 2. second"},
        {"See [the page](https://example.com/a_b).", "See the page."},
        {"See https://example.com/x now", "See  now"},
        {"![picture](https://example.com/a.png)", "picture"},
        {"a\n---\nb", "a. b"},
        {"```\ncode\n```", "code"},
        {"Fine \xF0\x9F\x98\x80!", "Fine !"},
        {"What? Yes!\nGood", "What? Yes! Good"},
        {"snake_case stays, 2*3 does not", "snake_case stays, 23 does not"},
        {"\x01\x02", ""},
        {"", ""},
    };
    for (const Row& row : rows) EXPECT_EQ(spoken_text(row.written), row.spoken) << row.written;
}

TEST(SpokenText, EndsWithASentenceWhenItIsTooLong) {
    std::string text;
    while (text.size() < longest_speech + 500) text += "One more sentence. ";
    const std::string spoken = spoken_text(text);
    EXPECT_LE(spoken.size(), longest_speech);
    EXPECT_EQ(spoken.back(), '.');
    std::string letters;
    while (letters.size() < longest_speech + 500) letters += "\xC3\xBC";
    EXPECT_EQ(spoken_text(letters).size() % 2, 0u) << "no half of a letter";
}

TEST(XmlText, CannotLeaveItsElement) {
    EXPECT_EQ(xml_text("</Say><Dial>+1900</Dial> & \"x\" 'y' \x01"),
              "&lt;/Say&gt;&lt;Dial&gt;+1900&lt;/Dial&gt; &amp; &quot;x&quot; &apos;y&apos;  ");
}

}  // namespace voice
