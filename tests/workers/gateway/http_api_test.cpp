// OpenAI's two APIs: requests read, answers and streams written.

#include <gtest/gtest.h>

#include "workers/gateway/chat_completions.h"
#include "workers/gateway/response_ids.h"
#include "workers/gateway/responses.h"
#include "workers/gateway/tools_invoke.h"

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
ResponsesRequest respond(const std::string& body) {
    const Result<ResponsesRequest> request =
        read_responses_request(*parse_json(body), {}, settings);
    if (request) return *request;
    ADD_FAILURE() << request.error().what;
    return {};
}
std::string respond_error(const std::string& body) {
    const Result<ResponsesRequest> request =
        read_responses_request(*parse_json(body), {}, settings);
    return request ? "" : request.error().what;
}

TurnEnd answered(const std::string& text) {
    TurnEnd end;
    end.how = TurnEnd::How::answered;
    end.text = text;
    end.usage = {12, 4, 7};
    return end;
}
TurnEnd ended(TurnEnd::How how, const std::string& why) {
    TurnEnd end;
    end.how = how;
    end.why = why;
    return end;
}

// Everything the stream gives until it is silent.
std::string drained(TurnStream& stream) {
    std::string all;
    for (std::string piece = stream.next(); !piece.empty(); piece = stream.next()) all += piece;
    return all;
}
// The JSON of each event, "[DONE]" as a text.
std::vector<Json> events(const std::string& text) {
    std::vector<Json> found;
    size_t place = 0;
    while ((place = text.find("data: ", place)) != std::string::npos) {
        const size_t end = text.find("\n\n", place);
        const std::string data = text.substr(place + 6, end - place - 6);
        found.push_back(data == "[DONE]" ? Json(data) : *parse_json(data));
        place = end;
    }
    return found;
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

TEST(TurnStream, HandsALongTextOutInPieces) {
    ChatFormat format("c", "m", false, 5);
    TurnStream stream(format);
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "aä…😀";
    stream.text_is(text);
    stream.ended(answered(text));
    std::string got;
    for (const Json& chunk : events(drained(stream)))
        if (chunk.is_object()) {
            const std::string part = text_member(chunk["choices"][0]["delta"], "content");
            EXPECT_LE(part.size(), TurnStream::piece_bytes);
            got += part;
        }
    EXPECT_EQ(got, text) << "and no character is cut in two";
}

TEST(TurnStream, GoesOnAfterAnotherModelBegan) {
    ChatFormat format("c", "m", false, 5);
    TurnStream stream(format);
    stream.text_is("First try");
    drained(stream);
    stream.text_is("Second");
    stream.text_is("Second one");
    stream.ended(answered("Second one"));
    std::string got;
    for (const Json& chunk : events(drained(stream)))
        if (chunk.is_object()) got += text_member(chunk["choices"][0]["delta"], "content");
    EXPECT_EQ(got, "\n\nSecond one");
}

TEST(TurnStream, SaysWhatNoEventSaid) {
    ChatFormat format("c", "m", false, 5);
    TurnStream stream(format);
    drained(stream);
    stream.keep_alive();
    EXPECT_EQ(stream.next().front(), ':') << "a comment, for proxies";
    EXPECT_EQ(stream.next(), "");
    stream.text_is("Hello\n");
    stream.ended(answered("Hello"));
    const std::vector<Json> chunks = events(drained(stream));
    ASSERT_EQ(chunks.size(), 3u) << "blanks at the end are no new text";
    TurnStream silent(format);
    silent.ended(answered("All at once"));
    EXPECT_NE(drained(silent).find("All at once"), std::string::npos);
}

TEST(TurnStream, AddsNothingToWhatWasSaidBeforeAnEndWithoutText) {
    ChatFormat format("c", "m", false, 5);
    TurnStream stream(format);
    stream.text_is("Let me look.");
    drained(stream);
    stream.ended(answered(""));
    for (const Json& chunk : events(drained(stream))) {
        if (!chunk.is_object()) continue;
        EXPECT_EQ(text_member(chunk["choices"][0]["delta"], "content"), "");
    }
}

TEST(Responses, TakeTextsItemsAndInstructions) {
    const ResponsesRequest plain = respond(R"({"model":"m","input":"hi","stream":true})");
    EXPECT_EQ(plain.order.message, "hi");
    EXPECT_TRUE(plain.streams);
    EXPECT_EQ(plain.order.session_key.rfind("agent:main:openresponses:", 0), 0u);
    const ResponsesRequest items = respond(R"({"model":"openclaw:ops","user":"u",
        "instructions":"be brief","input":[
        {"role":"system","content":"and kind"},
        {"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},
        {"role":"assistant","content":[{"type":"output_text","text":"b"}]},
        {"type":"reasoning","id":"r"},{"type":"item_reference","id":"i"},
        {"type":"function_call","name":"f","call_id":"c1","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"42"}]})");
    EXPECT_EQ(items.order.extra_system, "be brief\n\nand kind");
    EXPECT_EQ(items.order.message,
              "The conversation so far, oldest first:\n\nUser: a\n\nAssistant: b\n\n"
              "Assistant: (called f with {})\n\nAnswer this message now:\n\n"
              "Tool: The result of f:\n42");
    EXPECT_EQ(items.order.session_key, "agent:ops:openresponses-user:u");
}

TEST(Responses, TakeImagesAndTextFiles) {
    const ResponsesRequest request = respond(R"({"model":"m","input":[{"role":"user","content":[
        {"type":"input_text","text":"see"},
        {"type":"input_image","image_url":"data:image/jpeg;base64,aGk="},
        {"type":"input_image","source":{"type":"base64","media_type":"image/png","data":"aGk="}},
        {"type":"input_file","source":{"type":"base64","media_type":"text/plain; charset=utf-8",
         "data":"aGVsbG8=","filename":"a.txt"}}]}]})");
    EXPECT_EQ(request.order.message, "see\n[a.txt]\nhello");
    ASSERT_EQ(request.order.attachments.size(), 2u);
    EXPECT_EQ(request.order.attachments[0]["mimeType"], "image/jpeg");
    const auto error_of = [](const char* part) {
        return respond_error(std::string(R"({"model":"m","input":[{"role":"user","content":[)") +
                             part + "]}]}");
    };
    EXPECT_EQ(error_of(R"({"type":"input_image","source":{"type":"ftp","url":"http://h"}})"),
              "input[0].content[0].source.type: use base64 or url");
    EXPECT_NE(error_of(R"({"type":"input_file","source":{"type":"base64",
        "media_type":"application/zip","data":"aGk="}})")
                  .find("files of type \"application/zip\" are not taken; use text/plain"),
              std::string::npos);
    EXPECT_EQ(error_of(R"({"type":"input_file","source":{"type":"base64",
        "media_type":"application/pdf","data":"aGk="}})"),
              "input[0].content[0].source: the file is no PDF");
    EXPECT_NE(error_of(R"({"type":"input_file","file_id":"file-1"})").find("file_id: no files"),
              std::string::npos);
    EXPECT_NE(error_of(R"({"type":"input_file","source":{"type":"base64",
        "media_type":"text/plain","data":"?"}})")
                  .find("must be base64"),
              std::string::npos);
}

