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

TEST_F(ClientTools, AreCalledByALaterProcessWhereOneEndedBeforeItSaidSo) {
    (void)ask({{"clientTools", Json::array({function("weather")})}});
    life->models.last().ask_for(
        "Let me see.", Json::array({call_of("weather", "c1|fc_1"), call_of("exec", "c2")}));
    loop.settle();
    ASSERT_EQ(life->tools.calls.size(), 1u);
    EXPECT_THAT(roles(), ElementsAre("user", "assistant")) << "the caller is told last";
    life.reset();
    begin();
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    EXPECT_TRUE(life->models.calls.empty()) << "nobody is asked again";
    EXPECT_TRUE(life->tools.calls.empty());
    const auto run = life->runs->known("agent", "r1");
    ASSERT_TRUE(run && *run);
    EXPECT_EQ((*run)->status, "ok");
    const Json result = (*run)->payload["result"];
    EXPECT_EQ(result["payloads"][0]["text"], "Let me see.");
    EXPECT_EQ(print_json(result["meta"]["pendingToolCalls"]),
              R"([{"id":"c1","name":"weather","arguments":"{\"city\":\"Rome\"}"}])");
    EXPECT_THAT(roles(), ElementsAre("user", "assistant", "toolResult", "toolResult"));
}

TEST_F(ClientTools, AreToldByTheIdThatTheirResultsComeWith) {
    (void)ask({{"clientTools", Json::array({function("weather")})}});
    life->models.last().ask_for(
        "", Json::array({call_of("weather", "c1|fc_1"), call_of("weather", "c2|fc_2")}));
    loop.settle();
    (void)ask({{"continues", true}, {"message", "The result of c2: sun"}}, "r2");
    std::vector<std::string> results;
    for (const Message& message : life->models.last().request.messages)
        if (text_member(message, "role") == "toolResult") results.push_back(message_text(message));
    EXPECT_THAT(results,
                ElementsAre(HasSubstr("to the caller as c1."), HasSubstr("to the caller as c2.")));
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

TEST_F(ClientTools, GoOnAcrossTheHourOfTheDailyReset) {
    const Json key{{"sessionKey", "agent:main:openresponses:x"}};
    const auto answered_in = [&](const Json& params, const char* run_id) {
        (void)ask(params, run_id);
        life->models.last().finish("Noted.");
        loop.settle();
        return life->models.last().request.session_id;
    };
    const std::string other = answered_in(Json::object(), "o1");
    const std::string conversation = answered_in(key, "r1");
    loop.advance(24 * 3'600'000);
    EXPECT_NE(answered_in(Json::object(), "o2"), other) << "others begin anew";
    Json going_on = key;
    going_on["continues"] = true;
    (void)ask(going_on, "r2");
    EXPECT_EQ(life->models.last().request.session_id, conversation);
    life->models.last().finish("I know.");
    loop.settle();
    // Nor is it lost where the process ends before the message has its turn.
    loop.advance(24 * 3'600'000);
    (void)life->call("agent", {{"message", "more"},
                               {"idempotencyKey", "r3"},
                               {"sessionKey", key["sessionKey"]},
                               {"continues", true}});
    life.reset();
    begin();
    Session session = **life->store->find({"main", "agent:main:openresponses:x"});
    session.entry = fresh_entry(session.entry, loop.now_ms);
    ASSERT_TRUE(life->store->save(session));
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    EXPECT_EQ(life->models.last().request.session_id, conversation);
    EXPECT_EQ(life->models.last().request.messages.size(), 5u);
    life->models.last().finish("Still.");
    loop.settle();
}

TEST_F(ClientTools, AreRefusedWhereTheyCannotBeOffered) {
    const auto answers = ask({{"clientTools", Json::array({{{"name", "x"}}})}});
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_EQ(answers->front().error_code, "INVALID_REQUEST");
    EXPECT_THAT(answers->front().error_message, HasSubstr("clientTools[0].parameters"));
    const auto why = [&](const Json& tools) {
        const auto refusal = ask({{"clientTools", tools}});
        return refusal->front().error_code == "INVALID_REQUEST" ? refusal->front().error_message
                                                                : "";
    };
    EXPECT_THAT(why(Json::array({function("a b")})), HasSubstr("clientTools[0].name: must have 1"));
    EXPECT_THAT(why(Json::array({function("x"), function("x")})),
                HasSubstr("clientTools[1].name: there is another"));
    Json many = Json::array();
    for (int i = 0; i < 129; ++i) many.push_back(function(("f" + std::to_string(i)).c_str()));
    EXPECT_THAT(why(many), HasSubstr("must be 128 at most"));
    EXPECT_TRUE(life->models.calls.empty());
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
    EXPECT_TRUE(life->store->documents_of(**run)->is_null()) << "nor beside the journal";
}

TEST_F(ClientTools, DocumentsThatWaitCountButAreNotInMemory) {
    (void)ask({});  // under way
    const std::string pdf = "JVBERi0x" + std::string(6u << 20, 'A');
    const Json attachments =
        Json::array({{{"type", "file"}, {"mimeType", "application/pdf"}, {"content", pdf}}});
    EXPECT_TRUE(ask({{"attachments", attachments}}, "r2")->front().ok);
    EXPECT_TRUE(ask({{"attachments", attachments}}, "r3")->front().ok);
    const auto refused = ask({{"attachments", attachments}}, "r4");
    EXPECT_FALSE(refused->front().ok);
    EXPECT_THAT(refused->front().error_message, HasSubstr("too many messages wait"));
    EXPECT_TRUE(life->runs->find("r2")->record().documents.is_null());
    life.reset();
    begin();
    const auto left = life->store->unfinished_runs();
    ASSERT_EQ(left->size(), 3u);
    EXPECT_TRUE(left->back().documents.is_null());
    EXPECT_EQ(left->back().document_bytes, pdf.size());
    ASSERT_TRUE(life->runs->recover());
    loop.settle();
    EXPECT_FALSE(ask({{"attachments", attachments}}, "r5")->front().ok) << "they count again";
    life->models.last().finish("1");
    loop.settle();
    const Json& shown = life->models.last().request.messages.back().json();
    EXPECT_EQ(text_member(shown["content"].back(), "data"), pdf);
}

TEST_F(ClientTools, FunctionsAndInstructionsCountAsWhatWaits) {
    (void)ask({});
    Json large = function("weather");
    large["parameters"]["title"] = std::string(9u << 20, 'x');
    EXPECT_TRUE(ask({{"clientTools", Json::array({large})}}, "r2")->front().ok);
    EXPECT_FALSE(ask({{"extraSystemPrompt", std::string(8u << 20, 'x')}}, "r3")->front().ok);
}

TEST_F(ClientTools, ADocumentThatIsTooLargeCostsNoConversation) {
    (void)ask({{"message", "before " + std::string(120'000, 'q')}});
    life->models.last().finish("Noted.");
    loop.settle();
    const std::string conversation = life->models.last().request.session_id;
    const Json pdf{{"type", "file"},
                   {"mimeType", "application/pdf"},
                   {"content", "JVBERi0x" + std::string(4u << 20, 'A')}};
    const auto answers = ask({{"attachments", Json::array({pdf})}}, "r2");
    EXPECT_EQ(life->models.last().request.messages.size(), 3u);
    const size_t calls = life->models.calls.size();
    life->models.last().listener->failed(
        {ModelFailure::Reason::context_overflow, 400, "too long", {}});
    loop.settle();
    EXPECT_EQ(life->models.calls.size(), calls) << "nothing is condensed";
    EXPECT_THAT(answers->back().error_message,
                HasSubstr("The documents are too large for this model"));
    (void)ask({}, "r3");
    EXPECT_EQ(life->models.last().request.session_id, conversation);
    // Where the window is small, the older part makes room for it, in this turn alone.
    life->models.last().finish("Yes.");
    loop.settle();
    life->models.window = 90'000;
    (void)ask({{"attachments", Json::array({pdf})}}, "r4");
    EXPECT_THAT(message_text(life->models.last().request.messages.front()),
                testing::Not(HasSubstr("before")));
    life->models.last().finish("Read.");
    loop.settle();
    const auto session = life->store->find({"main", "agent:main:main"});
    const auto whole = life->store->context(**session);
    EXPECT_THAT(message_text(whole->front()), HasSubstr("before"));
}

TEST_F(ClientTools, WhatDocumentsTookIsNotTakenForTheConversation) {
    const auto finish = [&](int64_t tokens) {
        life->models.last().listener->done(
            Json{{"role", "assistant"},
                 {"content", Json::array({{{"type", "text"}, {"text", "Yes."}}})},
                 {"usage", {{"input", tokens}, {"totalTokens", tokens}}},
                 {"stopReason", "stop"}});
        loop.settle();
    };
    const auto counted = [&] {
        return int_member((*life->store->find({"main", "agent:main:main"}))->entry, "totalTokens");
    };
    (void)ask({});
    finish(40);
    EXPECT_EQ(counted(), 40);
    const Json pdf{{"type", "file"}, {"mimeType", "application/pdf"}, {"content", "JVBERi0x"}};
    (void)ask({{"attachments", Json::array({pdf})}}, "r2");
    finish(190'000);
    EXPECT_EQ(counted(), 40);
    const size_t calls = life->models.calls.size();
    (void)ask({}, "r3");
    EXPECT_EQ(life->models.calls.size(), calls + 1);
    EXPECT_EQ(life->models.last().tools.size(), 1u) << "an answer, no summary";
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
    ToolOutcome wrong = tool_error("it is no public host");
    wrong.details = Json{{"fault", "bad_message"}};
    life->tools.last().listener->tool_ended(wrong);
    ASSERT_EQ(bad->size(), 1u);
    EXPECT_EQ(bad->front().error_code, "INVALID_REQUEST");
    EXPECT_EQ(bad->front().error_message, "it is no public host");
    const auto late = life->call("internal.fetch", params);
    ToolOutcome slow = tool_error("it took longer than 1 s");
    slow.details = Json{{"fault", "timed_out"}};
    life->tools.last().listener->tool_ended(slow);
    ASSERT_EQ(late->size(), 1u);
    EXPECT_EQ(late->front().error_code, "UNAVAILABLE");
    EXPECT_EQ(late->front().payload_json, R"({"fault":"timed_out"})");
    EXPECT_EQ(late->front().error_message, "it took longer than 1 s");
    const auto gone = life->call("internal.fetch", params);
    life->tools.last().listener->tool_ended(tool_error("It may have had an effect."));
    ASSERT_EQ(gone->size(), 1u);
    EXPECT_EQ(gone->front().payload_json, R"({"fault":"unreachable"})");
    EXPECT_THAT(gone->front().error_message, HasSubstr("the process that fetches addresses"));
    life->tools.fetches = false;
    const auto nobody = life->call("internal.fetch", params);
    ASSERT_EQ(nobody->size(), 1u);
    EXPECT_EQ(nobody->front().error_code, "UNAVAILABLE");
}

}  // namespace agent
