#include "workers/voice/media_messages.h"

#include <gtest/gtest.h>

namespace voice {

namespace {

using Kind = MediaMessage::Kind;

// As Twilio's documentation shows it.
constexpr const char* start = R"({"event":"start","sequenceNumber":"1","start":{
    "accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
    "customParameters":{"token":"secret"}},"streamSid":"MZ1"})";

}  // namespace

TEST(MediaMessages, AreReadAsTwilioWritesThem) {
    EXPECT_EQ(
        read_media_message(R"({"event":"connected","protocol":"Call","version":"1.0.0"})")->kind,
        Kind::connected);
    const auto begun = read_media_message(start);
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->kind, Kind::start);
    EXPECT_EQ(begun->stream_id, "MZ1");
    EXPECT_EQ(begun->call_id, "CA1");
    EXPECT_EQ(begun->account, "AC1");
    EXPECT_EQ(begun->token, "secret");
    EXPECT_TRUE(begun->is_telephone_sound);
    const auto media = read_media_message(
        R"({"event":"media","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"/38="},"streamSid":"MZ1"})");
    ASSERT_TRUE(media);
    EXPECT_EQ(media->sound, "/38=");
    EXPECT_EQ(read_media_message(R"({"event":"dtmf","dtmf":{"track":"inbound_track","digit":"5"}})")
                  ->digit,
              "5");
    EXPECT_EQ(read_media_message(R"({"event":"mark","mark":{"name":"3"}})")->mark, "3");
    EXPECT_EQ(read_media_message(R"({"event":"stop","stop":{"callSid":"CA1"}})")->kind, Kind::stop);
    EXPECT_EQ(read_media_message(R"({"event":"new in 2030"})")->kind, Kind::other);
}

TEST(MediaMessages, OfTheOtherTrackCarryNoSoundOfTheCaller) {
    EXPECT_TRUE(
        read_media_message(R"({"event":"media","media":{"track":"outbound","payload":"/38="}})")
            ->sound.empty());
}

TEST(MediaMessages, ThatAreOfNoUseAreRefused) {
    for (const char* text : {"", "[]", "no JSON", R"({"event":"start"})",
                             R"({"event":"start","streamSid":"MZ1","start":{"callSid":""}})",
                             R"({"event":"media","media":{"payload":"a\"b="}})",
                             R"({"event":"media","media":{"payload":"abc"}})"})
        EXPECT_FALSE(read_media_message(text)) << text;
    const std::string large(most_sound + 4, 'A');
    EXPECT_FALSE(read_media_message(R"({"event":"media","media":{"payload":")" + large + "\"}}"));
    EXPECT_FALSE(read_media_message(R"({"event":"start","streamSid":"MZ1","start":{"callSid":")" +
                                    std::string(129, 'C') + "\"}}"));
}

TEST(MediaMessages, AreWrittenAsTwilioReadsThem) {
    EXPECT_EQ(sound_message("MZ1", "\xff\x7f"),
              R"({"event":"media","streamSid":"MZ1","media":{"payload":"/38="}})");
    EXPECT_EQ(mark_message("MZ1", "3"),
              R"({"event":"mark","streamSid":"MZ1","mark":{"name":"3"}})");
    EXPECT_EQ(clear_message("MZ1"), R"({"event":"clear","streamSid":"MZ1"})");
}

}  // namespace voice
