// Calls by Twilio and Plivo, which ask for each step and follow the answer.

#include "tests/workers/voice/desk_fixture.h"

namespace voice {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The address in an answer that the company goes on with.
std::string query_in(const std::string& text) {
    const size_t at = text.find("webhook?") + 8;
    std::string query = text.substr(at, text.find_first_of("<\"", at) - at);
    for (size_t amp; (amp = query.find("&amp;")) != std::string::npos;) query.erase(amp + 1, 4);
    return query;
}

std::string call_in(const std::string& text) {
    return std::string(value_of(*read_form(query_in(text)), "callId"));
}

class FollowedCalls : public DeskFixture {
  protected:
    explicit FollowedCalls(ProviderName company) : DeskFixture(company) {}
    // What the company is answered.
    std::string post(const std::string& query, const Fields& form) {
        const SignedRequest request{
            webhook, query, write_form(form), {{"signature", std::to_string(++last_post)}}};
        return desk->take(request).body;
    }

    int last_post = 0;
};

class TwilioCalls : public FollowedCalls {
  protected:
    TwilioCalls() : FollowedCalls(ProviderName::twilio) {}

    static Fields form(const std::string& status) {
        return {{"CallSid", "CA1"},
                {"CallStatus", status},
                {"From", ann},
                {"To", "+15550002222"},
                {"Direction", "inbound"}};
    }
    std::string ring() { return post("", form("ringing")); }
    // In answer to what the company was last given.
    std::string speak(const std::string& xml, const std::string& words) {
        Fields fields = form("in-progress");
        fields.emplace_back("SpeechResult", words);
        return post(query_in(xml), fields);
    }
};

class PlivoCalls : public FollowedCalls {
  protected:
    PlivoCalls() : FollowedCalls(ProviderName::plivo) {}

    static Fields form(const std::string& status) {
        return {{"CallUUID", "u-1"},
                {"CallStatus", status},
                {"From", "15550001111"},
                {"To", "15550002222"},
                {"Direction", "inbound"}};
    }
    // As it was told to by that request.
    std::string fetch(const std::string& request) {
        return post(query_in(request), form("in-progress"));
    }
    std::string speak(const std::string& xml, const std::string& words) {
        Fields fields = form("in-progress");
        fields.emplace_back("Speech", words);
        return post(query_in(xml), fields);
    }
};

}  // namespace

TEST_F(TwilioCalls, AreHungUpThoughTheyWereEndedBeforeTheirIdWasKnown) {
    const std::string call = place("notify");
    method("end", {{"callId", call}});
    company_says(201, R"({"sid":"CA5"})");
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_THAT(told(), HasSubstr("Status=completed"));
    company_says(200);
    EXPECT_EQ(state_of(call), "hangup-bot");
}

TEST_F(TwilioCalls, AreToldAnAnswerOnceTheTunnelIsBack) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    url.clear();
    deliver(call, "the answer");
    EXPECT_THAT(asked, IsEmpty()) << "Twilio would not know where to go on";
    EXPECT_THAT(reports, IsEmpty());
    pass(2);
    EXPECT_THAT(asked, IsEmpty());
    url = webhook;
    pass(2);
    EXPECT_THAT(twiml_told(), HasSubstr(">the answer</Say>"));
    company_says(200);
    EXPECT_EQ(reports.size(), 1u);
    url.clear();
    method("end", {{"callId", call}});
    EXPECT_THAT(told(), HasSubstr("Status=completed")) << "that needs no address";
}

TEST_F(TwilioCalls, CountAnAnswerAsSaidWhenItIsAnswered) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "one");
    deliver(call, "the answer");
    const std::string told_now = twiml_told();
    // Twilio has said it and been answered, before it has said that it would.
    EXPECT_THAT(speak(told_now, "two"), HasSubstr("<Pause"));
    EXPECT_THAT(heard(), ElementsAre("one", "two"));
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
    company_says(200);
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(TwilioCalls, HearWhatIsSaidJustBeforeALateAnswer) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "one");
    pass(30);
    const std::string slow = twiml_told();
    EXPECT_THAT(slow, HasSubstr("longer than usual"));
    company_says(200);
    deliver(call, "the late answer");
    const std::string answer = twiml_told();
    EXPECT_THAT(speak(slow, "two"), HasSubstr("<Pause")) << "it is on its way";
    EXPECT_THAT(heard(), ElementsAre("one", "two"));
    speak(slow, "two, again");
    EXPECT_THAT(heard(), ElementsAre("one", "two")) << "once for each question";
    EXPECT_THAT(reports, IsEmpty());
    company_says(200);
    EXPECT_EQ(reports.size(), 1u) << "it is not lost for that";
    speak(answer, "three");
    EXPECT_THAT(heard(), ElementsAre("one", "two", "three"));
}

