#include "workers/voice/play_queue.h"

#include <gtest/gtest.h>

#include "workers/voice/audio.h"

namespace voice {

namespace {

constexpr int64_t begin = 1'000'000;

size_t frames_of(const std::vector<PlayQueue::Item>& items) {
    size_t count = 0;
    for (const auto& item : items) count += item.sound.empty() ? 0 : 1;
    return count;
}

}  // namespace

TEST(PlayQueue, GivesAFrameEveryTwentyMilliseconds) {
    PlayQueue queue;
    queue.put(std::string(8'000, 'x'));
    size_t frames = 0;
    for (int64_t now = begin; now < begin + 1'000; now += 5) {
        const auto items = queue.due(now);
        EXPECT_LE(items.size(), 1u);
        frames += frames_of(items);
    }
    EXPECT_EQ(frames, 50u);
    EXPECT_TRUE(queue.empty());
}

TEST(PlayQueue, MakesUpForATimerThatIsLate) {
    PlayQueue queue;
    queue.put(std::string(8'000, 'x'));
    EXPECT_EQ(frames_of(queue.due(begin)), 1u);
    EXPECT_EQ(frames_of(queue.due(begin + 100)), 5u);
    EXPECT_EQ(frames_of(queue.due(begin + 101)), 0u);
}

TEST(PlayQueue, MakesUpForNothingThatWasNotThere) {
    PlayQueue queue;
    queue.put(std::string(160, 'x'));
    EXPECT_EQ(frames_of(queue.due(begin)), 1u);
    queue.put(std::string(8'000, 'x'));
    EXPECT_EQ(frames_of(queue.due(begin + 30'000)), 1u);
}

TEST(PlayQueue, MarksTheEndOfAnUtteranceBehindItsLastFrame) {
    PlayQueue queue;
    queue.put(std::string(200, 'x'));
    queue.put_mark(7);
    queue.put(std::string(160, 'y'));
    auto items = queue.due(begin);
    ASSERT_EQ(items.size(), 1u);
    items = queue.due(begin + 20);
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].sound, std::string(40, 'x') + std::string(120, mulaw_silence));
    EXPECT_EQ(items[1].mark, 7u);
    EXPECT_EQ(queue.due(begin + 40).at(0).sound, std::string(160, 'y'));
}

TEST(PlayQueue, WaitsForTheRestOfAFrame) {
    PlayQueue queue;
    queue.put(std::string(159, 'x'));
    EXPECT_TRUE(queue.due(begin).empty());
    EXPECT_FALSE(queue.empty());
    queue.put("x");
    EXPECT_EQ(frames_of(queue.due(begin + 1)), 1u);
}

TEST(PlayQueue, ForgetsWhatIsInterrupted) {
    PlayQueue queue;
    queue.put(std::string(1'000, 'x'));
    queue.put_mark(1);
    (void)queue.due(begin);
    queue.clear();
    EXPECT_TRUE(queue.empty());
    queue.put(std::string(160, 'y'));
    queue.put_mark(2);
    const auto items = queue.due(begin + 20);
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[1].mark, 2u);
}

}  // namespace voice
