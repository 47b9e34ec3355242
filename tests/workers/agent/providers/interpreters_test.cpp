#include <gmock/gmock.h>

#include "tests/workers/agent/providers/model_for_test.h"
#include "workers/agent/providers/failures.h"

namespace agent {
namespace {

using Reason = ModelFailure::Reason;

const std::string anthropic_answer =
    R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_1","role":"assistant","usage":{"input_tokens":25,"output_tokens":1,"cache_read_input_tokens":100,"cache_creation_input_tokens":50}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Cg=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"b3BhcXVl"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Grüße, "}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"W\u00e4lt 😀"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"read","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"path\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"a.txt\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: a_type_of_the_future
data: {"type":"a_type_of_the_future"}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":40}}

event: message_stop
data: {"type":"message_stop"}

)";

const std::string responses_answer =
    R"(event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress"}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}

event: response.reasoning_summary_part.added
data: {"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"Let me see."}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAA"}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","output_index":1,"part":{"type":"output_text","text":""}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"Grüße, "}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"W\u00e4lt 😀"}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Grüße, Wält 😀"}]}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"read","arguments":""}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"path\":\"a.txt\"}"}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"read","arguments":"{\"path\":\"a.txt\"}"}}

event: response.completed
data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","usage":{"input_tokens":125,"input_tokens_details":{"cached_tokens":100},"output_tokens":40,"output_tokens_details":{"reasoning_tokens":10},"total_tokens":165}}}

)";

const std::string completions_answer =
    R"(: keep-alive

data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"Let me see.","reasoning":"Let me see."},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Grüße, "},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"content":"W\u00e4lt 😀"},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"read","arguments":""}}]},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\":\"a.txt\"}"}}]},"finish_reason":null}]}

data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"id":"c1","choices":[],"usage":{"prompt_tokens":125,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens":40,"completion_tokens_details":{"reasoning_tokens":10},"total_tokens":165}}

data: [DONE]

)";

const std::string& answer_of(Api api) {
    if (api == Api::anthropic_messages) return anthropic_answer;
    return api == Api::openai_responses ? responses_answer : completions_answer;
}

TEST(Interpreter, ReadsTheSameAnswerOfEveryApiHoweverItIsSplit) {
    for (const Api api : every_api) {
        const Model model = model_for_test(api);
        const std::string& bytes = answer_of(api);
        const Json whole = read_stream(model, bytes).message();
        for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
            const ReadStream read = read_stream(model, bytes, piece);
            ASSERT_FALSE(read.interpreter->failure()) << api_name(api) << " by " << piece;
            EXPECT_EQ(read.message(), whole) << api_name(api) << " by " << piece;
            EXPECT_EQ(read.text(), "Grüße, Wält 😀");
            EXPECT_EQ(read.text(Delta::Kind::thinking), "Let me see.");
        }
    }
}

TEST(Interpreter, GetsTheSameEventsSplitAtEveryByte) {
    for (const Api api : every_api) {
        const std::string& bytes = answer_of(api);
        const auto events_split_at = [&](size_t at) {
            EventStream stream;
            std::vector<StreamEvent> events;
            EXPECT_TRUE(stream.feed(std::string_view(bytes).substr(0, at), events));
            EXPECT_TRUE(stream.feed(std::string_view(bytes).substr(at), events));
            std::string all;
            for (const StreamEvent& event : events) all += event.type + "\n" + event.data + "\n";
            return all;
        };
        const std::string whole = events_split_at(0);
        for (size_t at = 1; at < bytes.size(); ++at)
            ASSERT_EQ(events_split_at(at), whole) << api_name(api) << " at " << at;
    }
}

TEST(Interpreter, FailsWhenTheStreamEndsAnywhereBeforeItsLastEvent) {
    for (const Api api : every_api) {
        const std::string& bytes = answer_of(api);
        // Chat completions may end after the finish reason.
        const std::string last = api == Api::anthropic_messages ? "event: message_stop"
                                 : api == Api::openai_responses ? "event: response.completed"
                                                                : R"("finish_reason":"tool_calls")";
        const size_t end = bytes.find(last);
        ASSERT_NE(end, std::string::npos);
        // What an interpreter is told changes only where an event is complete.
        EventStream stream;
        std::vector<StreamEvent> events;
        size_t tried = static_cast<size_t>(-1);
        for (size_t at = 0; at < end; ++at) {
            if (events.size() != tried) {
                const auto interpreter = make_interpreter(model_for_test(api));
                std::vector<Delta> deltas;
                for (const StreamEvent& event : events) interpreter->take(event, deltas);
                interpreter->end_of_stream();
                ASSERT_TRUE(interpreter->failure()) << api_name(api) << " at " << at;
                ASSERT_EQ(interpreter->failure()->reason, Reason::unreachable);
                tried = events.size();
            }
            ASSERT_TRUE(stream.feed(std::string_view(bytes).substr(at, 1), events));
        }
    }
}

