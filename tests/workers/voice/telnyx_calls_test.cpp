// Calls by Telnyx, which follows no answers: it is told each step.

#include <openssl/evp.h>

#include "tests/workers/voice/desk_fixture.h"

namespace voice {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* placed = R"({"data":{"call_control_id":"cc1"}})";
constexpr const char* over = R"({"errors":[{"code":"90018","title":"Call has already ended"}]})";

std::string base64_of(const std::string& text) {
    std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    encoded.resize(static_cast<size_t>(size));
    return encoded;
}

class TelnyxCalls : public DeskFixture {
  protected:
    TelnyxCalls() : DeskFixture(ProviderName::telnyx) {}

    // Something happens in the call with that id of ours; empty: Telnyx knows none.
    SignedRequest event(const std::string& type, const std::string& call, Json payload) {
        payload["call_control_id"] = "cc1";
        if (!call.empty()) payload["client_state"] = base64_of(call);
        const Json body = {{"data",
                            {{"id", "event-" + std::to_string(++last_event)},
                             {"event_type", type},
                             {"payload", std::move(payload)}}}};
        return {webhook, "", print_json(body), {{"signature", "1"}}};
    }
    void happens(const std::string& type, const std::string& call, Json payload = Json::object()) {
        EXPECT_EQ(desk->take(event(type, call, std::move(payload))).status, 200);
    }
    SignedRequest speech(const std::string& call, const std::string& words) {
        return event("call.transcription", call,
                     {{"transcription_data", {{"transcript", words}, {"is_final", true}}}});
    }
    // Ann calls, is greeted and listened to; the call's id.
    std::string talk_with_ann() {
        happens("call.initiated", "", {{"direction", "incoming"}, {"from", ann}});
        company_says(200);
        const std::string call = last_call();
        happens("call.answered", call);
        company_says(200);
        company_says(200);
        EXPECT_THAT(asked, IsEmpty());
        return call;
    }
    // She is called and told; the call's id.
    std::string notify_ann() {
        const std::string call = place("notify");
        company_says(200, placed);
        happens("call.answered", call);
        EXPECT_THAT(asked_for(), ElementsAre("speak"));
        return call;
    }

    int last_event = 0;
};

}  // namespace

TEST_F(TelnyxCalls, AreHungUpThoughTheyWereEndedBeforeTheirIdWasKnown) {
    const std::string call = place("notify");
    method("end", {{"callId", call}});
    EXPECT_EQ(state_of(call), "hangup-bot");
    company_says(200, placed);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
    company_says(200);
    EXPECT_FALSE(ticks);
    happens("call.speak.ended", call);
    EXPECT_THAT(asked, IsEmpty()) << "Telnyx has said that it is over";
}

TEST_F(TelnyxCalls, AreHungUpThoughTheAnswerToTheirOrderWasLost) {
    const std::string call = place("notify");
    company_is_lost();
    EXPECT_EQ(state_of(call), "failed");
    happens("call.answered", call);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
    company_says(500);
    EXPECT_TRUE(ticks) << "it is tried again";
    pass(2);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
    company_says(422, over);
    EXPECT_FALSE(ticks);
}

TEST_F(TelnyxCalls, GoOnWhenTelnyxHasCalledBackThoughItsAnswerWasLost) {
    const std::string call = place("conversation");
    happens("call.initiated", call, {{"direction", "outgoing"}});
    company_is_lost();
    EXPECT_THAT(answers[last_method], HasSubstr(R"("initiated":true)"));
    happens("call.answered", call);
    EXPECT_THAT(asked_for(), ElementsAre("transcription_start"));
}

TEST_F(TelnyxCalls, AreHungUpUntilTelnyxDoesIt) {
    const std::string call = talk_with_ann();
    method("end", {{"callId", call}});
    for (int times = 0; times < 10; ++times) {
        ASSERT_EQ(asked_for().at(0), "hangup") << times;
        company_says(503);
        while (!asked.empty()) company_says(503);  // asked whether it is still there
        EXPECT_EQ(desk->live_calls(), 1u);
        pass(15);
    }
    company_says(200);
    EXPECT_EQ(state_of(call), "hangup-bot");
    EXPECT_FALSE(ticks);
}

TEST_F(TelnyxCalls, AreNotHungUpForEver) {
    const std::string call = talk_with_ann();
    method("end", {{"callId", call}});
    int attempts = 0;
    while (desk->live_calls() > 0) {
        ASSERT_LT(++attempts, 100);
        while (!asked.empty()) company_says(503);
        pass(15);
    }
    EXPECT_GE(attempts, settings.longest_call.count() / 15);
    EXPECT_FALSE(ticks);
}

TEST_F(TelnyxCalls, AreOverWhenTelnyxSaysSoToWhoHangsUp) {
    const std::string call = talk_with_ann();
    method("end", {{"callId", call}});
    company_says(422, over);
    EXPECT_EQ(state_of(call), "hangup-bot");
}

// Telnyx sends what was not answered in time again, with a new time and so a new signature.
TEST_F(TelnyxCalls, HearAnEventThatIsSentAgainOnce) {
    const std::string call = talk_with_ann();
    SignedRequest words = speech(call, "transfer the money");
    desk->take(words);
    words.headers[0].second = "2";
    EXPECT_EQ(desk->take(words).status, 200);
    EXPECT_THAT(heard(), ElementsAre("transfer the money"));
    kill_and_begin_anew();
    offered.clear();
    words.headers[0].second = "3";
    desk->take(words);
    EXPECT_THAT(offered, IsEmpty()) << "not by a later process either";
}

