// Images and documents at public addresses, for the agent.

#include "workers/tools/media_fetch.h"

#include <gtest/gtest.h>

#include "tests/support/model_double.h"

namespace tools {

namespace {

class Media : public testing::Test {
  protected:
    static bool wherever(const sockaddr&) { return true; }

    Outcome fetch(MediaFetch& media, Json arguments) {
        Outcome seen;
        media.start(1, arguments, [&](uint64_t, const Outcome& outcome) {
            seen = outcome;
            loop->stop(0);
        });
        loop->run();
        return seen;
    }
    Outcome fetch(Json more = Json::object()) {
        MediaFetch media(*loop, {{}, &Media::wherever});
        more["url"] = server.url() + "/a.png";
        return fetch(media, std::move(more));
    }
    static std::string why(const Outcome& outcome) {
        return outcome.is_error ? text_member(outcome.content.at(0), "text") : "";
    }
    static std::string fault(const Outcome& outcome) {
        return text_member(outcome.details, "fault");
    }
    static ModelReply file(const std::string& body, const std::string& type) {
        ModelReply reply;
        reply.body = body;
        reply.content_type = type;
        return reply;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    ModelDouble server;
};

}  // namespace

TEST_F(Media, ComeAsBase64WithTheirType) {
    server.next(file("hi", "Image/PNG ; x=y"));
    const Outcome outcome = fetch();
    EXPECT_FALSE(outcome.is_error);
    EXPECT_EQ(print_json(outcome.content),
              R"([{"type":"media","mimeType":"image/png","data":"aGk="}])");
}

TEST_F(Media, AreReadFromPublicAddressesOnly) {
    MediaFetch media(*loop, {});
    EXPECT_NE(why(fetch(media, Json{{"url", server.url() + "/a.png"}})), "");
    EXPECT_NE(why(fetch(media, Json{{"url", "http://metadata.internal/"}})), "");
    EXPECT_NE(why(fetch(media, Json{{"url", "file:///etc/passwd"}})), "");
    EXPECT_EQ(server.connections(), 0u);
}

TEST_F(Media, KeepTheLimitsOfWhoAsks) {
    server.next(file(std::string(2000, 'x'), "image/png"));
    EXPECT_NE(why(fetch({{"maxBytes", 1000}})), "");
    server.always([] {
        ModelReply moved = file("moved", "text/html\r\nlocation: /again");
        moved.status = 302;
        return moved;
    }());
    EXPECT_EQ(why(fetch({{"maxRedirects", 0}})), "it is redirected too often");
    const size_t before = server.requests().size();
    EXPECT_EQ(why(fetch({{"maxRedirects", 2}})), "it is redirected too often");
    EXPECT_EQ(server.requests().size() - before, 3u);
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    server.always(silent);
    EXPECT_EQ(why(fetch({{"timeoutMs", 20}})), "it took longer than 1 s");
    ModelReply missing = file("no", "text/plain");
    missing.status = 404;
    server.always(missing);
    EXPECT_EQ(why(fetch()), "the server answered with status 404");
}

TEST_F(Media, TellWhetherAnotherTryIsWorthIt) {
    server.next(file(std::string(2000, 'x'), "image/png"));
    EXPECT_EQ(fault(fetch({{"maxBytes", 1000}})), "bad_message");
    ModelReply answer = file("no", "text/plain");
    answer.status = 404;
    server.next(answer);
    EXPECT_EQ(fault(fetch()), "bad_message");
    answer.status = 502;
    server.next(answer);
    EXPECT_EQ(fault(fetch()), "unreachable");
    MediaFetch guarded(*loop, {});
    EXPECT_EQ(fault(fetch(guarded, Json{{"url", server.url() + "/a.png"}})), "bad_message");
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    server.always(silent);
    EXPECT_EQ(fault(fetch({{"timeoutMs", 20}})), "timed_out");
}

TEST_F(Media, AreLetGoOfWhenNobodyWaits) {
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    server.always(silent);
    MediaFetch media(*loop, {{}, &Media::wherever});
    bool ended = false;
    const auto note = [&](uint64_t, const Outcome&) { ended = true; };
    for (uint64_t call = 1; call <= MediaFetch::most_at_once; ++call)
        media.start(call, Json{{"url", server.url()}}, note);
    EXPECT_FALSE(ended);
    media.start(9, Json{{"url", server.url()}}, note);
    EXPECT_TRUE(std::exchange(ended, false)) << "one too many";
    media.cancel(1);
    media.start(9, Json{{"url", server.url()}}, note);
    EXPECT_FALSE(ended) << "its place was free";
    media.cancel_all();
    EXPECT_FALSE(ended);
}

}  // namespace tools
