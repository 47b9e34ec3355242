// Calls that are streamed, with a stream that is made up.

#include "tests/support/media_caller.h"
#include "tests/workers/voice/the_desk.h"

namespace voice {

namespace {

class Line : public CallDesk::Stream {
  public:
    void speak(uint32_t turn, const std::string& words) override {
        spoken.push_back(std::to_string(turn) + " " + words);
    }
    void call_is_over() override { is_over = true; }

    std::vector<std::string> spoken;
    bool is_over = false;
};

class TheStreamedDesk : public TheDesk {
  protected:
    void SetUp() override {
        settings.streaming.enabled = true;
        TheDesk::SetUp();
    }
    // A caller whose stream is open and ready.
    std::string call_with_stream(const std::string& sid = "CA1") {
        const std::string xml = ring(sid);
        const auto call = desk->stream_begins(sid, stream_token_in(xml), line);
        EXPECT_TRUE(call);
        desk->stream_is_ready(*call);
        return *call;
    }
    // Begun now, and written down at once.
    void hear(const std::string& call, const std::string& words) {
        desk->stream_heard(call, words, desk->turn_said(call));
    }

    Line line;
};

}  // namespace

TEST_F(TheStreamedDesk, OffersAStreamAndWhatIsNextBehindIt) {
    const std::string xml = ring();
    EXPECT_THAT(xml, HasSubstr("<Response><Connect><Stream url=\"wss://example.com/voice/stream\">"
                               "<Parameter name=\"token\" value=\""));
    EXPECT_THAT(xml,
                HasSubstr("</Stream></Connect><Redirect method=\"POST\">https://example.com/"));
    EXPECT_EQ(stream_token_in(xml).size(), 64u);
    EXPECT_THAT(xml, Not(HasSubstr("Greetings"))) << "the stream says it";
    EXPECT_NE(stream_token_in(ring("CA2")), stream_token_in(xml));
}

TEST_F(TheStreamedDesk, GreetsHearsAndSaysTheAnswerByTheStream) {
    const std::string call = call_with_stream();
    EXPECT_THAT(line.spoken, ElementsAre("1 Greetings."));
    desk->stream_has_said(call, 1);
    EXPECT_EQ(state_of(call), "listening");
    hear(call, "What time is it?");
    ASSERT_EQ(offered.size(), 1u);
    EXPECT_EQ(offered[0].text(), "What time is it?");
    desk->accepted(offered[0].key());
    deliver(call, "It is **noon**.");
    EXPECT_THAT(line.spoken, ElementsAre("1 Greetings.", "2 It is noon."));
    EXPECT_TRUE(reports.empty()) << "not before it was heard";
    EXPECT_TRUE(asked.empty()) << "nothing is told by the company's interface";
    desk->stream_has_said(call, 2);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
    desk->take(signed_form("", event("CA1", "completed")));
    EXPECT_TRUE(line.is_over);
    EXPECT_EQ(state_of(call), "completed");
}

TEST_F(TheStreamedDesk, SaysOneThingAfterTheOther) {
    const std::string call = call_with_stream();
    deliver(call, "One.", false, "d1");
    deliver(call, "Two.", false, "d2");
    EXPECT_THAT(line.spoken, ElementsAre("1 Greetings.", "2 One.", "3 Two."));
    desk->stream_has_said(call, 2);
    EXPECT_EQ(desk->find(call)->step.text, "Two.");
    desk->stream_has_said(call, 3);
    EXPECT_EQ(desk->find(call)->step.kind, Step::Kind::listen);
    for (const auto& report : reports) EXPECT_EQ(report.outcome(), proto::DeliveryReport::SENT);
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(TheStreamedDesk, LosesNoWordsWhenSomebodySpeaksOverThem) {
    const std::string call = call_with_stream();
    hear(call, "Hello?");
    EXPECT_EQ(desk->find(call)->step.text, "Greetings.") << "still being said";
    desk->stream_has_said(call, 1);
    EXPECT_EQ(offered.size(), 1u);
}

TEST_F(TheStreamedDesk, GivesAProgramOnlyWhatIsSaidAfterItsQuestion) {
    const std::string call = call_with_stream();
    desk->stream_has_said(call, 1);
    const uint32_t before = desk->turn_said(call);
    method("continue", {{"callId", call}, {"message", "How old are you?"}});
    hear(call, "Hello?");
    desk->stream_has_said(call, 2);
    desk->stream_heard(call, "Who is it?", before);
    EXPECT_EQ(answers[last_method], "");
    EXPECT_THAT(heard(), ElementsAre("Hello?", "Who is it?"));
    hear(call, "Forty.");
    EXPECT_EQ(answers[last_method], R"({"success":true,"transcript":"Forty."})");
    EXPECT_EQ(offered.size(), 2u);
}

TEST_F(TheStreamedDesk, HearsWhatWasBeingWrittenDownWhenTheStreamEnded) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    desk->stream_has_said(*call, 1);
    desk->stream_ends(*call, "");
    hear(*call, "What time is it?");
    EXPECT_THAT(heard(), ElementsAre("What time is it?"));
    Line later;
    ASSERT_TRUE(desk->stream_begins("CA1", stream_token_in(ask_again(xml)), later));
    desk->stream_is_ready(*call);
    deliver(*call, "It is noon.");
    EXPECT_THAT(later.spoken, ElementsAre("2 It is noon."));
}

TEST_F(TheStreamedDesk, HearsTheLastWordsOfWhoHasHungUp) {
    const std::string call = call_with_stream();
    desk->stream_has_said(call, 1);
    desk->take(signed_form("", event("CA1", "completed")));
    hear(call, "Remind me tomorrow.");
    EXPECT_THAT(heard(), ElementsAre("Remind me tomorrow."));
    EXPECT_EQ(desk->find(call)->transcript.back().text, "Remind me tomorrow.");
    deliver(call, "I will.");
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::REFUSED);
    EXPECT_EQ(desk->live_calls(), 0u);
}