TEST(Responses, BoundWhatIsSentAlong) {
    const GatewaySettings small =
        read_gateway_settings(*parse_json(R"({"gateway":{"http":{"endpoints":{"responses":{
            "images":{"maxBytes":2,"allowedMimes":["image/png"]},
            "files":{"maxBytes":100,"maxChars":3}}}}}})"),
                              false);
    const auto read = [&](const char* part) {
        return read_responses_request(
            *parse_json(std::string(R"({"model":"m","input":[{"role":"user","content":[)") + part +
                        "]}]}"),
            {}, small);
    };
    EXPECT_TRUE(read(R"({"type":"input_image","image_url":"data:image/png;base64,aGk="})"));
    EXPECT_FALSE(read(R"({"type":"input_image","image_url":"data:image/png;base64,aGlo"})"));
    EXPECT_FALSE(read(R"({"type":"input_image","image_url":"data:image/gif;base64,aGk="})"));
    const auto cut = read(R"({"type":"input_file","source":{"type":"base64",
        "media_type":"text/plain","data":"aGVsbG8="}})");
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->order.message, "[file]\nhel");
}

TEST(Responses, NeverPassOverWhatTheyCannotDo) {
    EXPECT_EQ(respond_error(R"({"input":"x"})"), "model: must be a text that is not empty");
    EXPECT_EQ(respond_error(R"({"model":"m"})"), "input: must be a text or a list of items");
    EXPECT_EQ(respond_error(R"({"model":"m","input":"x","speed":1})"), "speed: is not known here");
    EXPECT_EQ(respond_error(R"({"model":"m","input":"x","tools":[{}],"tool_choice":"none"})"), "");
    EXPECT_EQ(respond_error(R"({"model":"m","input":[{"type":"web_search_call"}]})"),
              "input[0].type: \"web_search_call\" is not taken");
    EXPECT_EQ(respond_error(R"({"model":"m","input":"x","temperature":1,"top_p":1,"metadata":{},
        "store":true,"reasoning":{},"truncation":"auto",
        "max_output_tokens":5,"max_tool_calls":1})"),
              "");
}

