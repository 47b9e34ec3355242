#include "workers/tools/mcp_server.h"

#include "tests/workers/tools/cell_bench.h"

namespace tools {

namespace {

// A server of two tools, as small as one can be. It talks beside the point, too.
constexpr const char* script = R"($| = 1; print "hello, I am no message\n";
while (<STDIN>) {
    my ($id) = /"id":(\d+)/;
    my $head = qq({"jsonrpc":"2.0","id":$id,);
    if (/"initialize"/) { print qq($head"result":{"protocolVersion":"2024-11-05"}}\n); }
    elsif (/"tools\/list"/ && !/cursor/) {
        print qq($head"result":{"tools":[{"name":"add one","description":"Adds.","inputSchema":{"type":"object"}}],"nextCursor":"2"}}\n);
    }
    elsif (/"tools\/list"/) { print qq($head"result":{"tools":[{"name":"crash"}]}}\n); }
    elsif (/"name":"crash"/) { exit 3; }
    elsif (/"tools\/call"/) { print qq($head"result":{"content":[{"type":"text","text":"called"}]}}\n); }
})";

// It says over and over that its tools have changed, and has two of one name.
constexpr const char* restless_script = R"($| = 1; my $lists = 0;
while (<STDIN>) {
    my ($id) = /"id":(\d+)/;
    my $head = qq({"jsonrpc":"2.0","id":$id,);
    if (/"initialize"/) { print qq($head"result":{"protocolVersion":"2024-11-05"}}\n); }
    elsif (/"tools\/list"/) {
        if (++$lists == 1) { print qq({"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n) for 1 .. 50; }
        print qq($head"result":{"tools":[{"name":"t$lists"},{"name":"t$lists"}]}}\n);
    }
})";

class Mcp : public CellBench {
  protected:
    McpServer server_of(const std::string& program) {
        hardshell::proto::StartCell cell = order("").cell;
        cell.clear_arguments();
        for (const std::string& argument : {std::string("perl"), std::string("-e"), program})
            cell.add_arguments(argument);
        return McpServer({*loop, cells, wall_ms,
                          [this] {
                              ++changes;
                              loop->stop(0);
                          }},
                         "my.server", cell);
    }
    Outcome ask(McpServer& server, const std::string& tool) {
        Outcome seen;
        bool done = false;
        const McpServer::Tool* found = server.find(tool);
        EXPECT_NE(found, nullptr) << tool;
        if (!found) return seen;
        server.call(7, *found, {{"x", 1}}, [&](const Outcome& outcome) {
            seen = outcome;
            done = true;
            loop->stop(0);
        });
        while (!done && !HasFailure()) loop->run();
        return seen;
    }
    void until_changes(int count) {
        while (changes < count && !HasFailure()) loop->run();
    }
    int changes = 0;
};

}  // namespace

TEST_F(Mcp, OffersToolsAndAnswersCalls) {
    McpServer server = server_of(script);
    server.start();
    until_changes(1);
    ASSERT_EQ(server.tools().size(), 2u);
    EXPECT_EQ(server.tools()[0].name, "my_server__add_one");
    EXPECT_EQ(text(ask(server, "my_server__add_one")), "called");
}

TEST_F(Mcp, IsStartedAgainAndOwesNobodyAnAnswer) {
    McpServer server = server_of(script);
    server.start();
    until_changes(1);
    const Outcome lost = ask(server, "my_server__crash");
    EXPECT_TRUE(lost.is_error);
    EXPECT_NE(text(lost).find("ended before it had answered"), std::string::npos);
    until_changes(3);
    EXPECT_EQ(text(ask(server, "my_server__add_one")), "called");
}

TEST_F(Mcp, ThatChangesItsToolsIsAskedForOneListAtATime) {
    McpServer server = server_of(restless_script);
    server.start();
    until_changes(2);
    ASSERT_EQ(server.tools().size(), 1u);
    EXPECT_EQ(server.tools()[0].name, "my_server__t2") << "asked twice";
}

TEST_F(Mcp, ThatWritesALineWithoutEndIsEnded) {
    McpServer server = server_of("print 'x' x (1 << 20) while 1");
    server.start();
    const auto look = loop->every(std::chrono::milliseconds(20), [&] { loop->stop(0); });
    while (server.is_running() && !HasFailure()) loop->run();
    EXPECT_TRUE(server.tools().empty());
}

TEST(McpOutcome, ShowsWhatAModelCanRead) {
    const auto result = parse_json(
        R"({"isError":true,"content":[{"type":"text","text":"a"},{"type":"image","data":"QQ==","mimeType":"image/png"},{"type":"resource","resource":{"uri":"x"}}]})");
    const Outcome outcome = mcp_outcome(*result);
    EXPECT_TRUE(outcome.is_error);
    ASSERT_EQ(outcome.content.size(), 3u);
    EXPECT_EQ(text_member(outcome.content[1], "mimeType"), "image/png");
    EXPECT_EQ(text_member(outcome.content[2], "type"), "text");
    EXPECT_EQ(text_member(mcp_outcome(nullptr).content.at(0), "text"), "(no output)");
}

}  // namespace tools
