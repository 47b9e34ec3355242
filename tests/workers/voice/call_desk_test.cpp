// Calls from their first ring to their end, with a company and an agent that are made up.

#include "tests/workers/voice/the_desk.h"

namespace voice {

TEST_F(TheDesk, GreetsHearsAndSaysTheAnswer) {
    const std::string greeting = ring();
    EXPECT_THAT(greeting, HasSubstr(">Greetings.</Say></Gather>"));
    const std::string call = call_id_in(greeting);
    EXPECT_EQ(state_of(call), "speaking");
    EXPECT_TRUE(ticks);
    const std::string waiting = speak(greeting, "What time is it?");
    EXPECT_THAT(waiting, HasSubstr("<Pause"));
    ASSERT_EQ(offered.size(), 1u);
    EXPECT_EQ(offered[0].text(), "What time is it?");
    EXPECT_EQ(offered[0].place().chat_id(), ann);
    EXPECT_EQ(offered[0].place().thread_id(), call);
    EXPECT_FALSE(offered[0].may_command());
    desk->accepted(offered[0].key());
    deliver(call, "It is **noon**.");
    EXPECT_THAT(twiml_told(), HasSubstr(">It is noon.</Say></Gather>"));
    EXPECT_TRUE(reports.empty()) << "not before the company has it";
    company_says(200);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
    desk->take(signed_form("", event("CA1", "completed")));
    EXPECT_EQ(state_of(call), "completed");
    EXPECT_FALSE(ticks);
}

TEST_F(TheDesk, SaysAFailureOfTheModelPolitely) {
    const std::string greeting = ring();
    speak(greeting, "hello");
    deliver(call_id_in(greeting), "⚠️ Agent failed before reply: 401 key sk-1.\nLogs: x", true);
    EXPECT_THAT(twiml_told(), HasSubstr("sorry"));
    EXPECT_THAT(twiml_told(), Not(HasSubstr("401 key")));
}

TEST_F(TheDesk, BelievesNothingThatIsNotSigned) {
    SignedRequest request = signed_form("", event("CA1", "ringing"));
    request.headers[0].second = "bad";
    EXPECT_EQ(desk->take(request).status, 401);
    request.headers.clear();
    EXPECT_EQ(desk->take(request).status, 401);
    EXPECT_EQ(desk->live_calls(), 0u);
}

TEST_F(TheDesk, TakesNoCallOfAStranger) {
    for (const char* caller : {"", "anonymous", "1111", "+49915550001111", "+15550001112"})
        EXPECT_THAT(ring("CA9", caller), HasSubstr("<Reject/>")) << caller;
    EXPECT_EQ(desk->live_calls(), 0u);
}

TEST_F(TheDesk, TakesNoMoreCallsThanTheOwnerAllows) {
    ring("CA1");
    EXPECT_THAT(ring("CA2"), HasSubstr("<Reject reason=\"busy\"/>"));
    EXPECT_EQ(desk->live_calls(), 1u);
    desk->take(signed_form("", event("CA1", "completed")));
    EXPECT_THAT(ring("CA3"), HasSubstr("Greetings"));
}

// A message that somebody has recorded and sends again.
TEST_F(TheDesk, HasNoEffectOfARepeatedMessage) {
    const std::string greeting = ring();
    Fields fields = event("CA1", "in-progress");
    fields.emplace_back("SpeechResult", "transfer the money");
    const SignedRequest speech = signed_form(query_in(greeting), fields);
    desk->take(speech);
    ASSERT_EQ(offered.size(), 1u);
    desk->accepted(offered[0].key());
    EXPECT_EQ(desk->take(speech).status, 200);
    SignedRequest reordered = speech;
    reordered.body = write_form(Fields(fields.rbegin(), fields.rend()));
    EXPECT_EQ(desk->take(reordered).status, 200) << "its signature is right";
    EXPECT_EQ(offered.size(), 1u);
    deliver(call_id_in(greeting), "a secret");
    EXPECT_THAT(desk->take(speech).body, Not(HasSubstr("secret")))
        << "words are for who asks first";
    company_says(200);
    kill_and_begin_anew();
    desk->take(speech);
    EXPECT_TRUE(offered.empty()) << "not by a later process either";
}

TEST_F(TheDesk, RepeatsNoCallThatIsOver) {
    const SignedRequest first = signed_form("", event("CA1", "ringing"));
    desk->take(first);
    desk->take(signed_form("", event("CA1", "completed")));
    EXPECT_THAT(desk->take(first).body, HasSubstr("<Hangup/>"));
    EXPECT_EQ(desk->live_calls(), 0u);
}

TEST_F(TheDesk, HearsAnAnswerToAnEarlierTurnNoMore) {
    const std::string greeting = ring();
    speak(greeting, "one");
    deliver(call_id_in(greeting), "answer");
    company_says(200);
    speak(greeting, "two");
    EXPECT_EQ(offered.size(), 1u);
}

TEST_F(TheDesk, LetsNobodySpeakIntoTheCallOfAnother) {
    const std::string greeting = ring();
    speak(greeting, "I am somebody else", "CA777");
    EXPECT_TRUE(offered.empty());
    EXPECT_EQ(desk->find(call_id_in(greeting))->provider_id, "CA1");
}

TEST_F(TheDesk, SaysTheAnswerWhenTheCompanyAsksIfItCouldNotBeTold) {
    const std::string greeting = ring();
    const std::string waiting = speak(greeting, "hello");
    deliver(call_id_in(greeting), "the answer");
    company_says(500);
    EXPECT_TRUE(reports.empty());
    EXPECT_THAT(ask_again(waiting), HasSubstr(">the answer</Say>"));
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
}

TEST_F(TheDesk, RefusesAnAnswerToACallThatIsOver) {
    const std::string greeting = ring();
    speak(greeting, "hello");
    desk->take(signed_form("", event("CA1", "completed")));
    deliver(call_id_in(greeting), "too late");
    deliver("no such call", "text", false, "d2");
    ASSERT_EQ(reports.size(), 2u);
    for (const auto& report : reports) EXPECT_EQ(report.outcome(), proto::DeliveryReport::REFUSED);
}

TEST_F(TheDesk, RefusesEveryAnswerThatIsStillToBeSaidWhenTheCallEnds) {
    const std::string greeting = ring();
    speak(greeting, "hello");
    deliver(call_id_in(greeting), "One.", false, "d1");
    deliver(call_id_in(greeting), "Two.", false, "d2");
    desk->take(signed_form("", event("CA1", "completed")));
    ASSERT_EQ(reports.size(), 2u);
    for (const auto& report : reports) EXPECT_EQ(report.outcome(), proto::DeliveryReport::REFUSED);
    company_says(200);
    EXPECT_EQ(reports.size(), 2u);
    EXPECT_TRUE(asked.empty());
}

TEST_F(TheDesk, KeepsACallWhenItsProcessIsKilled) {
    const std::string greeting = ring();
    const std::string call = call_id_in(greeting);
    const std::string waiting = speak(greeting, "hello");
    ASSERT_EQ(offered.size(), 1u);
    const std::string key = offered[0].key();
    kill_and_begin_anew();
    ASSERT_EQ(offered.size(), 1u) << "the agent had not said that it has it";
    EXPECT_EQ(offered[0].key(), key);
    EXPECT_EQ(offered[0].text(), "hello");
    EXPECT_EQ(desk->live_calls(), 1u);
    EXPECT_TRUE(ticks);
    desk->accepted(key);
    deliver(call, "the answer");
    kill_and_begin_anew();
    EXPECT_TRUE(offered.empty());
    desk->tick();
    EXPECT_EQ(twiml_told(), "") << "it may have been told";
    EXPECT_THAT(ask_again(waiting), HasSubstr(">the answer</Say>")) << "it was not";
    EXPECT_EQ(state_of(call), "speaking");
}

TEST_F(TheDesk, LetsNoCallOfThePastBlockTheLine) {
    ring();
    now += 600'000;
    kill_and_begin_anew();
    desk->tick();
    EXPECT_THAT(told(), HasSubstr("Status=completed"));
    company_says(404);
    EXPECT_EQ(desk->live_calls(), 0u);
}

TEST_F(TheDesk, AsksTheCompanyAboutACallThatHasFallenSilent) {
    const std::string call = call_id_in(ring());
    now += 31'000;
    desk->tick();
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].request.method, "GET");
    company_says(200, R"({"status":"in-progress"})");
    EXPECT_EQ(desk->live_calls(), 1u);
    now += 31'000;
    desk->tick();
    company_says(200, R"({"status":"completed"})");
    EXPECT_EQ(state_of(call), "completed");
}

