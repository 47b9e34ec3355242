#include "workers/gateway/voice_wake.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace gateway {
namespace {

using testing::ElementsAre;

TEST(VoiceWake, TakesWordsWithoutBlanksAndAtMost32) {
    EXPECT_THAT(wake_words({" hey ", "", "  ", 7, "you"}), ElementsAre("hey", "you"));
    EXPECT_THAT(wake_words(Json::array()), ElementsAre("openclaw", "claude", "computer"));
    EXPECT_THAT(wake_words(nullptr), testing::SizeIs(3));
    EXPECT_EQ(wake_words(Json(std::vector<std::string>(40, "x"))).size(), 32u);
    EXPECT_EQ(wake_words({std::string(100, 'x')}).front().size(), 64u);
}

TEST(VoiceWake, IsTheSameAfterARestart) {
    char name[] = "/tmp/voice-wake-XXXXXX";
    const std::string directory = mkdtemp(name);
    EXPECT_EQ(VoiceWake(directory + "/settings").get()["triggers"].size(), 3u);
    const Result<Json> set = VoiceWake(directory + "/settings").set({"marvin"}, 5);
    ASSERT_TRUE(set) << set.error().what;
    EXPECT_EQ(*set, Json({{"triggers", {"marvin"}}}));
    EXPECT_EQ(VoiceWake(directory + "/settings").get(), *set);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gateway
