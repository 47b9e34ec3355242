// A turn in which the model asks for tools.

#include <gmock/gmock.h>

#include <set>

#include "tests/workers/agent/support.h"
#include "workers/agent/tool_arguments.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ToolRuns : public testing::Test {
  protected:
    ToolRuns() { begin(); }
    void begin() {
        life = std::make_unique<Life>(
            directory.path(), loop, Json{{"agents", {{"defaults", {{"verboseDefault", "full"}}}}}});
        life->tools.offered = Json::array({{{"name", "exec"}}});
    }
    static Json call(const char* id, const char* command = "ls") {
        return Json{{"id", id}, {"name", "exec"}, {"arguments", {{"command", command}}}};
    }
    void end_tool(const std::string& text, bool is_error = false) {
        life->tools.last().listener->tool_ended(is_error ? tool_error(text) : tool_text(text));
        loop.settle();
    }
    std::vector<Json> messages() {
        const auto session = life->store->find({"main", "agent:main:main"});
        std::vector<Json> found;
        for (const Json& line : json_lines(
                 read_text(directory / "agents/main/sessions/" + (*session)->id() + ".jsonl")))
            if (text_member(line, "type") == "message") found.push_back(line["message"]);
        return found;
    }
    std::vector<std::string> roles() {
        std::vector<std::string> all;
        for (const Json& message : messages()) all.push_back(text_member(message, "role"));
        return all;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<Life> life;
};

}  // namespace

TEST_F(ToolRuns, GiveTheResultToTheModelAndEndWithItsAnswer) {
    life->send("main", "list", "r1");
    EXPECT_EQ(life->models.last().tools, life->tools.offered);
    life->models.last().ask_for("Let me look.", Json::array({call("c1")}));
    ASSERT_EQ(life->tools.calls.size(), 1u);
    EXPECT_EQ(life->tools.last().order.name, "exec");
    EXPECT_EQ(life->tools.last().order.caller.session_key, "agent:main:main");
    EXPECT_THAT(roles(), ElementsAre("user", "assistant")) << "on the disk before it runs";
    end_tool("file.txt");
    ASSERT_EQ(life->models.calls.size(), 2u);
    const Json& last = life->models.last().request.messages.back().json();
    EXPECT_EQ(text_member(last, "role"), "toolResult");
    EXPECT_EQ(text_member(last, "toolCallId"), "c1");
    life->models.last().finish("There is file.txt.");
    loop.settle();
    EXPECT_THAT(roles(), ElementsAre("user", "assistant", "toolResult", "assistant"));
    const Json& final = life->events.last("chat final")->payload;
    EXPECT_EQ(message_text(final["message"]), "There is file.txt.");
    EXPECT_EQ(life->events.count("agent tool start"), 1u);
    EXPECT_EQ(life->events.count("agent tool result"), 1u);
    const Json& result = life->events.last("agent tool result")->payload["data"];
    EXPECT_EQ(result["toolCallId"], "c1");
    EXPECT_EQ(result["isError"], false);
    EXPECT_EQ(result["result"]["content"][0]["text"], "file.txt");
}

TEST_F(ToolRuns, RunCallsOneAfterAnother) {
    life->send("main", "two", "r1");
    life->models.last().ask_for("", Json::array({call("c1", "a"), call("c2", "b")}));
    EXPECT_EQ(life->tools.calls.size(), 1u);
    end_tool("A");
    EXPECT_EQ(life->tools.calls.size(), 2u);
    EXPECT_EQ(text_member(life->tools.last().order.arguments, "command"), "b");
    EXPECT_EQ(life->models.calls.size(), 1u);
    end_tool("B", true);
    EXPECT_EQ(life->models.calls.size(), 2u);
    EXPECT_EQ(messages().back()["isError"], true);
}

// Two messages that are sent by calls of one id would be taken for one.
TEST_F(ToolRuns, GiveEachCallAnIdOfItsOwnWhereTheServerGivesNone) {
    life->send("main", "two", "r1");
    std::vector<std::string> ids;
    for (int round = 0; round < 2; ++round) {
        life->models.last().ask_for("", Json::array({call(""), call("")}));
        for (int i = 0; i < 2; ++i) {
            ids.push_back(life->tools.last().order.call_id);
            end_tool("done");
        }
    }
    EXPECT_THAT(ids, testing::Each(testing::StartsWith("call_")));
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4u);
    const std::vector<Json> written = messages();
    EXPECT_EQ(written[1]["content"][1]["id"], ids[0]) << "as a later process finds it";
    EXPECT_EQ(written[2]["toolCallId"], ids[0]);
}

TEST_F(ToolRuns, ShowWhatACommandWrites) {
    life->send("main", "x", "r1");
    life->models.last().ask_for("", Json::array({call("c1")}));
    life->tools.last().listener->tool_output("one\n");
    EXPECT_EQ(life->events.count("agent tool update"), 0u);
    loop.advance(Run::tool_update_every_ms);
    life->tools.last().listener->tool_output("two\n");
    ASSERT_EQ(life->events.count("agent tool update"), 1u);
    const auto* update = life->events.last("agent tool update");
    EXPECT_EQ(update->payload["data"]["partialResult"]["content"][0]["text"], "one\ntwo\n");
    EXPECT_TRUE(update->drop_if_slow);
}

