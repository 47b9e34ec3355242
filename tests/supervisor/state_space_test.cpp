#include "supervisor/state_space.h"

#include <gtest/gtest.h>

namespace supervisor {

namespace {

struct statvfs volume(uint64_t mebibytes, uint64_t free_kibibytes) {
    struct statvfs space {};
    space.f_frsize = 1024;
    space.f_blocks = mebibytes << 10;
    space.f_bfree = space.f_bavail = free_kibibytes;
    space.f_files = 1000;
    space.f_favail = 10;
    return space;
}

constexpr auto none = SpaceTrouble::none;
constexpr auto filling = SpaceTrouble::filling;
constexpr auto full = SpaceTrouble::full;

TEST(StateSpace, IsFullBelowSixteenMebibytesOfALargeVolume) {
    EXPECT_EQ(space_trouble(volume(100'000, 16u << 10), none), filling);
    EXPECT_EQ(space_trouble(volume(100'000, (16u << 10) - 1), none), full);
}

TEST(StateSpace, IsFullBelowTwoPercentOfASmallVolume) {
    EXPECT_EQ(space_trouble(volume(100, 2u << 10), none), filling);
    EXPECT_EQ(space_trouble(volume(100, (2u << 10) - 1), none), full);
}

TEST(StateSpace, HasRoomAgainWhenTwiceAsMuchIsFree) {
    EXPECT_EQ(space_trouble(volume(100, (4u << 10) - 1), full), full);
    EXPECT_EQ(space_trouble(volume(100, 4u << 10), full), filling);
    EXPECT_EQ(space_trouble(volume(100, 30u << 10), full), none);
}

TEST(StateSpace, FillsFromEightyFivePercentUntilLessThanEightyAreUsed) {
    EXPECT_EQ(space_trouble(volume(1000, 151u << 10), none), none);
    EXPECT_EQ(space_trouble(volume(1000, 150u << 10), none), filling);
    EXPECT_EQ(space_trouble(volume(1000, 200u << 10), filling), filling);
    EXPECT_EQ(space_trouble(volume(1000, 201u << 10), filling), none);
    EXPECT_EQ(space_trouble(volume(1000, 200u << 10), none), none) << "only what was filling waits";
    EXPECT_EQ(space_trouble(volume(1000, 200u << 10), SpaceTrouble::read_only), none);
}

TEST(StateSpace, IsFullWithoutRoomForAnotherFile) {
    struct statvfs space = volume(100, 50u << 10);
    space.f_favail = 0;
    EXPECT_EQ(space_trouble(space, none), full);
    space.f_files = 0;  // a file system that makes them as it needs them
    EXPECT_EQ(space_trouble(space, none), none);
}

TEST(StateSpace, IsReadOnlyHoweverMuchIsFree) {
    struct statvfs space = volume(100, 50u << 10);
    space.f_flag = ST_RDONLY;
    EXPECT_EQ(space_trouble(space, none), SpaceTrouble::read_only);
}

TEST(StateSpace, BelievesAFileSystemThatDoesNotTellItsSize) {
    EXPECT_EQ(space_trouble(volume(0, 0), none), none);
}

}  // namespace

}  // namespace supervisor
