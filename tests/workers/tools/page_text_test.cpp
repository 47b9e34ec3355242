#include "workers/tools/page_text.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tools {

TEST(PageText, ShowsWhatAReaderSees) {
    const std::string page =
        "<!doctype html><html><head><title>A &amp; B</title><style>p{}</style></head><body>"
        "<!-- hidden --><h1>Head</h1><p>One <b>two</b>&nbsp;three</p><script>evil('</p>')</script>"
        "<ul><li>first<li><a href=\"https://x.example/y\">link</a></ul></body></html>";
    EXPECT_EQ(page_text(page, PageStyle::markdown),
              "# Head\n\nOne two three\n\n- first\n- [link](https://x.example/y)");
    EXPECT_EQ(page_text(page, PageStyle::text), "Head\n\nOne two three\n\nfirst\nlink");
    EXPECT_EQ(page_title(page), "A & B");
}

TEST(PageText, ReadsCharactersByNumber) {
    EXPECT_EQ(page_text("&#65;&#x42;&#8364;&bogus;&#0;", PageStyle::text),
              "AB€&bogus;\xef\xbf\xbd");
}

TEST(PageText, TakesBrokenPages) {
    for (const char* page : {"<", "<<<<", "<a", "<a href='", "<!--", "<script>", "</", "a < b",
                             "<title", "<title>", "&", "&#", "&#x;", "<a href=>x</a>", "<a =x>y"})
        (void)page_text(page, PageStyle::markdown), (void)page_title(page);
    EXPECT_EQ(page_text("1 < 2 and 3", PageStyle::text), "1 < 2 and 3");
}

TEST(PageText, TakesTimeLinearToThePage) {
    std::string page;
    for (int index = 0; index < 300'000; ++index) page += "<<a ";
    const auto begin = std::chrono::steady_clock::now();
    (void)page_text(page, PageStyle::markdown);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace tools
