// Turns of a caller with functions of its own: the run ends with their call, and the caller comes
// back with what they came to. And what such a turn is shown for itself alone.

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ClientTools : public testing::Test {
  protected:
    ClientTools() { begin(); }
    void begin() {
        life = std::make_unique<Life>(directory.path(), loop);
        life->tools.offered = Json::array({{{"name", "exec"}}});
    }
    static Json function(const char* name) {
        return Json{{"name", name}, {"description", ""}, {"parameters", {{"type", "object"}}}};
    }
    static Json call_of(const char* name, const char* id) {
        return Json{{"id", id}, {"name", name}, {"arguments", {{"city", "Rome"}}}};
    }
    std::shared_ptr<std::vector<Answer>> ask(Json more, const char* run_id = "r1") {
        Json params{{"message", "hi"}, {"idempotencyKey", run_id}};
        for (auto& [name, value] : more.items()) params[name] = std::move(value);
        auto answers = life->call("agent", params);
        loop.settle();
        return answers;
    }
    static Json payload_of(const std::vector<Answer>& answers) {
        return Json::parse(answers.back().payload_json);
    }
    std::vector<std::string> roles(const char* key = "agent:main:main") {
        const auto session = life->store->find({"main", key});
        std::vector<std::string> found;
        for (const Json& line : json_lines(
                 read_text(directory / "agents/main/sessions/" + (*session)->id() + ".jsonl")))
            if (text_member(line, "type") == "message")
                found.push_back(text_member(line["message"], "role"));
        return found;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<Life> life;
};

}  // namespace

TEST_F(ClientTools, EndTheRunWithTheirCall) {
    const auto answers = ask({{"clientTools", Json::array({function("weather")})}});
    ASSERT_EQ(life->models.last().tools.size(), 2u);
    EXPECT_EQ(life->models.last().tools[1], function("weather"));
    life->models.last().ask_for("Let me see.", Json::array({call_of("weather", "c1|fc_9")}));
    loop.settle();
    ASSERT_EQ(answers->size(), 2u);
    EXPECT_TRUE(answers->back().ok);
    const Json result = payload_of(*answers)["result"];
    EXPECT_EQ(result["payloads"][0]["text"], "Let me see.");
    EXPECT_EQ(result["meta"]["stopReason"], "tool_calls");
    EXPECT_EQ(print_json(result["meta"]["pendingToolCalls"]),
              R"([{"id":"c1","name":"weather","arguments":"{\"city\":\"Rome\"}"}])");
    EXPECT_EQ(life->models.calls.size(), 1u) << "the model is not asked again";
    EXPECT_TRUE(life->tools.calls.empty());
    EXPECT_THAT(roles(), ElementsAre("user", "assistant", "toolResult"));
    EXPECT_EQ(life->events.count("chat final"), 1u);
}

TEST_F(ClientTools, AreCalledAfterTheAgentsOwn) {
    const auto answers = ask({{"clientTools", Json::array({function("weather")})}});
    life->models.last().ask_for("", Json::array({call_of("weather", "c1"), call_of("exec", "c2"),
                                                 call_of("weather", "c3")}));
    loop.settle();
    EXPECT_EQ(answers->size(), 1u) << "the agent's own tool is under way";
    ASSERT_EQ(life->tools.calls.size(), 1u);
    life->tools.last().listener->tool_ended(tool_text("done"));
    loop.settle();
    ASSERT_EQ(answers->size(), 2u);
    EXPECT_EQ(payload_of(*answers)["result"]["meta"]["pendingToolCalls"].size(), 2u);
    EXPECT_THAT(roles(),
                ElementsAre("user", "assistant", "toolResult", "toolResult", "toolResult"));
}

TEST_F(ClientTools, TakeThePlaceOfAToolOfTheirName) {
    const auto answers = ask({{"clientTools", Json::array({function("exec")})}});
    ASSERT_EQ(life->models.last().tools, Json::array({function("exec")}));
    life->models.last().ask_for("", Json::array({call_of("exec", "c1")}));
    loop.settle();
    EXPECT_TRUE(life->tools.calls.empty());
    EXPECT_EQ(answers->size(), 2u);
}

TEST_F(ClientTools, AreOfferedAgainByALaterProcess) {
    (void)ask({{"clientTools", Json::array({function("weather")})}});
    life.reset();
    begin();
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    ASSERT_EQ(life->models.calls.size(), 1u);
    EXPECT_EQ(life->models.last().tools[1], function("weather"));
}

