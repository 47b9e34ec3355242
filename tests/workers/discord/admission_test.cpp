#include "workers/discord/admission.h"

#include <gmock/gmock.h>

#include "workers/discord/intents.h"

namespace discord {
namespace {

using channel::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;

const Bot bot{"1", "hardshell-bot", "1"};

Settings settings_of(const std::string& discord, const std::string& more = {},
                     const Variables& variables = {}) {
    const std::string text = R"({"channels":{"discord":)" + discord + "}" + more + "}";
    const Result<Json> config = parse_json(text);
    EXPECT_TRUE(config) << text;
    return read_settings(*config, "default", variables);
}

Where guild_channel(const std::string& id = "41", const std::string& name = "general") {
    Where where;
    where.guild_id = "31";
    where.guild_name = "My Server!";
    where.channel.id = id;
    where.channel.name = name;
    return where;
}

Where direct_chat() {
    Where where;
    where.channel.id = "90";
    where.channel.type = channel_type::dm;
    return where;
}

struct Said {
    std::string sender = "21";
    std::vector<std::string> roles = {};
    bool mentioned = true;
    bool is_command = false;
    bool mentions_others = false;
};

channel::Ruling ruling(const Settings& settings, const Where& where, const Said& said = {}) {
    channel::AllowList paired;
    paired.add("55", {});
    const PlaceRules rules =
        rules_for(settings, bot, paired, where, {said.sender, "name", said.roles});
    channel::GateFacts facts;
    facts.in_group = !where.is_direct();
    facts.sender_id = said.sender;
    facts.sender_name = "name";
    facts.was_mentioned = said.mentioned;
    facts.is_command = said.is_command;
    facts.mentions_others = said.mentions_others;
    return channel::judge(rules.gate, facts);
}

Verdict verdict(const Settings& settings, const Where& where, const Said& said = {}) {
    return ruling(settings, where, said).verdict;
}

TEST(Admission, AnswersNoServerThatIsNotListed) {
    EXPECT_EQ(verdict(settings_of("{}"), guild_channel()), Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"guilds":{"99":{}}})"), guild_channel()), Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"groupPolicy":"open","guilds":{"99":{}}})"), guild_channel()),
              Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"groupPolicy":"open"})"), guild_channel()), Verdict::pass);
    EXPECT_EQ(
        verdict(settings_of(R"({"groupPolicy":"disabled","guilds":{"31":{}}})"), guild_channel()),
        Verdict::drop);
}

