// What a user of a Telegram bot does, through the real program and real TLS.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/workers/telegram/telegram_fixture.h"
#include "workers/common/base/exit_codes.h"

namespace telegram {

namespace {

using hardshell::proto::Place;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t ann = 555;
constexpr int64_t group = -1001234567890;

}  // namespace

TEST_F(TelegramWorker, HandsOverWhatIsWrittenAndDeliversTheAnswer) {
    accept_everything();
    start();
    telegram.say(ann, ann, "hello");
    const InboundMessage message = inbound("hello");
    EXPECT_EQ(message.place().kind(), Place::DIRECT);
    EXPECT_EQ(message.place().chat_id(), "555");
    EXPECT_EQ(message.sender().name(), "Person 555");
    EXPECT_TRUE(message.may_command());
    deliver("d1", ann, "**Hi** Ann & all",
            [&](DeliverMessage& reply) { reply.set_reply_to_id(message.message_id()); });
    until([&] { return settled("d1").has_value(); });
    const auto sent = telegram.from_bot(ann);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].text, "Hi Ann & all");
    EXPECT_EQ(sent[0].entities[0]["type"], "bold");
    EXPECT_EQ(std::to_string(sent[0].reply_to), message.message_id());
    EXPECT_EQ(settled("d1")->platform_id(), std::to_string(sent[0].id));
    until([&] { return telegram.unconfirmed() == 0 && status.last_outbound_ms() > 0; });
    EXPECT_TRUE(status.connected());
    EXPECT_EQ(status.bot().username(), "mybot");
    EXPECT_THAT(log_text(), HasSubstr("[default] starting provider (@mybot)"));
    EXPECT_THAT(log_text(), testing::Not(HasSubstr(telegram.token())));
}

TEST_F(TelegramWorker, ConfirmsAnUpdateOnlyWhenTheAgentHasIt) {
    start();
    telegram.say(ann, ann, "first");
    const std::string key = inbound("first").key();
    telegram.say(ann, ann, "second");
    inbound("second");
    EXPECT_EQ(telegram.unconfirmed(), 2u);
    EXPECT_EQ(offset_text(), "");
    EXPECT_EQ(offers_of(key), 1u) << "Telegram repeats it, the worker does not";
    accept(inbound("second").key());
    EXPECT_TRUE(never([&] { return telegram.unconfirmed() < 2; }, std::chrono::milliseconds(300)));
    accept(key);
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_THAT(offset_text(), HasSubstr("\"lastUpdateId\":9002"));
    EXPECT_THAT(offset_text(), HasSubstr("\"botId\":\"123456\""));
}

TEST_F(TelegramWorker, AStrangerGetsACodeOnceAndIsHeardAfterApproval) {
    section = {{"dmPolicy", "pairing"}};
    accept_everything();
    start();
    telegram.say(ann, ann, "let me in");
    until([&] { return strangers.size() == 1; });
    EXPECT_EQ(strangers[0].sender().id(), "555");
    EXPECT_EQ(telegram.unconfirmed(), 1u) << "not settled before the agent has answered";
    AgentToChannel answer;
    answer.mutable_pairing_code()->set_id(strangers[0].id());
    answer.mutable_pairing_code()->set_code("ABCD2345");
    answer.mutable_pairing_code()->set_created(true);
    send(answer);
    until([&] { return telegram.from_bot(ann).size() == 1; });
    EXPECT_THAT(telegram.from_bot(ann)[0].text, HasSubstr("Pairing code: ABCD2345"));
    telegram.say(ann, ann, "again");
    until([&] { return strangers.size() == 2; });
    answer.mutable_pairing_code()->set_id(strangers[1].id());
    answer.mutable_pairing_code()->set_created(false);
    send(answer);
    until([&] { return telegram.unconfirmed() == 0; });
    AgentToChannel list;
    list.mutable_allow_list()->add_entries("555");
    // Let in between their message and the agent's answer to it.
    telegram.say(ann, ann, "now");
    until([&] { return strangers.size() == 3; });
    send(list);
    answer.mutable_pairing_code()->set_id(strangers[2].id());
    answer.mutable_pairing_code()->clear_code();
    send(answer);
    inbound("now");
    telegram.say(ann, ann, "and later");
    inbound("and later");
    EXPECT_EQ(strangers.size(), 3u);
    EXPECT_EQ(telegram.from_bot(ann).size(), 1u);
}

