// A worker that does not end but does nothing any more, and one that only seems so.

#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/faults/fault_test.h"

using namespace std::chrono_literals;

namespace {

// Six seconds of silence and three ticks of two seconds, with room for a busy machine.
constexpr auto noticed = 25s;

class Hang : public FaultTest {};

TEST_P(Hang, OfAStoppedProcessIsNoticed) {
    covers("4");
    start();
    const int64_t begin = monotonic_us();
    kill(supervisor->worker("one"), SIGSTOP);
    ASSERT_TRUE(supervisor->wait_line("one has not responded for", 0, noticed));
    remark("noticed after " + std::to_string((monotonic_us() - begin) / 1'000'000) + " s");
    expect_recovered("one", "stopped responding", 5s);
}

TEST_P(Hang, OfAFrozenGroupDoesNotReachTheSuccessor) {
    covers("4");
    start();
    std::string freezer;
    for (const std::string& group : supervisor->control_groups())
        if (group.ends_with("/one") && std::filesystem::exists(group + "/cgroup.freeze"))
            freezer = group + "/cgroup.freeze";
    if (freezer.empty()) GTEST_SKIP() << "no control group here can be frozen";
    std::ofstream(freezer) << "1" << std::flush;
    ASSERT_TRUE(supervisor->ask("restart", {"one"}));
    ASSERT_TRUE(supervisor->wait_line("one is ready again", 0, noticed));
    expect_others_untouched({"one"});
}

TEST_P(Hang, OfTheLoopIsNoticedThoughAThreadLives) {
    covers("5");
    start();
    supervisor->order("one", "spin");
    ASSERT_TRUE(supervisor->wait_line("one has not responded for", 0, noticed));
    expect_recovered("one", "stopped responding", 5s);
}

TEST_P(Hang, OfTheSupervisorIsNobodysFault) {
    covers("25");
    covers("59");
    covers("60");
    start();
    supervisor->signal(SIGSTOP);
    // Long enough that every beat is old by its clock; a machine that slept or starved looks so.
    ASSERT_FALSE(supervisor->wait_exit(15s));
    kill(supervisor->worker("two"), SIGSTOP);  // this one really hangs
    supervisor->signal(SIGCONT);
    ASSERT_TRUE(supervisor->wait_line("two has not responded for", 0, noticed));
    expect_recovered("two", "stopped responding", 5s);
    remark("stopped for 15 s; the line \"resumed after\" needs a machine that sleeps");
}

TEST_P(Hang, OfTheWholeTreeIsNobodysFault) {
    covers("59");
    start();
    std::vector<pid_t> all = supervisor->children();
    supervisor->signal(SIGSTOP);
    for (const pid_t worker : all) kill(worker, SIGSTOP);
    ASSERT_FALSE(supervisor->wait_exit(10s));
    supervisor->signal(SIGCONT);
    for (const pid_t worker : all) kill(worker, SIGCONT);
    // Longer than it takes to notice a hang.
    EXPECT_FALSE(supervisor->wait_line("has not responded", 0, 14s));
    expect_others_untouched({});
}

TEST_P(Hang, IsNotFakedByAFloodOfBeatsOrMessages) {
    covers("7");
    start();
    const double before = supervisor->processor_seconds();
    const int64_t begin = monotonic_us();
    ASSERT_TRUE(supervisor->tell("one", "beat-much 2000"));
    const double share = (supervisor->processor_seconds() - before) * 1e6 /
                         static_cast<double>(monotonic_us() - begin);
    EXPECT_LT(share, 0.05);
    remark("beats cost " + std::to_string(share * 100).substr(0, 4) + " % of a processor");
    expect_others_untouched({});
}

AT_BOTH_PLACES(Hang);

}  // namespace
