#include "supervisor/log_ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace supervisor {
namespace {

TEST(LogRing, KeepsTheNewestLinesWhateverTheirSizes) {
    LogRing ring(1'000);
    std::deque<std::string> written;
    std::minstd_rand random(1);
    for (uint64_t sequence = 1; sequence <= 5'000; ++sequence) {
        const std::string text(random() % (sequence % 7 == 0 ? 400 : 30),
                               static_cast<char>('a' + sequence % 26));
        ring.add(sequence, static_cast<int64_t>(sequence),
                 {text.substr(0, 3), text.substr(std::min<size_t>(3, text.size()))});
        written.push_back(text);
        ASSERT_GE(ring.lines(), 1u);
        uint64_t expected = sequence - ring.lines() + 1;
        size_t bytes = 0;
        ring.each([&](const LogRing::Entry& entry) {
            ASSERT_EQ(entry.sequence, expected);
            ASSERT_EQ(entry.time_ms, static_cast<int64_t>(expected));
            ASSERT_EQ(entry.text, written[expected - 1]);
            bytes += entry.text.size();
            ++expected;
        });
        ASSERT_EQ(expected, sequence + 1);
        ASSERT_LE(bytes, 1'000u);
    }
}

TEST(LogRing, LeavesOutALineThatIsTooLarge) {
    LogRing ring(1'000);
    ring.add(1, 0, {"small"});
    ring.add(2, 0, {std::string(501, 'x')});
    EXPECT_EQ(ring.lines(), 1u);
}

}  // namespace
}  // namespace supervisor
