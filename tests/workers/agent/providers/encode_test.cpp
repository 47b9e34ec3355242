#include <gmock/gmock.h>

#include "tests/workers/agent/providers/model_for_test.h"

namespace agent {
namespace {

using testing::Contains;
using testing::Not;
using testing::StartsWith;

Json transcript(const char* text) {
    return Json::parse(text);
}

Prompt prompt_of(const char* messages) {
    Prompt prompt;
    prompt.session_id = "session-1";
    prompt.system = "Be kind.";
    const Json list = transcript(messages);
    prompt.messages.assign(list.begin(), list.end());
    return prompt;
}

Json body_of(Api api, const Prompt& prompt) {
    return Json::parse(encode(model_for_test(api), prompt, "key").body);
}

const char* one_question = R"([{"role":"user","content":"Hello","timestamp":1}])";

// A question, a call of a tool by this model with its result, and the next question.
std::string with_tool(Api api) {
    return R"([{"role":"user","content":[{"type":"text","text":"Read a.txt"}]},
        {"role":"assistant","api":")" +
           std::string(api_name(api)) + R"(","provider":"maker","model":"thinker-1",
         "content":[{"type":"thinking","thinking":"Hm","thinkingSignature":"{\"type\":\"reasoning\",\"id\":\"rs_1\",\"encrypted_content\":\"gA\"}"},
            {"type":"text","text":"  "},{"type":"text","text":"I read it."},
            {"type":"toolCall","id":"call_1|fc_1","name":"read","arguments":{"path":"a.txt"}}],"stopReason":"toolUse"},
        {"role":"toolResult","toolCallId":"call_1|fc_1","toolName":"read","content":[{"type":"text","text":"AAA"}],"isError":false},
        {"role":"user","content":"And now?"}])";
}

TEST(Encode, PassesDocumentsOnAsEachServiceTakesThem) {
    const Prompt prompt = prompt_of(R"([{"role":"user","content":[{"type":"text","text":"Read"},
        {"type":"document","mimeType":"application/pdf","fileName":"a.pdf","data":"JVBE"}]}])");
    EXPECT_EQ(body_of(Api::anthropic_messages, prompt)["messages"][0]["content"][1],
              transcript(R"({"type":"document",
                "source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},
                "title":"a.pdf","cache_control":{"type":"ephemeral"}})"));
    EXPECT_EQ(body_of(Api::openai_responses, prompt)["input"][1]["content"][1],
              transcript(R"({"type":"input_file","filename":"a.pdf",
                "file_data":"data:application/pdf;base64,JVBE"})"));
    Model files = model_for_test(Api::chat_completions);
    files.compatibility.documents = true;
    EXPECT_EQ(Json::parse(encode(files, prompt, "").body)["messages"][1]["content"][1],
              transcript(R"({"type":"file","file":{"filename":"a.pdf",
                "file_data":"data:application/pdf;base64,JVBE"}})"));
    const Json instead = "Read\n(A document was here; this model cannot read it.)";
    EXPECT_EQ(body_of(Api::chat_completions, prompt)["messages"][1]["content"], instead);
    Model blind = files;
    blind.images = false;
    EXPECT_EQ(Json::parse(encode(blind, prompt, "").body)["messages"][1]["content"], instead);
}