TEST(Admission, FindsAServerByIdNameOrStar) {
    for (const char* key : {"31", "my-server", "*"})
        EXPECT_EQ(verdict(settings_of(std::string(R"({"guilds":{")") + key + R"(":{}}})"),
                          guild_channel()),
                  Verdict::pass)
            << key;
}

TEST(Admission, AnswersOnlyTheChannelsThatAreListed) {
    const Settings settings = settings_of(
        R"({"guilds":{"31":{"channels":{"41":{},"help":{"allow":true},"quiet":{"allow":false},)"
        R"("off":{"enabled":false}}}}})");
    EXPECT_EQ(verdict(settings, guild_channel("41", "general")), Verdict::pass);
    EXPECT_EQ(verdict(settings, guild_channel("42", "help")), Verdict::pass);
    EXPECT_EQ(verdict(settings, guild_channel("43", "other")), Verdict::drop);
    EXPECT_EQ(verdict(settings, guild_channel("44", "quiet")), Verdict::drop);
    EXPECT_EQ(verdict(settings, guild_channel("45", "off")), Verdict::drop);
}

TEST(Admission, JudgesAThreadByItsParentNeverByItsName) {
    const Settings settings = settings_of(R"({"guilds":{"31":{"channels":{"help":{}}}}})");
    Where thread = guild_channel("77", "help");  // whoever opens a thread names it
    thread.channel.type = channel_type::public_thread;
    thread.channel.parent_id = "43";
    thread.parent.id = "43";
    thread.parent.name = "other";
    EXPECT_EQ(verdict(settings, thread), Verdict::drop);
    thread.parent.name = "help";
    EXPECT_EQ(verdict(settings, thread), Verdict::pass);
}

TEST(Admission, WaitsToBeMentioned) {
    const Settings settings =
        settings_of(R"({"guilds":{"31":{"channels":{"41":{},"42":{"requireMention":false}}}}})");
    EXPECT_EQ(verdict(settings, guild_channel("41"), {.mentioned = false}), Verdict::remember);
    EXPECT_EQ(verdict(settings, guild_channel("42"), {.mentioned = false}), Verdict::pass);
    EXPECT_EQ(verdict(settings_of(R"({"guilds":{"31":{"requireMention":false}}})"), guild_channel(),
                      {.mentioned = false}),
              Verdict::pass);
}

TEST(Admission, GoesByWhatWasChosenForTheChannelBeforeTheSettings) {
    const Settings settings =
        settings_of(R"({"guilds":{"31":{"channels":{"41":{},"42":{"requireMention":false}}}}})");
    std::map<std::string, bool> choices{{"41", false}, {"42", true}};
    const Activation chosen = [&](const std::string& id) {
        const auto found = choices.find(id);
        return found == choices.end() ? std::nullopt : std::optional(found->second);
    };
    const auto needs_mention = [&](const Where& where) {
        return rules_for(settings, bot, {}, where, {}, chosen).gate.require_mention;
    };
    EXPECT_FALSE(needs_mention(guild_channel("41")));
    EXPECT_TRUE(needs_mention(guild_channel("42")));
    EXPECT_TRUE(needs_mention(guild_channel("43")));
    Where thread = guild_channel("77", "a question");
    thread.channel.type = channel_type::public_thread;
    thread.channel.parent_id = thread.parent.id = "41";
    EXPECT_FALSE(needs_mention(thread)) << "as the channel it hangs on";
    choices["77"] = true;
    EXPECT_TRUE(needs_mention(thread)) << "its own";
}

TEST(Admission, NeedsNoMentionInAThreadOfItsOwn) {
    const Settings settings =
        settings_of(R"({"guilds":{"31":{"channels":{"41":{"autoThread":true}}}}})");
    Where thread = guild_channel("77", "a question");
    thread.channel.type = channel_type::public_thread;
    thread.channel.parent_id = "41";
    thread.parent.id = "41";
    thread.channel.owner_id = bot.id;
    EXPECT_EQ(verdict(settings, thread, {.mentioned = false}), Verdict::pass);
    thread.channel.owner_id = "21";
    EXPECT_EQ(verdict(settings, thread, {.mentioned = false}), Verdict::remember);
}

TEST(Admission, KnowsPeopleByIdAndByRole) {
    const Settings settings =
        settings_of(R"({"guilds":{"31":{"users":["21","<@!22>","role:51","<@&52>","ann"]}}})");
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "21"}), Verdict::pass);
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "22"}), Verdict::pass);
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "23"}), Verdict::drop);
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "23", .roles = {"50", "51"}}),
              Verdict::pass);
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "23", .roles = {"52"}}), Verdict::pass);
    EXPECT_THAT(settings.remarks, testing::Contains(HasSubstr("guilds.31.users: \"ann\"")));
}

TEST(Admission, HearsWhatOthersSayWhoMayNotAsk) {
    const Settings settings = settings_of(R"({"guilds":{"31":{"users":["21"]}}})");
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "23", .mentioned = false}),
              Verdict::remember);
    EXPECT_EQ(verdict(settings, guild_channel(), {.sender = "23"}), Verdict::drop);
    EXPECT_EQ(verdict(settings, guild_channel(),
                      {.sender = "23", .mentioned = false, .is_command = true}),
              Verdict::drop);
    // Nor is what is said elsewhere anybody's business.
    const Settings other = settings_of(R"({"guilds":{"32":{"users":["21"]}}})");
    EXPECT_EQ(verdict(other, guild_channel(), {.sender = "23", .mentioned = false}), Verdict::drop);
}

