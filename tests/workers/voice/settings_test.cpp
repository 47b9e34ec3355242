#include "workers/voice/settings.h"

#include <gmock/gmock.h>

namespace voice {

namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* whole = R"({"provider":"twilio","fromNumber":"+15550002222",
    "twilio":{"accountSid":"AC1"},"publicUrl":"https://example.com/voice/webhook"})";

Settings settings_of(const std::string& voice, std::map<std::string, std::string> secrets = {},
                     const Variables& variables = {}) {
    Json config;
    config["plugins"]["entries"]["voice-call"] = {{"enabled", true},
                                                  {"config", *parse_json(voice)}};
    return read_settings(
        config,
        [&](const std::string& name) {
            const auto found = secrets.find(name);
            return found == secrets.end() ? Secret() : Secret(found->second);
        },
        variables);
}

const std::map<std::string, std::string> twilio_token{
    {"plugins.entries.voice-call.config.twilio.authToken", "t"}};

}  // namespace

TEST(VoiceSettings, HaveTheStockDefaults) {
    const Settings settings = settings_of(whole, twilio_token);
    EXPECT_THAT(settings.problems, IsEmpty());
    EXPECT_THAT(settings.remarks, IsEmpty());
    EXPECT_EQ(settings.provider, ProviderName::twilio);
    EXPECT_EQ(settings.api_url, "https://api.twilio.com");
    EXPECT_EQ(settings.inbound, InboundPolicy::disabled);
    EXPECT_EQ(settings.greeting, "Hello! How can I help you today?");
    EXPECT_EQ(settings.outbound_mode, Mode::notify);
    EXPECT_EQ(settings.hang_up_delay.count(), 3);
    EXPECT_EQ(settings.longest_call.count(), 300);
    EXPECT_EQ(settings.most_calls, 1u);
    EXPECT_EQ(settings.ring_timeout.count(), 30'000);
    EXPECT_EQ(settings.transcript_timeout.count(), 180'000);
    EXPECT_EQ(settings.webhook_path, "/voice/webhook");
}

// The sample that many have copied.
TEST(VoiceSettings, NameAllThatTheSampleLacksAtOnce) {
    const Settings settings = settings_of(R"({"provider":"twilio","tunnel":{"provider":"ngrok"}})");
    const std::string text = problems_text(settings);
    EXPECT_THAT(text, HasSubstr("plugins.entries.voice-call.config.fromNumber is required"));
    EXPECT_THAT(text, HasSubstr("plugins.entries.voice-call.config.twilio.accountSid is required "
                                "(or set TWILIO_ACCOUNT_SID env)"));
    EXPECT_THAT(text, HasSubstr("plugins.entries.voice-call.config.twilio.authToken is required "
                                "(or set TWILIO_AUTH_TOKEN env)"));
    EXPECT_THAT(text, HasSubstr("; "));
    EXPECT_THAT(text, Not(HasSubstr("publicUrl"))) << "the tunnel tells it";
}

TEST(VoiceSettings, NameEachThingThatIsWrong) {
    struct Row {
        const char* config;
        const char* problem;
    };
    const Row rows[] = {
        {R"({})", "provider is required"},
        {R"({"provider":"mock"})", "provider \"mock\" would take calls from anybody"},
        {R"({"provider":"log"})", "provider \"log\" would take calls from anybody"},
        {R"({"provider":"vonage"})", "provider \"vonage\" is not known"},
        {R"({"fromNumber":"5550001"})", "fromNumber \"5550001\" is no number"},
        {R"({"toNumber":"nobody"})", "toNumber \"nobody\" is no number"},
        {R"({"allowFrom":["+15550001111","1111",""]})", "allowFrom[1] \"1111\" is no number"},
        {R"({"inboundPolicy":"everybody"})", "inboundPolicy \"everybody\" is not known"},
        {R"({"outbound":{"defaultMode":"shout"}})", "outbound.defaultMode \"shout\""},
        {R"({"maxDurationSeconds":0})", "maxDurationSeconds has to be a whole number from 1"},
        {R"({"maxConcurrentCalls":"2"})", "maxConcurrentCalls has to be a whole number"},
        {R"({"publicUrl":"http://example.com/v"})", "publicUrl has to begin with https://"},
        {R"({"publicUrl":"https://example.com/v?x=1"})", "publicUrl has to end with its path"},
        {R"({"provider":"twilio"})", "publicUrl is required (the webhook's whole address"},
        {R"({"provider":"telnyx","fromNumber":"+15550002222"})",
         "telnyx.publicKey is required (or set TELNYX_PUBLIC_KEY env)"},
        {R"({"provider":"plivo"})", "plivo.authToken is required (or set PLIVO_AUTH_TOKEN env)"},
    };
    for (const Row& row : rows)
        EXPECT_THAT(problems_text(settings_of(row.config)), HasSubstr(row.problem)) << row.config;
}

TEST(VoiceSettings, ProposeTheAddressOfTheFlyApp) {
    EXPECT_THAT(problems_text(settings_of("{}", {}, {{"FLY_APP_NAME", "my-app"}})),
                HasSubstr("\"https://my-app.fly.dev/voice/webhook\""));
}

TEST(VoiceSettings, DoNotSwitchVerificationOff) {
    const Settings settings = settings_of(
        R"({"provider":"twilio","fromNumber":"+15550002222","twilio":{"accountSid":"A"},
            "skipSignatureVerification":true,
            "tunnel":{"provider":"ngrok","allowNgrokFreeTierLoopbackBypass":true}})",
        twilio_token);
    EXPECT_THAT(settings.problems, IsEmpty());
    EXPECT_THAT(settings.remarks,
                testing::ElementsAre(HasSubstr("skipSignatureVerification is ignored"),
                                     HasSubstr("allowNgrokFreeTierLoopbackBypass is ignored")));
}

TEST(VoiceSettings, SayWhereRequestsArriveInstead) {
    const Settings settings = settings_of(
        R"({"provider":"twilio","fromNumber":"+15550002222","twilio":{"accountSid":"A"},
            "serve":{"port":3334,"bind":"127.0.0.1","path":"/calls"},
            "tailscale":{"mode":"funnel","path":"/voice/webhook"}})",
        twilio_token);
    EXPECT_THAT(settings.problems, IsEmpty());
    EXPECT_THAT(
        settings.remarks,
        testing::ElementsAre(HasSubstr("serve.port is ignored: there is no listener of its own"),
                             HasSubstr("serve.bind is ignored"),
                             HasSubstr("tailscale.path is ignored: the path is serve.path "
                                       "(/calls)")));
}