TEST_F(TelegramWorker, AGroupIsAnsweredWhenTheBotIsNamed) {
    section = {{"groupPolicy", "open"}, {"groups", {{"*", {{"systemPrompt", "Be brief."}}}}}};
    accept_everything();
    start();
    telegram.say(group, ann, "what a day");
    telegram.say(group, ann, "@mybot how is the weather?");
    const InboundMessage message = inbound("how is the weather?");
    EXPECT_TRUE(message.was_mentioned());
    EXPECT_EQ(message.place().kind(), Place::GROUP);
    EXPECT_EQ(message.system_prompt(), "Be brief.");
    ASSERT_EQ(message.context_size(), 1);
    EXPECT_EQ(message.context(0), "Person 555: what a day [id:1]");
    EXPECT_FALSE(message.may_command());
    EXPECT_EQ(offers.size(), 1u);
}

TEST_F(TelegramWorker, SaysWhyAMessageIsPassedOver) {
    section = {{"groupPolicy", "open"},
               {"groups", {{"*", Json::object()}}},
               {"dmPolicy", "allowlist"},
               {"allowFrom", {"777"}}};
    accept_everything();
    start();
    telegram.say(group, ann, "what a day");
    telegram.say(group, ann, "/status@mybot");
    telegram.say(ann, ann, "hello");
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_TRUE(offers.empty());
    const std::string of_group = "skipping group message chatId=" + std::to_string(group);
    EXPECT_THAT(log_text(), HasSubstr(of_group + " senderId=555 reason=no-mention"));
    EXPECT_THAT(log_text(), HasSubstr(of_group + " senderId=555 reason=command-not-allowed (list "
                                                 "who may give commands"));
    EXPECT_THAT(log_text(), HasSubstr("skipping direct message chatId=555 senderId=555 "
                                      "reason=sender-not-allowed"));
}

TEST_F(TelegramWorker, AGroupIsAnsweredAsItWasChosenThere) {
    accept_everything();
    start();
    AgentToChannel chosen;
    chosen.mutable_activations()->add_groups()->set_chat_id(std::to_string(group));
    send(chosen);
    deliver("after it", group, "⚙️ Group activation set to always.");
    until([&] { return settled("after it").has_value(); });
    telegram.say(group, ann, "what a day");
    EXPECT_TRUE(inbound("what a day").needs_no_mention());
}

TEST_F(TelegramWorker, AnswersInTheTopicItWasAskedIn) {
    telegram.add_chat({{"id", group},
                       {"type", "supergroup"},
                       {"title", "Ops"},
                       {"is_forum", true},
                       {"threads", {42}}});
    accept_everything();
    start();
    telegram.say(group, ann, "@mybot in 42",
                 {{"message_thread_id", 42}, {"is_topic_message", true}});
    EXPECT_EQ(inbound("in 42").place().thread_id(), "42");
    telegram.say(group, ann, "@mybot in general");
    EXPECT_EQ(inbound("in general").place().thread_id(), "1");
    deliver("d1", group, "one", [](DeliverMessage& r) { r.mutable_place()->set_thread_id("42"); });
    deliver("d2", group, "two", [](DeliverMessage& r) { r.mutable_place()->set_thread_id("1"); });
    until([&] { return settled("d1") && settled("d2"); });
    ASSERT_EQ(telegram.from_bot(group).size(), 2u);
    EXPECT_EQ(telegram.from_bot(group)[0].thread_id, 42);
    EXPECT_EQ(telegram.from_bot(group)[1].thread_id, 0);
}

TEST_F(TelegramWorker, DividesALongAnswerAndGoesOnWhereItWasStopped) {
    start();
    telegram.say(ann, ann, "hi");
    std::string text;
    for (int i = 0; i < 1500; ++i) text += "word" + std::to_string(i) + " ";
    deliver("d1", ann, text, [](DeliverMessage& reply) { reply.set_first_part(1); });
    until([&] { return settled("d1").has_value(); });
    const auto sent = telegram.from_bot(ann);
    const uint32_t parts = settled("d1")->parts();
    ASSERT_GE(parts, 3u);
    EXPECT_EQ(sent.size(), parts - 1) << "the first is with Telegram already";
    EXPECT_THAT(sent[0].text, testing::Not(HasSubstr("word0 ")));
    EXPECT_THAT(sent.back().text, HasSubstr("word1499"));
}

