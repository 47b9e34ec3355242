// Answers and events of POST /v1/responses.

#include <gtest/gtest.h>

#include "tests/workers/gateway/turn_texts.h"
#include "workers/gateway/responses.h"

namespace gateway {
namespace {

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

}  // namespace
}  // namespace gateway
