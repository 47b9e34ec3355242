// Chat completions: requests read, answers and chunks written.

#include <gtest/gtest.h>

#include "tests/workers/gateway/turn_texts.h"
#include "workers/gateway/chat_completions.h"

namespace gateway {
namespace {

const GatewaySettings settings =
    read_gateway_settings(*parse_json(R"({"agents":{"list":[{"id":"main"}]}})"), false);

ChatRequest chat(const std::string& body, const HttpAsk& ask = {}) {
    const Result<ChatRequest> request = read_chat_request(*parse_json(body), ask, settings);
    if (request) return *request;
    ADD_FAILURE() << request.error().what;
    return {};
}
std::string chat_error(const std::string& body) {
    const Result<ChatRequest> request = read_chat_request(*parse_json(body), {}, settings);
    return request ? "" : request.error().what;
}

TEST(ChatCompletions, TakeTheLastMessageOfAUser) {
    const ChatRequest one = chat(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
    EXPECT_EQ(one.order.message, "hi");
    EXPECT_EQ(one.model, "m");
    EXPECT_FALSE(one.streams);
    EXPECT_EQ(one.order.session_key.rfind("agent:main:openai:", 0), 0u);
    EXPECT_NE(one.order.session_key,
              chat(R"({"messages":[{"role":"user","content":"hi"}]})").order.session_key);
    const ChatRequest many = chat(R"({"stream":true,"stream_options":{"include_usage":true},
        "user":"Ann","messages":[
        {"role":"system","content":"be brief"},{"role":"developer","content":[
            {"type":"text","text":"and kind"}]},
        {"role":"user","content":[{"type":"text","text":"a"},{"type":"input_text","text":"b"}]},
        {"role":"assistant","content":"c"},{"role":"assistant","content":null,"tool_calls":[]},
        {"role":"tool","name":"clock","content":"12:00"},{"role":"assistant","content":"late"}]})");
    EXPECT_EQ(many.order.extra_system, "be brief\n\nand kind");
    EXPECT_EQ(many.order.message,
              "The conversation so far, oldest first:\n\nUser: a\nb\n\nAssistant: c\n\n"
              "Answer this message now:\n\nTool clock: 12:00");
    EXPECT_TRUE(many.streams);
    EXPECT_TRUE(many.wants_usage);
    EXPECT_EQ(many.order.session_key, "agent:main:openai-user:Ann");
}

TEST(ChatCompletions, ChooseAgentAndSession) {
    const std::string messages = R"("messages":[{"role":"user","content":"hi"}]})";
    EXPECT_EQ(chat(R"({"model":"openclaw:ops",)" + messages).order.agent_id, "ops");
    EXPECT_EQ(chat(R"({"model":"openclaw/ops",)" + messages).order.agent_id, "ops");
    EXPECT_EQ(chat(R"({"model":"agent:ops","user":"u",)" + messages).order.session_key,
              "agent:ops:openai-user:u");
    EXPECT_EQ(chat(R"({"model":"gpt-4o",)" + messages).order.agent_id, "");
    HttpAsk ask;
    ask.headers["x-openclaw-agent"] = "two";
    EXPECT_EQ(chat(R"({"model":"agent:ops",)" + messages, ask).order.agent_id, "two");
    ask.headers["x-openclaw-agent-id"] = "one";
    ask.headers["x-openclaw-session-key"] = "agent:one:x";
    const ChatRequest request = chat(R"({"model":"agent:ops","user":"u",)" + messages, ask);
    EXPECT_EQ(request.order.agent_id, "one");
    EXPECT_EQ(request.order.session_key, "agent:one:x");
}

TEST(ChatCompletions, TakeImagesThatAreSentAlong) {
    const ChatRequest request = chat(R"({"messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]}]})");
    EXPECT_EQ(print_json(request.order.attachments),
              R"([{"type":"image","mimeType":"image/png","content":"aGk="}])");
    EXPECT_FALSE(request.order.message.empty());
    EXPECT_EQ(print_json(chat(R"({"messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"https://h/a.png"}}]}]})")
                             .order.attachments),
              R"([{"type":"image","url":"https://h/a.png",)"
              R"("where":"messages[0].content[0].image_url"}])");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]})"),
              "messages[0].content[0].image_url: must be data:…;base64,… or an address of http or "
              "https");
    EXPECT_NE(chat_error(R"({"messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:text/html;base64,aGk="}}]}]})"),
              "");
}

TEST(ChatCompletions, TakeImagesOfEarlierMessagesOnlyWhereNothingWasSaidBefore) {
    const std::string messages = R"("messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:image/png;base64,b25l"}}]},
        {"role":"assistant","content":"seen"},{"role":"user","content":"and now?"}]})";
    EXPECT_EQ(chat("{" + messages).order.attachments.size(), 1u);
    EXPECT_EQ(chat(R"({"user":"u",)" + messages).order.attachments.size(), 0u);
    HttpAsk ask;
    ask.headers["x-openclaw-session-key"] = "agent:main:x";
    EXPECT_EQ(chat("{" + messages, ask).order.attachments.size(), 0u);
}