TEST_F(TelegramWorker, ShowsADraftAndMakesItTheAnswer) {
    start();
    telegram.say(ann, ann, "tell me a story");
    AgentToChannel draft;
    auto& shown = *draft.mutable_draft();
    shown.set_draft_id("r1");
    shown.mutable_place()->set_kind(Place::DIRECT);
    shown.mutable_place()->set_chat_id("555");
    shown.set_text("Once upon a time there was a bot that");
    send(draft);
    until([&] { return telegram.from_bot(ann).size() == 1; });
    for (int i = 0; i < 20; ++i) {
        shown.set_text(shown.text() + " went on");
        send(draft);
    }
    until([&] { return telegram.from_bot(ann)[0].edits >= 1; });
    EXPECT_LE(telegram.calls("editMessageText").size(), 3u) << "not one for each word";
    deliver("d1", ann, "Once upon a time: **the end**",
            [](DeliverMessage& reply) { reply.set_draft_id("r1"); });
    until([&] { return settled("d1").has_value(); });
    const auto sent = telegram.from_bot(ann);
    ASSERT_EQ(sent.size(), 1u) << "the draft became the answer";
    EXPECT_EQ(sent[0].text, "Once upon a time: the end");
    EXPECT_EQ(settled("d1")->platform_id(), std::to_string(sent[0].id));
}

// What a person sees of an answer that an earlier process could not finish.
class TelegramDraft : public TelegramWorker {
  protected:
    void show(const std::string& text, bool is_over = false) {
        AgentToChannel draft;
        auto& shown = *draft.mutable_draft();
        shown.set_draft_id("r1");
        shown.mutable_place()->set_kind(Place::DIRECT);
        shown.mutable_place()->set_chat_id("555");
        shown.set_text(text);
        shown.set_is_over(is_over);
        send(draft);
    }
    void finish(bool is_ambiguous = false) {
        deliver("d1", ann, "The end.", [&](DeliverMessage& reply) {
            reply.set_draft_id("r1");
            reply.set_first_part_is_ambiguous(is_ambiguous);
        });
        until([&] { return settled("d1").has_value(); });
    }
    std::vector<std::string> shown() const {
        std::vector<std::string> texts;
        for (const TelegramMessage& message : telegram.from_bot(ann)) texts.push_back(message.text);
        return texts;
    }
    std::string record() const {
        std::ifstream file(directory + "/telegram/drafts-default.json");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void start_with_draft() {
        start();
        telegram.say(ann, ann, "tell me a story");
        until([&] { return ready; });
        show("Once upon a time there was a bot that");
        until([&] { return record().find("r1") != std::string::npos; });
    }
};

TEST_F(TelegramDraft, BecomesTheAnswerOfTheNextProcess) {
    start_with_draft();
    kill_worker();
    start();
    finish();
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::SENT);
    EXPECT_THAT(shown(), ElementsAre("The end."));
    until([&] { return record().find("r1") == std::string::npos; });
}

TEST_F(TelegramDraft, GrowsOnInTheNextProcess) {
    start_with_draft();
    kill_worker();
    start();
    until([&] { return ready; });
    show("Once upon a time there was a bot that was started anew");
    until([&] { return telegram.from_bot(ann)[0].edits >= 1; });
    EXPECT_THAT(shown(), ElementsAre("Once upon a time there was a bot that was started anew"));
    finish();
    EXPECT_THAT(shown(), ElementsAre("The end."));
}

// An edit can be repeated: the answer is not lost for that nobody knows whether it arrived.
TEST_F(TelegramDraft, IsMadeTheAnswerAgainWhereNobodyKnowsWhetherItWas) {
    start_with_draft();
    telegram.fail("editMessageText", {TelegramFault::What::no_answer});
    deliver("d1", ann, "The end.", [](DeliverMessage& reply) { reply.set_draft_id("r1"); });
    until([&] { return shown() == std::vector<std::string>{"The end."}; });
    kill_worker();
    start();
    finish(true);
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::SENT);
    EXPECT_THAT(shown(), ElementsAre("The end."));
}