TEST(Responses, TakePdfByItsBytesOrItsAddress) {
    const ResponsesRequest request = respond(R"({"model":"m","input":[{"role":"user","content":[
        {"type":"input_text","text":"see"},
        {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0x"},
        {"type":"input_file","file_url":"https://h/x/b.pdf?y"},
        {"type":"input_file","source":{"type":"url","url":"HTTP://h"}}]}]})");
    EXPECT_EQ(request.order.message, "see\n[attached: a.pdf]\n[attached: b.pdf]\n[attached: file]");
    EXPECT_EQ(print_json(request.order.attachments),
              R"([{"type":"file","mimeType":"application/pdf","fileName":"a.pdf",)"
              R"("content":"JVBERi0x"},{"type":"file","url":"https://h/x/b.pdf?y",)"
              R"("where":"input[0].content[2].file_url","fileName":"b.pdf"},)"
              R"({"type":"file","url":"HTTP://h","where":"input[0].content[3].source.url",)"
              R"("fileName":"file"}])");
}

TEST(Responses, SettleWhatWasFetched) {
    TurnOrder order = respond(R"({"model":"m","input":[{"role":"user","content":[
        {"type":"input_text","text":"see"},
        {"type":"input_image","image_url":"https://h/a"},
        {"type":"input_file","file_url":"https://h/b.txt"},
        {"type":"input_file","file_url":"https://h/c.pdf"}]}]})")
                          .order;
    ASSERT_EQ(to_be_fetched(order), 0u);
    const Done wrong = settle_attachment(order, 0, "text/html", "aGk=", settings.http);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().what.rfind("input[0].content[1].image_url: images of type", 0), 0u);
    ASSERT_TRUE(settle_attachment(order, 0, "image/png", "aGk=", settings.http));
    ASSERT_EQ(to_be_fetched(order), 1u);
    ASSERT_TRUE(settle_attachment(order, 1, "text/plain", "aGVsbG8=", settings.http));
    ASSERT_EQ(to_be_fetched(order), 1u) << "a text is no attachment";
    ASSERT_TRUE(settle_attachment(order, 1, "application/pdf", "JVBERi0x", settings.http));
    EXPECT_FALSE(to_be_fetched(order));
    EXPECT_EQ(order.message, "see\n[attached: b.txt]\n[attached: c.pdf]\n\n[b.txt]\nhello");
    ASSERT_EQ(order.attachments.size(), 2u);
    EXPECT_EQ(order.attachments[0]["mimeType"], "image/png");
    EXPECT_EQ(order.attachments[1]["fileName"], "c.pdf");
}

TEST(Responses, FetchNothingWhereTheOwnerSaysSo) {
    const GatewaySettings closed =
        read_gateway_settings(*parse_json(R"({"gateway":{"http":{"endpoints":{"responses":{
            "images":{"allowUrl":false},"files":{"allowUrl":false}}}}}})"),
                              false);
    for (const char* part : {R"({"type":"input_image","image_url":"https://h/a"})",
                             R"({"type":"input_file","file_url":"https://h/a"})"}) {
        const auto request = read_responses_request(
            *parse_json(std::string(R"({"model":"m","input":[{"role":"user","content":[)") + part +
                        "]}]}"),
            {}, closed);
        ASSERT_FALSE(request) << part;
        EXPECT_NE(request.error().what.find("allowUrl"), std::string::npos);
    }
}