TEST(ChatCompletions, SayWhatIsWrong) {
    EXPECT_EQ(chat_error("[]"), "the body must be an object");
    EXPECT_EQ(chat_error("{}"), "messages: must be a list with at least one message");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"assistant","content":"x"}]})"),
              "messages: there is no text of a user to answer");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"user","content":"  "}]})"),
              "messages: there is no text of a user to answer");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"king","content":"x"}]})"),
              "messages[0].role: use system, developer, user, assistant or tool");
    EXPECT_EQ(chat_error(R"({"messages":[7]})"), "messages[0]: must be an object");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"user","content":7}]})"),
              "messages[0].content: must be a text or a list of parts");
    EXPECT_EQ(chat_error(R"({"messages":[{"role":"user","content":[{"type":"audio"}]}]})"),
              "messages[0].content[0]: parts of type \"audio\" are not taken");
    const std::string messages = R"("messages":[{"role":"user","content":"hi"}]})";
    EXPECT_EQ(chat_error(R"({"n":2,)" + messages).substr(0, 2), "n:");
    EXPECT_EQ(chat_error(R"({"tool_choice":"required",)" + messages).substr(0, 12), "tool_choice:");
    EXPECT_EQ(chat_error(R"({"response_format":{"type":"json_object"},)" + messages).substr(0, 16),
              "response_format:");
    // A client may offer tools that need not be used.
    EXPECT_EQ(chat_error(R"({"tools":[{"type":"function"}],"tool_choice":"auto",)" + messages), "");
}

TEST(ChatFormat, AnswersWithTheRealCounts) {
    ChatFormat format("chatcmpl_1", "m", false, 1769767200);
    const HttpAnswer answer = format.whole(answered("Hello"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.content(),
              R"({"id":"chatcmpl_1","object":"chat.completion","created":1769767200,"model":"m",)"
              R"("choices":[{"index":0,"message":{"role":"assistant","content":"Hello",)"
              R"("refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{)"
              R"("prompt_tokens":12,"completion_tokens":7,"total_tokens":19,)"
              R"("prompt_tokens_details":{"cached_tokens":4}}})");
    EXPECT_EQ(format.whole(ended(TurnEnd::How::failed, "no key")).content(),
              R"({"error":{"message":"no key","type":"api_error"}})");
    EXPECT_EQ(format.whole(ended(TurnEnd::How::failed, "")).status, 500);
    EXPECT_EQ(format.whole(ended(TurnEnd::How::refused, "")).status, 400);
    EXPECT_EQ(format.whole(ended(TurnEnd::How::unavailable, "")).status, 503);
    EXPECT_NE(format.whole(answered("")).content().find("The agent had nothing to say."),
              std::string::npos);
}

TEST(ChatFormat, StreamsChunksToTheEnd) {
    ChatFormat format("chatcmpl_1", "m", true, 5);
    TurnStream stream(format);
    stream.text_is("Hel");
    std::string all = drained(stream);
    stream.text_is("Hello");
    all += drained(stream);
    stream.ended(answered("Hello"));
    all += drained(stream);
    EXPECT_TRUE(stream.has_ended());
    const std::vector<Json> chunks = events(all);
    ASSERT_EQ(chunks.size(), 6u) << all;
    EXPECT_EQ(print_json(chunks[0]),
              R"({"id":"chatcmpl_1","object":"chat.completion.chunk","created":5,"model":"m",)"
              R"("choices":[{"index":0,"delta":{"role":"assistant","content":""},)"
              R"("finish_reason":null}],"usage":null})");
    EXPECT_EQ(chunks[1]["choices"][0]["delta"]["content"], "Hel");
    EXPECT_EQ(chunks[2]["choices"][0]["delta"]["content"], "lo");
    EXPECT_EQ(print_json(chunks[3]["choices"][0]),
              R"({"index":0,"delta":{},"finish_reason":"stop"})");
    EXPECT_EQ(chunks[4]["choices"].size(), 0u);
    EXPECT_EQ(chunks[4]["usage"]["total_tokens"], 19);
    EXPECT_EQ(chunks[5], "[DONE]");
}

TEST(ChatFormat, TellsAnErrorAsText) {
    ChatFormat format("c", "m", false, 5);
    TurnStream stream(format);
    stream.text_is("Half");
    stream.ended(ended(TurnEnd::How::failed, "overloaded"));
    const std::vector<Json> chunks = events(drained(stream));
    ASSERT_EQ(chunks.size(), 5u);
    EXPECT_EQ(chunks[2]["choices"][0]["delta"]["content"], "\n\nError: overloaded");
    EXPECT_EQ(chunks[3]["choices"][0]["finish_reason"], "stop");
    EXPECT_FALSE(chunks[3].contains("usage"));
}

}  // namespace
}  // namespace gateway