TEST_F(TheStreamedDesk, HearsNobodyWhomItHasHungUpOn) {
    const std::string call = call_with_stream();
    method("end", {{"callId", call}});
    company_says(200);
    hear(call, "One more thing.");
    EXPECT_TRUE(offered.empty());
}

TEST_F(TheStreamedDesk, TakesKeysThatArePressed) {
    const std::string call = call_with_stream();
    desk->stream_has_said(call, 1);
    desk->stream_got_digit(call, "42", 1);
    ASSERT_EQ(offered.size(), 1u);
    EXPECT_EQ(offered[0].text(), "[pressed 42]");
}

// What CVE-2026-32062 and CVE-2026-42437 lived on: a socket that did not have to say whose it is.
TEST_F(TheStreamedDesk, LetsNoStreamInWithoutTheTokenOfItsCall) {
    settings.most_calls = 2;
    const std::string first = stream_token_in(ring("CA1"));
    const std::string second = stream_token_in(ring("CA2"));
    EXPECT_FALSE(desk->stream_begins("CA1", "", line));
    EXPECT_FALSE(desk->stream_begins("CA1", first.substr(1), line));
    EXPECT_FALSE(desk->stream_begins("CA1", std::string(64, '0'), line));
    EXPECT_FALSE(desk->stream_begins("CA1", second, line)) << "that of another call";
    EXPECT_FALSE(desk->stream_begins("CA3", first, line)) << "no such call";
    EXPECT_FALSE(desk->stream_begins("", first, line));
    const auto call = desk->stream_begins("CA1", first, line);
    ASSERT_TRUE(call) << "a false one does the right one no harm";
    Line other;
    EXPECT_FALSE(desk->stream_begins("CA1", first, other)) << "a token is good once";
    desk->take(signed_form("", event("CA2", "completed")));
    EXPECT_FALSE(desk->stream_begins("CA2", second, other)) << "the call is over";
}