TEST(Interpreter, AcceptsChatCompletionsWithoutTheClosingWord) {
    const std::string bytes = completions_answer.substr(0, completions_answer.find("data: [DONE]"));
    const ReadStream read = read_stream(model_for_test(Api::chat_completions), bytes);
    ASSERT_FALSE(read.interpreter->failure());
    EXPECT_EQ(read.message()["stopReason"], "toolUse");
}

TEST(Interpreter, MakesUpNoIdForACallThatHasNone) {
    for (const char* id : {"", R"("id":"",)", R"("id":null,)"}) {
        const std::string call =
            std::string(R"({"index":0,)") + id + R"("function":{"name":"read","arguments":"{}"}})";
        const ReadStream read =
            read_stream(model_for_test(Api::chat_completions),
                        R"(data: {"choices":[{"delta":{"tool_calls":[)" + call +
                            "]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
        ASSERT_FALSE(read.interpreter->failure());
        const Json message = read.message();
        EXPECT_EQ(message["content"][0]["name"], "read");
        EXPECT_EQ(message["content"][0]["id"], "") << "the same one in each answer";
    }
}

// Some servers give each call the same place.
TEST(Interpreter, TellsCallsOfOnePlaceApartByTheirIds) {
    const auto chunk = [](const std::string& call) {
        return R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,)" + call + "}]}}]}\n\n";
    };
    const ReadStream read =
        read_stream(model_for_test(Api::chat_completions),
                    chunk(R"("id":"a","function":{"name":"read","arguments":"{}"})") +
                        chunk(R"("id":"b","function":{"name":"read","arguments":"{\"x\":"})") +
                        chunk(R"("id":"b","function":{"arguments":"1}"})") +
                        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                        "data: [DONE]\n\n");
    ASSERT_FALSE(read.interpreter->failure());
    const Json content = read.message()["content"];
    ASSERT_EQ(content.size(), 2u);
    EXPECT_EQ(content[0]["id"], "a");
    EXPECT_EQ(content[1]["id"], "b");
    EXPECT_EQ(content[1]["arguments"]["x"], 1);
}

TEST(Interpreter, BuildsTheMessageThatTheTranscriptStores) {
    const Json message =
        read_stream(model_for_test(Api::anthropic_messages), anthropic_answer).message();
    EXPECT_EQ(message["role"], "assistant");
    EXPECT_EQ(message["api"], "anthropic-messages");
    EXPECT_EQ(message["provider"], "maker");
    EXPECT_EQ(message["model"], "thinker-1");
    EXPECT_EQ(message["stopReason"], "toolUse");
    EXPECT_EQ(message["timestamp"], 1000);
    const Json expected = Json::parse(R"([
        {"type":"thinking","thinking":"Let me see.","thinkingSignature":"EqQBCg=="},
        {"type":"redacted_thinking","data":"b3BhcXVl"},
        {"type":"text","text":"Grüße, Wält 😀"},
        {"type":"toolCall","id":"toolu_1","name":"read","arguments":{"path":"a.txt"}}])");
    EXPECT_EQ(message["content"], expected);
}

TEST(Interpreter, KeepsTheInputCountsThatTheLastEventLeavesOut) {
    const Json usage =
        read_stream(model_for_test(Api::anthropic_messages), anthropic_answer).message()["usage"];
    EXPECT_EQ(usage["input"], 25);
    EXPECT_EQ(usage["output"], 40);
    EXPECT_EQ(usage["cacheRead"], 100);
    EXPECT_EQ(usage["cacheWrite"], 50);
    EXPECT_EQ(usage["totalTokens"], 215);
    EXPECT_NEAR(usage["cost"]["total"].get<double>(), (25 + 400 + 10 + 100) / 1e6, 1e-12);
}

TEST(Interpreter, CountsCachedAndReasoningTokensOnce) {
    for (const Api api : {Api::openai_responses, Api::chat_completions}) {
        const Json usage = read_stream(model_for_test(api), answer_of(api)).message()["usage"];
        EXPECT_EQ(usage["input"], 25) << api_name(api);
        EXPECT_EQ(usage["cacheRead"], 100) << api_name(api);
        EXPECT_EQ(usage["output"], 40) << api_name(api);
        EXPECT_EQ(usage["totalTokens"], 165) << api_name(api);
    }
}

