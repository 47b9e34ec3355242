#include "workers/discord/events.h"

#include <gmock/gmock.h>

#include "workers/discord/gateway_payload.h"
#include "workers/discord/places.h"

namespace discord {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Events, ReadAMessage) {
    const Result<Json> json = parse_json(R"({
        "id":"1234567890123456789","channel_id":"2","guild_id":"3","type":19,"content":"hi <@9>",
        "author":{"id":"4","username":"ann","global_name":"Ann","bot":false},
        "member":{"nick":"Annie","roles":["51","52"]},
        "mentions":[{"id":"9","username":"bot","bot":true}],"mention_everyone":false,
        "mention_roles":[],
        "attachments":[{"id":"7","filename":"a.png","content_type":"image/png","size":5,"url":"u"}],
        "referenced_message":{"id":"8","content":"before","author":{"id":"9","username":"bot"}},
        "sticker_items":[{"id":"1","name":"wave"}],"embeds":[{"description":"d"}],
        "message_snapshots":[{"message":{"content":"fwd"}}]})");
    ASSERT_TRUE(json);
    const Message message = message_of(*json);
    EXPECT_EQ(message.id, "1234567890123456789");
    EXPECT_EQ(message.author.name, "Annie");
    EXPECT_THAT(message.roles, ElementsAre("51", "52"));
    EXPECT_TRUE(message.is_written());
    EXPECT_EQ(message.mentions.at(0).id, "9");
    EXPECT_EQ(message.files.at(0).size, 5u);
    EXPECT_EQ(message.reply_to_id, "8");
    EXPECT_EQ(message.reply_to_author.id, "9");
    EXPECT_THAT(message.stickers, ElementsAre("wave"));
    EXPECT_THAT(message.forwarded, ElementsAre("fwd"));
    EXPECT_EQ(message.sent_ms, 1'714'414'322'167);
}

TEST(Events, ReadWhatIsMissingAsEmpty) {
    for (const char* text : {"null", "{}", "[]",
                             R"({"author":7,"mentions":{"a":1},"type":"x",)"
                             R"("attachments":[null,3],"size":-1})"}) {
        const Result<Json> json = parse_json(text);
        EXPECT_EQ(message_of(*json).id, "") << text;
        EXPECT_EQ(channel_of(*json).id, "") << text;
        EXPECT_EQ(guild_of(*json).id, "") << text;
        EXPECT_EQ(reaction_of(*json).user.id, "") << text;
        EXPECT_EQ(interaction_of(*json).token, "") << text;
    }
}

TEST(Events, TakeIdsAsTextsAndAsNumbers) {
    const Message message = message_of(*parse_json(
        R"({"id":1234567890123456789,"channel_id":2,"guild_id":null,"content":null,
            "author":{"id":4,"username":"ann"},"member":{"roles":[51,"52"]},
            "mentions":[{"id":9}],"attachments":null,"sticker_items":null,"embeds":null,
            "referenced_message":null,"webhook_id":null})"));
    EXPECT_EQ(message.id, "1234567890123456789");
    EXPECT_EQ(message.channel_id, "2");
    EXPECT_EQ(message.guild_id, "");
    EXPECT_EQ(message.author.id, "4");
    EXPECT_THAT(message.roles, ElementsAre("51", "52"));
    EXPECT_EQ(message.mentions.at(0).id, "9");
    EXPECT_FALSE(message.is_webhook);
    EXPECT_EQ(channel_of(*parse_json(R"({"id":2,"guild_id":3,"parent_id":4,"type":11})")).parent_id,
              "4");
}

TEST(Events, TakeTheTimeThatIsToldBeforeThatOfTheId) {
    const auto sent = [](const char* text) { return message_of(*parse_json(text)).sent_ms; };
    EXPECT_EQ(sent(R"({"id":"7","timestamp":"2024-04-29T22:05:22.167000+00:00"})"),
              1'714'428'322'000);
    EXPECT_EQ(sent(R"({"id":"1234567890123456789","timestamp":"soon"})"), 1'714'414'322'167);
}