TEST_F(TheStreamedDesk, GivesNoTokenToWhoRepeatsAMessage) {
    const SignedRequest first = signed_form("", event("CA1", "ringing"));
    const std::string token = stream_token_in(desk->take(first).body);
    const std::string again = desk->take(first).body;
    EXPECT_THAT(again, Not(HasSubstr("token")));
    EXPECT_THAT(again, HasSubstr("<Pause"));
    EXPECT_TRUE(desk->stream_begins("CA1", token, line)) << "and spoils none";
}

TEST_F(TheStreamedDesk, KeepsNoTokenOnDisk) {
    const std::string xml = ring();
    const std::string token = stream_token_in(xml);
    ASSERT_FALSE(token.empty());
    const std::string record = print_json(record_of(*desk->find(call_id_in(xml))));
    EXPECT_EQ(record.find(token), std::string::npos);
    EXPECT_EQ(record.find("oken"), std::string::npos);
}

TEST_F(TheStreamedDesk, GoesOnByTheCompanysOwnSpeechInTrouble) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    desk->stream_ends(*call, "speech was refused");
    EXPECT_THAT(ask_again(xml), HasSubstr(">Greetings.</Say></Gather>"))
        << "it had not been heard to its end";
    EXPECT_EQ(desk->find(*call)->step.kind, Step::Kind::listen);
}

TEST_F(TheStreamedDesk, HearsTheAnswerToWhatIsSaidAgainInTrouble) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    hear(*call, "Hello?");
    desk->stream_ends(*call, "speech was refused");
    const std::string again = ask_again(xml);
    EXPECT_THAT(again, HasSubstr(">Greetings.</Say></Gather>"));
    speak(again, "Are you there?");
    EXPECT_THAT(heard(), ElementsAre("Hello?", "Are you there?"));
}

TEST_F(TheStreamedDesk, SaysItItselfWhenTheCompanyDoesNotAskInTrouble) {
    const std::string call = call_with_stream();
    desk->stream_ends(call, "nobody listens");
    now += CallDesk::after_trouble_ms;
    desk->tick();
    EXPECT_THAT(twiml_told(), HasSubstr(">Greetings.</Say></Gather>"));
}

TEST_F(TheStreamedDesk, CutsNoAnswerThatIsToldInTrouble) {
    const std::string call = call_with_stream();
    desk->stream_has_said(call, 1);
    hear(call, "What time is it?");
    desk->stream_ends(call, "speech was refused");
    deliver(call, "It is noon.");
    EXPECT_THAT(twiml_told(), HasSubstr(">It is noon.</Say></Gather>"));
    company_says(200);
    now += CallDesk::after_trouble_ms;
    desk->tick();
    EXPECT_TRUE(asked.empty()) << "Twilio does not ask, for it has been told";
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(TheStreamedDesk, SaysAnAnswerOnceThoughItIsStillBeingToldAfterATrouble) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    desk->stream_has_said(*call, 1);
    hear(*call, "What time is it?");
    desk->stream_ends(*call, "speech was refused");
    deliver(*call, "It is noon.");
    EXPECT_THAT(ask_again(xml), HasSubstr("<Pause")) << "it is on its way";
    now += CallDesk::after_trouble_ms;
    desk->tick();
    EXPECT_EQ(asked.size(), 1u);
    company_says(200);
    EXPECT_TRUE(asked.empty());
    EXPECT_EQ(reports.size(), 1u);
}

TEST_F(TheStreamedDesk, IsNotToldToListenWhenItHasAsked) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    desk->stream_has_said(*call, 1);
    desk->stream_ends(*call, "speech was refused");
    now += CallDesk::after_trouble_ms;
    desk->tick();
    EXPECT_THAT(twiml_told(), HasSubstr("</Gather>"));
    company_says(503);
    EXPECT_THAT(ask_again(xml), HasSubstr("</Gather>"));
    pass(2);
    EXPECT_TRUE(asked.empty()) << "the caller may be speaking";
}