// Twilio asks what is next while it is told: the later of the two ends the earlier.
TEST_F(TwilioCalls, SayAnAnswerOnceThoughTwilioAsksWhileItIsTold) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    const std::string waiting = speak(greeting, "hello");
    deliver(call, "the answer");
    EXPECT_THAT(twiml_told(), HasSubstr(">the answer</Say>"));
    const std::string meanwhile = post(query_in(waiting), form("in-progress"));
    EXPECT_THAT(meanwhile, HasSubstr("<Pause"));
    EXPECT_THAT(reports, IsEmpty());
    company_says(503);
    EXPECT_THAT(post(query_in(meanwhile), form("in-progress")), HasSubstr(">the answer</Say>"))
        << "it could not be told";
    EXPECT_EQ(reports.size(), 1u);
    pass(2);
    EXPECT_THAT(asked, IsEmpty()) << "and is not told again";
}

TEST_F(TwilioCalls, SayOneAnswerAfterTheOther) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "This is the first answer.", false, "d1");
    deliver(call, "Two.", false, "d2");
    ASSERT_EQ(asked.size(), 1u) << "a second update might overtake the first, or end its words";
    EXPECT_THAT(twiml_told(), HasSubstr(">This is the first answer.</Say>"));
    company_says(200);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].delivery_id(), "d1");
    pass(1);
    EXPECT_THAT(asked, IsEmpty()) << "it is being said";
    pass(2);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_THAT(twiml_told(), HasSubstr(">Two.</Say>"));
    company_says(200);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[1].delivery_id(), "d2");
    EXPECT_EQ(reports[1].outcome(), proto::DeliveryReport::SENT);
}

TEST_F(TwilioCalls, SayTheSecondAnswerAsSoonAsTheFirstIsOver) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    const std::string waiting = speak(greeting, "hello");
    deliver(call, "This is the first answer.", false, "d1");
    const std::string first = twiml_told();
    deliver(call, "Two.", false, "d2");
    company_says(200);
    EXPECT_THAT(post(query_in(waiting), form("in-progress")), HasSubstr("<Pause"))
        << "it asked before it was told";
    EXPECT_EQ(reports.size(), 1u);
    EXPECT_THAT(speak(first, "Go on."), HasSubstr(">Two.</Say>"));
    EXPECT_EQ(reports.size(), 2u);
    pass(5);
    EXPECT_THAT(asked, IsEmpty());
}

TEST_F(TwilioCalls, SayBothAnswersThoughTheFirstCouldNotBeTold) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "One.", false, "d1");
    deliver(call, "Two.", false, "d2");
    company_says(503);
    EXPECT_THAT(reports, IsEmpty());
    pass(2);
    EXPECT_THAT(twiml_told(), HasSubstr(">One.</Say>"));
    company_says(200);
    pass(1);
    EXPECT_THAT(twiml_told(), HasSubstr(">Two.</Say>"));
    company_says(200);
    EXPECT_EQ(reports.size(), 2u);
}

// Twilio may have done it, though its answer was lost: the caller would hear it twice.
TEST_F(TwilioCalls, SayNothingTwiceThoughTwiliosAnswerWasLost) {
    const std::string greeting = ring();
    speak(greeting, "hello");
    deliver(call_in(greeting), "the answer");
    const std::string told_once = twiml_told();
    company_is_lost();
    pass(5);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_THAT(post(query_in(told_once), form("in-progress")), Not(HasSubstr("the answer")))
        << "the address came with the words";
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
    pass(20);
    EXPECT_THAT(twiml_told(), Not(HasSubstr("the answer")));
}

