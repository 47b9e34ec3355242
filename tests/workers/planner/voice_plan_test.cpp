#include "workers/planner/voice_plan.h"

#include "tests/workers/planner/planner_fixture.h"

namespace {

using hardshell::proto::Plan;

class VoicePlan : public PlannerTest {
  protected:
    static bool has_voice(const Plan& plan) {
        for (const auto& worker : plan.workers())
            if (worker.name() == "voice") return true;
        return false;
    }
    Plan plan_with(const std::string& plugins) { return plan_of("{plugins:{" + plugins + "}}"); }
};

constexpr const char* enabled = "entries:{'voice-call':{enabled:true,config:{provider:'twilio'}}}";

TEST_F(VoicePlan, IsMadeOnlyWhereTheOwnerWantsIt) {
    EXPECT_TRUE(has_voice(plan_with(enabled)));
    for (const char* plugins :
         {"entries:{'voice-call':{}}", "entries:{'voice-call':{enabled:false}}",
          "entries:{'voice-call':{enabled:true,config:{enabled:false}}}", "entries:{}"})
        EXPECT_FALSE(has_voice(plan_with(plugins))) << plugins;
    EXPECT_FALSE(has_voice(plan_with(std::string("enabled:false,") + enabled)));
    EXPECT_FALSE(has_voice(plan_with(std::string("deny:['voice-call'],") + enabled)));
    EXPECT_FALSE(has_voice(plan_with(std::string("allow:['other'],") + enabled)));
    EXPECT_TRUE(has_voice(plan_with(std::string("allow:['voice-call'],") + enabled)));
}

TEST_F(VoicePlan, GivesTheKeysOfTheChosenCompanyAndNoOther) {
    set("TWILIO_ACCOUNT_SID", "AC1");
    set("TWILIO_AUTH_TOKEN", "token-of-twilio");
    set("PLIVO_AUTH_TOKEN", "token-of-plivo");
    set("OPENAI_API_KEY", "key-of-openai");
    const Plan plan = plan_with(
        "entries:{other:{config:{x:1}},'voice-call':{enabled:true,config:{provider:'twilio',"
        "fromNumber:'+15550002222',telnyx:{apiKey:'key-of-telnyx',publicKey:'pk'},"
        "tunnel:{provider:'ngrok',ngrokAuthToken:'token-of-ngrok'}}}}");
    const auto& voice = worker(plan, "voice");
    EXPECT_EQ(voice.kind(), "voice");
    ASSERT_EQ(voice.secrets_size(), 1);
    EXPECT_EQ(voice.secrets(0).name(), "plugins.entries.voice-call.config.twilio.authToken");
    EXPECT_EQ(voice.secrets(0).value(), "token-of-twilio");
    EXPECT_EQ(voice.secrets(0).source(), "environment variable TWILIO_AUTH_TOKEN");
    const Json config = config_of(plan, "voice");
    EXPECT_EQ(member_at(config, "plugins.entries").size(), 1u);
    const Json& own = config["plugins"]["entries"]["voice-call"]["config"];
    EXPECT_EQ(own["twilio"]["accountSid"], "AC1");
    const std::string text = voice.SerializeAsString();
    for (const char* secret :
         {"token-of-plivo", "key-of-openai", "key-of-telnyx", "token-of-ngrok"})
        EXPECT_EQ(text.find(secret), std::string::npos) << secret;
    for (const auto& one : plan.workers())
        if (one.name() != "voice") {
            EXPECT_EQ(one.SerializeAsString().find("token-of-twilio"), std::string::npos)
                << one.name();
        }
    bool has_link = false;
    for (const auto& link : plan.links())
        has_link = has_link || (link.binder() == "agent" && link.connector() == "voice");
    EXPECT_TRUE(has_link);
}

TEST_F(VoicePlan, PrefersTheConfigurationToTheEnvironment) {
    set("TELNYX_API_KEY", "from-env");
    const Plan plan = plan_with(
        "entries:{'voice-call':{enabled:true,config:{provider:'telnyx',telnyx:{apiKey:'from-file',"
        "publicKey:'pk'}}}}");
    EXPECT_EQ(secret(plan, "voice", "plugins.entries.voice-call.config.telnyx.apiKey")->value(),
              "from-file");
    EXPECT_EQ(secret(plan, "voice", "plugins.entries.voice-call.config.telnyx.publicKey")->value(),
              "pk");
}

TEST_F(VoicePlan, GivesTheKeyOfSpeechOnlyForCallsThatAreStreamed) {
    set("TWILIO_AUTH_TOKEN", "token-of-twilio");
    set("OPENAI_API_KEY", "key-of-openai");
    const std::string prefix = "plugins.entries.voice-call.config.";
    const auto with = [&](const std::string& more) {
        return plan_with("entries:{'voice-call':{enabled:true,config:{" + more + "}}}");
    };
    for (const char* more : {"provider:'twilio'", "provider:'twilio',streaming:{enabled:false}",
                             "provider:'plivo',streaming:{enabled:true}"})
        EXPECT_EQ(worker(with(more), "voice").SerializeAsString().find("key-of-openai"),
                  std::string::npos)
            << more;
    const Plan plan = with("provider:'twilio',streaming:{enabled:true}");
    for (const char* name : {"streaming.openaiApiKey", "tts.openai.apiKey"})
        EXPECT_EQ(secret(plan, "voice", prefix + name)->value(), "key-of-openai") << name;
    const Plan own = with(
        "provider:'twilio',streaming:{enabled:true,openaiApiKey:'key-of-ears'},"
        "tts:{openai:{apiKey:'key-of-mouth',voice:'coral'}}");
    EXPECT_EQ(secret(own, "voice", prefix + "streaming.openaiApiKey")->value(), "key-of-ears");
    EXPECT_EQ(secret(own, "voice", prefix + "tts.openai.apiKey")->value(), "key-of-mouth");
    const Json config = config_of(own, "voice");
    EXPECT_EQ(config["plugins"]["entries"]["voice-call"]["config"]["tts"]["openai"]["voice"],
              "coral");
    EXPECT_EQ(print_json(config).find("key-of-mouth"), std::string::npos);
}

TEST_F(VoicePlan, WarnsOfAKeyThatIsUnknown) {
    const Plan plan = plan_with(
        "entries:{'voice-call':{enabled:true,config:{provider:'twilio',fromNumbr:'+1555'}}}");
    EXPECT_NE(warnings(plan).find("fromNumbr"), std::string::npos) << warnings(plan);
    EXPECT_TRUE(has_voice(plan));
}

}  // namespace
