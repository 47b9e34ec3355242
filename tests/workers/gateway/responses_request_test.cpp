// Requests of POST /v1/responses, and the ids that they go on from.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "workers/gateway/responses.h"

namespace gateway {
namespace {

const GatewaySettings settings =
    read_gateway_settings(*parse_json(R"({"agents":{"list":[{"id":"main"}]}})"), false);

const ResponseIds ids{ResponseIds::Key{1}};

ResponsesRequest respond(const std::string& body) {
    const Result<ResponsesRequest> request =
        read_responses_request(*parse_json(body), {}, settings, ids);
    if (request) return *request;
    ADD_FAILURE() << request.error().what;
    return {};
}
std::string respond_error(const std::string& body) {
    const Result<ResponsesRequest> request =
        read_responses_request(*parse_json(body), {}, settings, ids);
    return request ? "" : request.error().what;
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
            {}, small, ids);
    };
    EXPECT_TRUE(read(R"({"type":"input_image","image_url":"data:image/png;base64,aGk="})"));
    EXPECT_FALSE(read(R"({"type":"input_image","image_url":"data:image/png;base64,aGlo"})"));
    EXPECT_FALSE(read(R"({"type":"input_image","image_url":"data:image/gif;base64,aGk="})"));
    const auto cut = read(R"({"type":"input_file","source":{"type":"base64",
        "media_type":"text/plain","data":"aGVsbG8="}})");
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->order.message, "[file]\nhel");
}

TEST(Responses, TakeNoMoreThanTheAgentDoes) {
    const HttpSettings usual = read_http_settings(Json::object());
    EXPECT_EQ(usual.images.most_bytes, 4'999'998u);
    EXPECT_EQ(usual.files.most_bytes, 5u << 20);
    const GatewaySettings generous =
        read_gateway_settings(*parse_json(R"({"gateway":{"http":{"endpoints":{"responses":{
            "images":{"maxBytes":20000000},"files":{"maxBytes":20000000}}}}}})"),
                              false);
    EXPECT_EQ(generous.http.images.most_bytes, 4'999'998u);
    EXPECT_EQ(generous.http.files.most_bytes, 8'388'606u);
    const auto read = [&](size_t letters) {
        return read_responses_request(
            *parse_json(R"({"model":"m","input":[{"role":"user","content":[
                {"type":"input_image","image_url":"data:image/png;base64,)" +
                        std::string(letters, 'A') + R"("}]}]})"),
            {}, generous, ids);
    };
    EXPECT_TRUE(read(4'999'998 / 3 * 4));
    const auto refused = read(4'999'998 / 3 * 4 + 2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what,
              "input[0].content[0].image_url: the image is larger than 4999998 bytes");
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
            {}, closed, ids);
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
    const std::string id = ids.id_of("resp_1", "agent:main:openresponses:x");
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

TEST(Responses, TakeImagesOfEarlierMessagesOnlyWhereNothingWasSaidBefore) {
    const char* const begin = R"({"model":"m",)";
    const std::string input = R"("input":[
        {"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,b25l"}]},
        {"role":"assistant","content":"seen"},
        {"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,dHdv"}]},
        {"role":"user","content":"and this?"}]})";
    EXPECT_EQ(respond(begin + input).order.attachments.size(), 2u);
    const std::string id = ids.id_of("resp_1", "agent:main:openresponses:x");
    for (const std::string& lasts :
         {std::string(R"("user":"u",)"), R"("previous_response_id":")" + id + R"(",)"}) {
        const TurnOrder order = respond(begin + lasts + input).order;
        ASSERT_EQ(order.attachments.size(), 1u) << "the session has the first one already";
        EXPECT_EQ(order.attachments[0]["content"], "dHdv");
    }
}

TEST(ResponseIds, TellTheSessionToTheirGatewayAlone) {
    const std::string secret_part = "agent:ops:openresponses-user:ann@example.org";
    for (const std::string& key :
         {std::string("agent:main:openresponses:2d2f"), secret_part, std::string("\xc3\xa4 _/")}) {
        const std::string run = ResponseIds::new_run();
        const std::string id = ids.id_of(run, key);
        EXPECT_TRUE(id.starts_with(run + "_")) << "a log names the run, which opens nothing";
        EXPECT_EQ(ids.session_of(id), key);
        EXPECT_FALSE(ids.session_of(run));
        EXPECT_FALSE(ResponseIds(ResponseIds::Key{2}).session_of(id)) << "another gateway's key";
    }
    EXPECT_NE(ids.id_of("resp_1", secret_part).substr(6),
              ids.id_of("resp_2", secret_part).substr(6));
    EXPECT_EQ(ids.id_of("resp_1", secret_part).find("YWdlbnQ"), std::string::npos) << "unreadable";
    const std::string key = "agent:main:" + std::string(ResponseIds::longest_session, 'x');
    EXPECT_EQ(ids.id_of("resp_1", key), "resp_1") << "an id has a bound";
}

TEST(ResponseIds, CannotBeMadeByAnybodyElse) {
    const std::string id = ids.id_of("resp_1", "agent:main:openresponses:x");
    for (size_t place = 0; place < id.size(); ++place) {
        std::string changed = id;
        changed[place] = changed[place] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(ids.session_of(changed)) << changed;
        EXPECT_FALSE(ids.session_of(id.substr(0, place)));
    }
    for (const char* other :
         {"", "resp_", "resp_1", "resp__1", "resp_!!_1", "resp_1_!!", "resp_1_", "msg_YWdlbnQ6eA_1",
          "resp_YWdlbnQ6bWFpbjptYWlu_x", "resp_x_YWdlbnQ6bWFpbjptYWlu", "resp_of_somebody_else"})
        EXPECT_FALSE(ids.session_of(other)) << other;
    EXPECT_EQ(respond_error(R"({"model":"m","input":"x","previous_response_id":"resp_1"})"),
              "previous_response_id: no answer of this gateway has the id \"resp_1\"");
}

TEST(ResponseIds, AreUnderstoodAfterARestart) {
    char name[] = "/tmp/response-ids-XXXXXX";
    const std::string directory = mkdtemp(name);
    std::vector<std::string> problems;
    const std::string id =
        ResponseIds::load(directory + "/settings", problems).id_of("resp_1", "agent:main:x");
    EXPECT_EQ(ResponseIds::load(directory + "/settings", problems).session_of(id), "agent:main:x");
    EXPECT_TRUE(problems.empty());
    std::ofstream(directory + "/settings/response-ids.json") << R"({"key":"00ff"})";
    EXPECT_FALSE(ResponseIds::load(directory + "/settings", problems).session_of(id));
    EXPECT_TRUE(problems.empty()) << "no key: a new one is made";
    (void)ResponseIds::load(directory + "/settings/response-ids.json", problems);
    ASSERT_EQ(problems.size(), 1u) << "a directory that cannot be written to";
    EXPECT_NE(problems[0].find("response-ids.json"), std::string::npos) << problems[0];
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gateway