TEST_F(ToolRuns, AreCancelledByAnAbortAndLeaveNoCallOpen) {
    life->send("main", "x", "r1");
    life->models.last().ask_for("", Json::array({call("c1"), call("c2")}));
    life->ask("chat.abort", {{"sessionKey", "main"}});
    loop.settle();
    EXPECT_TRUE(life->tools.calls[0]->cancelled);
    EXPECT_EQ(life->tools.calls.size(), 1u);
    EXPECT_THAT(roles(), ElementsAre("user", "assistant", "toolResult", "toolResult", "assistant"));
    EXPECT_EQ(life->events.count("chat aborted"), 1u);
    life->send("main", "again", "r2");
    EXPECT_EQ(life->models.calls.size(), 2u);
}

TEST_F(ToolRuns, NeverRunACommandTwice) {
    life->send("main", "pay", "r1");
    life->models.last().ask_for("", Json::array({call("c1", "pay")}));
    ASSERT_EQ(life->tools.calls.size(), 1u);
    // Killed while the command runs.
    life.reset();
    begin();
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    ASSERT_EQ(life->models.calls.size(), 1u);
    EXPECT_TRUE(life->tools.calls.empty());
    const Json& last = life->models.last().request.messages.back().json();
    EXPECT_EQ(text_member(last, "role"), "toolResult");
    EXPECT_TRUE(bool_member(last, "isError"));
    life->models.last().finish("It was interrupted.");
    loop.settle();
    EXPECT_EQ(life->events.count("chat final"), 1u);
}

TEST_F(ToolRuns, KeepTheResultOfACallDuringWhichTheConversationWasReadAgain) {
    life->send("main", "list", "r1");
    life->models.last().ask_for("", Json::array({call("c1"), call("c2")}));
    end_tool("A");
    life->store->release_memory();
    end_tool("B");
    std::vector<std::string> shown;
    for (const Message& message : life->models.last().request.messages)
        shown.push_back(text_member(message, "role") + " " + message_text(message));
    EXPECT_THAT(shown, ElementsAre("user list", "assistant ", "toolResult A", "toolResult B"));
}

TEST_F(ToolRuns, HaveABound) {
    life->send("main", "x", "r1");
    for (int round = 0; round < Run::most_tool_rounds; ++round) {
        life->models.last().ask_for("", Json::array({call(("c" + std::to_string(round)).c_str())}));
        end_tool("again");
    }
    life->models.last().ask_for("", Json::array({call("last")}));
    loop.settle();
    EXPECT_EQ(life->tools.calls.size(), static_cast<size_t>(Run::most_tool_rounds));
    ASSERT_NE(life->events.last("chat error"), nullptr);
    EXPECT_THAT(text_member(life->events.last("chat error")->payload, "errorMessage"),
                HasSubstr("without coming to an answer"));
}

TEST_F(ToolRuns, HaveOneTimeLimitForAllOfIt) {
    life->send("main", "x", "r1");
    life->models.last().ask_for("", Json::array({call("c1")}));
    loop.advance(599'000);
    end_tool("late");
    loop.advance(2'000);
    EXPECT_EQ(life->events.count("chat aborted"), 1u);
}

TEST_F(ToolRuns, DoNotRunWhatWasCutOff) {
    life->send("main", "x", "r1");
    life->models.last().listener->done(
        Json{{"role", "assistant"},
             {"content", Json::array({{{"type", "toolCall"},
                                       {"id", "c1"},
                                       {"name", "exec"},
                                       {"arguments", Json::object()}}})},
             {"stopReason", "length"},
             {"timestamp", 1}});
    loop.settle();
    EXPECT_TRUE(life->tools.calls.empty());
    EXPECT_EQ(life->events.count("chat final"), 1u);
}

TEST(ToolArguments, AreCheckedAgainstTheSchema) {
    const Json schema = *parse_json(R"({"type":"object","properties":{
        "path":{"type":"string"},"limit":{"type":"integer"},"kind":{"enum":["a","b"]},
        "list":{"type":"array","items":{"type":"string"}}},"required":["path"]})");
    const auto problem = [&](const char* arguments) {
        return argument_problem(schema, *parse_json(arguments));
    };
    EXPECT_EQ(problem(R"({"path":"x"})"), "");
    EXPECT_EQ(problem(R"({"path":"x","limit":3,"kind":"b","list":["y"],"more":1})"), "");
    EXPECT_EQ(problem(R"({"path":"x","limit":3.0})"), "");
    EXPECT_EQ(problem("{}"), "path is missing");
    EXPECT_EQ(problem(R"({"path":1})"), "path must be string");
    EXPECT_EQ(problem(R"({"path":"x","limit":3.5})"), "limit must be integer");
    EXPECT_EQ(problem(R"({"path":"x","limit":1e300})"), "limit must be integer");
    EXPECT_EQ(problem(R"({"path":"x","kind":"c"})"), "kind must be one of [\"a\",\"b\"]");
    EXPECT_EQ(problem(R"({"path":"x","list":["y",1]})"), "list[1] must be string");
    EXPECT_EQ(argument_problem(schema, Json::array()), "the arguments must be object");
}

}  // namespace agent
