#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "workers/common/base/clock.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

using namespace std::chrono_literals;

namespace {

struct Pair {
    Fd here;
    Fd there;
};

Pair socket_pair() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

void put(const Fd& descriptor) {
    EXPECT_EQ(::write(descriptor.get(), "x", 1), 1);
}
void drain(const Fd& descriptor) {
    char byte;
    while (::read(descriptor.get(), &byte, 1) == 1) {
    }
}

class EpollLoopTest : public testing::Test {
  protected:
    // A test that waits for what never comes fails instead of hanging.
    int run() {
        auto limit = loop->after(5s, [this] { loop->stop(-1); });
        return loop->run();
    }
    std::unique_ptr<Loop> loop = make_epoll_loop();
};

TEST_F(EpollLoopTest, ReturnsWhatStopWasGiven) {
    loop->soon([&] { loop->stop(7); });
    EXPECT_EQ(run(), 7);
}

TEST_F(EpollLoopTest, CallsTheHandlerOfAReadableDescriptor) {
    Pair pair = socket_pair();
    put(pair.there);
    auto watch = loop->watch(pair.here.get(), Loop::readable, [&](unsigned events) {
        EXPECT_EQ(events, Loop::readable);
        loop->stop(0);
    });
    EXPECT_EQ(run(), 0);
}

TEST_F(EpollLoopTest, AWatchMayRemoveItselfInItsHandler) {
    Pair pair = socket_pair();
    put(pair.there);
    int calls = 0;
    Loop::Registration watch;
    std::vector<int> captured(1000, 3);
    watch = loop->watch(pair.here.get(), Loop::readable, [&, captured](unsigned) {
        watch.reset();
        calls += captured[999] == 3 ? 1 : 100;  // the captures outlive the removal
        loop->after(0ms, [] {}).reset();
        loop->soon([&] { loop->soon([&] { loop->stop(0); }); });
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 1);
}

TEST_F(EpollLoopTest, AHandlerMayRemoveAnotherReadyWatch) {
    Pair first = socket_pair();
    Pair second = socket_pair();
    put(first.there);
    put(second.there);
    int calls = 0;
    Loop::Registration a, b;
    const auto handler = [&](unsigned) {
        ++calls;
        a.reset();
        b.reset();
        loop->soon([&] { loop->stop(0); });
    };
    a = loop->watch(first.here.get(), Loop::readable, handler);
    b = loop->watch(second.here.get(), Loop::readable, handler);
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 1);
}

// Both descriptors are ready in one batch; the first handler closes the second and opens a new one
// that gets its number. The event of the old one must not reach the new watch.
TEST_F(EpollLoopTest, AnOldEventDoesNotReachTheWatchOnAReusedNumber) {
    Pair pairs[2] = {socket_pair(), socket_pair()};
    put(pairs[0].there);
    put(pairs[1].there);
    int wrong = 0;
    Loop::Registration watches[2];
    Pair fresh;
    Loop::Registration watch_fresh;
    for (int i = 0; i < 2; ++i)
        watches[i] = loop->watch(pairs[i].here.get(), Loop::readable, [&, i](unsigned) {
            drain(pairs[i].here);
            const int other = 1 - i;
            const int number = pairs[other].here.get();
            watches[other].reset();
            pairs[other].here.reset();
            fresh = socket_pair();
            ASSERT_EQ(fresh.here.get(), number);
            watch_fresh = loop->watch(fresh.here.get(), Loop::readable, [&](unsigned) { ++wrong; });
            loop->soon([&] { loop->stop(0); });
        });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(wrong, 0);
}

TEST_F(EpollLoopTest, APausedWatchStaysSilentWhenTheOtherEndHangsUp) {
    Pair pair = socket_pair();
    int calls = 0;
    auto watch = loop->watch(pair.here.get(), Loop::readable, [&](unsigned) { ++calls; });
    loop->rewatch(pair.here.get(), 0);
    pair.there.reset();
    auto end = loop->after(20ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 0);
    loop->rewatch(pair.here.get(), Loop::readable);
    auto again = loop->after(0ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_GE(calls, 1);
}

TEST_F(EpollLoopTest, RewatchChangesWhatIsWaitedFor) {
    Pair pair = socket_pair();
    auto watch = loop->watch(pair.here.get(), Loop::readable, [&](unsigned events) {
        EXPECT_EQ(events, Loop::writable);
        loop->stop(0);
    });
    loop->rewatch(pair.here.get(), Loop::readable | Loop::writable);
    EXPECT_EQ(run(), 0);
}

TEST_F(EpollLoopTest, RunsTimersInTheOrderTheyAreDue) {
    std::vector<int> order;
    const int64_t before = monotonic_ms();
    auto c = loop->after(12ms, [&] { loop->stop(0); });
    auto b = loop->after(8ms, [&] { order.push_back(2); });
    auto a = loop->after(2ms, [&] { order.push_back(1); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
    EXPECT_GE(monotonic_ms() - before, 12);
}

TEST_F(EpollLoopTest, ATimerLetGoDoesNotRun) {
    bool ran = false;
    loop->after(1ms, [&] { ran = true; }).reset();
    auto end = loop->after(5ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_FALSE(ran);
}

TEST_F(EpollLoopTest, APeriodicTimerMayEndItself) {
    int calls = 0;
    Loop::Registration timer;
    timer = loop->every(1ms, [&] {
        if (++calls == 3) timer.reset();
    });
    auto end = loop->after(30ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 3);
}

TEST_F(EpollLoopTest, ALateLoopRunsNoBacklogOfTicks) {
    int calls = 0;
    auto timer = loop->every(10ms, [&] { ++calls; });
    Loop::Registration end;
    loop->soon([&] {
        const int64_t until = monotonic_ms() + 100;
        while (monotonic_ms() < until) {
        }
        end = loop->after(5ms, [&] { loop->stop(0); });
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 1);
}

TEST_F(EpollLoopTest, SoonRunsBeforeTheLoopSleepsEvenWhenAskedForByAHook) {
    bool done = false;
    auto hook = loop->before_sleep([&] {
        if (!done) loop->soon([&] { loop->stop(0); });
        done = true;
    });
    const int64_t before = monotonic_ms();
    EXPECT_EQ(run(), 0);
    EXPECT_LT(monotonic_ms() - before, 1000);
}

TEST_F(EpollLoopTest, AHookRemovedByAnEarlierHookDoesNotRun) {
    Loop::Registration second;
    bool ran = false;
    auto first = loop->before_sleep([&] {
        second.reset();
        loop->stop(0);
    });
    second = loop->before_sleep([&] { ran = true; });
    EXPECT_EQ(run(), 0);
    EXPECT_FALSE(ran);
}

TEST_F(EpollLoopTest, AMovedRegistrationEndsTheWatchOnce) {
    Pair pair = socket_pair();
    put(pair.there);
    int calls = 0;
    std::optional<Loop::Registration> kept;
    {
        auto watch = loop->watch(pair.here.get(), Loop::readable, [&](unsigned) {
            if (++calls == 2) loop->stop(0);
        });
        kept = std::move(watch);
        EXPECT_FALSE(static_cast<bool>(watch));  // NOLINT: the promise under test
    }
    EXPECT_EQ(run(), 0);
    kept.reset();
    auto end = loop->after(1ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(calls, 2);
}

}  // namespace