TEST_F(TelnyxCalls, SayAnAnswerThoughTheCallerSpeaksMeanwhile) {
    const std::string call = talk_with_ann();
    desk->take(speech(call, "one"));
    deliver(call, "the answer");
    EXPECT_THAT(asked_for(), ElementsAre("speak"));
    desk->take(speech(call, "two"));
    EXPECT_THAT(heard(), ElementsAre("one", "two"));
    company_says(500);
    EXPECT_THAT(reports, IsEmpty()) << "it has not been said";
    pass(2);
    EXPECT_THAT(told(), HasSubstr("the answer"));
    company_says(200);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
}

TEST_F(TelnyxCalls, SayOneAnswerAfterTheOther) {
    const std::string call = talk_with_ann();
    desk->take(speech(call, "hello"));
    deliver(call, "One.", false, "d1");
    deliver(call, "Two.", false, "d2");
    EXPECT_THAT(asked_for(), ElementsAre("speak"));
    const std::string first = told();
    EXPECT_THAT(first, HasSubstr(R"("payload":"One.")"));
    company_is_lost();
    EXPECT_THAT(reports, IsEmpty());
    pass(2);
    EXPECT_EQ(told(), first) << "a command of the same name is not carried out twice";
    company_says(200);
    EXPECT_EQ(reports.size(), 1u);
    EXPECT_THAT(asked_for(), ElementsAre("speak"));
    EXPECT_THAT(told(), HasSubstr(R"("payload":"Two.")"));
    company_says(200);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[1].outcome(), proto::DeliveryReport::SENT);
}

TEST_F(TelnyxCalls, AreToldByTheSameNameWhatADeadProcessMayHaveTold) {
    const std::string call = notify_ann();
    const std::string first = told();
    method("speak", {{"callId", call}, {"message", "And the soup is hot."}});
    kill_and_begin_anew();
    desk->tick();
    EXPECT_THAT(asked_for(), ElementsAre("transcription_start")) << "more is to come";
    company_says(200);
    EXPECT_EQ(told(), first);
    company_says(200);
    EXPECT_THAT(told(), HasSubstr(R"("payload":"And the soup is hot.")"));
    company_says(200);
    happens("call.speak.ended", call);
    pass(4);
    EXPECT_THAT(asked, IsEmpty()) << "the second is being said";
    happens("call.speak.ended", call);
    pass(4);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
}

TEST_F(TelnyxCalls, AreHungUpOnlyWhenEverythingHasBeenSaid) {
    const std::string call = notify_ann();
    method("speak", {{"callId", call}, {"message", "And the soup is hot."}});
    company_says(200);
    company_says(200);
    happens("call.speak.ended", call);
    pass(4);
    EXPECT_THAT(asked, IsEmpty()) << "the second is being said";
    happens("call.speak.ended", call);
    pass(4);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
}

TEST_F(TelnyxCalls, AreTakenByALaterProcess) {
    happens("call.initiated", "", {{"direction", "incoming"}, {"from", ann}});
    EXPECT_THAT(asked_for(), ElementsAre("answer"));
    kill_and_begin_anew();
    desk->tick();
    EXPECT_THAT(asked_for(), ElementsAre("answer"));
    company_says(200);
    kill_and_begin_anew();
    desk->tick();
    EXPECT_THAT(asked_for(), ElementsAre("cc1")) << "it is asked about, not taken again";
}

TEST_F(TelnyxCalls, ThatCannotBeToldAreHungUp) {
    const std::string call = notify_ann();
    for (int times = 0; times < 4; ++times) {
        ASSERT_THAT(asked_for(), ElementsAre("speak"));
        company_says(500);
        pass(8);
    }
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
    company_says(200);
    EXPECT_EQ(state_of(call), "error");
}

TEST_F(TelnyxCalls, AreNotHungUpWhileMoreIsSaid) {
    const std::string call = notify_ann();
    company_says(200);
    happens("call.speak.ended", call);
    method("speak", {{"callId", call}, {"message", "And the soup is hot."}});
    company_says(200);
    pass(4);
    EXPECT_THAT(asked, IsEmpty()) << "it is being said";
    happens("call.speak.ended", call);
    pass(4);
    EXPECT_THAT(asked_for(), ElementsAre("hangup"));
}

TEST_F(TelnyxCalls, DoNotTakeWhatWasSaidBeforeForTheAnswerToAQuestion) {
    const std::string call = talk_with_ann();
    method("continue", {{"callId", call}, {"message", "How old are you?"}});
    EXPECT_THAT(asked_for(), ElementsAre("speak"));
    desk->take(speech(call, "Hello?"));
    EXPECT_EQ(answers[last_method], "") << "Telnyx has not taken the question";
    EXPECT_THAT(heard(), ElementsAre("Hello?"));
    company_says(200);
    desk->take(speech(call, "Forty."));
    EXPECT_THAT(answers[last_method], HasSubstr("Forty."));
}

TEST_F(TelnyxCalls, AreListenedToFromTheFirstQuestionOn) {
    const std::string call = notify_ann();
    company_says(200);
    method("continue", {{"callId", call}, {"message", "Will you come?"}});
    EXPECT_THAT(asked_for(), ElementsAre("transcription_start"));
    company_says(200);
    company_says(200);
    desk->take(speech(call, "Yes."));
    EXPECT_THAT(answers[last_method], HasSubstr("Yes."));
    method("continue", {{"callId", call}, {"message", "When?"}});
    EXPECT_THAT(asked_for(), ElementsAre("speak")) << "once";
    kill_and_begin_anew();
    desk->tick();
    EXPECT_THAT(asked_for(), ElementsAre("speak")) << "once in a call, not in a process";
}

}  // namespace voice