TEST(Interpreter, CountsWhatOpenRouterPutIntoTheCache) {
    const ReadStream read =
        read_stream(model_for_test(Api::chat_completions),
                    R"(data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]})"
                    "\n\n"
                    R"(data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":1,)"
                    R"("prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30}}})"
                    "\n\ndata: [DONE]\n\n");
    const Json usage = read.message()["usage"];
    EXPECT_EQ(usage["input"], 10);
    EXPECT_EQ(usage["cacheRead"], 60);
    EXPECT_EQ(usage["cacheWrite"], 30);
    EXPECT_EQ(usage["totalTokens"], 101);
}

struct ErrorCase {
    Api api;
    const char* bytes;
    Reason reason;
    const char* text;
};

TEST(Interpreter, ClassifiesErrorsWithinTheStream) {
    const ErrorCase cases[] = {
        {Api::anthropic_messages,
         R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
         Reason::rate_limit, "overloaded_error: Overloaded"},
        {Api::anthropic_messages,
         R"({"type":"error","error":{"type":"api_error","message":"request 429 expired"}})",
         Reason::provider, "api_error: request 429 expired"},
        {Api::openai_responses,
         R"({"type":"error","code":"rate_limit_exceeded","message":"Slow down"})",
         Reason::rate_limit, "rate_limit_exceeded: Slow down"},
        {Api::openai_responses,
         R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"Oops"}}})",
         Reason::provider, "server_error: Oops"},
        {Api::openai_responses,
         R"({"type":"error","error":{"type":"invalid_request_error","code":"context_length_exceeded","message":"Too long"}})",
         Reason::context_overflow, "invalid_request_error: Too long"},
        {Api::chat_completions, R"({"error":{"code":502,"message":"Bad gateway"}})",
         Reason::provider, "HTTP 502: Bad gateway"},
        {Api::chat_completions, R"({"error":{"code":429,"message":"Busy"}})", Reason::rate_limit,
         "HTTP 429: Busy"},
    };
    for (const ErrorCase& test : cases) {
        const ReadStream read =
            read_stream(model_for_test(test.api), "data: " + std::string(test.bytes) + "\n\n");
        ASSERT_TRUE(read.interpreter->failure()) << test.bytes;
        EXPECT_EQ(read.interpreter->failure()->reason, test.reason) << test.bytes;
        EXPECT_EQ(read.interpreter->failure()->text, test.text);
    }
}

struct StopCase {
    Api api;
    const char* event;
    const char* stop_reason;  // null: a failure
};

TEST(Interpreter, MapsWhyTheModelStopped) {
    const std::string text_block =
        R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"x"}})"
        "\n\n";
    const std::string item =
        R"(data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"x"}]}})"
        "\n\n";
    const std::string delta = R"(data: {"choices":[{"delta":{"content":"x"}}]})"
                              "\n\n";
    const StopCase cases[] = {
        {Api::anthropic_messages, "end_turn", "stop"},
        {Api::anthropic_messages, "stop_sequence", "stop"},
        {Api::anthropic_messages, "pause_turn", "stop"},
        {Api::anthropic_messages, "max_tokens", "length"},
        {Api::anthropic_messages, "refusal", nullptr},
        {Api::openai_responses, R"("status":"completed")", "stop"},
        {Api::openai_responses,
         R"("status":"incomplete","incomplete_details":{"reason":"max_output_tokens"})", "length"},
        {Api::openai_responses,
         R"("status":"incomplete","incomplete_details":{"reason":"content_filter"})", nullptr},
        {Api::chat_completions, "stop", "stop"},
        {Api::chat_completions, "length", "length"},
        {Api::chat_completions, "content_filter", nullptr},
    };
    for (const StopCase& test : cases) {
        const std::string reason = test.event;
        std::string bytes;
        if (test.api == Api::anthropic_messages)
            bytes = text_block + R"(data: {"type":"message_delta","delta":{"stop_reason":")" +
                    reason + "\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
        else if (test.api == Api::openai_responses)
            bytes = item + R"(data: {"type":"response.completed","response":{)" + reason + "}}\n\n";
        else
            bytes = delta + R"(data: {"choices":[{"delta":{},"finish_reason":")" + reason +
                    "\"}]}\n\ndata: [DONE]\n\n";
        const ReadStream read = read_stream(model_for_test(test.api), bytes);
        if (!test.stop_reason) {
            ASSERT_TRUE(read.interpreter->failure()) << reason;
            EXPECT_EQ(read.interpreter->failure()->reason, Reason::format) << reason;
            continue;
        }
        ASSERT_FALSE(read.interpreter->failure()) << reason;
        EXPECT_EQ(read.message()["stopReason"], test.stop_reason) << reason;
        EXPECT_EQ(read.text(), "x") << reason;
    }
}

