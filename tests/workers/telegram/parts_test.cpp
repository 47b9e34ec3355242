#include "workers/telegram/parts.h"

#include <gmock/gmock.h>

namespace telegram {

namespace {

using hardshell::proto::DeliverMessage;

DeliverMessage reply(const std::string& text, int files = 0) {
    DeliverMessage message;
    message.set_text(text);
    message.mutable_place()->set_chat_id("-5");
    for (int i = 0; i < files; ++i) message.add_attachments()->set_path("a.png");
    return message;
}

}  // namespace

TEST(Parts, AShortTextStandsUnderTheFirstFile) {
    const auto parts = parts_of(reply("look", 2), Settings());
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].markdown, "look");
    EXPECT_EQ(parts[0].attachment, 0);
    EXPECT_EQ(parts[1].markdown, "");
}

TEST(Parts, ALongTextStandsBelowTheFiles) {
    const auto parts = parts_of(reply(std::string(1100, 'x'), 1), Settings());
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].markdown, "");
    EXPECT_EQ(parts[1].attachment, -1);
}

TEST(Parts, ThereIsAlwaysOne) {
    EXPECT_EQ(parts_of(reply(""), Settings()).size(), 1u);
    EXPECT_GT(parts_of(reply(std::string(9000, 'x')), Settings()).size(), 2u);
}

TEST(Parts, GoByWhatAFileIs) {
    EXPECT_STREQ(method_for("image/png", false).method, "sendPhoto");
    EXPECT_STREQ(method_for("image/gif", false).method, "sendAnimation");
    EXPECT_STREQ(method_for("audio/ogg", false).method, "sendAudio");
    EXPECT_STREQ(method_for("audio/ogg", true).method, "sendVoice");
    EXPECT_STREQ(method_for("image/png", true).method, "sendPhoto");
    EXPECT_STREQ(method_for("", false).field, "document");
    const DeliverMessage voice = reply("[[audio_as_voice]] hi", 1);
    EXPECT_TRUE(wants_voice(voice));
    EXPECT_EQ(parts_of(voice, Settings())[0].markdown.find('['), std::string::npos);
}

TEST(Parts, NameTopicAndReplyWhereTelegramWantsThem) {
    DeliverMessage message = reply("a");
    message.set_reply_to_id("77");
    message.mutable_place()->set_thread_id("42");
    Settings settings;
    Json frame = frame_of(message, 0, "-5", settings);
    EXPECT_EQ(frame["chat_id"], -5);
    EXPECT_EQ(frame["message_thread_id"], 42);
    EXPECT_EQ(frame["reply_parameters"]["message_id"], 77);
    EXPECT_FALSE(frame_of(message, 1, "-5", settings).contains("reply_parameters"));
    settings.reply_to = ReplyToMode::all;
    EXPECT_TRUE(frame_of(message, 1, "-5", settings).contains("reply_parameters"));
    settings.reply_to = ReplyToMode::off;
    EXPECT_FALSE(frame_of(message, 0, "-5", settings).contains("reply_parameters"));
    message.mutable_place()->set_thread_id("1");
    EXPECT_FALSE(frame_of(message, 0, "-5", settings).contains("message_thread_id"))
        << "the General topic must not be named";
}

TEST(Parts, TakeChatsAsPeopleWriteThem) {
    EXPECT_EQ(chat_of("telegram:group:-100123"), -100123);
    EXPECT_EQ(chat_of("tg:5"), 5);
    EXPECT_EQ(chat_of("@channel"), "@channel");
}

}  // namespace telegram