TEST(Responses, OfferTheClientsFunctions) {
    const ResponsesRequest flat = respond(R"({"model":"m","input":"x","instructions":"be brief",
        "tools":[{"type":"function","name":"weather","description":"Tells it",
        "parameters":{"type":"object"},"strict":true},{"type":"function","name":"clock"}]})");
    EXPECT_EQ(
        print_json(flat.order.client_tools),
        R"([{"name":"weather","description":"Tells it","parameters":{"type":"object"}},)"
        R"({"name":"clock","description":"","parameters":{"type":"object","properties":{}}}])");
    EXPECT_EQ(flat.order.extra_system, "be brief");
    const ResponsesRequest nested = respond(R"({"model":"m","input":"x","tool_choice":"required",
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]})");
    EXPECT_EQ(nested.order.client_tools[0]["name"], "f");
    EXPECT_NE(nested.order.extra_system.find("You must call one of the functions"),
              std::string::npos);
    const std::string two = R"({"model":"m","input":"x","tools":[{"type":"function","name":"a"},)"
                            R"({"type":"function","name":"b"}],"tool_choice":)";
    for (const char* choice : {R"({"type":"function","name":"b"}})",
                               R"({"type":"function","function":{"name":"b"}}})"}) {
        const ResponsesRequest one = respond(two + choice);
        ASSERT_EQ(one.order.client_tools.size(), 1u);
        EXPECT_EQ(one.order.client_tools[0]["name"], "b");
        EXPECT_EQ(one.order.extra_system, "You must call the function b before you answer.");
    }
    EXPECT_TRUE(respond(two + R"("none"})").order.client_tools.empty());
    EXPECT_EQ(respond(two + R"("auto"})").order.client_tools.size(), 2u);
    EXPECT_EQ(respond_error(two + R"({"type":"function","name":"c"}})"),
              "tool_choice: there is no function \"c\" in tools");
    const auto tools_error = [](const std::string& tools) {
        return respond_error(R"({"model":"m","input":"x","tools":)" + tools + "}");
    };
    EXPECT_EQ(tools_error("7"), "tools: must be a list");
    EXPECT_EQ(tools_error(R"([{"type":"web_search"}])"),
              "tools[0].type: only functions can be offered; use function");
    EXPECT_EQ(tools_error(R"([{"type":"function","name":"a b"}])").rfind("tools[0].name: ", 0), 0u);
    EXPECT_EQ(tools_error(R"([{"type":"function","name":"a","parameters":[]}])")
                  .rfind("tools[0].parameters: ", 0),
              0u);
    EXPECT_EQ(tools_error(R"([{"type":"function","name":"a"},{"type":"function","name":"a"}])"),
              "tools[1].name: there is another function of that name");
}

TEST(Responses, GoOnWithWhatFunctionsCameTo) {
    const std::string id = response_id("agent:main:openresponses:x", "1");
    const ResponsesRequest results =
        respond(R"({"model":"m","previous_response_id":")" + id + R"(","input":[
        {"type":"function_call_output","call_id":"c1","output":"42"},
        {"type":"function_call_output","call_id":"c2","output":{"ok":true}}]})");
    EXPECT_EQ(results.order.message,
              "The result of the call c1:\n42\n\nThe result of the call c2:\n{\"ok\":true}");
    EXPECT_TRUE(results.order.continues);
    EXPECT_EQ(results.order.session_key, "agent:main:openresponses:x");
    EXPECT_EQ(results.previous, id);
    const ResponsesRequest named =
        respond(R"({"model":"m","previous_response_id":"resp_1","user":"u","input":"x"})");
    EXPECT_FALSE(named.order.continues) << "who names a user has named the session";
    EXPECT_EQ(named.order.session_key, "agent:main:openresponses-user:u");
    // An image of the question goes along with the results.
    const ResponsesRequest full = respond(R"({"model":"m","input":[
        {"role":"user","content":[{"type":"input_text","text":"what is it?"},
            {"type":"input_image","image_url":"data:image/png;base64,aGk="}]},
        {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":""}]})");
    EXPECT_EQ(full.order.attachments.size(), 1u);
    EXPECT_NE(full.order.message.find("The result of f:\n(nothing)"), std::string::npos);
}