TEST_F(TheStreamedDesk, IsNotToldToListenWhileItSpeaks) {
    const std::string call = call_with_stream();
    desk->stream_has_said(call, 1);
    desk->stream_ends(call, "speech was refused");
    now += CallDesk::after_trouble_ms;
    desk->tick();
    const Asked listen = asked.front();
    asked.pop_front();
    deliver(call, "It is noon, and the soup has been hot for an hour.");
    company_says(200);
    EXPECT_EQ(reports.size(), 1u);
    listen.handler({Error{Fault::timed_out, "no answer in time"}, true});
    pass(2);
    EXPECT_TRUE(asked.empty());
}

TEST_F(TheStreamedDesk, SaysAgainByALaterStreamWhatADeadProcessHadNotSaid) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    deliver(*call, "Two.");
    kill_and_begin_anew();
    Line later;
    ASSERT_TRUE(desk->stream_begins("CA1", stream_token_in(ask_again(xml)), later));
    desk->stream_is_ready(*call);
    EXPECT_THAT(later.spoken, ElementsAre("1 Greetings.", "2 Two."));
}

TEST_F(TheStreamedDesk, IsNotSilentWhenTheCompanyOpensNoStream) {
    const std::string xml = ring();
    now += CallDesk::stream_patience_ms;
    desk->tick();
    EXPECT_THAT(twiml_told(), HasSubstr(">Greetings.</Say></Gather>"));
    EXPECT_FALSE(desk->stream_begins("CA1", stream_token_in(xml), line)) << "too late";
}

TEST_F(TheStreamedDesk, OffersAnotherStreamWhenOneHasEndedButNotForEver) {
    std::string xml = ring();
    for (int count = 0; count < CallDesk::most_streams; ++count) {
        Line each;
        const auto call = desk->stream_begins("CA1", stream_token_in(xml), each);
        ASSERT_TRUE(call) << count;
        desk->stream_ends(*call, "");
        xml = ask_again(xml);
    }
    EXPECT_THAT(xml, HasSubstr(">Greetings.</Say></Gather>"));
}

TEST_F(TheStreamedDesk, EndsAStreamWhoseCallHasLeftIt) {
    const std::string xml = ring();
    ASSERT_TRUE(desk->stream_begins("CA1", stream_token_in(xml), line));
    const std::string next = ask_again(xml);
    EXPECT_TRUE(line.is_over);
    Line other;
    EXPECT_TRUE(desk->stream_begins("CA1", stream_token_in(next), other));
}

TEST_F(TheStreamedDesk, KeepsACallWhenItsProcessIsKilled) {
    const std::string xml = ring();
    const auto call = desk->stream_begins("CA1", stream_token_in(xml), line);
    ASSERT_TRUE(call);
    desk->stream_is_ready(*call);
    desk->stream_has_said(*call, 1);
    hear(*call, "hello");
    ASSERT_EQ(offered.size(), 1u);
    kill_and_begin_anew();
    ASSERT_EQ(offered.size(), 1u) << "the agent had not said that it has it";
    EXPECT_EQ(offered[0].text(), "hello");
    deliver(*call, "the answer");
    EXPECT_TRUE(reports.empty());
    const std::string next = ask_again(xml);
    Line later;
    ASSERT_TRUE(desk->stream_begins("CA1", stream_token_in(next), later));
    desk->stream_is_ready(*call);
    EXPECT_THAT(later.spoken, ElementsAre("2 the answer"));
    desk->stream_has_said(*call, 2);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].outcome(), proto::DeliveryReport::SENT);
}

TEST_F(TheStreamedDesk, StreamsNoNotice) {
    method("initiate", {{"to", ann}, {"message", "Dinner is ready."}, {"mode", "notify"}});
    company_says(201, R"({"sid":"CA5"})");
    const std::string call = text_member(*parse_json(answers[last_method]), "callId");
    const std::string xml =
        desk->take(signed_form("callId=" + call,
                               event("CA5", "in-progress", "+15550002222", "outbound-api")))
            .body;
    EXPECT_THAT(xml, HasSubstr(">Dinner is ready.</Say>"));
    EXPECT_THAT(xml, Not(HasSubstr("<Stream")));
}

}  // namespace voice
