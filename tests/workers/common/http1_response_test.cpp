#include "workers/common/http1_response.h"

#include <gmock/gmock.h>

namespace {

using testing::HasSubstr;

struct Reading {
    explicit Reading(bool is_head = false)
        : response(is_head, [this](const Http1Head&, std::string_view bytes) {
              body += bytes;
              return Done();
          }) {}
    std::string body;
    Http1Response response;
};

TEST(Http1Response, ReadsACountedBody) {
    Reading reading;
    EXPECT_TRUE(
        reading.response.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello"));
    EXPECT_TRUE(reading.response.is_complete());
    EXPECT_TRUE(reading.response.keeps_alive());
    EXPECT_EQ(reading.body, "hello");
    EXPECT_EQ(reading.response.head().status, 200);
    EXPECT_EQ(reading.response.head().header("x-a"), "b");
}

TEST(Http1Response, ReadsTheSameByteByByte) {
    const std::string text =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: x\r\n\r\n";
    Reading reading;
    for (const char c : text) {
        EXPECT_FALSE(reading.response.is_complete());
        ASSERT_TRUE(reading.response.feed(std::string_view(&c, 1)));
    }
    EXPECT_TRUE(reading.response.is_complete());
    EXPECT_TRUE(reading.response.keeps_alive());
    EXPECT_EQ(reading.body, "Wikipedia");
}

TEST(Http1Response, KnowsAnswersWithoutABody) {
    Reading no_content;
    EXPECT_TRUE(no_content.response.feed("HTTP/1.1 204 No Content\r\n\r\n"));
    EXPECT_TRUE(no_content.response.is_complete());
    EXPECT_TRUE(no_content.response.keeps_alive());
    Reading to_head(true);
    EXPECT_TRUE(to_head.response.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
    EXPECT_TRUE(to_head.response.is_complete());
}

TEST(Http1Response, PassesInterimAnswersOver) {
    Reading reading;
    EXPECT_TRUE(
        reading.response.feed("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\n"
                              "Content-Length: 0\r\n\r\n"));
    EXPECT_TRUE(reading.response.is_complete());
    EXPECT_EQ(reading.response.head().status, 201);
    EXPECT_EQ(reading.response.head().header("link"), "");
}

TEST(Http1Response, TakesABodyWithoutLengthUntilTheEnd) {
    Reading reading;
    EXPECT_TRUE(reading.response.feed("HTTP/1.1 200 OK\r\n\r\nall of it"));
    EXPECT_FALSE(reading.response.is_complete());
    EXPECT_TRUE(reading.response.end_of_stream());
    EXPECT_TRUE(reading.response.is_complete());
    EXPECT_FALSE(reading.response.keeps_alive());
    EXPECT_EQ(reading.body, "all of it");
}

TEST(Http1Response, RefusesAnAnswerThatIsCutShort) {
    Reading reading;
    EXPECT_TRUE(reading.response.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    ASSERT_FALSE(reading.response.end_of_stream());
    EXPECT_EQ(reading.response.end_of_stream().error().fault, Fault::unreachable);
}

TEST(Http1Response, EndsTheConnectionWhenAsked) {
    Reading close;
    EXPECT_TRUE(close.response.feed(
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(close.response.keeps_alive());
    Reading old;
    EXPECT_TRUE(old.response.feed("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_FALSE(old.response.keeps_alive());
    Reading more;
    EXPECT_TRUE(more.response.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 "));
    EXPECT_TRUE(more.response.is_complete());
    EXPECT_FALSE(more.response.keeps_alive());
}

TEST(Http1Response, RefusesWhatIsNoHttp) {
    const char* const texts[] = {
        "SSH-2.0-x\r\n",
        "HTTP/1.1 abc\r\n",
        "HTTP/2 200 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n",
        "HTTP/1.1 200 OK\r\nname : x\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    };
    for (const char* text : texts) {
        Reading reading;
        const Done done = reading.response.feed(text);
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().fault, Fault::bad_message) << text;
    }
    Reading endless;
    const Done done = endless.response.feed("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().what, HasSubstr("too large"));
}

TEST(Http1Response, PassesOnWhyTheBodyIsNotTaken) {
    Http1Response response(false, [](const Http1Head&, std::string_view) -> Done {
        return Error{Fault::out_of_room, "full"};
    });
    const Done done = response.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::out_of_room);
}

}  // namespace