TEST(Encode, AsksAnthropic) {
    const WireRequest request =
        encode(model_for_test(Api::anthropic_messages), prompt_of(one_question), "the-key");
    EXPECT_EQ(request.url, "https://models.test/v1/messages");
    EXPECT_THAT(request.headers, Contains("x-api-key: the-key"));
    EXPECT_THAT(request.headers, Contains("anthropic-version: 2023-06-01"));
    EXPECT_THAT(request.headers, Not(Contains(StartsWith("anthropic-beta"))));
    EXPECT_EQ(Json::parse(request.body), transcript(R"({
        "model":"thinker-1","stream":true,"max_tokens":10000,
        "system":[{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":[
            {"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}]}]})"));
}

TEST(Encode, AsksOpenAiResponsesAndLetsItStoreNothing) {
    const WireRequest request =
        encode(model_for_test(Api::openai_responses), prompt_of(one_question), "the-key");
    EXPECT_EQ(request.url, "https://models.test/responses");
    EXPECT_THAT(request.headers, Contains("authorization: Bearer the-key"));
    EXPECT_EQ(Json::parse(request.body), transcript(R"({
        "model":"thinker-1","stream":true,"store":false,"prompt_cache_key":"session-1",
        "include":["reasoning.encrypted_content"],
        "input":[{"role":"developer","content":"Be kind."},
                 {"role":"user","content":[{"type":"input_text","text":"Hello"}]}]})"));
}

TEST(Encode, AsksChatCompletions) {
    Model model = model_for_test(Api::chat_completions);
    EXPECT_EQ(Json::parse(encode(model, prompt_of(one_question), "").body), transcript(R"({
        "model":"thinker-1","stream":true,"stream_options":{"include_usage":true},
        "messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello"}]})"));
    model.compatibility = {true, true, true, true};
    model.max_tokens_configured = true;
    const Json body = Json::parse(encode(model, prompt_of(one_question), "").body);
    EXPECT_EQ(body["store"], false);
    EXPECT_EQ(body["max_completion_tokens"], 30'000);
    EXPECT_EQ(body["messages"][0]["role"], "developer");
}

// Every turn of a conversation is asked with the same messages, sometimes another service in
// between.
TEST(Encode, SendsWhatWasPrintedBeforeAsIfItWereNew) {
    constexpr const char* first = R"([
        {"role":"user","content":[{"type":"text","text":"One \"quoted\""},{"type":"text","text":"Line\nbreak"}]},
        {"role":"assistant","content":[{"type":"text","text":"Zwei ü","textSignature":"msg_2"}],
         "api":"openai-responses","provider":"maker","model":"thinker-1","stopReason":"stop"},
        {"role":"user","content":[{"type":"text","text":"Three"}]}])";
    constexpr const char* more = R"([
        {"role":"user","content":[{"type":"text","text":"Four, before an answer"}]},
        {"role":"assistant","content":[{"type":"text","text":"Five"}],"stopReason":"aborted"},
        {"role":"user","content":[{"type":"text","text":"Six"}]}])";
    Prompt prompt = prompt_of(first);
    const auto like_new = [&](Api api) {
        Prompt fresh = prompt;
        fresh.messages.clear();
        for (const Message& message : prompt.messages) fresh.messages.emplace_back(message.json());
        return encode(model_for_test(api), fresh, "key").body;
    };
    for (int round = 0; round < 2; ++round)
        for (const Api api : every_api)
            for (int again = 0; again < 2; ++again)
                EXPECT_EQ(encode(model_for_test(api), prompt, "key").body, like_new(api))
                    << api_name(api);
    EXPECT_FALSE(body_of(Api::openai_responses, prompt)["input"][2].contains("id"))
        << "there is no thinking before it";
    for (const Message& message : prompt_of(more).messages) prompt.messages.push_back(message);
    for (const Api api : every_api)
        EXPECT_EQ(encode(model_for_test(api), prompt, "key").body, like_new(api)) << api_name(api);
}

TEST(Encode, SendsNoKeyWhereThereIsNone) {
    for (const Api api : every_api)
        for (const std::string& header :
             encode(model_for_test(api), prompt_of(one_question), "").headers) {
            EXPECT_THAT(header, Not(StartsWith("x-api-key")));
            EXPECT_THAT(header, Not(StartsWith("authorization")));
        }
}