TEST(ResponseIds, TellTheSessionAndNothingElse) {
    for (const char* key :
         {"agent:main:openresponses:2d2f", "agent:ops:openresponses-user:\xc3\xa4 _/"})
        EXPECT_EQ(session_of_response(response_id(key, "0f3a")), key);
    EXPECT_NE(response_id("agent:main:x", "1"), response_id("agent:main:x", "2"));
    const std::string key = "agent:main:" + std::string(longest_key_in_id, 'x');
    EXPECT_EQ(response_id(key, "1"), "resp_1") << "an id has a bound";
    for (const char* other : {"", "resp_", "resp_1", "resp__1", "resp_!!_1", "msg_YWdlbnQ6eA_1",
                              "resp_bWFpbg_1", "resp_of_somebody_else"})
        EXPECT_FALSE(session_of_response(other)) << other;
    EXPECT_EQ(respond_error(R"({"model":"m","input":"x","previous_response_id":"resp_1"})"),
              "previous_response_id: no answer of this gateway has the id \"resp_1\"");
}

ResponsesFormat response_format() {
    return ResponsesFormat({"resp_1", "msg_1"}, {"m", "be brief"}, 5);
}

TEST(ResponsesFormat, AnswersWithTheRealCounts) {
    ResponsesFormat format = response_format();
    const Json answer = *parse_json(std::string(format.whole(answered("Hello")).content()));
    EXPECT_EQ(answer["status"], "completed");
    EXPECT_EQ(answer["object"], "response");
    EXPECT_EQ(answer["instructions"], "be brief");
    EXPECT_EQ(print_json(answer["output"]),
              R"([{"type":"message","id":"msg_1","role":"assistant","content":[)"
              R"({"type":"output_text","text":"Hello","annotations":[]}],"status":"completed"}])");
    EXPECT_EQ(answer["usage"]["input_tokens"], 12);
    EXPECT_EQ(answer["usage"]["total_tokens"], 19);
    TurnEnd cut = answered("Half");
    cut.how = TurnEnd::How::cut_short;
    EXPECT_EQ((*parse_json(std::string(format.whole(cut).content())))["status"], "incomplete");
    EXPECT_EQ(format.whole(ended(TurnEnd::How::failed, "x")).status, 500);
}

TEST(ResponsesFormat, StreamsItsEventsInOrder) {
    ResponsesFormat format = response_format();
    TurnStream stream(format);
    stream.text_is("Hel");
    std::string all = drained(stream);
    stream.text_is("Hello");
    stream.ended(answered("Hello"));
    all += drained(stream);
    const std::vector<Json> seen = events(all);
    const char* const expected[] = {"response.created",           "response.in_progress",
                                    "response.output_item.added", "response.content_part.added",
                                    "response.output_text.delta", "response.output_text.delta",
                                    "response.output_text.done",  "response.content_part.done",
                                    "response.output_item.done",  "response.completed"};
    ASSERT_EQ(seen.size(), std::size(expected) + 1) << all;
    for (size_t i = 0; i < std::size(expected); ++i) {
        EXPECT_EQ(seen[i]["type"], expected[i]);
        EXPECT_EQ(seen[i]["sequence_number"], i);
        EXPECT_NE(all.find(std::string("event: ") + expected[i] + "\ndata: "), std::string::npos);
    }
    EXPECT_EQ(seen.back(), "[DONE]");
    EXPECT_EQ(seen[4]["delta"], "Hel");
    EXPECT_EQ(seen[5]["item_id"], "msg_1");
    EXPECT_EQ(seen[6]["text"], "Hello");
    EXPECT_EQ(seen[9]["response"]["output"][0]["content"][0]["text"], "Hello");
}

