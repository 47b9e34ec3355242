// The Control UI: its paths, what is written into the page, the policy it is served under.

#include "workers/gateway/control_ui.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

UiTarget target(const std::string& path, const std::string& base = "") {
    HttpAsk ask;
    ask.path = path;
    ask.query["session"] = "a b";
    ask.query_token = Secret("s&c");
    return ui_target(ask, base);
}

// "file index.html route"
std::string shown(const UiTarget& target) {
    const char* const kinds[] = {"nothing", "redirect", "file", "avatar"};
    return std::string(kinds[static_cast<int>(target.what)]) + " " + target.name +
           (target.may_be_route ? " route" : "");
}

TEST(ControlUi, FindsFilesAndRoutes) {
    EXPECT_EQ(shown(target("/")), "file index.html");
    EXPECT_EQ(shown(target("")), "file index.html");
    EXPECT_EQ(shown(target("/chat")), "file chat route");
    EXPECT_EQ(shown(target("/favicon.ico")), "file favicon.ico");
    EXPECT_EQ(shown(target("/assets/main.js")), "file assets/main.js");
    EXPECT_EQ(shown(target("/some/route/assets/main.js")), "file assets/main.js");
    EXPECT_EQ(shown(target("/assets/x")), "file assets/x");
    EXPECT_EQ(shown(target("/uix")), "file uix route");
    for (const char* bad : {"/../etc/passwd", "/a/../../b", "/..", "/ui", "/ui/", "/ui/chat"})
        EXPECT_EQ(target(bad).what, UiTarget::What::nothing) << bad;
    EXPECT_EQ(target(std::string("/a\0b", 4)).what, UiTarget::What::nothing);
}

TEST(ControlUi, KeepsToItsBasePath) {
    EXPECT_EQ(shown(target("/ui", "/ui")), "redirect /ui/?token=s%26c&session=a%20b");
    EXPECT_EQ(shown(target("/ui/", "/ui")), "file index.html");
    EXPECT_EQ(shown(target("/ui/assets/a.js", "/ui")), "file assets/a.js");
    EXPECT_EQ(shown(target("/ui/avatar/main", "/ui")), "avatar main");
    for (const char* other : {"/", "/uix", "/avatar/main", "/assets/a.js"})
        EXPECT_EQ(target(other, "/ui").what, UiTarget::What::nothing) << other;
    EXPECT_EQ(normal_base_path("ui/"), "/ui");
    EXPECT_EQ(normal_base_path("//ui//"), "/ui");
    EXPECT_EQ(normal_base_path("/"), "");
}

TEST(ControlUi, TakesAgentsByTheirIdOnly) {
    EXPECT_EQ(shown(target("/avatar/main")), "avatar main");
    EXPECT_EQ(shown(target("/avatar/a_b-1")), "avatar a_b-1");
    for (const std::string bad : {"", "-a", "A", "a/b", "a.png", "%41"})
        EXPECT_EQ(target("/avatar/" + bad).what, UiTarget::What::nothing) << bad;
    EXPECT_EQ(target("/avatar/" + std::string(65, 'a')).what, UiTarget::What::nothing);
}

TEST(ControlUi, WritesGlobalsThatCannotLeaveTheirScript) {
    const std::string page =
        with_globals("<head></head><body>", {"/ui", "Bob</script><script>x", "\"\\\xE2\x80\xA8"});
    EXPECT_EQ(page.rfind("<head><script>window.__OPENCLAW_CONTROL_UI_BASE_PATH__=\"/ui\";", 0), 0u);
    EXPECT_NE(page.find("NAME__=\"Bob\\u003c/script>\\u003cscript>x\";"), std::string::npos);
    EXPECT_EQ(page.find("</script>"), page.rfind("</script>")) << page;
    EXPECT_TRUE(page.ends_with("</script></head><body>"));
    EXPECT_EQ(with_globals(page, {}), page) << "once only";
    EXPECT_EQ(with_globals("no head", {}), "no head");
    const std::vector<std::string> scripts = inline_scripts(page + "<script src=x></script>");
    ASSERT_EQ(scripts.size(), 1u);
    EXPECT_EQ(scripts[0].rfind("window.", 0), 0u);
}

TEST(ControlUi, ServesUnderAStrictPolicy) {
    const std::string own = ui_headers("gate.example:3000", {"alert(1)"}, UiBuild::built_in);
    EXPECT_NE(own.find("default-src 'none'; script-src 'self' "
                       "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; style-src 'self'; "
                       "img-src 'self' data:; connect-src 'self' ws://gate.example:3000 "
                       "wss://gate.example:3000;"),
              std::string::npos)
        << own;
    EXPECT_EQ(ui_headers("x; script-src *", {}, UiBuild::built_in).find("script-src *"),
              std::string::npos);
    EXPECT_NE(ui_headers("h", {}, UiBuild::owners).find("style-src 'self' 'unsafe-inline'"),
              std::string::npos);
}

}  // namespace
}  // namespace gateway
