// Somebody telephones with the assistant: the whole tree, a double of the telephone company that
// signs its requests, and a model double behind the agent.

#include <signal.h>

#include <atomic>

#include "tests/journeys/journey.h"
#include "tests/journeys/model_config.h"
#include "tests/support/media_caller.h"
#include "tests/support/model_double.h"
#include "tests/support/speech_double.h"
#include "tests/support/telephone_double.h"

namespace {

constexpr const char* ann = "+15550001111";
constexpr const char* public_url = "https://voice.example.com/voice/webhook";
const std::string config = config_with_model(R"(
  "plugins": {"entries": {"voice-call": {"enabled": true, "config": {
    "provider": "twilio", "fromNumber": "+15550002222",
    "twilio": {"accountSid": "AC0123456789"},
    "inboundPolicy": "allowlist", "allowFrom": ["+15550001111"],
    "inboundGreeting": "Greetings from the gateway.",
    "streaming": {"enabled": ${STREAMING}},
    "publicUrl": "https://voice.example.com/voice/webhook"}}}})");
constexpr const char* stream_path = "/voice/stream";

std::string config_with(bool streaming) {
    std::string text = config;
    const std::string place = "${STREAMING}";
    return text.replace(text.find(place), place.size(), streaming ? "true" : "false");
}

class VoiceJourney : public Journey {
  protected:
    void start_with_telephone(bool streaming = false) {
        models.answer_with([this](const ModelRequestSeen&) {
            ModelReply reply;
            if (model_fails) {
                reply.status = 400;
                reply.error_type = "invalid_request_error";
                reply.error_message = "the model is out of order";
            }
            reply.text = "**Noon**, says the model.";
            return reply;
        });
        HardshellProcess::Options options;
        options.config = config_with(streaming);
        options.environment = {{"MODEL_URL", models.url()},
                               {"TWILIO_AUTH_TOKEN", TelephoneDouble::token},
                               {"HARDSHELL_TWILIO_API_URL", company.url()}};
        if (streaming) {
            options.environment["OPENAI_API_KEY"] = SpeechDouble::key;
            options.environment["HARDSHELL_OPENAI_API_URL"] = speech.url();
            options.environment["NODE_EXTRA_CA_CERTS"] = speech.certificate_file();
        }
        start(std::move(options));
        ASSERT_TRUE(hardshell->wait_line("[voice-call] Public URL: " + std::string(public_url)));
    }
    void TearDown() override {
        Journey::TearDown();
        models.answer_with(nullptr);
        hardshell.reset();
    }

    static TelephoneDouble::Fields event(const std::string& status, const std::string& from = ann) {
        return {{"AccountSid", TelephoneDouble::account},
                {"CallSid", "CAinbound1"},
                {"CallStatus", status},
                {"Direction", "inbound"},
                {"From", from},
                {"To", "+15550002222"}};
    }
    HttpAnswer post(const std::string& query, const TelephoneDouble::Fields& form) const {
        return company.post(hardshell->port(), public_url, query, form);
    }
    // The caller says something; what the company is answered at once.
    HttpAnswer speak(const std::string& query, const std::string& words) const {
        auto form = event("in-progress");
        form.emplace_back("Confidence", "0.9");
        form.emplace_back("SpeechResult", words);
        return post(query, form);
    }
    // The words that the live call was updated with, from that request on; its next query.
    std::string words_told(size_t from, const std::string& expected) const {
        const auto told = company.wait(from, [&](const TelephoneDouble::Request& request) {
            const auto twiml = request.form.find("Twiml");
            return request.authorised && twiml != request.form.end() &&
                   twiml->second.find(expected) != std::string::npos;
        });
        return told ? told->form.at("Twiml") : "";
    }

    // Opens the stream that the answer is about, and hears what is said first.
    void connect_stream(MediaCaller& caller, const std::string& twiml) {
        const std::string token = stream_token_in(twiml);
        ASSERT_FALSE(token.empty()) << twiml;
        ASSERT_TRUE(caller.open(hardshell->port(), stream_path)) << caller.http_status();
        caller.begin(TelephoneDouble::account, "CAinbound1", token);
        ASSERT_TRUE(caller.wait("mark"));
    }

    ModelDouble models;
    TelephoneDouble company;
    SpeechDouble speech;
    std::atomic<bool> model_fails = false;
};

}  // namespace