TEST(Admission, LetsAChannelsPeopleStandInForTheServers) {
    const Settings settings =
        settings_of(R"({"guilds":{"31":{"users":["21"],"channels":{"41":{"users":["22"]}}}}})");
    EXPECT_EQ(verdict(settings, guild_channel("41"), {.sender = "21"}), Verdict::drop);
    EXPECT_EQ(verdict(settings, guild_channel("41"), {.sender = "22"}), Verdict::pass);
}

TEST(Admission, TakesCommandsOnlyFromThoseListed) {
    const Said command{.sender = "21", .mentioned = false, .is_command = true};
    EXPECT_EQ(verdict(settings_of(R"({"guilds":{"31":{}}})"), guild_channel(), command),
              Verdict::drop);
    const Settings owner = settings_of(R"({"dm":{"allowFrom":["21"]},"guilds":{"31":{}}})");
    EXPECT_EQ(verdict(owner, guild_channel(), command), Verdict::pass);
    EXPECT_TRUE(ruling(owner, guild_channel(), command).may_command);
    EXPECT_FALSE(ruling(owner, guild_channel(), {.sender = "22"}).may_command);
    Said other = command;
    other.mentions_others = true;  // it is meant for somebody else
    EXPECT_EQ(verdict(owner, guild_channel(), other), Verdict::remember);
    EXPECT_EQ(
        verdict(settings_of(R"({"guilds":{"31":{}}})", R"(,"commands":{"useAccessGroups":false})"),
                guild_channel(), command),
        Verdict::pass);
}

TEST(Admission, KeepsThePolicyOfDirectMessages) {
    EXPECT_EQ(verdict(settings_of("{}"), direct_chat()), Verdict::pair);
    EXPECT_EQ(verdict(settings_of("{}"), direct_chat(), {.sender = "55"}), Verdict::pass);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"allowFrom":["user:21"]}})"), direct_chat()),
              Verdict::pass);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"policy":"allowlist"}})"), direct_chat()),
              Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"policy":"open","allowFrom":["*"]}})"), direct_chat()),
              Verdict::pass);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"policy":"disabled"}})"), direct_chat()),
              Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"enabled":false,"allowFrom":["21"]}})"), direct_chat()),
              Verdict::drop);
    // Who was let in by pairing is no stranger, but no member of a server's list either.
    EXPECT_EQ(verdict(settings_of(R"({"guilds":{"31":{"users":["21"]}}})"), guild_channel(),
                      {.sender = "55"}),
              Verdict::drop);
}

TEST(Admission, AnswersGroupChatsOnlyWhenSwitchedOn) {
    Where group;
    group.channel.id = "91";
    group.channel.type = channel_type::group_dm;
    EXPECT_EQ(verdict(settings_of("{}"), group), Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"groupEnabled":true}})"), group), Verdict::pass);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"groupEnabled":true,"groupChannels":["92"]}})"), group),
              Verdict::drop);
    EXPECT_EQ(verdict(settings_of(R"({"dm":{"groupEnabled":true,"groupChannels":[91]}})"), group),
              Verdict::pass);
}

TEST(Addressing, TakesTheBotsNameOutAndWritesOthersOut) {
    Message message;
    message.content = "<@!1>  ask <@22> about <#41>, <@1>";
    message.mentions = {{"1", "hardshell-bot", "Hardshell", true}, {"22", "ben", "Ben", false}};
    const Addressing made = addressing_of(message, bot);
    EXPECT_EQ(made.text, "ask @Ben about <#41>,");
    EXPECT_TRUE(made.was_mentioned);
    EXPECT_TRUE(made.mentions_others);
    EXPECT_FALSE(made.is_command);
}

