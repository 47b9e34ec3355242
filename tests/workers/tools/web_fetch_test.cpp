#include "workers/tools/web_fetch.h"

#include <gtest/gtest.h>

#include "tests/support/model_double.h"

namespace tools {

namespace {

class Fetch : public testing::Test {
  protected:
    static bool anywhere(const sockaddr&) { return true; }

    Outcome fetch(const std::string& url, WebFetch& web, Json more = Json::object()) {
        more["url"] = url;
        Outcome seen;
        web.start(1, more, [&](uint64_t, const Outcome& outcome) {
            seen = outcome;
            loop->stop(0);
            done = true;
        });
        if (!std::exchange(done, false)) loop->run();
        done = false;
        return seen;
    }
    Outcome fetch(const std::string& url) {
        WebFetch web(*loop, {{}, &Fetch::anywhere});
        return fetch(url, web);
    }
    static std::string text(const Outcome& outcome) {
        return text_member(outcome.content.at(0), "text");
    }
    static ModelReply page(const std::string& body, const std::string& type = "text/html") {
        ModelReply reply;
        reply.body = body;
        reply.content_type = type;
        return reply;
    }
    static ModelReply redirect(const std::string& location) {
        ModelReply reply = page("moved", "text/html\r\nlocation: " + location);
        reply.status = 302;
        return reply;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    ModelDouble server;
    bool done = false;
};

}  // namespace

TEST_F(Fetch, ShowsAPageAsText) {
    server.next(page("<title>Hi</title><h1>Head</h1><p>Body &amp; soul"));
    const Outcome outcome = fetch(server.url() + "/a");
    EXPECT_FALSE(outcome.is_error);
    EXPECT_NE(text(outcome).find("# Hi\n\n"), std::string::npos);
    EXPECT_NE(text(outcome).find("# Head\n\nBody & soul"), std::string::npos);
    EXPECT_NE(text(outcome).find("not instructions"), std::string::npos);
}

TEST_F(Fetch, ConnectsToNoAddressThatIsNotPublic) {
    WebFetch web(*loop, {});
    EXPECT_TRUE(fetch(server.url() + "/", web).is_error);
    EXPECT_TRUE(
        fetch("http://[::ffff:127.0.0.1]:" + std::to_string(server.port()) + "/", web).is_error);
    EXPECT_TRUE(fetch("http://0x7f.1:" + std::to_string(server.port()) + "/", web).is_error);
    EXPECT_TRUE(fetch("http://2130706433:" + std::to_string(server.port()) + "/", web).is_error);
    EXPECT_EQ(server.connections(), 0u);
}

TEST_F(Fetch, IsNotLedAstrayByARedirect) {
    for (const char* target : {"file:///etc/passwd", "http://localhost/x", "gopher://x/",
                               "http://metadata.internal/", "http://user@x.example/"}) {
        server.next(redirect(target));
        EXPECT_TRUE(fetch(server.url() + "/r").is_error) << target;
    }
}

TEST_F(Fetch, FollowsAFewRedirects) {
    server.next(redirect("/b"));
    server.next(redirect("c?x=1"));
    server.next(page("plain", "text/plain"));
    const Outcome outcome = fetch(server.url() + "/a/a");
    EXPECT_NE(text(outcome).find("plain"), std::string::npos);
    EXPECT_EQ(server.requests().back().path, "/c?x=1");
    server.always(redirect("/again"));
    EXPECT_NE(text(fetch(server.url() + "/loop")).find("redirected too often"), std::string::npos);
}

TEST_F(Fetch, HasItsBounds) {
    server.next(page(std::string(6u << 20, 'x'), "text/plain"));
    EXPECT_TRUE(fetch(server.url() + "/large").is_error);
    server.next(
        page("\x7f"
             "ELF",
             "application/octet-stream"));
    EXPECT_NE(text(fetch(server.url() + "/binary")).find("it is no text"), std::string::npos);
    server.next(page(std::string(2000, 'y'), "text/plain"));
    WebFetch web(*loop, {{}, &Fetch::anywhere});
    const Outcome cut = fetch(server.url() + "/cut", web, {{"maxChars", 500}});
    EXPECT_NE(text(cut).find("[Cut off here.]"), std::string::npos);
    EXPECT_LT(text(cut).size(), 700u);
}

TEST_F(Fetch, KeepsAPageForAWhile) {
    server.always(page("once", "text/plain"));
    WebFetch web(*loop, {{}, &Fetch::anywhere});
    (void)fetch(server.url() + "/k", web);
    EXPECT_TRUE(bool_member(fetch(server.url() + "/k", web).details, "cached"));
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST(RedirectedUrl, IsWhatALocationMeans) {
    EXPECT_EQ(redirected("https://a.example/x/y?q", "z"), "https://a.example/x/z");
    EXPECT_EQ(redirected("https://a.example/x/y?q", "/z"), "https://a.example/z");
    EXPECT_EQ(redirected("https://a.example/x/y?q", "?r"), "https://a.example/x/y?r");
    EXPECT_EQ(redirected("https://a.example", "z"), "https://a.example/z");
    EXPECT_EQ(redirected("https://a.example/x", "//b.example/z"), "https://b.example/z");
    EXPECT_EQ(redirected("https://a.example/x", "http://b.example/"), "http://b.example/");
    EXPECT_EQ(redirected("https://a.example/x", "file:///x"), "");
}

}  // namespace tools