TEST_F(VoiceJourney, ACallerIsGreetedHeardAndAnswered) {
    start_with_telephone();
    const HttpAnswer greeting = post("", event("ringing"));
    ASSERT_EQ(greeting.status, 200) << greeting.body;
    EXPECT_NE(greeting.body.find("Greetings from the gateway."), std::string::npos);
    const size_t before = company.requests().size();
    const HttpAnswer waiting =
        speak(TelephoneDouble::next_query(greeting.body), "What time is it?");
    EXPECT_NE(waiting.body.find("<Pause"), std::string::npos) << waiting.body;
    const std::string told = words_told(before, ">Noon, says the model.</Say>");
    ASSERT_FALSE(told.empty());
    EXPECT_NE(models.requests().back().body.find("What time is it?"), std::string::npos);
    GatewayClient client = connect();
    EXPECT_TRUE(contains(history(client, "voice:15550001111"), "What time is it?"));
    // The model fails; the caller is told so politely, and not why.
    model_fails = true;
    const size_t so_far = company.requests().size();
    speak(TelephoneDouble::next_query(told), "And now?");
    const std::string sorry = words_told(so_far, "sorry");
    ASSERT_FALSE(sorry.empty());
    EXPECT_EQ(sorry.find("out of order"), std::string::npos);
    EXPECT_EQ(hardshell->log().find(TelephoneDouble::token), std::string::npos);
}

TEST_F(VoiceJourney, NobodyElseGetsIn) {
    start_with_telephone();
    const uint16_t port = hardshell->port();
    const auto ringing = event("ringing");
    EXPECT_EQ(TelephoneDouble::post_signed(port, public_url, "", ringing, "").status, 401);
    EXPECT_EQ(TelephoneDouble::post_signed(port, public_url, "", ringing, "bad").status, 401);
    const std::string right = TelephoneDouble::signature(public_url, ringing);
    EXPECT_EQ(
        TelephoneDouble::post_signed(port, public_url, "", event("ringing", "+15550009999"), right)
            .status,
        401)
        << "the signature is of another body";
    const std::string local = "http://127.0.0.1:" + std::to_string(port) + "/voice/webhook";
    EXPECT_EQ(TelephoneDouble::post_signed(port, public_url, "", ringing,
                                           TelephoneDouble::signature(local, ringing))
                  .status,
              401)
        << "it is signed for the address that the request came to";
    EXPECT_EQ(http_get(port, "/voice/webhook").status, 405);
    for (const char* caller : {"", "anonymous", "1111", "+49915550001111"}) {
        const HttpAnswer answer = post("", event("ringing", caller));
        EXPECT_EQ(answer.status, 200);
        EXPECT_NE(answer.body.find("<Reject/>"), std::string::npos) << caller;
    }
}

TEST_F(VoiceJourney, AnOwnerHasSomebodyCalled) {
    start_with_telephone();
    GatewayClient client = connect();
    const Json answer =
        client.request("voicecall.initiate",
                       {{"to", ann}, {"message", "Dinner is ready."}, {"mode", "conversation"}});
    ASSERT_TRUE(bool_member(answer, "ok")) << print_json(answer);
    const std::string call = text_member(member(answer, "payload"), "callId");
    const auto placed = company.requests();
    ASSERT_EQ(placed.size(), 1u);
    EXPECT_EQ(placed[0].form.at("To"), ann);
    EXPECT_EQ(placed[0].form.at("Url"), std::string(public_url) + "?callId=" + call);
    auto answered = event("in-progress", "+15550002222");
    answered[1].second = "CAplaced1";
    answered[3].second = "outbound-api";
    const HttpAnswer opening = post("callId=" + call, answered);
    EXPECT_NE(opening.body.find(">Dinner is ready.</Say></Gather>"), std::string::npos)
        << opening.body;
    const Json status = client.request("voicecall.status", {{"callId", call}});
    EXPECT_EQ(text_member(member_at(status, "payload.call"), "state"), "speaking");
    const Json wrong = client.request("voicecall.initiate", {{"to", "911"}, {"message", "x"}});
    EXPECT_FALSE(bool_member(wrong, "ok", true));
    EXPECT_NE(text_member(member(wrong, "payload"), "error").find("no number"), std::string::npos);
}

TEST_F(VoiceJourney, ACallOutlivesTheProcessesThatServeIt) {
    start_with_telephone();
    const HttpAnswer greeting = post("", event("ringing"));
    ASSERT_EQ(greeting.status, 200);
    std::string next = TelephoneDouble::next_query(greeting.body);
    for (const char* victim : {"voice", "agent"}) {
        const size_t before = company.requests().size();
        const pid_t former = hardshell->worker(victim);
        const HttpAnswer waiting = speak(next, std::string("say it while the ") + victim + " dies");
        ASSERT_EQ(waiting.status, 200);
        kill(former, SIGKILL);
        ASSERT_GT(hardshell->wait_worker_replaced(victim, former), 0);
        const std::string told = words_told(before, ">Noon, says the model.</Say>");
        ASSERT_FALSE(told.empty()) << victim;
        next = TelephoneDouble::next_query(told);
    }
    GatewayClient client = connect();
    const Json status = client.request("voicecall.status", {{"sid", "CAinbound1"}});
    EXPECT_TRUE(bool_member(member(status, "payload"), "found")) << print_json(status);
    EXPECT_EQ(text_member(member_at(status, "payload.call"), "state"), "speaking");
}