TEST(Encode, AsksForThinkingWithinTheLengthOfTheAnswer) {
    Prompt prompt = prompt_of(one_question);
    prompt.thinking = "medium";
    const Json anthropic = body_of(Api::anthropic_messages, prompt);
    EXPECT_EQ(anthropic["max_tokens"], 18'192);
    EXPECT_EQ(anthropic["thinking"]["budget_tokens"], 8192);
    EXPECT_EQ(body_of(Api::openai_responses, prompt)["reasoning"]["effort"], "medium");
    EXPECT_EQ(body_of(Api::chat_completions, prompt)["reasoning_effort"], "medium");
    prompt.thinking = "off";
    EXPECT_FALSE(body_of(Api::anthropic_messages, prompt).contains("thinking"));
    Model small = model_for_test(Api::anthropic_messages);
    small.max_tokens = 2048;
    prompt.thinking = "high";
    const Json body = Json::parse(encode(small, prompt, "").body);
    EXPECT_EQ(body["max_tokens"], 2048);
    EXPECT_EQ(body["thinking"]["budget_tokens"], 1024);
}

TEST(Encode, AsksForMoreThanHighWhereTheModelKnowsIt) {
    Prompt prompt = prompt_of(one_question);
    prompt.thinking = "xhigh";
    EXPECT_EQ(body_of(Api::openai_responses, prompt)["reasoning"]["effort"], "high");
    EXPECT_EQ(body_of(Api::anthropic_messages, prompt)["thinking"]["budget_tokens"], 16'384);
    Model model = model_for_test(Api::openai_responses);
    model.name.model = "gpt-5.2";
    EXPECT_EQ(Json::parse(encode(model, prompt, "").body)["reasoning"]["effort"], "xhigh");
    model.api = Api::chat_completions;
    model.name.model = "openai/gpt-5.2-codex";
    EXPECT_EQ(Json::parse(encode(model, prompt, "").body)["reasoning_effort"], "xhigh");
    model.name.model = "gpt-5.2-mini";
    EXPECT_EQ(Json::parse(encode(model, prompt, "").body)["reasoning_effort"], "high");
}

TEST(Encode, ThinksAboutResultsOnlyWhereTheCallsWereThoughtAbout) {
    const std::string question = R"({"role":"user","content":"a"})";
    const auto call = [](const char* thinking) {
        return std::string(
                   R"(,{"role":"assistant","api":"anthropic-messages","provider":"maker",)") +
               R"("model":"thinker-1","content":[)" + thinking +
               R"({"type":"toolCall","id":"1","name":"r","arguments":{}}]})";
    };
    const std::string result =
        R"(,{"role":"toolResult","toolCallId":"1","content":[{"type":"text","text":"x"}]})";
    const std::string thought = R"({"type":"thinking","thinking":"Hm","thinkingSignature":"s"},)";
    const std::string unsigned_thought = R"({"type":"thinking","thinking":"Hm"},)";
    const auto thinks = [](const std::string& messages) {
        Prompt prompt = prompt_of(("[" + messages + "]").c_str());
        prompt.thinking = "low";
        return body_of(Api::anthropic_messages, prompt).contains("thinking");
    };
    EXPECT_TRUE(thinks(question));
    EXPECT_TRUE(thinks(question + call(thought.c_str()) + result));
    EXPECT_TRUE(thinks(question + call(R"({"type":"redacted_thinking","data":"d"},)") + result));
    EXPECT_FALSE(thinks(question + call("") + result));
    EXPECT_FALSE(thinks(question + call(unsigned_thought.c_str()) + result));
    EXPECT_FALSE(thinks(question + call("") + result + "," + question)) << "said meanwhile";
    EXPECT_TRUE(thinks(question + call("") + result +
                       R"(,{"role":"assistant","content":[{"type":"text","text":"b"}]},)" +
                       question))
        << "that is over";
}

TEST(Encode, FollowsWhatTheOwnerSetForTheModel) {
    Prompt prompt = prompt_of(one_question);
    for (const Api api : every_api) {
        Model model = model_for_test(api);
        model.temperature = 0.5;
        model.asked_tokens = 1234;
        const Json body = Json::parse(encode(model, prompt, "").body);
        EXPECT_EQ(body["temperature"], 0.5) << api_name(api);
        const char* length = api == Api::openai_responses ? "max_output_tokens" : "max_tokens";
        EXPECT_EQ(body[length], 1234) << api_name(api);
    }
    Model thinks = model_for_test(Api::anthropic_messages);
    thinks.temperature = 0.5;
    thinks.asked_tokens = 40'000;
    thinks.cache_ttl = "1h";
    prompt.thinking = "low";
    const Json body = Json::parse(encode(thinks, prompt, "").body);
    EXPECT_FALSE(body.contains("temperature")) << "refused together with thinking";
    EXPECT_EQ(body["max_tokens"], 40'000);
    EXPECT_EQ(body["system"][0]["cache_control"]["ttl"], "1h");
    EXPECT_EQ(body["messages"][0]["content"][0]["cache_control"]["ttl"], "1h");
}

TEST(Encode, MarksWhatAnthropicKeepsBehindOpenRouter) {
    Model model = model_for_test(Api::chat_completions);
    model.name = {"openrouter", "anthropic/claude-opus-4.5"};
    const Prompt prompt = prompt_of(
        R"([{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]},
            {"role":"user","content":[{"type":"text","text":"c"},
                {"type":"image","data":"AAAA","mimeType":"image/png"}]}])");
    const Json mark = {{"type", "ephemeral"}};
    const Json messages = Json::parse(encode(model, prompt, "").body)["messages"];
    ASSERT_EQ(messages.size(), 4u);
    EXPECT_EQ(messages[0]["content"][0]["text"], "Be kind.");
    EXPECT_EQ(messages[0]["content"][0]["cache_control"], mark);
    EXPECT_EQ(messages[1]["content"], "a");
    EXPECT_EQ(messages[3]["content"][0]["text"], "c");
    EXPECT_EQ(messages[3]["content"][0]["cache_control"], mark);
    EXPECT_EQ(messages[3]["content"][1]["type"], "image_url");
    for (const ModelName& other : {ModelName{"openrouter", "openai/gpt-5.2"},
                                   ModelName{"mine", "anthropic/claude-opus-4.5"}}) {
        model.name = other;
        EXPECT_EQ(encode(model, prompt, "").body.find("cache_control"), std::string::npos)
            << other.full();
    }
}

TEST(Encode, KeepsToMistralsRulesForCalls) {
    Model model = model_for_test(Api::chat_completions);
    model.compatibility.short_call_ids = model.compatibility.named_results = true;
    const Json messages = Json::parse(
        encode(model, prompt_of(with_tool(Api::chat_completions).c_str()), "").body)["messages"];
    const std::string id = messages[2]["tool_calls"][0]["id"];
    EXPECT_EQ(messages[3]["tool_call_id"], id);
    EXPECT_EQ(messages[3]["name"], "read");
    EXPECT_EQ(id.size(), 9u);
    EXPECT_EQ(
        id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        std::string::npos);
}

TEST(Encode, OffersTools) {
    Prompt prompt = prompt_of(one_question);
    prompt.thinking = "low";
    prompt.tools =
        transcript(R"([{"name":"read","description":"Reads","parameters":{"type":"object"}}])");
    const WireRequest request = encode(model_for_test(Api::anthropic_messages), prompt, "the-key");
    EXPECT_EQ(Json::parse(request.body)["tools"][0]["input_schema"]["type"], "object");
    EXPECT_THAT(request.headers, Contains("anthropic-beta: fine-grained-tool-streaming-2025-05-14,"
                                          "interleaved-thinking-2025-05-14"));
    EXPECT_EQ(body_of(Api::openai_responses, prompt)["tools"][0]["name"], "read");
    EXPECT_EQ(body_of(Api::chat_completions, prompt)["tools"][0]["function"]["name"], "read");
}

TEST(Encode, ReturnsCallsResultsAndThinkingToAnthropic) {
    const Json messages = body_of(
        Api::anthropic_messages, prompt_of(with_tool(Api::anthropic_messages).c_str()))["messages"];
    ASSERT_EQ(messages.size(), 3u);  // the result and the next question are one message
    EXPECT_EQ(messages[1]["content"][0]["type"], "thinking");
    EXPECT_TRUE(messages[1]["content"][0]["signature"].is_string());
    EXPECT_EQ(messages[1]["content"][1]["text"], "I read it.");
    EXPECT_EQ(messages[1]["content"][2]["id"], "call_1");
    EXPECT_EQ(messages[1]["content"][2]["input"]["path"], "a.txt");
    EXPECT_EQ(messages[2]["content"][0]["type"], "tool_result");
    EXPECT_EQ(messages[2]["content"][0]["tool_use_id"], "call_1");
    EXPECT_EQ(messages[2]["content"][0]["content"][0]["text"], "AAA");
    EXPECT_EQ(messages[2]["content"][1]["text"], "And now?");
}

TEST(Encode, ReturnsCallsResultsAndThinkingToOpenAi) {
    const Json input = body_of(Api::openai_responses,
                               prompt_of(with_tool(Api::openai_responses).c_str()))["input"];
    ASSERT_EQ(input.size(), 7u);
    EXPECT_EQ(input[2]["type"], "reasoning");
    EXPECT_EQ(input[3]["type"], "message");
    EXPECT_EQ(input[4]["type"], "function_call");
    EXPECT_EQ(input[4]["call_id"], "call_1");
    EXPECT_EQ(input[4]["id"], "fc_1");
    EXPECT_EQ(input[5]["type"], "function_call_output");
    EXPECT_EQ(input[5]["output"], "AAA");
}

TEST(Encode, ReturnsCallsAndResultsInChatCompletions) {
    const Json messages = body_of(Api::chat_completions,
                                  prompt_of(with_tool(Api::chat_completions).c_str()))["messages"];
    ASSERT_EQ(messages.size(), 5u);
    EXPECT_EQ(messages[2]["content"], "I read it.");
    EXPECT_EQ(messages[2]["tool_calls"][0]["function"]["arguments"], R"({"path":"a.txt"})");
    EXPECT_EQ(messages[3]["role"], "tool");
    EXPECT_EQ(messages[3]["tool_call_id"], "call_1");
}

TEST(Encode, LeavesOutTheThinkingOfAnotherModel) {
    for (const Api api : every_api) {
        const Api other =
            api == Api::chat_completions ? Api::openai_responses : Api::chat_completions;
        const std::string body =
            encode(model_for_test(api), prompt_of(with_tool(other).c_str()), "").body;
        EXPECT_EQ(body.find("Hm"), std::string::npos) << api_name(api);
        EXPECT_EQ(body.find("rs_1"), std::string::npos) << api_name(api);
        EXPECT_EQ(body.find("fc_1"), std::string::npos) << api_name(api);
        EXPECT_NE(body.find("I read it."), std::string::npos) << api_name(api);
    }
}

TEST(Encode, SendsImagesToModelsThatSee) {
    const char* picture =
        R"([{"role":"user","content":[{"type":"text","text":"What is it?"},
             {"type":"image","data":"AAAA","mimeType":"image/png"}]}])";
    const Json anthropic = body_of(Api::anthropic_messages, prompt_of(picture));
    EXPECT_EQ(anthropic["messages"][0]["content"][1]["source"]["media_type"], "image/png");
    const Json responses = body_of(Api::openai_responses, prompt_of(picture));
    EXPECT_EQ(responses["input"][1]["content"][1]["image_url"], "data:image/png;base64,AAAA");
    const Json completions = body_of(Api::chat_completions, prompt_of(picture));
    EXPECT_EQ(completions["messages"][1]["content"][1]["image_url"]["url"],
              "data:image/png;base64,AAAA");
    Model blind = model_for_test(Api::chat_completions);
    blind.images = false;
    const std::string body = encode(blind, prompt_of(picture), "").body;
    EXPECT_EQ(body.find("AAAA"), std::string::npos);
    EXPECT_NE(body.find("cannot see images"), std::string::npos);
}