TEST_F(TheDesk, EndsACallThatLastsTooLong) {
    const std::string call = call_id_in(ring());
    now += 300'000;
    desk->tick();
    EXPECT_THAT(told(), HasSubstr("Status=completed"));
    company_says(200);
    EXPECT_EQ(state_of(call), "timeout");
}

TEST_F(TheDesk, TellsACallerThatTheAnswerTakesLonger) {
    const std::string greeting = ring();
    speak(greeting, "hello");
    now += 30'000;
    desk->tick();
    EXPECT_THAT(twiml_told(), HasSubstr("longer than usual"));
    company_says(200);
    deliver(call_id_in(greeting), "the late answer");
    EXPECT_THAT(twiml_told(), HasSubstr("the late answer"));
}

TEST_F(TheDesk, CallsAndTellsAMessage) {
    settings.outbound_mode = Mode::notify;
    EXPECT_EQ(method("initiate", {{"to", ann}, {"message", "Dinner is ready."}}), "");
    ASSERT_EQ(asked.size(), 1u);
    company_says(201, R"({"sid":"CA5"})");
    const Json answer = *parse_json(answers[1]);
    EXPECT_EQ(answer["initiated"], true);
    const std::string call = answer["callId"];
    EXPECT_EQ(state_of(call), "initiated");
    desk->take(signed_form("callId=" + call + "&type=status",
                           event("CA5", "ringing", "+15550002222", "outbound-api")));
    EXPECT_EQ(state_of(call), "ringing");
    const std::string xml =
        desk->take(signed_form("callId=" + call,
                               event("CA5", "in-progress", "+15550002222", "outbound-api")))
            .body;
    EXPECT_THAT(xml, HasSubstr(">Dinner is ready.</Say><Pause length=\"3\"/><Hangup/>"));
    desk->take(signed_form("callId=" + call + "&type=status",
                           event("CA5", "completed", "+15550002222", "outbound-api")));
    EXPECT_EQ(state_of(call), "completed");
}