TEST(VoiceSettings, TakeTheKeyOfTelnyxApart) {
    const std::string config = R"({"provider":"telnyx","fromNumber":"+15550002222",
        "telnyx":{"connectionId":"c"},"publicUrl":"https://e.com/voice/webhook"})";
    std::map<std::string, std::string> secrets{
        {"plugins.entries.voice-call.config.telnyx.apiKey", "k"},
        {"plugins.entries.voice-call.config.telnyx.publicKey",
         "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw="}};
    const Settings settings = settings_of(config, secrets);
    EXPECT_THAT(settings.problems, IsEmpty());
    EXPECT_EQ(settings.telnyx_public_key.size(), 32u);
    secrets["plugins.entries.voice-call.config.telnyx.publicKey"] = "wrong";
    EXPECT_THAT(problems_text(settings_of(config, secrets)),
                HasSubstr("telnyx.publicKey is no Ed25519 public key"));
}

TEST(VoiceSettings, ListWhomTheModelMayCall) {
    const Settings settings =
        settings_of(R"({"toNumber":"+15550003333","allowFrom":["+15550001111"]})", {},
                    {{"HARDSHELL_VOICE_DESTINATIONS", "+4930*, +15550004444"},
                     {"HARDSHELL_VOICE_CALLS_PER_HOUR", "5"},
                     {"HARDSHELL_VOICE_MINUTES_PER_DAY", "x"}});
    EXPECT_THAT(settings.destinations,
                testing::ElementsAre("+15550001111", "+15550003333", "+4930*", "+15550004444"));
    EXPECT_EQ(settings.calls_per_hour, 5u);
    EXPECT_EQ(settings.minutes_per_day.count(), 180);
    EXPECT_THAT(settings.remarks, testing::Contains(HasSubstr("HARDSHELL_VOICE_MINUTES_PER_DAY")));
}

TEST(VoiceSettings, StreamCallsWithTheStockDefaults) {
    auto secrets = twilio_token;
    secrets["plugins.entries.voice-call.config.streaming.openaiApiKey"] = "k";
    const std::string streaming =
        std::string(whole).substr(0, std::string(whole).size() - 1) + R"(,"streaming":)";
    const Streaming stock = settings_of(streaming + R"({"enabled":true}})", secrets).streaming;
    EXPECT_TRUE(stock.enabled);
    EXPECT_EQ(stock.path, "/voice/stream");
    EXPECT_EQ(stock.hearing_model, "gpt-4o-transcribe");
    EXPECT_EQ(stock.silence.count(), 800);
    EXPECT_EQ(stock.threshold, 0.5);
    EXPECT_EQ(stock.api_url, "https://api.openai.com");
    EXPECT_EQ(stock.speaking_key.reveal(), "k");
    const Settings own = settings_of(
        streaming + R"({"enabled":true,"sttModel":"m","silenceDurationMs":500,"vadThreshold":0.7,
        "streamPath":"/s"},"tts":{"provider":"edge","openai":{"voice":"coral","model":"t"}}})",
        secrets, {{"HARDSHELL_OPENAI_API_URL", "http://127.0.0.1:1"}});
    EXPECT_THAT(own.problems, IsEmpty());
    EXPECT_THAT(own.remarks, testing::ElementsAre(HasSubstr("\"edge\" does not speak")));
    EXPECT_EQ(own.streaming.path, "/s");
    EXPECT_EQ(own.streaming.hearing_model, "m");
    EXPECT_EQ(own.streaming.silence.count(), 500);
    EXPECT_EQ(own.streaming.threshold, 0.7);
    EXPECT_EQ(own.streaming.voice, "coral");
    EXPECT_EQ(own.streaming.speaking_model, "t");
    EXPECT_EQ(own.streaming.api_url, "http://127.0.0.1:1");
}

TEST(VoiceSettings, TakeCallsWithoutStreamsWhereTheseCannotBe) {
    const std::string streaming = std::string(whole).substr(0, std::string(whole).size() - 1) +
                                  R"(,"streaming":{"enabled":true)";
    const Settings without_key = settings_of(streaming + "}}", twilio_token);
    EXPECT_FALSE(without_key.streaming.enabled);
    EXPECT_THAT(without_key.problems, IsEmpty());
    EXPECT_THAT(without_key.remarks, testing::ElementsAre(HasSubstr("OPENAI_API_KEY")));
    for (const char* wrong : {R"(,"sttProvider":"x"}})", R"(,"vadThreshold":2}})",
                              R"(,"vadThreshold":"loud"}})", R"(,"silenceDurationMs":1}})"})
        EXPECT_EQ(settings_of(streaming + wrong, twilio_token).problems.size(), 1u) << wrong;
}

}  // namespace voice