// The agent hears that a part was sent before the record of its draft is gone: whoever is killed in
// between makes the same answer of the same message.
TEST_F(TelegramDraft, IsKnownUntilItsAnswerIsReported) {
    start_with_draft();
    const std::string folder = directory + "/telegram";
    ASSERT_EQ(mkfifo((folder + "/drafts-default.json.tmp").c_str(), 0600), 0);
    deliver("d1", ann, "The end.", [](DeliverMessage& reply) { reply.set_draft_id("r1"); });
    until([&] { return settled("d1").has_value(); });
    EXPECT_NE(record().find("r1"), std::string::npos) << "its writing hangs";
    kill_worker();
    ASSERT_EQ(unlink((folder + "/drafts-default.json.tmp").c_str()), 0);
    start();
    finish(true);
    until([&] { return reports("d1").size() == 2; });
    EXPECT_EQ(reports("d1").back().outcome(), DeliveryReport::SENT);
    EXPECT_THAT(shown(), ElementsAre("The end."));
    until([&] { return record().find("r1") == std::string::npos; });
}

// Two things are wanted of one draft while its last edit is under way.
TEST_F(TelegramDraft, HoldsNobodyUpWhoAskedForItFirst) {
    section["timeoutSeconds"] = 2;
    start_with_draft();
    telegram.fail("editMessageText", {TelegramFault::What::no_answer});
    show("Once upon a time there was a bot that went on and on");
    until([&] { return telegram.calls("editMessageText").size() == 1; });
    deliver("d1", ann, "The end.", [](DeliverMessage& reply) { reply.set_draft_id("r1"); });
    deliver("d2", ann, "And another.");
    show("", true);
    until([&] { return settled("d1").has_value() && settled("d2").has_value(); });
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::SENT);
    until([&] { return shown() == std::vector<std::string>{"The end.", "And another."}; });
}

TEST_F(TelegramDraft, IsTakenAwayWhereNoAnswerComes) {
    start_with_draft();
    kill_worker();
    start();
    until([&] { return ready; });
    TelegramFault busy;
    busy.retry_after = 1;
    telegram.fail("deleteMessage", busy);
    show("", true);
    until([&] { return telegram.calls("deleteMessage").size() == 1; });
    EXPECT_NE(record().find("r1"), std::string::npos) << "it is tried again";
    until([&] { return shown().empty(); });
    until([&] { return record().find("r1") == std::string::npos; });
}

TEST_F(TelegramWorker, StoresWhatIsSentAndSendsFiles) {
    accept_everything();
    start();
    const std::string id = telegram.add_file("\x89PNG\r\n\x1a\n picture", "photos/file_7.jpg");
    telegram.say(ann, ann, "",
                 {{"caption", "what is this?"},
                  {"photo", {{{"file_id", id}, {"file_size", 18}, {"width", 1}, {"height", 1}}}}});
    const InboundMessage message = inbound("what is this?");
    ASSERT_EQ(message.attachments_size(), 1);
    const auto& stored = message.attachments(0);
    EXPECT_EQ(stored.mime_type(), "image/png");
    EXPECT_THAT(stored.path(), testing::StartsWith("telegram/media/"));
    std::ifstream file(directory + "/" + stored.path(), std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "\x89PNG\r\n\x1a\n picture");

    std::ofstream(directory + "/report.pdf") << "%PDF-1.4 report";
    deliver("d1", ann, "Here **it** is", [](DeliverMessage& reply) {
        auto& attachment = *reply.add_attachments();
        attachment.set_path("report.pdf");
        attachment.set_mime_type("application/pdf");
        attachment.set_file_name("Report.pdf");
    });
    until([&] { return settled("d1").has_value(); });
    const auto sent = telegram.from_bot(ann);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].file, "document");
    EXPECT_EQ(sent[0].file_bytes, "%PDF-1.4 report");
    EXPECT_EQ(sent[0].file_name, "Report.pdf");
    EXPECT_EQ(sent[0].text, "Here it is");
    deliver("d2", ann, "and this",
            [](DeliverMessage& reply) { reply.add_attachments()->set_path("gone.pdf"); });
    until([&] { return settled("d2").has_value(); });
    EXPECT_THAT(telegram.from_bot(ann).back().text, HasSubstr("gone.pdf could not be attached"));
}