TurnEnd calling(const std::string& text) {
    TurnEnd end = answered(text);
    end.calls = {{"c1", "weather", R"({"city":"Rome"})"}, {"c2", "clock", "{}"}};
    return end;
}

TEST(ResponsesFormat, TellsCallsOfTheClientsFunctions) {
    ResponsesFormat format(
        {"resp_1", "msg_1"},
        {"m", "", *parse_json(R"([{"type":"function","name":"weather"}])"), "required", "resp_0"},
        5);
    const Json answer = *parse_json(std::string(format.whole(calling("")).content()));
    EXPECT_EQ(answer["status"], "incomplete");
    EXPECT_EQ(print_json(answer["output"]),
              R"([{"type":"function_call","id":"fc_1_0","call_id":"c1","name":"weather",)"
              R"("arguments":"{\"city\":\"Rome\"}","status":"completed"},)"
              R"({"type":"function_call","id":"fc_1_1","call_id":"c2","name":"clock",)"
              R"("arguments":"{}","status":"completed"}])");
    EXPECT_EQ(answer["tools"][0]["name"], "weather");
    EXPECT_EQ(answer["tool_choice"], "required");
    EXPECT_EQ(answer["previous_response_id"], "resp_0");
    EXPECT_EQ(answer["incomplete_details"], nullptr);
    EXPECT_EQ(answer["usage"]["total_tokens"], 19);
    const Json spoken = *parse_json(std::string(format.whole(calling("Let me see.")).content()));
    EXPECT_EQ(spoken["output"].size(), 3u);
    EXPECT_EQ(spoken["output"][0]["content"][0]["text"], "Let me see.");
}

TEST(ResponsesFormat, StreamsCallsAfterTheMessage) {
    ResponsesFormat format = response_format();
    TurnStream stream(format);
    std::string all = drained(stream);
    stream.ended(calling(""));
    all += drained(stream);
    const std::vector<Json> seen = events(all);
    const char* const expected[] = {"response.created",
                                    "response.in_progress",
                                    "response.output_item.added",
                                    "response.content_part.added",
                                    "response.output_text.done",
                                    "response.content_part.done",
                                    "response.output_item.done",
                                    "response.output_item.added",
                                    "response.function_call_arguments.delta",
                                    "response.function_call_arguments.done",
                                    "response.output_item.done",
                                    "response.output_item.added",
                                    "response.function_call_arguments.delta",
                                    "response.function_call_arguments.done",
                                    "response.output_item.done",
                                    "response.completed"};
    ASSERT_EQ(seen.size(), std::size(expected) + 1) << all;
    for (size_t i = 0; i < std::size(expected); ++i) {
        EXPECT_EQ(seen[i]["type"], expected[i]);
        EXPECT_EQ(seen[i]["sequence_number"], i);
    }
    EXPECT_EQ(seen[7]["output_index"], 1);
    EXPECT_EQ(seen[7]["item"]["arguments"], "");
    EXPECT_EQ(seen[8]["delta"], R"({"city":"Rome"})");
    EXPECT_EQ(seen[8]["item_id"], seen[7]["item"]["id"]);
    EXPECT_EQ(seen[9]["arguments"], R"({"city":"Rome"})");
    EXPECT_EQ(seen[10]["item"]["arguments"], R"({"city":"Rome"})");
    EXPECT_EQ(seen[11]["output_index"], 2);
    const Json& last = seen[15]["response"];
    EXPECT_EQ(last["status"], "incomplete");
    ASSERT_EQ(last["output"].size(), 3u);
    EXPECT_EQ(last["output"][1]["call_id"], "c1");
}

TEST(ResponsesFormat, TellsAFailure) {
    ResponsesFormat format = response_format();
    TurnStream stream(format);
    stream.ended(ended(TurnEnd::How::failed, "overloaded"));
    const std::vector<Json> seen = events(drained(stream));
    ASSERT_EQ(seen.size(), 6u);
    EXPECT_EQ(seen[4]["type"], "response.failed");
    EXPECT_EQ(seen[4]["response"]["status"], "failed");
    EXPECT_EQ(seen[4]["response"]["error"]["message"], "overloaded");
}

