#include "workers/voice/call.h"

#include <gtest/gtest.h>

namespace voice {

TEST(CallStates, GoForwardOnly) {
    EXPECT_TRUE(may_move(CallState::initiated, CallState::ringing));
    EXPECT_TRUE(may_move(CallState::initiated, CallState::answered)) << "ringing is left out";
    EXPECT_FALSE(may_move(CallState::answered, CallState::ringing));
    EXPECT_TRUE(may_move(CallState::speaking, CallState::listening));
    EXPECT_TRUE(may_move(CallState::listening, CallState::speaking));
    EXPECT_FALSE(may_move(CallState::listening, CallState::active));
    EXPECT_FALSE(may_move(CallState::ringing, CallState::ringing));
}

TEST(CallStates, NeverUndoAnEnd) {
    for (const CallState end : {CallState::completed, CallState::hangup_user, CallState::hangup_bot,
                                CallState::timeout, CallState::error, CallState::failed,
                                CallState::no_answer, CallState::busy, CallState::voicemail}) {
        EXPECT_TRUE(has_ended(end));
        EXPECT_TRUE(may_move(CallState::initiated, end));
        EXPECT_TRUE(may_move(CallState::speaking, end));
        EXPECT_FALSE(may_move(end, CallState::active)) << name_of(end);
        EXPECT_FALSE(may_move(end, CallState::completed)) << name_of(end);
        EXPECT_EQ(state_of(name_of(end)), end);
    }
    EXPECT_EQ(state_of("no such state"), CallState::failed);
}

TEST(Call, NotesWhenItWasAnsweredAndWhenItEnded) {
    Call call;
    EXPECT_TRUE(call.move(CallState::answered, 100));
    EXPECT_TRUE(call.move(CallState::active, 200));
    EXPECT_EQ(call.answered_ms, 100);
    EXPECT_TRUE(call.move(CallState::busy, 300));
    EXPECT_FALSE(call.move(CallState::completed, 400));
    EXPECT_EQ(call.ended_ms, 300);
    EXPECT_EQ(call.end_reason, "busy");
}

TEST(Call, IsTheSameAfterItsRecord) {
    Call call;
    call.id = "c";
    call.provider_id = "CA1";
    call.provider = "twilio";
    call.inbound = true;
    call.from = "+15550001111";
    call.to = "+15550002222";
    call.opening = "hello";
    call.started_ms = 1;
    call.move(CallState::speaking, 2);
    call.transcript = {{3, true, "said"}, {4, false, "answered"}};
    call.step = {Step::Kind::say_and_listen, "two words \xff"};
    call.turn = 3;
    call.heard_turn = 2;
    call.heard = 2;
    call.asked = 9;
    call.offers = {{2, 3, "said"}};
    call.unsaid = {{2, "two", "d"}, {3, "words \xff", ""}};
    call.handed = 1;
    call.ending = CallState::timeout;
    call.seen = {"k1", "k2"};
    const std::string text = print_json(record_of(call));
    const Result<Call> read = call_of(*parse_json(text));
    ASSERT_TRUE(read);
    EXPECT_EQ(print_json(record_of(*read)), text);
    EXPECT_EQ(read->offers.size(), 1u);
    EXPECT_EQ(read->handed, 1u);
    EXPECT_TRUE(read->step.text.starts_with("two words "));
    EXPECT_EQ(read->ending, CallState::timeout);
    EXPECT_TRUE(shown(call)["hardshell"].is_null());
    EXPECT_EQ(shown(call)["sessionKey"], "voice:15550001111");
}

TEST(Call, IsNoneWithoutAnId) {
    for (const char* text : {"{}", "[]", "null", "7", R"({"callId":7})"})
        EXPECT_FALSE(call_of(*parse_json(text))) << text;
}

}  // namespace voice