TEST_F(TelegramWorker, SendsAPictureThatIsRefusedAsADocumentOrTheTextAlone) {
    start();
    telegram.say(ann, ann, "hi");
    std::ofstream(directory + "/long.png") << "\x89PNG picture";
    const auto attach = [](DeliverMessage& reply) {
        auto& attachment = *reply.add_attachments();
        attachment.set_path("long.png");
        attachment.set_mime_type("image/png");
        attachment.set_file_name("long.png");
    };
    TelegramFault refusal;
    refusal.code = 400;
    refusal.description = "Bad Request: PHOTO_INVALID_DIMENSIONS";
    telegram.fail("sendPhoto", refusal);
    deliver("d1", ann, "a screenshot", attach);
    until([&] { return settled("d1").has_value(); });
    ASSERT_EQ(telegram.from_bot(ann).size(), 1u);
    EXPECT_EQ(telegram.from_bot(ann)[0].file, "document");
    EXPECT_EQ(telegram.from_bot(ann)[0].text, "a screenshot");
    refusal.code = 413;
    refusal.description = "Request Entity Too Large";
    telegram.fail("sendPhoto", refusal);
    deliver("d2", ann, "a larger one", attach);
    until([&] { return settled("d2").has_value(); });
    EXPECT_EQ(settled("d2")->outcome(), DeliveryReport::SENT);
    EXPECT_THAT(telegram.from_bot(ann).back().text,
                HasSubstr("long.png could not be attached.\n\na larger one"));
}

