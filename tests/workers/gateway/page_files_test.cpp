// The files of the built-in page, packed and unpacked.

#include "workers/gateway/page_files.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

constexpr PageFile files[] = {
    {"assets/main.js", "the code, at length"},
    {"assets/main.js.br", "[br]"},
    {"assets/main.js.gz", "[gz]"},
    {"assets/mark.svg", "<svg/>"},
};

HttpAnswer answer(const std::string& name, const std::string& accepted,
                  const std::string& known = "") {
    HttpAsk ask;
    ask.headers["accept-encoding"] = accepted;
    ask.headers["if-none-match"] = known;
    auto found = page_file_answer(files, ask, name, "application/javascript", "\r\nX-More: 1");
    EXPECT_TRUE(found) << name;
    return found ? *found : HttpAnswer();
}

bool has_line(const HttpAnswer& answer, const std::string& line) {
    return answer.head.find("\r\n" + line + "\r\n") != std::string::npos;
}

std::string quoted_tag(std::string_view content) {
    return "\"" + tag_of(content) + "\"";
}

TEST(PageFiles, AreSentInTheSmallestPackingThatTheClientTakes) {
    const HttpAnswer best = answer("assets/main.js", "gzip, deflate, br, zstd");
    EXPECT_EQ(best.content(), "[br]");
    EXPECT_TRUE(has_line(best, "Content-Encoding: br")) << best.head;
    EXPECT_TRUE(has_line(best, "Vary: Accept-Encoding")) << best.head;
    EXPECT_TRUE(has_line(best, "ETag: " + quoted_tag("[br]"))) << best.head;
    EXPECT_TRUE(has_line(best, "Content-Length: 4")) << best.head;
    EXPECT_TRUE(has_line(best, "Content-Type: application/javascript")) << best.head;
    EXPECT_TRUE(has_line(best, "X-More: 1")) << best.head;
    EXPECT_EQ(answer("assets/main.js", "gzip, deflate").content(), "[gz]");
    EXPECT_EQ(answer("assets/main.js", "br;q=0, GZIP;q=0.5").content(), "[gz]");
    for (const char* without :
         {"", "identity", "br;q=0", "brotli", "gzip;q=0.0, br;Q=0", "*", ",;"}) {
        const HttpAnswer plain = answer("assets/main.js", without);
        EXPECT_EQ(plain.content(), "the code, at length") << without;
        EXPECT_EQ(plain.head.find("Content-Encoding"), std::string::npos) << without;
        EXPECT_TRUE(has_line(plain, "Vary: Accept-Encoding")) << plain.head;
    }
    EXPECT_EQ(answer("assets/mark.svg", "br, gzip").content(), "<svg/>") << "not packed";
}

TEST(PageFiles, AreNotSentAgainToWhoHasThem) {
    const std::string tag = quoted_tag("[br]");
    const HttpAnswer known = answer("assets/main.js", "br", "\"other\", W/" + tag);
    EXPECT_EQ(known.status, 304);
    EXPECT_EQ(known.content(), "");
    EXPECT_EQ(known.head.find("Content-Length"), std::string::npos) << known.head;
    EXPECT_TRUE(has_line(known, "ETag: " + tag)) << known.head;
    // What it has is packed otherwise.
    EXPECT_EQ(answer("assets/main.js", "gzip", tag).status, 200);
    const std::string bare = tag_of("[br]");
    for (const std::string& unknown :
         {bare, "\"" + bare.substr(1) + "\"", "\"" + bare, std::string("*"), std::string(",,\"")})
        EXPECT_EQ(answer("assets/main.js", "br", unknown).status, 200) << unknown;
    EXPECT_NE(tag_of("a"), tag_of("b"));
}

TEST(PageFiles, HaveNoPackedNames) {
    HttpAsk ask;
    ask.headers["accept-encoding"] = "br";
    for (const char* name : {"assets/main.js.br", "assets/main.js.gz", "assets/main", "", ".br"})
        EXPECT_FALSE(page_file_answer(files, ask, name, "x", "")) << name;
}

}  // namespace
}  // namespace gateway