struct RepairCase {
    const char* what;
    const char* messages;
    std::vector<std::string> roles;  // of the request to Anthropic
};

TEST(Encode, RepairsTheConversation) {
    const RepairCase cases[] = {
        {"empty text", R"([{"role":"user","content":""},{"role":"user","content":"a"}])", {"user"}},
        {"two questions in a row",
         R"([{"role":"user","content":"a"},{"role":"user","content":"b"}])",
         {"user"}},
        {"two answers in a row",
         R"([{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]},
             {"role":"assistant","content":[{"type":"text","text":"c"}]},{"role":"user","content":"d"}])",
         {"user", "assistant", "user"}},
        {"a failed answer without text",
         R"([{"role":"user","content":"a"},{"role":"assistant","content":[],"stopReason":"error"},
             {"role":"user","content":"b"}])",
         {"user"}},
        {"an answer at the beginning",
         R"([{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":"d"}])",
         {"user", "assistant", "user"}},
        {"a result without a call",
         R"([{"role":"user","content":"a"},{"role":"toolResult","toolCallId":"x","content":[{"type":"text","text":"ORPHAN"}]}])",
         {"user"}},
        {"a call without a result",
         R"([{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"toolCall","id":"x","name":"read","arguments":{}}]},
             {"role":"user","content":"b"}])",
         {"user", "assistant", "user"}},
        {"a call of an answer that broke off",
         R"([{"role":"user","content":"a"},{"role":"assistant","stopReason":"aborted","content":[{"type":"text","text":"b"},
             {"type":"toolCall","id":"x","name":"read","arguments":{}}]},{"role":"user","content":"b"}])",
         {"user", "assistant", "user"}},
        {"other entries",
         R"([{"role":"system","content":"ORPHAN"},7,null,{"role":"user","content":"a"}])",
         {"user"}},
    };
    for (const RepairCase& test : cases) {
        const Json body = body_of(Api::anthropic_messages, prompt_of(test.messages));
        std::vector<std::string> roles;
        for (const Json& message : body["messages"]) {
            roles.push_back(message["role"]);
            EXPECT_FALSE(message["content"].empty()) << test.what;
        }
        EXPECT_EQ(roles, test.roles) << test.what;
        EXPECT_EQ(body.dump().find("ORPHAN"), std::string::npos) << test.what;
    }
}