TEST_F(TelegramWorker, SaysWhyAFileIsNotThere) {
    section["mediaMaxMb"] = 0.01;
    accept_everything();
    start();
    const std::string large = telegram.add_file(std::string(20'000, 'x'), "documents/large.bin");
    telegram.say(ann, ann, "",
                 {{"caption", "said"}, {"document", {{"file_id", large}, {"file_size", 20'000}}}});
    telegram.say(ann, ann, "", {{"caption", "unsaid"}, {"document", {{"file_id", large}}}});
    telegram.say(ann, ann, "", {{"caption", "missing"}, {"document", {{"file_id", "none"}}}});
    EXPECT_EQ(inbound("said").attachments(0).note(), "larger than 10 KB");
    EXPECT_EQ(inbound("unsaid").attachments(0).note(), "larger than 10 KB");
    EXPECT_THAT(inbound("missing").attachments(0).note(), HasSubstr("wrong file_id"));
    ASSERT_EQ(offers.size(), 3u);
    EXPECT_EQ(offers[0].text() + offers[1].text() + offers[2].text(), "saidunsaidmissing");
}

TEST_F(TelegramWorker, TellsOfReactionsEditsAndButtons) {
    accept_everything();
    start();
    telegram.say(ann, ann, "hi");
    inbound("hi");
    deliver("d1", ann, "hello");
    until([&] { return settled("d1").has_value(); });
    const int64_t own = telegram.from_bot(ann)[0].id;
    const Json person = {{"id", ann}, {"first_name", "Ann"}, {"is_bot", false}};
    const Json chat = {{"id", ann}, {"type", "private"}};
    telegram.push({{"message_reaction",
                    {{"chat", chat},
                     {"message_id", own},
                     {"user", person},
                     {"date", 1},
                     {"old_reaction", Json::array()},
                     {"new_reaction", {{{"type", "emoji"}, {"emoji", "👍"}}}}}}});
    until([&] { return reactions.size() == 1; });
    EXPECT_EQ(reactions[0].emoji(), "👍");
    EXPECT_EQ(reactions[0].message_id(), std::to_string(own));
    telegram.push({{"edited_message",
                    {{"message_id", 1},
                     {"chat", chat},
                     {"from", person},
                     {"date", 1},
                     {"edit_date", 2},
                     {"text", "hi there"}}}});
    EXPECT_EQ(inbound("hi there").replaces_id(), "1");
    telegram.push({{"callback_query",
                    {{"id", "77"},
                     {"from", person},
                     {"data", "/status"},
                     {"message", {{"message_id", own}, {"chat", chat}, {"date", 1}}}}}});
    EXPECT_EQ(inbound("/status").sender().id(), "555");
    until([&] { return telegram.calls("answerCallbackQuery").size() == 1; });
    AgentToChannel react;
    react.mutable_reaction()->mutable_place()->set_chat_id("555");
    react.mutable_reaction()->set_message_id("1");
    react.mutable_reaction()->set_emoji("👀");
    send(react);
    until([&] { return !telegram.messages(ann)[0].reactions.empty(); });
    EXPECT_THAT(telegram.messages(ann)[0].reactions, ElementsAre("👀"));
}

TEST_F(TelegramWorker, FollowsAGroupThatBecomesASupergroup) {
    accept_everything();
    start();
    telegram.add_chat({{"id", -5}, {"type", "group"}, {"title", "Ops"}});
    telegram.say(-5, ann, "@mybot hi");
    inbound("hi");
    telegram.migrate(-5, -1001234567890);
    telegram.say(-5, ann, "", {{"migrate_to_chat_id", -1001234567890}});
    until([&] { return moves.size() == 1; });
    EXPECT_EQ(moves[0].from_chat_id(), "-5");
    EXPECT_EQ(moves[0].to_chat_id(), "-1001234567890");
    deliver("d1", -5, "an answer to the old id");
    until([&] { return settled("d1").has_value(); });
    EXPECT_EQ(telegram.from_bot(-1001234567890).at(0).text, "an answer to the old id");
}

TEST_F(TelegramWorker, ServesAListedGroupThatBecomesASupergroup) {
    section = {{"groupPolicy", "open"}, {"groups", {{"-5", {{"requireMention", false}}}}}};
    accept_everything();
    start();
    telegram.add_chat({{"id", -5}, {"type", "group"}, {"title", "Ops"}});
    telegram.say(-5, ann, "before");
    inbound("before");
    telegram.migrate(-5, -1001234567890);
    telegram.say(-5, ann, "", {{"migrate_to_chat_id", -1001234567890}});
    telegram.say(-1001234567890, ann, "and after");
    inbound("and after");
    until([&] { return config_calls.size() == 1; });
    EXPECT_EQ(config_calls[0].method(), "channels.groupMoved");
    EXPECT_EQ(config_calls[0].params_json(), R"({"from":"-5","to":"-1001234567890"})");
    EXPECT_GT(telegram.unconfirmed(), 0u) << "who comes next has to hear of it, too";
    answer_config(config_calls[0].id(), {{"places", Json::array({"channels.telegram.groups"})}});
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_THAT(log_text(),
                HasSubstr("the group -5 is -1001234567890 now: channels.telegram.groups in "
                          "openclaw.json names it so"));
    telegram.say(-1001234567890, ann, "", {{"migrate_from_chat_id", -5}});
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_EQ(config_calls.size(), 1u) << "it is said already";
}

TEST_F(TelegramWorker, TellsTheOwnerWhatToWriteWhereTheFileMayNotBeChanged) {
    section = {{"groupPolicy", "open"}, {"groups", {{"-5", {{"requireMention", false}}}}}};
    accept_everything();
    start();
    telegram.add_chat({{"id", -5}, {"type", "group"}, {"title", "Ops"}});
    telegram.migrate(-5, -1001234567890);
    telegram.say(-1001234567890, ann, "", {{"migrate_from_chat_id", -5}});
    until([&] { return config_calls.size() == 1; });
    answer_config(config_calls[0].id(), Json::object(), "channels.telegram.configWrites is off");
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_THAT(log_text(), HasSubstr("openclaw.json still names the old one "
                                      "(channels.telegram.configWrites is off)"));
    EXPECT_THAT(log_text(), HasSubstr("write -1001234567890 in channels.telegram.groups"));
    telegram.say(-1001234567890, ann, "served all the same");
    inbound("served all the same");
}

TEST_F(TelegramWorker, ShowsItsCommandsAndKnowsThem) {
    section["customCommands"] = {{{"command", "deploy"}, {"description", "ship it"}}};
    accept_everything();
    start();
    AgentToChannel list;
    auto& command = *list.mutable_commands()->add_commands();
    command.set_name("status");
    command.set_description("how it is");
    until([&] { return ready; });
    send(list);
    until([&] { return telegram.commands().size() == 2; });
    EXPECT_EQ(telegram.commands()[0]["command"], "status");
    telegram.say(ann, ann, "/status@mybot");
    EXPECT_TRUE(inbound("/status").is_native_command());
    telegram.say(ann, ann, "/nonsense");
    EXPECT_FALSE(inbound("/nonsense").is_native_command());
}

TEST_F(TelegramWorker, ShowsTypingUntilTheAnswer) {
    start();
    telegram.say(ann, ann, "hi");
    AgentToChannel typing;
    typing.mutable_typing()->mutable_place()->set_chat_id("555");
    typing.mutable_typing()->set_on(true);
    until([&] { return ready; });
    send(typing);
    until([&] { return telegram.calls("sendChatAction").size() >= 1; });
}

TEST_F(TelegramWorker, AnswersAProbe) {
    start();
    until([&] { return status.connected(); });
    AgentToChannel ask;
    ask.mutable_probe()->set_id(7);
    ask.mutable_probe()->set_timeout_ms(5'000);
    send(ask);
    until([&] { return probes.size() == 1; });
    const Json result = *parse_json(probes[0].result_json());
    EXPECT_EQ(probes[0].id(), 7u);
    EXPECT_EQ(result["ok"], true);
    EXPECT_EQ(result["bot"]["username"], "mybot");
    EXPECT_EQ(result["webhook"]["url"], "");
}

TEST_F(TelegramWorker, ChangesAndRemovesItsOwnMessages) {
    start();
    telegram.say(ann, ann, "hi");
    deliver("d1", ann, "first");
    until([&] { return settled("d1").has_value(); });
    AgentToChannel change;
    auto& asked = *change.mutable_change();
    asked.set_delivery_id("c1");
    asked.mutable_place()->set_chat_id("555");
    asked.set_message_id(settled("d1")->platform_id());
    asked.set_text("second");
    send(change);
    until([&] { return settled("c1").has_value(); });
    EXPECT_EQ(telegram.from_bot(ann).at(0).text, "second");
    asked.set_delivery_id("c2");
    asked.set_remove(true);
    send(change);
    until([&] { return settled("c2").has_value(); });
    EXPECT_TRUE(telegram.from_bot(ann).empty());
}

TEST_F(TelegramWorker, ARefusedTokenParksItAndNamesWhereItCameFrom) {
    telegram.revoke_token();
    start();
    EXPECT_EQ(exit_status(), exit_code::bad_credentials);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->fault(), "bad_credentials");
    EXPECT_THAT(failed->what(), HasSubstr("environment variable TELEGRAM_BOT_TOKEN"));
}

TEST_F(TelegramWorker, ATokenRevokedLaterParksItToo) {
    start();
    until([&] { return telegram.is_polled(); });
    telegram.revoke_token();
    EXPECT_EQ(exit_status(), exit_code::bad_credentials);
}

TEST_F(TelegramWorker, LogsOutWhenAsked) {
    start();
    until([&] { return status.connected(); });
    AgentToChannel message;
    message.mutable_log_out();
    send(message);
    EXPECT_EQ(exit_status(), exit_code::bad_credentials);
    EXPECT_THAT(failed->what(), HasSubstr("logged out"));
}

TEST_F(TelegramWorker, StopsInOrderAndTellsTelegramHowFarItCame) {
    accept_everything();
    start();
    telegram.say(ann, ann, "hi");
    inbound("hi");
    until([&] { return telegram.is_polled() && telegram.unconfirmed() == 0; });
    EXPECT_EQ(stop_worker(), exit_code::requested);
    EXPECT_EQ(telegram.unconfirmed(), 0u);
    EXPECT_THAT(offset_text(), HasSubstr("9001"));
}

TEST_F(TelegramWorker, OverwritesNoOffsetOfAnotherBotAndTakesItsOwn) {
    std::filesystem::create_directory(directory + "/telegram");
    std::ofstream(directory + "/telegram/update-offset-default.json")
        << R"({"version":1,"lastUpdateId":999999,"botId":"77"})";
    accept_everything();
    start();
    telegram.say(ann, ann, "hello new bot");
    inbound("hello new bot");
    until([&] { return telegram.unconfirmed() == 0; });
    EXPECT_THAT(offset_text(), HasSubstr("\"botId\":\"123456\""));
}

}  // namespace telegram
