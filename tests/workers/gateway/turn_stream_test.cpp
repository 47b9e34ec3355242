// A turn of the agent on its way to a client: its text in pieces, and its end.

#include <gtest/gtest.h>

#include "tests/workers/gateway/turn_texts.h"
#include "workers/gateway/chat_completions.h"

namespace gateway {
namespace {

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

}  // namespace
}  // namespace gateway