TEST_F(VoiceJourney, ACallIsStreamed) {
    start_with_telephone(true);
    const HttpAnswer ringing = post("", event("ringing"));
    EXPECT_NE(ringing.body.find("<Connect><Stream url=\"wss://voice.example.com/voice/stream\">"),
              std::string::npos)
        << ringing.body;
    const std::string next = TelephoneDouble::next_query(ringing.body);
    MediaCaller caller;
    ASSERT_NO_FATAL_FAILURE(connect_stream(caller, ringing.body));
    EXPECT_GE(caller.frames(), 10u) << "the greeting";
    ASSERT_EQ(speech.asked_to_say().size(), 1u);
    EXPECT_NE(speech.asked_to_say()[0].find("Greetings from the gateway."), std::string::npos);
    caller.speak(5);
    ASSERT_TRUE(speech.wait([&] { return !speech.sound().empty(); }));
    speech.hear_beginning();
    speech.hear("What time is it?");
    const size_t frames = caller.frames();
    ASSERT_TRUE(caller.wait("mark")) << "the answer";
    EXPECT_GT(caller.frames(), frames);
    EXPECT_NE(speech.asked_to_say()[1].find("Noon, says the model."), std::string::npos);
    EXPECT_NE(models.requests().back().body.find("What time is it?"), std::string::npos);
    EXPECT_TRUE(speech.all_had_the_key());
    GatewayClient client = connect();
    EXPECT_TRUE(contains(history(client, "voice:15550001111"), "What time is it?"));
    // The process of the call dies while an answer is waited for.
    const size_t said = speech.asked_to_say().size();
    speech.hear("Say it while the worker dies.");
    ASSERT_TRUE(speech.wait([&] { return models.requests().size() >= 2; }));
    const pid_t former = hardshell->worker("voice");
    kill(former, SIGKILL);
    EXPECT_TRUE(caller.wait_closed());
    ASSERT_GT(hardshell->wait_worker_replaced("voice", former), 0);
    // The company asks what is next, and opens another stream.
    const HttpAnswer again = post(next, event("in-progress"));
    ASSERT_EQ(again.status, 200);
    ASSERT_NO_FATAL_FAILURE(connect_stream(caller, again.body));
    ASSERT_TRUE(speech.wait([&] { return speech.asked_to_say().size() > said; }));
    EXPECT_NE(speech.asked_to_say().back().find("Noon, says the model."), std::string::npos);
    // Speech fails: it goes on with that of the company.
    speech.refuse_speaking(500);
    speech.hear("And now?");
    EXPECT_TRUE(caller.wait_closed());
    const HttpAnswer spoken = post(TelephoneDouble::next_query(again.body), event("in-progress"));
    EXPECT_NE(spoken.body.find(">Noon, says the model.</Say></Gather>"), std::string::npos)
        << spoken.body;
    EXPECT_TRUE(hardshell->wait_line("goes on by the company's own speech: speech was refused"));
    EXPECT_EQ(hardshell->log().find(SpeechDouble::key), std::string::npos);
}

TEST_F(VoiceJourney, NobodyElseOpensAStream) {
    start_with_telephone(true);
    const uint16_t port = hardshell->port();
    const HttpAnswer ringing = post("", event("ringing"));
    const std::string token = stream_token_in(ringing.body);
    ASSERT_FALSE(token.empty());
    EXPECT_EQ(http_get(port, stream_path).status, 426);
    MediaCaller caller;
    EXPECT_FALSE(caller.open(port, stream_path, "X-Twilio-Signature: bad\r\n"));
    EXPECT_EQ(caller.http_status(), 403);
    for (const std::string& wrong : {std::string(), std::string(64, '0')}) {
        ASSERT_TRUE(caller.open(port, stream_path));
        caller.begin(TelephoneDouble::account, "CAinbound1", wrong);
        EXPECT_TRUE(caller.wait_closed());
        EXPECT_EQ(caller.close_code(), 1008);
    }
    ASSERT_TRUE(caller.open(port, stream_path));
    caller.begin(TelephoneDouble::account, "CAanother", token);
    EXPECT_TRUE(caller.wait_closed());
    EXPECT_EQ(speech.openings(), 0u);
    EXPECT_EQ(hardshell->log().find(token), std::string::npos);
    ASSERT_NO_FATAL_FAILURE(connect_stream(caller, ringing.body));
}

TEST_F(VoiceJourney, WithoutStreamingThereIsNoStreamPath) {
    start_with_telephone();
    EXPECT_EQ(stream_token_in(post("", event("ringing")).body), "");
    EXPECT_NE(http_get(hardshell->port(), stream_path).status, 426);
}
