#include "workers/common/uv_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workers/common/base/fd.h"

namespace {

using std::chrono::milliseconds;

TEST(UvLoop, TellsWhenADescriptorIsReady) {
    UvLoop loop;
    const Fd event(eventfd(1, EFD_NONBLOCK));
    unsigned seen = 0;
    const auto watch = loop.watch(event.get(), Loop::readable, [&](unsigned events) {
        seen = events;
        loop.stop(7);
    });
    EXPECT_EQ(loop.run(), 7);
    EXPECT_EQ(seen, Loop::readable);
}

TEST(UvLoop, CountsAHangUpAsReadable) {
    UvLoop loop;
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const Fd one(ends[0]);
    Fd other(ends[1]);
    const auto watch = loop.watch(one.get(), Loop::readable, [&](unsigned events) {
        EXPECT_TRUE(events & Loop::readable);
        loop.stop(0);
    });
    other.reset();
    loop.run();
}

TEST(UvLoop, LetsAHandlerEndItsOwnWatchAndBeginAnother) {
    UvLoop loop;
    const Fd event(eventfd(1, EFD_NONBLOCK));
    Loop::Registration watch;
    int calls = 0;
    watch = loop.watch(event.get(), Loop::readable, [&](unsigned) {
        ++calls;
        watch.reset();
        watch = loop.watch(event.get(), Loop::readable, [&](unsigned) {
            ++calls;
            loop.stop(0);
        });
    });
    loop.run();
    EXPECT_EQ(calls, 2);
}

TEST(UvLoop, PausesAWatchThatAsksForNothing) {
    UvLoop loop;
    const Fd event(eventfd(1, EFD_NONBLOCK));
    int calls = 0;
    const auto watch = loop.watch(event.get(), Loop::readable, [&](unsigned) {
        ++calls;
        loop.rewatch(event.get(), 0);
    });
    const auto end = loop.after(milliseconds(20), [&] { loop.stop(0); });
    loop.run();
    EXPECT_EQ(calls, 1);
}

TEST(UvLoop, RunsTimersInOrderAndForgetsRemovedOnes) {
    UvLoop loop;
    std::string order;
    const auto third = loop.after(milliseconds(30), [&] { loop.stop(0); });
    const auto first = loop.after(milliseconds(5), [&] { order += "a"; });
    auto removed = loop.after(milliseconds(6), [&] { order += "x"; });
    removed.reset();
    int beats = 0;
    Loop::Registration beat;
    beat = loop.every(milliseconds(1), [&] {
        if (++beats == 3) beat.reset();
    });
    loop.run();
    EXPECT_EQ(order, "a");
    EXPECT_EQ(beats, 3);
}

TEST(UvLoop, DoesNotSleepWhileTasksWait) {
    UvLoop loop;
    int turns = 0;
    std::function<void()> again = [&] {
        if (++turns == 3)
            loop.stop(0);
        else
            loop.soon(again);
    };
    loop.soon(again);
    loop.run();
    EXPECT_EQ(turns, 3);
}

TEST(UvLoop, CallsItsHooksBeforeItSleeps) {
    UvLoop loop;
    int calls = 0;
    Loop::Registration hook;
    hook = loop.before_sleep([&] {
        ++calls;
        // What a hook asks for must not wait for the next event.
        loop.soon([&] { loop.stop(0); });
        hook.reset();
    });
    loop.run();
    EXPECT_EQ(calls, 1);
}

}  // namespace