TEST_F(TwilioCalls, SayAnAnswerThatWasLostOnItsWay) {
    const std::string greeting = ring();
    const std::string waiting = speak(greeting, "hello");
    deliver(call_in(greeting), "the answer");
    company_is_lost();
    EXPECT_THAT(post(query_in(waiting), form("in-progress")), HasSubstr(">the answer</Say>"))
        << "who asks by an older address has not had them";
    EXPECT_EQ(reports.size(), 1u);
    deliver(call_in(greeting), "another one", false, "d2");
    pass(2);
    company_is_lost();
    pass(17);
    EXPECT_THAT(twiml_told(), HasSubstr(">another one</Say>")) << "nobody has asked";
}

TEST_F(TwilioCalls, SayTwoAnswersOnceThoughTheProcessWasKilled) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "One.", false, "d1");
    deliver(call, "Two.", false, "d2");
    kill_and_begin_anew();
    deliver(call, "One.", false, "d1");
    deliver(call, "Two.", false, "d2");
    desk->tick();
    EXPECT_EQ(twiml_told(), "") << "it is asked about first";
    company_says(200, R"({"status":"in-progress"})");
    pass(17);
    ASSERT_EQ(asked.size(), 1u) << "nobody has asked";
    EXPECT_THAT(twiml_told(), HasSubstr(">One.</Say>"));
    company_says(200);
    pass(1);
    EXPECT_THAT(twiml_told(), HasSubstr(">Two.</Say>"));
    company_says(200);
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(TwilioCalls, DoNotTakeWhatWasSaidBeforeForTheAnswerToAQuestion) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    method("continue", {{"callId", call}, {"message", "How old are you?"}});
    pass(1);
    const std::string question = twiml_told();
    speak(greeting, "Hello?");
    EXPECT_EQ(answers[last_method], "");
    speak(question, "Forty.");
    EXPECT_THAT(answers[last_method], HasSubstr("Forty."));
}

TEST_F(TwilioCalls, SayAnAnswerOnceThoughTheProcessWasKilled) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "the answer");
    const std::string told_before = twiml_told();
    kill_and_begin_anew();
    deliver(call, "the answer");  // the agent does not know how far it came
    desk->tick();
    EXPECT_EQ(twiml_told(), "") << "Twilio may have it";
    deliver(call, "another one", false, "d2");
    EXPECT_EQ(twiml_told(), "");
    const std::string next = post(query_in(told_before), form("in-progress"));
    EXPECT_THAT(next, HasSubstr(">another one</Say>")) << "the address came with the first";
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(TwilioCalls, SayWhatWaitsAfterWordsThatMayHaveBeenTold) {
    const std::string greeting = ring();
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "the answer");
    const std::string told_once = twiml_told();
    company_is_lost();
    deliver(call, "another one", false, "d2");
    pass(5);
    EXPECT_THAT(asked, IsEmpty()) << "it may be being said";
    EXPECT_THAT(post(query_in(told_once), form("in-progress")), HasSubstr(">another one</Say>"));
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(PlivoCalls, SayALateAnswerThoughTheCallerSpeaksFirst) {
    const std::string greeting = post("", form("ringing"));
    EXPECT_THAT(greeting, HasSubstr("Greetings."));
    const std::string call = call_in(greeting);
    speak(greeting, "one");
    pass(30);
    const std::string redirect = told();
    company_says(202);
    const std::string slow = fetch(redirect);
    EXPECT_THAT(slow, HasSubstr("longer than usual"));
    deliver(call, "the late answer");
    const std::string second = told();
    company_says(202);
    EXPECT_THAT(reports, IsEmpty()) << "it has not asked for the words";
    EXPECT_THAT(speak(slow, "two"), HasSubstr("<Wait")) << "the redirect would end them";
    EXPECT_THAT(heard(), ElementsAre("one", "two"));
    EXPECT_THAT(fetch(second), HasSubstr("the late answer"));
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
}