TEST_F(TheDesk, CallsAndTalks) {
    method("initiate", {{"to", ann}, {"message", "Hi Ann."}, {"mode", "conversation"}});
    company_says(201, R"({"sid":"CA5"})");
    const std::string call = (*parse_json(answers[1]))["callId"];
    const std::string xml =
        desk->take(signed_form("callId=" + call,
                               event("CA5", "in-progress", "+15550002222", "outbound-api")))
            .body;
    EXPECT_THAT(xml, HasSubstr(">Hi Ann.</Say></Gather>"));
    speak(xml, "Who is this?", "CA5");
    ASSERT_EQ(offered.size(), 1u);
    EXPECT_EQ(offered[0].place().chat_id(), ann) << "who is talked to, not who called";
    EXPECT_THAT(offered[0].system_prompt(), HasSubstr("Hi Ann."));
}

TEST_F(TheDesk, WaitsForWhatIsSaidNextForAProgram) {
    const std::string greeting = ring();
    const std::string call = call_id_in(greeting);
    EXPECT_EQ(method("continue", {{"callId", call}, {"message", "How old are you?"}}), "");
    EXPECT_TRUE(asked.empty()) << "she is being greeted";
    pass(1);
    const std::string xml = twiml_told();
    company_says(200);
    EXPECT_THAT(method("continue", {{"callId", call}, {"message", "x"}}), HasSubstr("error"));
    speak(xml, "Forty.");
    EXPECT_EQ(answers[1], R"({"success":true,"transcript":"Forty."})");
    EXPECT_TRUE(offered.empty()) << "it is not the agent's to answer";
    EXPECT_EQ(method("speak", {{"callId", call}, {"message", "Thanks."}}), R"({"success":true})");
    EXPECT_THAT(twiml_told(), HasSubstr("Thanks."));
    company_says(200);
    EXPECT_EQ(method("end", {{"callId", call}}), R"({"success":true})");
    company_says(200);
    EXPECT_EQ(state_of(call), "hangup-bot");
    EXPECT_THAT(method("speak", {{"callId", call}, {"message", "x"}}), HasSubstr("ended"));
    EXPECT_THAT(method("status", {{"callId", call}}), HasSubstr(R"("found":true)"));
    EXPECT_THAT(method("status", {{"sid", "CA1"}}), HasSubstr(call));
    EXPECT_EQ(method("status", {{"callId", "x"}}), R"({"found":false})");
}

