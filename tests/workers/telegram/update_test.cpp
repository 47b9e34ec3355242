#include "workers/telegram/update.h"

#include <gmock/gmock.h>

namespace telegram {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Update update_of(const char* text) {
    const Result<Json> value = parse_json(text);
    EXPECT_TRUE(value);
    Result<Update> update = read_update(*value);
    EXPECT_TRUE(update);
    return update ? *update : Update();
}

}  // namespace

TEST(TelegramUpdate, ReadsAMessageInATopic) {
    const Update update = update_of(R"({"update_id":9001,"message":{"message_id":77,
        "date":1769900000,"message_thread_id":42,"is_topic_message":true,
        "chat":{"id":-1001234567890,"type":"supergroup","title":"Ops","is_forum":true},
        "from":{"id":555,"is_bot":false,"first_name":"Ann","last_name":"Lee","username":"ann"},
        "text":"😀 @mybot status?","entities":[{"type":"mention","offset":3,"length":6}]}})");
    EXPECT_EQ(update.id, 9001);
    EXPECT_EQ(update.kind, Update::Kind::message);
    const Message& message = update.message;
    EXPECT_EQ(message.id, "77");
    EXPECT_EQ(message.chat.id, "-1001234567890");
    EXPECT_EQ(message.thread_id, "42");
    EXPECT_EQ(message.from.name, "Ann Lee");
    ASSERT_EQ(message.entities.size(), 1u);
    const Entity& mention = message.entities[0];
    EXPECT_EQ(message.text.substr(mention.begin, mention.end - mention.begin), "@mybot");
}

TEST(TelegramUpdate, TheGeneralTopicIsTheFirst) {
    EXPECT_EQ(update_of(R"({"update_id":1,"message":{"message_id":7,
        "chat":{"id":-1,"type":"supergroup","is_forum":true},"text":"a"}})")
                  .message.thread_id,
              "1");
    EXPECT_EQ(update_of(R"({"update_id":1,"message":{"message_id":7,"message_thread_id":5,
        "chat":{"id":-1,"type":"supergroup"},"text":"a"}})")
                  .message.thread_id,
              "")
        << "outside forums it is a chain of replies";
    EXPECT_EQ(update_of(R"({"update_id":1,"message":{"message_id":7,"message_thread_id":5,
        "is_topic_message":true,"chat":{"id":-1,"type":"supergroup"},"text":"a"}})")
                  .message.thread_id,
              "5");
}

TEST(TelegramUpdate, ReadsFilesOnce) {
    const Update photo = update_of(R"({"update_id":1,"message":{"message_id":7,"caption":"look",
        "chat":{"id":5,"type":"private"},"photo":[{"file_id":"small","file_size":1},
        {"file_id":"large","file_size":99}]}})");
    ASSERT_EQ(photo.message.files.size(), 1u);
    EXPECT_EQ(photo.message.files[0].file_id, "large");
    EXPECT_EQ(photo.message.text, "look");
    const Update animation = update_of(R"({"update_id":1,"message":{"message_id":7,
        "chat":{"id":5,"type":"private"},"animation":{"file_id":"a"},"document":{"file_id":"b"}}})");
    ASSERT_EQ(animation.message.files.size(), 1u);
    EXPECT_EQ(animation.message.files[0].kind, "video");
}

TEST(TelegramUpdate, ReadsWhatAMessageRepliesTo) {
    const Update reply = update_of(R"({"update_id":1,"message":{"message_id":7,"text":"yes",
        "chat":{"id":5,"type":"private"},"reply_to_message":{"message_id":6,"text":"all of it",
        "from":{"id":9,"first_name":"Bo"}},"quote":{"text":"of it"}}})");
    ASSERT_TRUE(reply.message.reply);
    EXPECT_EQ(reply.message.reply->text, "of it");
    EXPECT_EQ(reply.message.reply->from.id, "9");
    const Update topic = update_of(R"({"update_id":1,"message":{"message_id":7,"text":"yes",
        "message_thread_id":3,"chat":{"id":-5,"type":"supergroup","is_forum":true},
        "reply_to_message":{"message_id":3,"forum_topic_created":{"name":"x"}}}})");
    EXPECT_FALSE(topic.message.reply) << "every message in a topic replies to its beginning";
}

TEST(TelegramUpdate, ReadsReactionsAsWhatChanged) {
    const Update update = update_of(R"({"update_id":1,"message_reaction":{"message_id":7,
        "chat":{"id":5,"type":"private"},"user":{"id":9,"first_name":"Bo"},
        "old_reaction":[{"type":"emoji","emoji":"👍"},{"type":"emoji","emoji":"🔥"}],
        "new_reaction":[{"type":"emoji","emoji":"🔥"},{"type":"custom_emoji","custom_emoji_id":"1"},
                        {"type":"emoji","emoji":"🎉"}]}})");
    EXPECT_EQ(update.kind, Update::Kind::reaction);
    EXPECT_THAT(update.reaction.added, ElementsAre("🎉"));
    EXPECT_THAT(update.reaction.removed, ElementsAre("👍"));
}

TEST(TelegramUpdate, ReadsEditsButtonsMovesAndMembership) {
    EXPECT_EQ(update_of(R"({"update_id":1,"edited_message":{"message_id":7,"text":"b",
        "chat":{"id":5,"type":"private"}}})")
                  .kind,
              Update::Kind::edited);
    const Update pressed = update_of(R"({"update_id":1,"callback_query":{"id":"44","data":"yes",
        "from":{"id":9},"message":{"message_id":7,"chat":{"id":5,"type":"private"}}}})");
    EXPECT_EQ(pressed.callback.id, "44");
    EXPECT_EQ(pressed.callback.message.chat.id, "5");
    EXPECT_EQ(update_of(R"({"update_id":1,"message":{"message_id":7,"migrate_to_chat_id":-1009,
        "chat":{"id":-5,"type":"group"}}})")
                  .message.migrated_to,
              "-1009");
    EXPECT_EQ(update_of(R"({"update_id":1,"my_chat_member":{"chat":{"id":-5,"type":"group"},
        "from":{"id":9},"new_chat_member":{"status":"kicked"}}})")
                  .member.status,
              "kicked");
}

TEST(TelegramUpdate, TakesNonsenseForAbsent) {
    EXPECT_EQ(update_of(R"({"update_id":1,"poll":{}})").kind, Update::Kind::other);
    const Update odd = update_of(R"({"update_id":1,"message":{"message_id":[],"chat":5,"text":7,
        "entities":[{"offset":-1,"length":3},{"offset":900,"length":900},5],"photo":[3]}})");
    EXPECT_EQ(odd.message.id, "");
    EXPECT_THAT(odd.message.text, IsEmpty());
    EXPECT_FALSE(read_update(Json::parse(R"({"message":{}})")));
    EXPECT_FALSE(read_update(Json::parse(R"([])")));
}

}  // namespace telegram
