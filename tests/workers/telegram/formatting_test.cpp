#include "workers/telegram/formatting.h"

#include <gmock/gmock.h>

#include "tests/support/telegram_html.h"

namespace telegram {

namespace {

std::string html(const char* markdown) {
    return format_markdown(markdown).html;
}

}  // namespace

TEST(Formatting, WritesWhatTelegramKnows) {
    EXPECT_EQ(html("**bold** *it* ~~old~~ `x<y`"),
              "<b>bold</b> <i>it</i> <s>old</s> <code>x&lt;y</code>");
    EXPECT_EQ(html("see [this](https://a.example/?a=1&b=\"2\")"),
              "see <a href=\"https://a.example/?a=1&amp;b=&quot;2&quot;\">this</a>");
    EXPECT_EQ(html("[no](javascript:x)"), "no");
    EXPECT_EQ(html("```cpp\nint a<b>;\n```"),
              "<pre><code class=\"language-cpp\">int a&lt;b&gt;;</code></pre>");
}

TEST(Formatting, MakesPlainLinesOfWhatItDoesNotKnow) {
    EXPECT_EQ(html("# Title\n\ntext\nnext\n\n> quoted"), "Title\n\ntext\nnext\n\nquoted");
    EXPECT_EQ(html("- a\n- b\n  - c\n\nend"), "• a\n• b\n  • c\n\nend");
    EXPECT_EQ(html("3. a\n4. b"), "3. a\n4. b");
    EXPECT_EQ(html("a <b>tag</b> & more"), "a &lt;b&gt;tag&lt;/b&gt; &amp; more");
    EXPECT_EQ(html("![cat](https://a.example/c.png)"),
              "<a href=\"https://a.example/c.png\">cat</a>");
}

TEST(Formatting, DrawsTablesAsCode) {
    EXPECT_EQ(html("| a | bb |\n|---|---|\n| ccc | **d** |\n\nend"),
              "<pre>a   | bb\n----+---\nccc | d</pre>\n\nend");
}

TEST(Formatting, CountsWhatIsShown) {
    const Formatted formatted = format_markdown("**😀** &amp; `b`");
    EXPECT_EQ(formatted.html, "<b>😀</b> &amp; <code>b</code>");
    EXPECT_EQ(formatted.units, telegram_units("😀 & b"));
}

TEST(Formatting, IsTakenByTelegramWhateverTheTextIs) {
    for (const char* text :
         {"**a *b** c*", "`a **b` c**", "***", "[a](b", "![](x)", "> - ```\n> x", "~~~\n<",
          "| a |\n|--", "<a href=\"x\">", "&lt;&bogus;&#0;", "* * *\n- - -", "**a\n\nb**",
          "[**a](https://b)**", "_a_b_ __c__", "1.\n2.", "\\*a\\*", "\x01\x02"}) {
        const Formatted formatted = format_markdown(text);
        const TelegramText read = read_telegram_html(formatted.html);
        EXPECT_EQ(read.error, "") << text << " -> " << formatted.html;
        EXPECT_EQ(telegram_units(read.text), formatted.units) << text;
    }
}

TEST(Formatting, EndsOnlyWhatHasBegun) {
    for (const char* text : {"[d](https://.**)fea** x", "** a *b* [d](https://.**)fea** *c*"})
        EXPECT_EQ(read_telegram_html(format_markdown(text).html).error, "") << text;
}

TEST(Formatting, SendsTheTextItselfWhenTheHtmlWouldNotDo) {
    const Sendable table = sendable("| a | b |\n|---|---|\n| c | d |", 8);
    EXPECT_FALSE(table.is_html);
    const Sendable comment = sendable("[x]: https://a.example", 4096);
    EXPECT_FALSE(comment.is_html) << "a link that is only defined shows nothing";
    EXPECT_EQ(comment.text, "[x]: https://a.example");
    EXPECT_TRUE(sendable("plain", 4096).is_html);
}

TEST(Formatting, DividesLongTextsSoThatEachPieceFits) {
    std::string text = "```js\n";
    for (int i = 0; i < 900; ++i) text += "line " + std::to_string(i) + ";\n";
    text += "```\n\nend";
    const std::vector<std::string> pieces = pieces_of(text, 4000, false);
    ASSERT_GT(pieces.size(), 2u);
    for (const std::string& piece : pieces) {
        const Sendable sent = sendable(piece, longest_text);
        ASSERT_TRUE(sent.is_html);
        const TelegramText read = read_telegram_html(sent.text);
        EXPECT_EQ(read.error, "");
        EXPECT_LE(telegram_units(read.text), 4096u);
    }
    EXPECT_EQ(pieces, pieces_of(text, 4000, false));
}

}  // namespace telegram
