// What the worker does while all is well.

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/workers/discord/discord_stage.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

namespace {

class DiscordWorker : public DiscordStage {};

TEST_F(DiscordWorker, LogsInAndTellsSo) {
    make_and_start();
    EXPECT_TRUE(worker_->wait([&] {
        return log().find("logged in to discord as 100000000000000001") != std::string::npos;
    })) << log();
    EXPECT_EQ(discord_->last_identify()["intents"], 46593);
    EXPECT_EQ(worker_->status().bot().id(), World::bot);
    EXPECT_EQ(worker_->status().mode(), "gateway");
    EXPECT_EQ(log().find(DiscordDouble::token), std::string::npos);
}

TEST_F(DiscordWorker, HandsAMentionToTheAgent) {
    make_and_start();
    discord_->say(World::general, World::ben, "just talking");
    const std::string id = ask("what time is it?");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    const Inbound got = worker_->inbound().at(0);
    EXPECT_EQ(got.text(), "what time is it?");
    EXPECT_EQ(got.key(), std::string(World::general) + ":" + id);
    EXPECT_EQ(got.message_id(), id);
    EXPECT_EQ(got.place().kind(), hardshell::proto::Place::CHANNEL);
    EXPECT_EQ(got.place().chat_id(), World::general);
    EXPECT_EQ(got.place().guild_id(), World::guild);
    EXPECT_EQ(got.place().title(), "#general");
    EXPECT_EQ(got.sender().id(), World::ann);
    EXPECT_TRUE(got.was_mentioned());
    EXPECT_TRUE(got.may_command());  // on the owner's list
    EXPECT_THAT(got.context(), ElementsAre("ben: just talking"));
    EXPECT_FALSE(got.needs_no_mention());
}

TEST_F(DiscordWorker, AnswersAChannelAsItWasChosenThere) {
    make_and_start();
    hardshell::proto::AgentToChannel chosen;
    chosen.mutable_activations()->add_groups()->set_chat_id(World::general);
    worker_->say(chosen);
    worker_->deliver("after it", World::general, "⚙️ Group activation set to always.");
    ASSERT_TRUE(wait_until_settled("after it")) << log();
    discord_->say(World::general, World::ben, "just talking");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(worker_->inbound()[0].text(), "just talking");
    EXPECT_TRUE(worker_->inbound()[0].needs_no_mention());
}

TEST_F(DiscordWorker, SendsAnAnswerAndReportsItsId) {
    make_and_start();
    worker_->deliver("one", World::general, "It is noon.");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_THAT(discord_->written(World::general), ElementsAre("It is noon."));
    const Report report = *worker_->outcome("one");
    EXPECT_EQ(report.outcome(), Report::SENT);
    EXPECT_EQ(report.platform_id(), discord_->messages(World::general).back()["id"]);
    const auto sent = discord_->requests_to("POST", "/channels/").at(0);
    EXPECT_EQ(sent.body["enforce_nonce"], true);
    EXPECT_EQ(sent.body["allowed_mentions"]["parse"], DiscordDouble::Json::array({"users"}));
    EXPECT_EQ(sent.headers.at("authorization"), std::string("Bot ") + DiscordDouble::token);
}

TEST_F(DiscordWorker, TellsSoonWhenItLastHeardAndSpoke) {
    make_and_start();
    ask("what time is it?");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    worker_->deliver("one", World::general, "It is noon.");
    EXPECT_TRUE(worker_->wait([&] {
        return worker_->status().last_inbound_ms() > 0 && worker_->status().last_outbound_ms() > 0;
    })) << log();
}

TEST_F(DiscordWorker, GivesNothingToDiscordBeforeTheAgentHasNotedIt) {
    make_and_start();
    worker_->notes_sending(false);
    worker_->deliver("one", World::general, "later");
    ASSERT_TRUE(worker_->wait([&] { return !worker_->reports().empty(); }));
    EXPECT_THAT(discord_->requests_to("POST", "/channels/"), IsEmpty());
    worker_->notes_sending(true);
    worker_->restart_agent();
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_THAT(discord_->written(World::general), ElementsAre("later"));
}

TEST_F(DiscordWorker, DividesALongAnswerInOrder) {
    make_and_start();
    std::string text;
    for (int i = 0; i < 60; ++i) text += "line " + std::to_string(i) + "\n";
    worker_->deliver("long", World::general, text);
    ASSERT_TRUE(wait_until_settled("long")) << log();
    std::string all;
    for (const std::string& part : discord_->written(World::general)) all += part + "\n";
    for (int i = 0; i + 1 < 60; ++i)
        EXPECT_LT(all.find("line " + std::to_string(i) + "\n"),
                  all.find("line " + std::to_string(i + 1) + "\n"));
}

TEST_F(DiscordWorker, AnswersADirectMessageOfItsOwner) {
    make_and_start();
    const std::string chat = discord_->direct_chat(World::ann);
    discord_->say(chat, World::ann, "hello");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(worker_->inbound()[0].place().kind(), hardshell::proto::Place::DIRECT);
    EXPECT_EQ(worker_->inbound()[0].place().chat_id(), chat);
    EXPECT_FALSE(worker_->inbound()[0].was_mentioned());
    // Where the agent knows only the person, the chat is opened.
    worker_->deliver("one", std::string("user:") + World::ann, "good morning");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_THAT(discord_->written(chat), ElementsAre("good morning"));
}

TEST_F(DiscordWorker, TellsAStrangerThePairingCodeOnce) {
    make_and_start();
    const std::string chat = discord_->direct_chat(World::ben);
    discord_->say(chat, World::ben, "hello?");
    ASSERT_TRUE(discord_->wait([&] { return !discord_->written(chat).empty(); })) << log();
    EXPECT_THAT(discord_->written(chat).at(0),
                HasSubstr("Your Discord user id: 200000000000000002\n\nPairing code: ABCD2345"));
    const auto told = discord_->requests_to("POST", "/channels/" + chat + "/messages").at(0);
    EXPECT_EQ(told.body["enforce_nonce"], true);
    EXPECT_EQ(told.body["allowed_mentions"]["parse"], DiscordDouble::Json::array());
    discord_->say(chat, World::ben, "and now?");
    ASSERT_TRUE(worker_->wait([&] { return worker_->strangers().size() == 2; }));
    ask("something else");
    ASSERT_TRUE(wait_for_inbound(1));
    EXPECT_THAT(discord_->written(chat), SizeIs(1));
    EXPECT_THAT(texts(), ElementsAre("something else"));
}

TEST_F(DiscordWorker, JudgesAnewWhoWasLetInMeanwhile) {
    make_and_start();
    worker_->answers_pairing(false);
    const std::string chat = discord_->direct_chat(World::ben);
    discord_->say(chat, World::ben, "am I in?");
    ASSERT_TRUE(worker_->wait([&] { return worker_->strangers().size() == 1; })) << log();
    hardshell::proto::AgentToChannel message;
    message.mutable_allow_list()->add_entries(World::ben);
    worker_->say(message);
    message.mutable_pairing_code()->set_id(worker_->strangers()[0].id());
    worker_->say(message);
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_THAT(texts(), ElementsAre("am I in?"));
    EXPECT_THAT(discord_->written(chat), SizeIs(0));
}

TEST_F(DiscordWorker, IgnoresItselfOtherBotsAndOtherServers) {
    make_and_start();
    discord_->say(World::general, World::bot, mention("me"));
    discord_->say(World::general, World::ann, mention("from a webhook"),
                  {{"override", {{"webhook_id", "7"}}}});
    discord_->say(World::general, World::ann, mention("pinned"), {{"override", {{"type", 6}}}});
    discord_->say(World::general, World::ann, mention("elsewhere"),
                  {{"override", {{"guild_id", "999"}}}});
    ask("a person");
    ASSERT_TRUE(wait_for_inbound(1));
    EXPECT_THAT(texts(), ElementsAre("a person"));
}

TEST_F(DiscordWorker, KnowsAPostOfAForum) {
    make_and_start();
    discord_->say(World::post, World::ann, mention("in the thread"));
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(worker_->inbound()[0].place().chat_id(), World::post);
    EXPECT_EQ(worker_->inbound()[0].place().parent_id(), World::forum);
    worker_->deliver("one", World::post, "an answer there");
    ASSERT_TRUE(wait_until_settled("one"));
    EXPECT_THAT(discord_->written(World::post), ElementsAre("an answer there"));
}

TEST_F(DiscordWorker, OpensAPostWhereItSpeaksToAForum) {
    make_and_start();
    const std::string threads = std::string("/channels/") + World::forum + "/threads";
    worker_->deliver("one", World::forum, "How to begin\n\n" + std::string(2'500, 'x'));
    ASSERT_TRUE(wait_until_settled("one")) << log();
    EXPECT_EQ(worker_->outcome("one")->outcome(), Report::SENT);
    const auto opened = discord_->requests_to("POST", threads);
    ASSERT_THAT(opened, SizeIs(1));
    EXPECT_EQ(opened[0].body["name"], "How to begin");
    EXPECT_FALSE(opened[0].body["message"].contains("nonce"));
    const std::string post = worker_->reports()[1].platform_id();
    EXPECT_THAT(discord_->written(post), SizeIs(3)) << "its paragraph, 2,000 letters, the rest";
    // What may have opened one already is not repeated.
    discord_->fail_next({.method = "POST", .path_begins = threads, .acts = true, .cuts = true});
    worker_->deliver("two", World::forum, "Once");
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_EQ(worker_->outcome("two")->outcome(), Report::LOST);
    EXPECT_THAT(discord_->requests_to("POST", threads), SizeIs(2));
}

// A process that ended after the first part has opened the post; the agent knows which it is.
TEST_F(DiscordWorker, GoesOnInThePostThatAnEarlierProcessOpened) {
    make_and_start();
    const std::string threads = std::string("/channels/") + World::forum + "/threads";
    const std::string text = "How to begin\n\n" + std::string(2'500, 'x');
    worker_->deliver("one", World::forum, "How to begin");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    const std::string post = worker_->outcome("one")->platform_id();
    worker_->kill();
    start();
    for (const bool is_ambiguous : {false, true}) {
        const std::string id = is_ambiguous ? "ambiguous" : "certain";
        worker_->deliver(id, World::forum, text, [&](auto& message) {
            message.set_first_part(1);
            message.set_first_message_id(post);
            message.set_first_part_is_ambiguous(is_ambiguous);
            message.set_made_ms(wall_ms());
        });
        ASSERT_TRUE(wait_until_settled(id)) << log();
        EXPECT_EQ(worker_->outcome(id)->outcome(), Report::SENT) << id;
    }
    EXPECT_THAT(discord_->written(post), SizeIs(5)) << "the first part, and twice the two others";
    EXPECT_THAT(discord_->requests_to("POST", threads), SizeIs(1));
}

// It would pass for a direct chat, where other rules hold.
TEST_F(DiscordWorker, FindsTheServerOfAMessageThatDoesNotSayIt) {
    make_and_start();
    discord_->dispatch("SOMETHING_NEW", {{"channel_id", World::general}});
    discord_->dispatch("MESSAGE_CREATE", {{"id", "900000000000000001"}, {"author", nullptr}});
    discord_->dispatch("MESSAGE_CREATE", {{"id", "900000000000000002"},
                                          {"channel_id", World::general},
                                          {"author", {{"id", World::ann}, {"username", "ann"}}},
                                          {"content", "not for the bot"},
                                          {"mentions", nullptr}});
    discord_->dispatch("MESSAGE_CREATE", {{"id", "900000000000000003"},
                                          {"channel_id", World::general},
                                          {"author", {{"id", World::ann}, {"username", "ann"}}},
                                          {"content", mention("hello")},
                                          {"mentions", {{{"id", World::bot}}}}});
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(texts(), std::vector<std::string>{"hello"});
    EXPECT_EQ(worker_->inbound()[0].place().guild_id(), World::guild);
    EXPECT_EQ(worker_->inbound()[0].place().kind(), hardshell::proto::Place::CHANNEL);
}

// Some tell the time of the reset and not how long it is until then.
TEST_F(DiscordWorker, WaitsForTheTimeAtWhichALimitResets) {
    make_and_start();
    const std::string messages = std::string("/channels/") + World::general + "/messages";
    const int64_t resets_ms = wall_ms() + 1'500;
    discord_->fail_next({.method = "POST",
                         .path_begins = messages,
                         .status = 200,
                         .body = {{"id", "900000000000000001"}},
                         .headers = {{"X-RateLimit-Bucket", "b"},
                                     {"X-RateLimit-Remaining", "0"},
                                     {"x-ratelimit-reset", std::to_string(resets_ms / 1000 + 1)}}});
    worker_->deliver("one", World::general, "one");
    ASSERT_TRUE(wait_until_settled("one")) << log();
    worker_->deliver("two", World::general, "two");
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_GE(wall_ms(), resets_ms);
    EXPECT_THAT(discord_->written(World::general), ElementsAre("two"));
}

TEST_F(DiscordWorker, OpensAThreadWhereItIsToldTo) {
    make_and_start(R"({"channels":{"discord":{"guilds":{"300000000000000001":{"channels":)"
                   R"({"general":{"autoThread":true}}}}}}})");
    const std::string id = ask("how does\nthis work?");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_EQ(worker_->inbound()[0].place().chat_id(), id);
    EXPECT_EQ(worker_->inbound()[0].place().parent_id(), World::general);
    const auto opened = discord_->requests_to(
        "POST", std::string("/channels/") + World::general + "/messages/" + id + "/threads");
    ASSERT_THAT(opened, SizeIs(1));
    EXPECT_EQ(opened[0].body["name"], "how does this work?");
}

// Whether it does is the agent's to decide.
TEST_F(DiscordWorker, RepliesToTheMessageWithTheFirstPart) {
    make_and_start();
    const std::string id = ask("question");
    ASSERT_TRUE(wait_for_inbound(1));
    worker_->deliver("one", World::general, std::string(2500, 'x'),
                     [&](auto& message) { message.set_reply_to_id(id); });
    ASSERT_TRUE(wait_until_settled("one"));
    const auto messages = discord_->messages(World::general);
    ASSERT_THAT(messages, SizeIs(3));
    EXPECT_EQ(messages[1]["message_reference"]["message_id"], id);
    EXPECT_FALSE(messages[2].contains("message_reference"));
}

TEST_F(DiscordWorker, TakesFilesInAndDeclinesWhatIsTooLargeOrForeign) {
    make_and_start(R"({"channels":{"discord":{"mediaMaxMb":0.01,)"
                   R"("guilds":{"300000000000000001":{}}}}})");
    const std::string png = "\x89PNG\r\n\x1a\n" + std::string(100, 'p');
    const auto file = [&](const std::string& name, const std::string& content) {
        return DiscordDouble::Json{{"id", "1"},
                                   {"filename", name},
                                   {"size", content.size()},
                                   {"content_type", "image/png"},
                                   {"url", discord_->host_file(name, content)}};
    };
    DiscordDouble::Json foreign = file("foreign.png", png);
    foreign["url"] = "https://evil.example/foreign.png";
    discord_->say(World::general, World::ann, mention("look"),
                  {{"attachments",
                    {file("a.png", png), file("big.png", std::string(20'000, 'b')), foreign}}});
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    const Inbound got = worker_->inbound()[0];
    ASSERT_EQ(got.attachments_size(), 3);
    EXPECT_EQ(got.attachments(0).mime_type(), "image/png");
    std::ifstream stored(worker_->state_dir() + "/" + got.attachments(0).path());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stored), {}), png);
    EXPECT_EQ(got.attachments(1).path(), "");
    EXPECT_THAT(got.attachments(1).note(), HasSubstr("larger than"));
    EXPECT_EQ(got.attachments(2).path(), "");
    EXPECT_THAT(got.attachments(2).note(), HasSubstr("not stored with Discord"));
}

TEST_F(DiscordWorker, SendsFiles) {
    make_and_start();
    std::filesystem::create_directories(worker_->state_dir() + "/media");
    std::ofstream(worker_->state_dir() + "/media/a.txt") << std::string(100'000, 'f');
    const auto attach = [](hardshell::proto::DeliverMessage& message) {
        auto& file = *message.add_attachments();
        file.set_path("media/a.txt");
        file.set_file_name("notes.txt");
        file.set_mime_type("text/plain");
    };
    worker_->deliver("one", World::general, "here it is", attach);
    ASSERT_TRUE(wait_until_settled("one")) << log();
    const auto sent = discord_->requests_to("POST", "/channels/").back();
    EXPECT_EQ(sent.body["content"], "here it is");
    EXPECT_EQ(sent.files.at("notes.txt"), std::string(100'000, 'f'));
    // Too large for Discord: the text goes all the same.
    discord_->fail_next(
        {"POST", "/channels/", 413, {{"message", "Request entity too large"}, {"code", 40005}}});
    worker_->deliver("two", World::general, "again", attach);
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_THAT(discord_->written(World::general).back(), HasSubstr("notes.txt could not be sent"));
}

TEST_F(DiscordWorker, ShowsThatItTypesAndReacts) {
    make_and_start();
    const std::string id = discord_->say(World::general, World::ann, "hm");
    ChannelWorker::ToChannel typing;
    typing.mutable_typing()->mutable_place()->set_chat_id(World::general);
    typing.mutable_typing()->set_on(true);
    worker_->say(typing);
    ChannelWorker::ToChannel reaction;
    reaction.mutable_reaction()->mutable_place()->set_chat_id(World::general);
    reaction.mutable_reaction()->set_message_id(id);
    reaction.mutable_reaction()->set_emoji("🎉");
    worker_->say(reaction);
    EXPECT_TRUE(discord_->wait([&] { return discord_->reactions(id).count("🎉") == 1; })) << log();
    EXPECT_TRUE(discord_->wait([&] {
        return !discord_
                    ->requests_to("POST", std::string("/channels/") + World::general + "/typing")
                    .empty();
    }));
}

TEST_F(DiscordWorker, TellsOfReactionsToItsOwnMessages) {
    make_and_start();
    worker_->deliver("one", World::general, "mine");
    ASSERT_TRUE(wait_until_settled("one"));
    const std::string other = discord_->say(World::general, World::ann, "not mine");
    discord_->react(World::general, other, World::ann, "👎");
    discord_->react(World::general, worker_->outcome("one")->platform_id(), World::ann, "👍");
    ASSERT_TRUE(worker_->wait([&] { return !worker_->reactions().empty(); })) << log();
    EXPECT_THAT(worker_->reactions(), SizeIs(1));
    EXPECT_EQ(worker_->reactions()[0].emoji(), "👍");
    EXPECT_EQ(worker_->reactions()[0].sender().id(), World::ann);
}

// Not every event says whose message it was.
TEST_F(DiscordWorker, AsksWhoseMessageWasReactedTo) {
    make_and_start();
    worker_->deliver("one", World::general, "mine");
    ASSERT_TRUE(wait_until_settled("one"));
    const std::string other = discord_->say(World::general, World::ann, "not mine");
    const auto removed = [&](const std::string& message_id) {
        discord_->dispatch("MESSAGE_REACTION_REMOVE",
                           {{"user_id", World::ann},
                            {"channel_id", World::general},
                            {"message_id", message_id},
                            {"guild_id", World::guild},
                            {"emoji", {{"id", nullptr}, {"name", "👍"}}}});
    };
    removed(other);
    removed(worker_->outcome("one")->platform_id());
    ASSERT_TRUE(worker_->wait([&] { return !worker_->reactions().empty(); })) << log();
    EXPECT_THAT(worker_->reactions(), SizeIs(1));
    EXPECT_TRUE(worker_->reactions()[0].removed());
    EXPECT_EQ(worker_->reactions()[0].message_id(), worker_->outcome("one")->platform_id());
}

TEST_F(DiscordWorker, ChangesAndDeletesItsMessages) {
    make_and_start();
    worker_->deliver("one", World::general, "first");
    ASSERT_TRUE(wait_until_settled("one"));
    const std::string id = worker_->outcome("one")->platform_id();
    ChannelWorker::ToChannel change;
    change.mutable_change()->set_delivery_id("two");
    change.mutable_change()->mutable_place()->set_chat_id(World::general);
    change.mutable_change()->set_message_id(id);
    change.mutable_change()->set_text("second");
    worker_->say(change);
    ASSERT_TRUE(wait_until_settled("two")) << log();
    EXPECT_THAT(discord_->written(World::general), ElementsAre("second"));
    change.mutable_change()->set_delivery_id("three");
    change.mutable_change()->set_remove(true);
    worker_->say(change);
    ASSERT_TRUE(wait_until_settled("three"));
    EXPECT_THAT(discord_->written(World::general), IsEmpty());
    change.mutable_change()->set_delivery_id("four");
    worker_->say(change);
    ASSERT_TRUE(wait_until_settled("four"));
    EXPECT_EQ(worker_->outcome("four")->outcome(), Report::REFUSED);
    EXPECT_THAT(worker_->outcome("four")->reason(), HasSubstr("the message is gone"));
}

TEST_F(DiscordWorker, RegistersNativeCommandsOnceAndAnswersThem) {
    make_and_start();
    ChannelWorker::ToChannel list;
    auto& status = *list.mutable_commands()->add_commands();
    status.set_name("status");
    status.set_description("How it is");
    auto& model = *list.mutable_commands()->add_commands();
    model.set_name("model");
    model.set_takes_text(true);
    worker_->say(list);
    const auto registered = [&] { return discord_->requests_to("PUT", "/applications/"); };
    ASSERT_TRUE(discord_->wait([&] { return registered().size() == 1; })) << log();
    EXPECT_THAT(registered()[0].body, SizeIs(2));
    const std::string id = discord_->command(World::general, World::ann, "model", "gpt");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    const Inbound got = worker_->inbound()[0];
    EXPECT_EQ(got.text(), "/model gpt");
    EXPECT_TRUE(got.is_native_command());
    // Deferred, and only for who gave it.
    const auto deferred = discord_->requests_to("POST", "/interactions/" + id);
    ASSERT_THAT(deferred, SizeIs(1));
    EXPECT_EQ(deferred[0].body["type"], 5);
    EXPECT_EQ(deferred[0].body["data"]["flags"], 64);
    EXPECT_EQ(deferred[0].headers.count("authorization"), 0u);
    worker_->deliver("answer", World::general, "It is gpt now.",
                     [&](auto& message) { message.set_reply_to_id(got.message_id()); });
    ASSERT_TRUE(wait_until_settled("answer")) << log();
    EXPECT_THAT(discord_->requests_to("POST", "/webhooks/"), SizeIs(1));
    // The same list again is nothing new, for the next process either.
    worker_->stop();
    EXPECT_EQ(worker_->wait_for_exit(), 0);
    start();
    worker_->say(list);
    ask("still there?");
    ASSERT_TRUE(wait_for_inbound(2));
    EXPECT_THAT(registered(), SizeIs(1));
}

// Fifteen minutes are over, say: who waits is answered all the same.
TEST_F(DiscordWorker, AnswersACommandInItsChannelWhenDiscordTakesNoFollowUp) {
    make_and_start();
    discord_->command(World::general, World::ann, "status");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    discord_->fail_next({.method = "POST",
                         .path_begins = "/webhooks/",
                         .status = 404,
                         .body = {{"message", "Unknown Webhook"}, {"code", 10015}}});
    worker_->deliver("answer", World::general, "All is well.", [&](auto& message) {
        message.set_reply_to_id(worker_->inbound()[0].message_id());
    });
    ASSERT_TRUE(wait_until_settled("answer")) << log();
    EXPECT_EQ(worker_->outcome("answer")->outcome(), Report::SENT);
    EXPECT_THAT(discord_->requests_to("POST", std::string("/channels/") + World::general),
                SizeIs(1));
    EXPECT_THAT(discord_->written(World::general), ElementsAre("All is well."));
}

TEST_F(DiscordWorker, RefusesACommandOfSomebodyElse) {
    make_and_start();
    discord_->command(World::general, World::ben, "status");
    ASSERT_TRUE(discord_->wait([&] {
        return !discord_->requests_to("POST", "/webhooks/").empty();
    })) << log();
    EXPECT_EQ(discord_->requests_to("POST", "/webhooks/")[0].body["content"],
              "You are not authorized to use this command.");
    EXPECT_THAT(worker_->inbound(), IsEmpty());
}

// Nobody can be asked about it, and asking would never end.
TEST_F(DiscordWorker, PassesOverWhatComesFromNoChannel) {
    make_and_start();
    const Json ann = {{"id", World::ann}, {"username", "ann"}};
    discord_->dispatch("INTERACTION_CREATE", {{"id", "900"},
                                              {"token", "t"},
                                              {"type", 2},
                                              {"user", ann},
                                              {"data", {{"name", "status"}}}});
    discord_->dispatch(
        "MESSAGE_REACTION_ADD",
        {{"user_id", World::ann}, {"message_id", "901"}, {"emoji", {{"name", "x"}}}});
    ask("still there?");
    ASSERT_TRUE(wait_for_inbound(1)) << log();
    EXPECT_THAT(texts(), ElementsAre("still there?"));
    EXPECT_THAT(discord_->requests_to("GET", "/channels/"), IsEmpty());
    EXPECT_THAT(log(), HasSubstr("the command /status comes from no channel"));
}

TEST_F(DiscordWorker, ComplainsOfNoIntentThatDiscordSaysNothingOf) {
    make();
    discord_->fail_next(
        {.method = "GET", .path_begins = "/oauth2/", .status = 200, .body = {{"id", World::bot}}});
    start();
    EXPECT_THAT(log(), Not(HasSubstr("is disabled")));
}

TEST_F(DiscordWorker, AnswersAProbe) {
    make_and_start();
    ChannelWorker::ToChannel probe;
    probe.mutable_probe()->set_id(7);
    probe.mutable_probe()->set_timeout_ms(5000);
    worker_->say(probe);
    ASSERT_TRUE(worker_->wait([&] { return !worker_->probe_answers().empty(); }));
    const Result<Json> answer = parse_json(worker_->probe_answers().at(7));
    ASSERT_TRUE(answer);
    EXPECT_EQ((*answer)["ok"], true);
    EXPECT_EQ((*answer)["bot"]["username"], "hardshell-bot");
}

TEST_F(DiscordWorker, EndsWhenLoggedOut) {
    make_and_start();
    ChannelWorker::ToChannel log_out;
    log_out.mutable_log_out();
    worker_->say(log_out);
    EXPECT_EQ(worker_->wait_for_exit(), 77);
    EXPECT_THAT(worker_->failure(), HasSubstr("the test"));
}

TEST_F(DiscordWorker, StaysSmall) {
    make_and_start();
    ask("hello");
    ASSERT_TRUE(wait_for_inbound(1));
    std::ifstream rollup("/proc/" + std::to_string(worker_->pid()) + "/smaps_rollup");
    std::string line;
    long pss = 0;
    while (std::getline(rollup, line))
        if (line.rfind("Pss:", 0) == 0) pss = std::stol(line.substr(4));
    RecordProperty("pss_kib", static_cast<int>(pss));
    EXPECT_GT(pss, 0);
#if !defined(__SANITIZE_ADDRESS__)
    // Alone on the machine: shared libraries count in full.
    EXPECT_LT(pss, 9 * 1024);
#endif
}

}  // namespace