// What is told goes before what is written: a name in a code block calls nobody.
TEST(Addressing, FindsTheBotInTheTextWhereNobodyIsListed) {
    Message message = message_of(*parse_json(R"({"id":"5","content":"<@!1> ask"})"));
    EXPECT_TRUE(addressing_of(message, bot).was_mentioned);
    EXPECT_EQ(addressing_of(message, bot).text, "ask");
    message = message_of(*parse_json(R"({"id":"5","content":"`<@1>`","mentions":[]})"));
    EXPECT_FALSE(addressing_of(message, bot).was_mentioned);
}

TEST(Addressing, CountsAReplyToTheBotAsAMention) {
    Message message;
    message.content = "really?";
    message.reply_to_author.id = "1";
    EXPECT_TRUE(addressing_of(message, bot).was_mentioned);
    message.reply_to_author.id = "22";
    EXPECT_FALSE(addressing_of(message, bot).was_mentioned);
}

TEST(Addressing, DoesNotCountEverybodyAsTheBot) {
    Message message;
    message.content = "@everyone look";
    message.mentions_roles_or_all = true;
    EXPECT_FALSE(addressing_of(message, bot).was_mentioned);
    EXPECT_TRUE(addressing_of(message, bot).mentions_others);
}

TEST(Addressing, SaysWhatWasSentWithoutWords) {
    Message images;
    images.files = {{"1", "a.png", "image/png", "", 1}, {"2", "b.jpg", "image/jpeg", "", 1}};
    EXPECT_EQ(addressing_of(images, bot).text, "<media:image> (2 images)");
    Message document;
    document.files = {{"1", "a.pdf", "application/pdf", "", 1}};
    EXPECT_EQ(addressing_of(document, bot).text, "<media:document> (1 file)");
    Message forward;
    forward.forwarded = {"old news"};
    EXPECT_EQ(addressing_of(forward, bot).text, "[Forwarded message]\nold news");
    Message command;
    command.content = "<@1> /status";
    EXPECT_TRUE(addressing_of(command, bot).is_command);
}

TEST(DiscordSettings, TakeTheAccountsOwnBeforeTheChannels) {
    const Result<Json> config =
        parse_json(R"({"channels":{"discord":{"maxLinesPerMessage":5,"mediaMaxMb":1,)"
                   R"("accounts":{"ops":{"maxLinesPerMessage":9,"textChunkLimit":5000}}}}})");
    const Settings ops = read_settings(*config, "ops", {});
    EXPECT_EQ(ops.lines_per_message, 9u);
    EXPECT_EQ(ops.media_most_bytes, 1u << 20);
    EXPECT_EQ(ops.text_chunk_limit, 2000u);  // Discord's own
    EXPECT_EQ(read_settings(*config, "default", {}).lines_per_message, 5u);
}

TEST(DiscordSettings, AskForExtraIntentsOnlyWhenTold) {
    EXPECT_EQ(settings_of("{}").intents, 46593u);
    EXPECT_EQ(settings_of(R"({"intents":{"guildMembers":true,"presence":true}})").intents,
              46593u | 2 | 256);
    EXPECT_EQ(privileged_names(46593 | 2), "Message Content Intent, Server Members Intent");
}

TEST(DiscordSettings, ReadWhereDiscordIsFromTheEnvironment) {
    const Settings settings =
        settings_of("{}", {}, {{"HARDSHELL_DISCORD_API_URL", "https://localhost:9/api/v10/"}});
    EXPECT_EQ(settings.api_url, "https://localhost:9/api/v10");
    EXPECT_THAT(settings.media_hosts, testing::Contains("localhost"));
    EXPECT_THAT(settings_of("{}").media_hosts,
                ElementsAre("cdn.discordapp.com", "media.discordapp.net"));
}

TEST(DiscordSettings, NormaliseTokensAndNames) {
    EXPECT_EQ(normal_token("  bot  abc.def \n"), "abc.def");
    EXPECT_EQ(normal_token("Botany"), "Botany");
    EXPECT_EQ(slug("#My  Server!"), "my-server");
    EXPECT_EQ(slug("日本"), "");
}

}  // namespace
}  // namespace discord