TEST(Encode, GivesEveryCallExactlyOneResult) {
    const char* messages =
        R"([{"role":"user","content":"a"},
            {"role":"assistant","content":[{"type":"toolCall","id":"1","name":"r","arguments":{}},
                                           {"type":"toolCall","id":"2","name":"r","arguments":{}}]},
            {"role":"toolResult","toolCallId":"2","content":[{"type":"text","text":"two"}]},
            {"role":"toolResult","toolCallId":"2","content":[{"type":"text","text":"AGAIN"}]},
            {"role":"user","content":"b"}])";
    const Json content =
        body_of(Api::anthropic_messages, prompt_of(messages))["messages"][2]["content"];
    ASSERT_EQ(content.size(), 3u);
    EXPECT_EQ(content[0]["tool_use_id"], "1");
    EXPECT_EQ(content[0]["is_error"], true);
    EXPECT_EQ(content[1]["tool_use_id"], "2");
    EXPECT_EQ(content[1]["content"][0]["text"], "two");
    EXPECT_EQ(content[2]["text"], "b");
}

TEST(Encode, ReplacesWhatIsNoUtf8) {
    Prompt prompt;
    prompt.messages.push_back(Json{{"role", "user"}, {"content", "a\xff"}});
    for (const Api api : every_api)
        EXPECT_NE(encode(model_for_test(api), prompt, "").body.find("a\xEF\xBF\xBD"),
                  std::string::npos);
}

}  // namespace
}  // namespace agent
