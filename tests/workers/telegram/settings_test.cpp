#include "workers/telegram/settings.h"

#include <gmock/gmock.h>

namespace telegram {

namespace {

using channel::Verdict;
using testing::HasSubstr;
using testing::IsEmpty;

Settings settings_of(const char* telegram, const std::string& account = "default",
                     const Variables& variables = {}) {
    Json config = Json::object();
    config["channels"]["telegram"] = *parse_json(telegram);
    return read_settings(config, account, variables);
}

Verdict said(const Settings& settings, const char* chat, const char* topic, const char* sender,
             bool mentioned = true) {
    const PlaceRules rules = rules_for(settings, {}, chat, topic);
    channel::GateFacts facts;
    facts.in_group = true;
    facts.sender_id = sender;
    facts.was_mentioned = mentioned;
    return judge(rules.gate, facts).verdict;
}

}  // namespace

TEST(TelegramSettings, HaveTheStockDefaults) {
    const Settings settings = settings_of("{}");
    EXPECT_EQ(settings.dm_policy, channel::DmPolicy::pairing);
    EXPECT_EQ(settings.group_policy, channel::GroupPolicy::allowlist);
    EXPECT_EQ(settings.text_chunk_limit, 4000u);
    EXPECT_EQ(settings.reply_to, ReplyToMode::first);
    EXPECT_EQ(settings.stream, StreamMode::partial);
    EXPECT_EQ(settings.media_most_bytes, 5u << 20);
    EXPECT_EQ(settings.api_url, "https://api.telegram.org");
    EXPECT_TRUE(settings.link_preview);
    EXPECT_FALSE(settings.groups);
    EXPECT_THAT(settings.remarks, IsEmpty());
}

TEST(TelegramSettings, AnAccountGoesBeforeItsChannel) {
    const char* text = R"({"dmPolicy":"open","textChunkLimit":9000,"replyToMode":"all",
        "accounts":{"ops":{"dmPolicy":"disabled","streamMode":"off"}}})";
    const Settings ops = settings_of(text, "ops");
    EXPECT_EQ(ops.dm_policy, channel::DmPolicy::disabled);
    EXPECT_EQ(ops.stream, StreamMode::off);
    EXPECT_EQ(ops.reply_to, ReplyToMode::all);
    EXPECT_EQ(ops.text_chunk_limit, 4096u) << "no message takes more";
    EXPECT_EQ(settings_of(text).dm_policy, channel::DmPolicy::open);
}

TEST(TelegramSettings, WarnOfNamesAndOfWhatIsNotUsed) {
    const char* text = R"({"allowFrom":["@ann",5],"proxy":"http://localhost:1"})";
    const Settings settings = settings_of(text);
    ASSERT_EQ(settings.remarks.size(), 2u);
    EXPECT_THAT(settings.remarks[0], HasSubstr("\"ann\" is no numeric id"));
    EXPECT_THAT(settings.remarks[1], HasSubstr("proxy"));
    EXPECT_EQ(settings_of(text, "default", {{"HARDSHELL_ALLOW_NAMES", "1"}}).remarks.size(), 1u);
}

TEST(TelegramSettings, SayHowLongAndHowOftenTelegramIsAsked) {
    const Settings settings = settings_of(R"({"timeoutSeconds":60,"retry":{"attempts":5},
            "accounts":{"ops":{"retry":{"attempts":99,"jitter":0.5},"timeoutSeconds":9999,
                               "network":{"autoSelectFamily":true}}}})");
    EXPECT_EQ(settings.call_timeout, std::chrono::seconds(60));
    EXPECT_EQ(settings.most_tries, 5);
    EXPECT_THAT(settings.remarks, IsEmpty());
    const Settings ops = settings_of(R"({"accounts":{"ops":{"retry":{"attempts":99,"jitter":0.5},
            "timeoutSeconds":9999,"network":{"autoSelectFamily":true}}}})",
                                     "ops");
    EXPECT_EQ(ops.call_timeout, std::chrono::seconds(500));
    EXPECT_EQ(ops.most_tries, 10);
    ASSERT_EQ(ops.remarks.size(), 2u);
    EXPECT_THAT(ops.remarks[0], HasSubstr("channels.telegram.network is not used"));
    EXPECT_THAT(ops.remarks[1], HasSubstr("channels.telegram.retry.jitter is not used"));
    EXPECT_EQ(settings_of("{}").call_timeout, std::chrono::seconds(30));
    EXPECT_EQ(settings_of("{}").most_tries, 3);
}

TEST(TelegramSettings, TakeTheAddressOfTheApiFromTheEnvironment) {
    const Settings settings =
        settings_of("{}", "default", {{"HARDSHELL_TELEGRAM_API_URL", "https://localhost:1/"}});
    EXPECT_EQ(settings.api_url, "https://localhost:1");
}

TEST(TelegramSettings, ATopicGoesBeforeItsChatAndThatBeforeTheRest) {
    const Settings settings = settings_of(R"({"groupPolicy":"open","groups":{
        "-1001":{"requireMention":true,"allowFrom":[1],"systemPrompt":"chat","skills":["a"],
                 "topics":{"42":{"requireMention":false,"systemPrompt":"topic"},
                           "43":{"enabled":false}}},
        "*":{"requireMention":false}}})");
    EXPECT_EQ(said(settings, "-1001", "42", "1", false), Verdict::pass);
    EXPECT_EQ(said(settings, "-1001", "41", "1", false), Verdict::remember);
    EXPECT_EQ(said(settings, "-1001", "43", "1"), Verdict::drop);
    EXPECT_EQ(said(settings, "-1001", "42", "2"), Verdict::drop);
    EXPECT_EQ(said(settings, "-1002", "", "2", false), Verdict::pass);
    const PlaceRules rules = rules_for(settings, {}, "-1001", "42");
    EXPECT_EQ(rules.system_prompt, "chat\n\ntopic");
    EXPECT_THAT(rules.skills, testing::ElementsAre("a"));
}

TEST(TelegramSettings, ListedGroupsAreTheOnlyOnes) {
    const Settings settings =
        settings_of(R"({"groupPolicy":"open","groups":{"-1001":{"requireMention":false}}})");
    EXPECT_EQ(said(settings, "-1001", "", "1"), Verdict::pass);
    EXPECT_EQ(said(settings, "-1002", "", "1"), Verdict::drop);
}

TEST(TelegramSettings, GroupsFallBackToThePeopleOfDirectChats) {
    const Settings settings = settings_of(R"({"allowFrom":[1]})");
    EXPECT_EQ(said(settings, "-1001", "", "1"), Verdict::pass);
    EXPECT_EQ(said(settings, "-1001", "", "2"), Verdict::drop);
    const Settings own = settings_of(R"({"allowFrom":[1],"groupAllowFrom":[2]})");
    EXPECT_EQ(said(own, "-1001", "", "1"), Verdict::drop);
    EXPECT_EQ(said(own, "-1001", "", "2"), Verdict::pass);
}

}  // namespace telegram