// A redirect that is carried out after somebody else had the words would end them.
TEST_F(PlivoCalls, SayTwoAnswersOnceByOneRedirect) {
    const std::string greeting = post("", form("ringing"));
    const std::string call = call_in(greeting);
    const std::string waiting = speak(greeting, "hello");
    deliver(call, "One.", false, "d1");
    const std::string redirect = told();
    deliver(call, "Two.", false, "d2");
    EXPECT_EQ(asked.size(), 1u) << "the first brings both";
    const std::string meanwhile = post(query_in(waiting), form("in-progress"));
    EXPECT_THAT(meanwhile, HasSubstr("<Wait"));
    EXPECT_THAT(reports, IsEmpty());
    EXPECT_THAT(fetch(redirect), HasSubstr(">One. Two.</Speak>"));
    EXPECT_EQ(reports.size(), 2u);
    company_says(202);  // later than it does it
    EXPECT_THAT(post(query_in(meanwhile), form("in-progress")), HasSubstr("<Wait"))
        << "it asked before it was redirected";
    pass(5);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(PlivoCalls, SayWhatComesMeanwhileAfterwards) {
    const std::string greeting = post("", form("ringing"));
    const std::string call = call_in(greeting);
    speak(greeting, "hello");
    deliver(call, "This is the first answer.", false, "d1");
    const std::string first = fetch(told());
    company_says(202);
    deliver(call, "Two.", false, "d2");
    EXPECT_THAT(asked, IsEmpty()) << "the first is being said";
    pass(1);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_THAT(post(query_in(first), form("in-progress")), HasSubstr(">Two.</Speak>"))
        << "it has been said, or the caller has interrupted it";
    pass(5);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(PlivoCalls, GiveTheWordsToWhoAsksWhenTheRedirectDoesNotCome) {
    const std::string greeting = post("", form("ringing"));
    const std::string waiting = speak(greeting, "hello");
    deliver(call_in(greeting), "the answer");
    company_says(202);
    const std::string again = post(query_in(waiting), form("in-progress"));
    EXPECT_THAT(again, HasSubstr("<Wait"));
    pass(10);
    EXPECT_THAT(post(query_in(again), form("in-progress")), HasSubstr("the answer"));
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(PlivoCalls, AreGivenTheWordsAgainUntilTheyNameThem) {
    const std::string greeting = post("", form("ringing"));
    speak(greeting, "hello");
    deliver(call_in(greeting), "the answer");
    const std::string redirect = told();
    company_says(202);
    EXPECT_THAT(fetch(redirect), HasSubstr(">the answer</Speak>"));
    const std::string again = fetch(redirect);
    EXPECT_THAT(again, HasSubstr(">the answer</Speak>")) << "the first did not arrive";
    EXPECT_THAT(post(query_in(again), form("in-progress")), Not(HasSubstr("the answer")));
    EXPECT_THAT(fetch(redirect), HasSubstr("<Wait"));
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(PlivoCalls, AreGivenTheWordsAgainWhenTheyAskAgain) {
    const std::string greeting = post("", form("ringing"));
    const std::string waiting = speak(greeting, "hello");
    deliver(call_in(greeting), "the answer");
    company_says(500);
    EXPECT_THAT(post(query_in(waiting), form("in-progress")), HasSubstr(">the answer</Speak>"));
    EXPECT_THAT(post(query_in(waiting), form("in-progress")), HasSubstr(">the answer</Speak>"));
    method("end", {{"callId", call_in(greeting)}});
    EXPECT_THAT(post(query_in(waiting), form("in-progress")), HasSubstr("<Hangup/>"));
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(PlivoCalls, AreHungUpByTheirNextQuestionWhenTheyAreOver) {
    const std::string call = place("notify");
    company_is_lost();
    EXPECT_EQ(state_of(call), "failed");
    EXPECT_THAT(post("flow=answer&callId=" + call, form("in-progress")), HasSubstr("<Hangup/>"));
}

TEST(ForgedWebhooks, AreRemarkedOnceAMinute) {
    Forgeries forgeries;
    EXPECT_EQ(forgeries.note("one", 1'000), "one");
    EXPECT_FALSE(forgeries.note("two", 2'000));
    EXPECT_FALSE(forgeries.note("three", 60'999));
    EXPECT_EQ(forgeries.note("four", 61'000), "four (the last of 3)");
    EXPECT_FALSE(forgeries.note("five", 61'001));
}

}  // namespace voice