TEST_F(ClientTools, GoOnInTheSessionOfAnEarlierAnswer) {
    (void)ask({{"sessionKey", "agent:main:openresponses:x"},
               {"clientTools", Json::array({function("weather")})}});
    life->models.last().ask_for("", Json::array({call_of("weather", "c1")}));
    loop.settle();
    loop.advance(3'600'000);
    const Json going_on{{"sessionKey", "agent:main:openresponses:x"}, {"continues", true}};
    Json result = going_on;
    result["message"] = "The result: sun";
    const auto answers = ask(result, "r2");
    std::vector<std::string> shown;
    for (const Message& message : life->models.last().request.messages)
        shown.push_back(text_member(message, "role"));
    EXPECT_THAT(shown, ElementsAre("user", "assistant", "toolResult", "user"));
    life->models.last().finish("Sunny.");
    loop.settle();
    EXPECT_EQ(payload_of(*answers)["result"]["payloads"][0]["text"], "Sunny.");
    const auto unknown = ask({{"sessionKey", "agent:main:gone"}, {"continues", true}}, "r3");
    ASSERT_EQ(unknown->size(), 1u);
    EXPECT_EQ(unknown->front().error_code, "INVALID_REQUEST");
    EXPECT_THAT(unknown->front().error_message, HasSubstr("is not kept any more"));
}

TEST_F(ClientTools, AreRefusedWhereTheyCannotBeOffered) {
    const auto answers = ask({{"clientTools", Json::array({{{"name", "x"}}})}});
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_EQ(answers->front().error_code, "INVALID_REQUEST");
    EXPECT_THAT(answers->front().error_message, HasSubstr("clientTools[0]"));
}

TEST_F(ClientTools, DocumentsAreShownInTheirTurnAndKeptNowhere) {
    const Json pdf{{"type", "file"},
                   {"mimeType", "application/pdf"},
                   {"fileName", "a.pdf"},
                   {"content", "JVBERi0x"}};
    (void)ask({{"attachments", Json::array({pdf})}});
    const auto last_block = [&] {
        const Json& message = life->models.last().request.messages.back().json();
        return message["content"].back();
    };
    EXPECT_EQ(text_member(last_block(), "type"), "document");
    EXPECT_EQ(text_member(last_block(), "data"), "JVBERi0x");
    // A later process shows it again.
    life.reset();
    begin();
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    EXPECT_EQ(text_member(last_block(), "fileName"), "a.pdf");
    life->models.last().finish("Read.");
    loop.settle();
    (void)ask({}, "r2");
    for (const Message& message : life->models.last().request.messages)
        EXPECT_EQ(print_json(message.json()).find("JVBERi0x"), std::string::npos);
    const auto run = life->runs->known("agent", "r1");
    ASSERT_TRUE(run && *run);
    EXPECT_TRUE((*run)->documents.is_null()) << "nor in the journal, once it has ended";
}

TEST_F(ClientTools, AddressesAreFetchedByTheToolsWorker) {
    const Json params{
        {"url", "https://h/a.png"}, {"maxBytes", 10}, {"maxRedirects", 1}, {"timeoutMs", 5}};
    const auto good = life->call("internal.fetch", params);
    ASSERT_EQ(life->tools.calls.size(), 1u);
    EXPECT_EQ(life->tools.last().order.arguments, params);
    EXPECT_TRUE(good->empty());
    ToolOutcome outcome;
    outcome.content =
        Json::array({{{"type", "media"}, {"mimeType", "image/png"}, {"data", "aGk="}}});
    life->tools.last().listener->tool_ended(outcome);
    ASSERT_EQ(good->size(), 1u);
    EXPECT_EQ(good->front().payload_json, R"({"mimeType":"image/png","data":"aGk="})");
    EXPECT_TRUE(life->tools.last().cancelled) << "the call is let go of";
    const auto bad = life->call("internal.fetch", params);
    life->tools.last().listener->tool_ended(tool_error("it is no public host"));
    ASSERT_EQ(bad->size(), 1u);
    EXPECT_EQ(bad->front().error_code, "INVALID_REQUEST");
    EXPECT_EQ(bad->front().error_message, "it is no public host");
    life->tools.fetches = false;
    const auto nobody = life->call("internal.fetch", params);
    ASSERT_EQ(nobody->size(), 1u);
    EXPECT_EQ(nobody->front().error_code, "UNAVAILABLE");
}

}  // namespace agent
