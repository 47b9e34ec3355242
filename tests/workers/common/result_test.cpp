#include "workers/common/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "workers/common/base/exit_codes.h"
#include "workers/common/base/secret.h"

namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return Error{Fault::bad_message, "an odd number"};
    return number / 2;
}

Done wait_your_turn(bool busy) {
    if (busy) return Error{Fault::busy, "later"};
    return {};
}

TEST(Result, HoldsAValueOrAnError) {
    const auto four = half(8);
    ASSERT_TRUE(four);
    EXPECT_EQ(*four, 4);
    const auto refused = half(7);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, Fault::bad_message);
    EXPECT_EQ(refused.error().what, "an odd number");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
    Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
    const std::unique_ptr<int> taken = std::move(*made);
    EXPECT_EQ(*taken, 5);
}

TEST(Result, DoneIsSuccessUnlessItHoldsAnError) {
    for (const bool busy : {false, true}) {
        const Done done = wait_your_turn(busy);
        EXPECT_EQ(done.has_value(), !busy);
        if (!done) {
            EXPECT_EQ(done.error().fault, Fault::busy);
        }
    }
}

TEST(ResultDeathTest, AbortsWhenAnErrorIsReadAsAValue) {
    EXPECT_DEATH((void)half(1).value(), "");
    EXPECT_DEATH((void)half(2).error(), "");
}

TEST(Fault, NamesAreReadBack) {
    for (const Fault fault : {Fault::bad_config, Fault::bad_credentials, Fault::bad_message,
                              Fault::unreachable, Fault::timed_out, Fault::busy, Fault::out_of_room,
                              Fault::out_of_memory, Fault::no_storage, Fault::system})
        EXPECT_EQ(fault_from_name(fault_name(fault)), fault);
    EXPECT_EQ(fault_from_name("of a later version"), Fault::system);
}

TEST(Fault, SystemErrorSaysWhatTheMachineSaid) {
    const Error error = system_error("cannot open /data", EACCES);
    EXPECT_EQ(error.what, "cannot open /data: Permission denied");
    EXPECT_EQ(error.sys, EACCES);
}

TEST(ExitCode, TellsTheSupervisorWhetherRetryingCanHelp) {
    EXPECT_EQ(exit_code::of(Fault::bad_config), 78);
    EXPECT_EQ(exit_code::of(Fault::bad_credentials), 77);
    EXPECT_EQ(exit_code::of(Fault::timed_out), 75);
    EXPECT_EQ(exit_code::of(Fault::out_of_memory), 79);
    EXPECT_EQ(exit_code::of(Fault::no_storage), 81);
    EXPECT_EQ(exit_code::of(Fault::out_of_room), 70);  // not the disk's, not the memory's
    EXPECT_EQ(exit_code::of(Fault::system), 70);
}

TEST(Secret, IsEmptyAfterAMove) {
    Secret key("sk-long-enough-to-be-on-the-heap-0123456789");
    const Secret taken = std::move(key);
    EXPECT_TRUE(key.empty());  // NOLINT: the promise under test
    EXPECT_EQ(taken.reveal(), "sk-long-enough-to-be-on-the-heap-0123456789");
}

TEST(Secret, PrintsAsStars) {
    EXPECT_EQ(testing::PrintToString(Secret("hunter2")), "***");
}

}  // namespace
