#include "workers/telegram/addressing.h"

#include <gmock/gmock.h>

#include "workers/telegram/inbound.h"

namespace telegram {

namespace {

const Bot bot{"99", "mybot", "My Bot", false, {"status", "stop"}};

Message said(const std::string& text) {
    Message message;
    message.id = "7";
    message.chat = {"-5", "supergroup", "Ops", false};
    message.from = {"1", "Ann", "ann", false};
    message.text = text;
    return message;
}

Entity entity(const std::string& text, const std::string& part, const char* type) {
    Entity found;
    found.type = type;
    found.begin = text.find(part);
    found.end = found.begin + part.size();
    return found;
}

}  // namespace

TEST(Addressing, KnowsTheBotsNameAsAWord) {
    EXPECT_TRUE(addressing_of(said("hello @MyBot!"), bot).was_mentioned);
    EXPECT_FALSE(addressing_of(said("hello @mybot2"), bot).was_mentioned);
    EXPECT_FALSE(addressing_of(said("mail me@mybot"), bot).was_mentioned);
    EXPECT_FALSE(addressing_of(said("hello"), Bot()).was_mentioned);
}

TEST(Addressing, KnowsMentionsOfOthersAndByNumber) {
    Message other = said("@bob look");
    other.entities = {entity(other.text, "@bob", "mention")};
    EXPECT_TRUE(addressing_of(other, bot).mentions_others);
    Message named = said("My Bot look");
    named.entities = {entity(named.text, "My Bot", "text_mention")};
    named.entities[0].user_id = "99";
    EXPECT_TRUE(addressing_of(named, bot).was_mentioned);
    EXPECT_FALSE(addressing_of(named, bot).mentions_others);
}

TEST(Addressing, AReplyToTheBotSpeaksToIt) {
    Message message = said("and now?");
    message.reply.emplace();
    message.reply->from.id = "99";
    EXPECT_TRUE(addressing_of(message, bot).was_mentioned);
    message.reply->from.id = "1";
    EXPECT_FALSE(addressing_of(message, bot).was_mentioned);
}

TEST(Addressing, TakesTheNameOutOfTheText) {
    EXPECT_EQ(addressing_of(said("@mybot  what is up"), bot).text, "what is up");
    EXPECT_EQ(addressing_of(said("tell me, @mybot, what"), bot).text, "tell me, , what");
    EXPECT_EQ(addressing_of(said("@mybot"), bot).text, "");
}

TEST(Addressing, TellsCommandsFromPathsAndFromOtherBots) {
    EXPECT_TRUE(addressing_of(said("/status"), bot).is_command);
    EXPECT_TRUE(addressing_of(said("/STATUS: all"), bot).is_command);
    const Addressing named = addressing_of(said("/status@mybot all"), bot);
    EXPECT_TRUE(named.is_command);
    EXPECT_TRUE(named.was_mentioned);
    EXPECT_EQ(named.text, "/status all");
    const Addressing other = addressing_of(said("/status@otherbot"), bot);
    EXPECT_FALSE(other.is_command);
    EXPECT_TRUE(other.is_for_another_bot);
    EXPECT_FALSE(addressing_of(said("/etc/passwd"), bot).is_command);
    EXPECT_FALSE(addressing_of(said("/unknown"), bot).is_command);
    EXPECT_TRUE(addressing_of(said("/unknown"), Bot()).is_command) << "no list has come yet";
}

TEST(Addressing, WritesLinksOut) {
    Message message = said("see here and there");
    message.entities = {entity(message.text, "here", "text_link"),
                        entity(message.text, "there", "text_link")};
    message.entities[0].url = "https://a.example";
    message.entities[1].url = "https://b.example";
    EXPECT_EQ(addressing_of(message, bot).text,
              "see [here](https://a.example) and [there](https://b.example)");
}

TEST(Addressing, AddsWhatIsNoText) {
    Message message = said("");
    message.facts = {"[Location: 48.1, 11.5]"};
    message.forwarded_from = "Bo";
    EXPECT_EQ(addressing_of(message, bot).text, "[Forwarded from Bo]\n[Location: 48.1, 11.5]");
}

TEST(Inbound, HasTheSameKeyEachTimeAndAnotherForAnEdit) {
    Settings settings;
    settings.group_policy = channel::GroupPolicy::open;
    const Message message = said("@mybot hi");
    const Judged judged = judge_message(settings, {}, bot, message);
    EXPECT_EQ(judged.ruling.verdict, channel::Verdict::pass);
    auto inbound = inbound_of(message, judged, bot);
    EXPECT_EQ(inbound.key(), "99:-5:7");
    EXPECT_EQ(inbound.text(), "hi");
    EXPECT_TRUE(inbound.was_mentioned());
    EXPECT_FALSE(inbound.may_command());
    mark_edited(inbound, bot, 9001);
    EXPECT_EQ(inbound.key(), "99:edit:9001");
    EXPECT_EQ(inbound.replaces_id(), "7");
}

TEST(Inbound, IsForUsAsItWasChosenForTheGroup) {
    Settings settings;
    settings.group_policy = channel::GroupPolicy::open;
    settings.groups.emplace();
    (*settings.groups)["*"].require_mention = false;
    const Message message = said("hi");
    EXPECT_EQ(judge_message(settings, {}, bot, message).ruling.verdict, channel::Verdict::pass);
    EXPECT_EQ(judge_message(settings, {}, bot, message, {}, true).ruling.verdict,
              channel::Verdict::remember);
    (*settings.groups)["*"].require_mention = true;
    const Judged judged = judge_message(settings, {}, bot, message, {}, false);
    EXPECT_EQ(judged.ruling.verdict, channel::Verdict::pass);
    EXPECT_TRUE(inbound_of(message, judged, bot).needs_no_mention());
}

TEST(Inbound, TellsAStrangerHowToGetIn) {
    EXPECT_THAT(pairing_text("555", "ABCD2345"),
                testing::AllOf(testing::HasSubstr("Your Telegram user id: 555"),
                               testing::HasSubstr("Pairing code: ABCD2345"),
                               testing::HasSubstr("openclaw pairing approve telegram <code>")));
}

}  // namespace telegram