TEST_F(TheDesk, LetsAProgramWaitOnlySoLong) {
    const std::string call = call_id_in(ring());
    method("continue", {{"callId", call}, {"message", "Hm?"}});
    pass(1);
    company_says(200);
    now += 180'000;
    desk->tick();
    EXPECT_THAT(answers[1], HasSubstr("error: nothing was said in time"));
}

// Whoever talks to the model must not be able to run up the owner's bill.
TEST_F(TheDesk, CallsNotJustAnybody) {
    EXPECT_THAT(method("initiate", {{"to", "+19005550000"}, {"message", "x"}}, true),
                HasSubstr("may not call +19005550000"));
    for (const char* wrong : {"", "911", "anonymous", "+1", "15550001111"})
        EXPECT_THAT(method("initiate", {{"to", wrong}, {"message", "x"}}), HasSubstr("error"))
            << wrong;
    EXPECT_TRUE(asked.empty());
    EXPECT_EQ(method("initiate", {{"to", ann}, {"message", "x"}}, true), "");
    EXPECT_EQ(asked.size(), 1u);
    EXPECT_THAT(method("initiate", {{"to", ann}, {"message", "x"}}),
                HasSubstr("Maximum concurrent calls (1) reached"));
}

TEST_F(TheDesk, CallsNotTooOften) {
    settings.calls_per_hour = 2;
    for (int times = 0; times < 2; ++times) {
        method("initiate", {{"to", ann}, {"message", "x"}});
        company_says(500);
    }
    EXPECT_THAT(method("initiate", {{"to", ann}, {"message", "x"}}),
                HasSubstr("HARDSHELL_VOICE_CALLS_PER_HOUR"));
    now += 3'600'001;
    EXPECT_EQ(method("initiate", {{"to", ann}, {"message", "x"}}), "");
}

TEST_F(TheDesk, CallsNotTooLong) {
    settings.most_calls = 2;
    settings.minutes_per_day = std::chrono::minutes(2);
    method("initiate", {{"to", ann}, {"message", "Hi Ann."}, {"mode", "conversation"}});
    company_says(201, R"({"sid":"CA5"})");
    const std::string call = (*parse_json(answers[1]))["callId"];
    const auto happens = [&](const std::string& query, const std::string& status) {
        desk->take(signed_form(query, event("CA5", status, "+15550002222", "outbound-api")));
    };
    happens("callId=" + call, "in-progress");
    now += 119'000;
    EXPECT_EQ(method("initiate", {{"to", ann}, {"message", "x"}}), "");
    company_says(500);
    // A call that runs counts with what it has taken so far.
    now += 1'000;
    EXPECT_THAT(method("initiate", {{"to", ann}, {"message", "x"}}),
                HasSubstr("2 minutes were telephoned in the last day"));
    happens("callId=" + call + "&type=status", "completed");
    EXPECT_THAT(method("initiate", {{"to", ann}, {"message", "x"}}),
                HasSubstr("HARDSHELL_VOICE_MINUTES_PER_DAY"));
    now += 86'400'000;
    EXPECT_EQ(method("initiate", {{"to", ann}, {"message", "x"}}), "");
}

TEST_F(TheDesk, SaysWhyACallWasNotPlaced) {
    method("initiate", {{"to", ann}, {"message", "x"}});
    company_says(401, R"({"message":"Authenticate"})");
    EXPECT_THAT(answers[1], HasSubstr("Authenticate"));
    EXPECT_EQ(desk->live_calls(), 0u);
    url.clear();
    EXPECT_THAT(method("initiate", {{"to", ann}, {"message", "x"}}),
                HasSubstr("no public address"));
}

TEST_F(TheDesk, GivesUpACallThatNobodyAnswers) {
    method("initiate", {{"to", ann}, {"message", "x"}});
    company_says(201, R"({"sid":"CA5"})");
    now += 46'000;
    desk->tick();
    EXPECT_THAT(told(), HasSubstr("Status=completed"));
    company_says(200);
    EXPECT_EQ(state_of((*parse_json(answers[1]))["callId"]), "no-answer");
}

}  // namespace voice