TEST(Events, ReadACommand) {
    const Result<Json> json = parse_json(
        R"({"id":"1","token":"t","type":2,"channel_id":"2","guild_id":"3",
            "member":{"user":{"id":"4","username":"ann"},"roles":["5"]},
            "data":{"name":"model","options":[{"name":"a","type":3,"value":"gpt"},
                                              {"name":"b","type":4,"value":3},
                                              {"name":"c","type":5,"value":true}]}})");
    const Interaction interaction = interaction_of(*json);
    EXPECT_EQ(interaction.text(), "/model gpt 3 true");
    EXPECT_EQ(interaction.user.id, "4");
    EXPECT_THAT(interaction.options.at(0), Pair("a", "gpt"));
    EXPECT_EQ(interaction.channel_id, "2");
    EXPECT_EQ(interaction_of(*parse_json(R"({"id":"1","channel":{"id":"2","type":1}})")).channel_id,
              "2");
}

TEST(Events, KnowSnowflakes) {
    EXPECT_EQ(snowflake_ms("175928847299117063"), 1'462'015'105'796);
    EXPECT_EQ(snowflake_ms("interaction:1"), 0);
    EXPECT_EQ(snowflake_ms(""), 0);
    EXPECT_EQ(snowflake_ms(snowflake_at(1'700'000'000'123)), 1'700'000'000'123);
}

TEST(GatewayPayload, LeavesOutWhatNobodyReads) {
    const Result<Json> payload = parse_gateway_payload(
        R"({"op":0,"t":"GUILD_CREATE","s":2,"d":{"id":"3","name":"S","members":[{"user":{"id":"1"}}],)"
        R"("emojis":[{"id":"1"}],"channels":[{"id":"4","name":"general","type":0}],)"
        R"("threads":[{"id":"5","type":11,"parent_id":"4","owner_id":"6"}]}})");
    ASSERT_TRUE(payload);
    EXPECT_FALSE((*payload)["d"].contains("members"));
    EXPECT_FALSE((*payload)["d"].contains("emojis"));
    const Guild guild = guild_of((*payload)["d"]);
    ASSERT_EQ(guild.channels.size(), 2u);
    EXPECT_EQ(guild.channels[0].guild_id, "3");
    EXPECT_EQ(guild.channels[1].owner_id, "6");
}

// People's clients cut characters in two.
TEST(GatewayPayload, ReadsHalfASurrogatePair) {
    const Result<Json> payload = parse_gateway_payload(
        R"({"op":0,"t":"MESSAGE_CREATE","s":2,"d":{"id":"3","content":"a \ud83d b"}})");
    ASSERT_TRUE(payload);
    EXPECT_EQ(message_of((*payload)["d"]).content, "a \ufffd b");
}

TEST(GatewayPayload, RefusesWhatCannotBeOne) {
    for (const std::string& text :
         {std::string(), std::string("7"), std::string("[]"), std::string("{\"op\":"),
          "{\"d\":" + std::string(5'000, '[') + std::string(5'000, ']') + "}"})
        EXPECT_FALSE(parse_gateway_payload(text));
}

TEST(Places, KnowsWhatTheGatewayHasTold) {
    Places places;
    Guild guild{"3", "S", {}};
    Channel channel;
    channel.id = "4";
    channel.guild_id = "3";
    channel.owner_id = "9";
    guild.channels = {channel};
    places.learn(guild);
    channel.owner_id.clear();  // an update leaves it out
    channel.name = "renamed";
    places.learn(channel);
    EXPECT_EQ(places.channel("4")->name, "renamed");
    EXPECT_EQ(places.channel("4")->owner_id, "9");
    EXPECT_EQ(*places.guild_name("3"), "S");
    places.forget_guild("3");
    EXPECT_EQ(places.channel("4"), nullptr);
}

TEST(Places, IsBounded) {
    Places places;
    Channel channel;
    for (size_t i = 0; i < Places::most_channels + 100; ++i) {
        channel.id = std::to_string(i + 1);
        places.learn(channel);
        ASSERT_NE(places.channel(channel.id), nullptr);
    }
    EXPECT_EQ(places.size(), Places::most_channels);
}

}  // namespace
}  // namespace discord