TEST(Interpreter, FailsOnWhatIsNoJson) {
    for (const Api api : every_api)
        for (const char* bytes : {"data: }{\n\n", "data: 7\n\n", "data: \xff\xfe\n\n"}) {
            const ReadStream read = read_stream(model_for_test(api), bytes);
            ASSERT_TRUE(read.interpreter->failure());
            EXPECT_EQ(read.interpreter->failure()->reason, Reason::provider);
        }
}

struct AnswerCase {
    int status;
    const char* body;
    Reason reason;
};

TEST(Failures, AreClassifiedByStatusAndTypeBeforeText) {
    const AnswerCase cases[] = {
        {400, R"({"error":{"type":"invalid_request_error","message":"messages: bad"}})",
         Reason::format},
        {400,
         R"({"error":{"type":"invalid_request_error","message":"tool 429 expired forbidden"}})",
         Reason::format},
        {400, R"({"error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}})",
         Reason::context_overflow},
        {400, R"({"error":{"code":"context_length_exceeded","message":"x"}})",
         Reason::context_overflow},
        {400,
         R"({"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}})",
         Reason::billing},
        {400,
         R"([{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}])",
         Reason::auth},
        {400, R"({"code":"invalid","error":"Incorrect API key provided: xa***9"})", Reason::auth},
        {400,
         R"({"error":{"type":"invalid_request_error","code":"model_decommissioned","message":"x"}})",
         Reason::provider},
        {401, R"({"error":{"type":"authentication_error","message":"x"}})", Reason::auth},
        {401, R"({"error":{"type":"invalid_request_error","message":"x"}})", Reason::auth},
        {402, "", Reason::billing},
        {403, "<html>Forbidden</html>", Reason::auth},
        {404, R"({"error":{"type":"not_found_error","message":"x"}})", Reason::provider},
        {408, "", Reason::timed_out},
        {413, R"({"error":{"type":"request_too_large","message":"x"}})", Reason::context_overflow},
        {429, R"({"error":{"type":"rate_limit_error","message":"x"}})", Reason::rate_limit},
        {429, R"({"error":{"type":"insufficient_quota","message":"x"}})", Reason::billing},
        {500, R"({"error":{"type":"api_error","message":"x"}})", Reason::provider},
        {503, R"([{"error":{"message":"The model is overloaded","status":"UNAVAILABLE"}}])",
         Reason::provider},
        {504, "", Reason::timed_out},
        {529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
         Reason::rate_limit},
    };
    for (const AnswerCase& test : cases) {
        const ModelFailure failure = failure_of_answer(test.status, test.body, {});
        EXPECT_EQ(failure.reason, test.reason) << test.status << " " << test.body;
        EXPECT_EQ(failure.http_status, test.status);
        EXPECT_NE(failure.text.find("HTTP " + std::to_string(test.status)), std::string::npos);
    }
}

TEST(Failures, ReadHowLongToWait) {
    const int64_t now = 1'792'567'680'000;  // Wed, 21 Oct 2026 07:28:00 GMT
    const auto wait = [&](const char* header, const char* header_ms = "") {
        return retry_after_of(header, header_ms, now).count();
    };
    EXPECT_EQ(wait("7"), 7000);
    EXPECT_EQ(wait("1.5"), 1500);
    EXPECT_EQ(wait("7", "6400"), 6400);
    EXPECT_EQ(wait("7", "x"), 7000);
    EXPECT_EQ(wait("Wed, 21 Oct 2026 07:29:00 GMT"), 60'000);
    EXPECT_EQ(wait("Wed, 21 Oct 2026 07:27:00 GMT"), 0) << "it has passed";
    EXPECT_EQ(wait("99999999999999999999"), 86'400'000);
    EXPECT_EQ(wait("Fri, 21 Oct 2033 07:28:00 GMT"), 86'400'000);
    for (const char* senseless : {"", "soon", "-5", "inf", "nan", "7 seconds"})
        EXPECT_EQ(wait(senseless), 0) << senseless;
    EXPECT_EQ(failure_of_answer(429, "", std::chrono::seconds(7)).retry_after,
              std::chrono::seconds(7));
}

TEST(Failures, MaskWhatIsPartOfASecret) {
    const std::vector<std::string> secrets = {"sk-ant-api03-abcdefghijklmnop", "short"};
    EXPECT_EQ(masked("key sk-ant-api03-abcdefghijklmnop.", secrets), "key ***.");
    EXPECT_EQ(masked("key ...api03-abcdef and short", secrets), "key ...*** and short");
    EXPECT_EQ(masked("nothing here", secrets), "nothing here");
}

}  // namespace
}  // namespace agent