hardshell::proto::RpcResult result(bool ok, const std::string& text) {
    hardshell::proto::RpcResult made;
    made.set_ok(ok);
    if (ok) {
        made.set_payload_json(text);
    } else {
        made.set_error_code("UNAVAILABLE");
        made.set_error_message(text);
    }
    return made;
}

TEST(TurnEnd, IsReadFromTheAgentsResult) {
    const TurnEnd end = read_turn_end(
        result(true, R"({"status":"ok","result":{"payloads":[{"text":"a"},{"mediaUrl":"u"},
            {"text":"b"}],"meta":{"aborted":false,"agentMeta":{"usage":{"input":5,"output":3,
            "cacheRead":10,"cacheWrite":1}}}}})"),
        true);
    EXPECT_EQ(end.how, TurnEnd::How::answered);
    EXPECT_EQ(end.text, "a\n\nb");
    EXPECT_EQ(end.usage.input, 16);
    EXPECT_EQ(end.usage.cached, 10);
    EXPECT_EQ(end.usage.output, 3);
    const auto with_meta = [](const char* text, const char* meta) {
        return read_turn_end(result(true, std::string(R"({"result":{"payloads":[{"text":")") +
                                              text + R"("}],"meta":)" + meta + "}}"),
                             true)
            .how;
    };
    const TurnEnd calls =
        read_turn_end(result(true, R"({"result":{"payloads":[],"meta":{"aborted":false,
            "stopReason":"tool_calls","pendingToolCalls":[{"id":"c1","name":"f",
            "arguments":"{}"}]}}})"),
                      true);
    EXPECT_EQ(calls.how, TurnEnd::How::answered);
    ASSERT_EQ(calls.calls.size(), 1u);
    EXPECT_EQ(calls.calls[0].id + " " + calls.calls[0].name + " " + calls.calls[0].arguments,
              "c1 f {}");
    EXPECT_EQ(with_meta("a", R"({"aborted":true})"), TurnEnd::How::cut_short);
    EXPECT_EQ(with_meta("", R"({"aborted":true})"), TurnEnd::How::failed);
    EXPECT_EQ(with_meta("a", R"({"stopReason":"length"})"), TurnEnd::How::cut_short);
    EXPECT_EQ(read_turn_end(result(false, "x"), true).how, TurnEnd::How::failed);
    EXPECT_EQ(read_turn_end(result(false, "x"), false).how, TurnEnd::How::unavailable);
    EXPECT_EQ(read_turn_end(result(true, "no json"), true).how, TurnEnd::How::failed);
}

TEST(ToolsInvoke, ReadsARequest) {
    HttpAsk ask;
    ask.headers["x-openclaw-message-channel"] = "slack";
    EXPECT_EQ(print_json(*read_tool_request(
                  *parse_json(R"({"tool":"t","action":"a","args":{"x":1},"other":2})"), ask)),
              R"({"tool":"t","args":{"x":1},"sessionKey":"main","action":"a","channel":"slack"})");
    EXPECT_FALSE(read_tool_request(*parse_json(R"({"args":{}})"), ask));
    EXPECT_FALSE(read_tool_request(*parse_json(R"({"tool":"t","args":[]})"), ask));
    EXPECT_FALSE(read_tool_request(*parse_json("7"), ask));
}

TEST(ToolsInvoke, TellsWhatBecameOfIt) {
    const HttpAnswer good = tool_answer(result(true, R"({"ok":true,"result":{"content":[]}})"));
    EXPECT_EQ(good.status, 200);
    EXPECT_EQ(good.content(), R"({"ok":true,"result":{"content":[]}})");
    const HttpAnswer none =
        tool_answer(result(true, R"({"ok":false,"type":"not_found","message":"no"})"));
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(none.content(), R"({"ok":false,"error":{"type":"not_found","message":"no"}})");
    EXPECT_EQ(tool_answer(result(true, R"({"ok":false,"type":"tool_error"})")).status, 400);
    EXPECT_EQ(tool_answer(result(false, "down")).status, 503);
}

}  // namespace
}  // namespace gateway
