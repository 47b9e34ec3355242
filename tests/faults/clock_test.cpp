// The wall clock jumps; pids come back.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>

#include "tests/faults/fault_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

// A wall clock that is off by so many seconds, for whoever maps its file.
class ShiftedClock {
  public:
    ShiftedClock() {
        char name[] = "/tmp/hf-clock-XXXXXX";
        const Fd file(mkstemp(name));
        path_ = name;
        if (ftruncate(file.get(), sizeof(int64_t)) != 0) std::abort();
        void* page =
            mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (page == MAP_FAILED) std::abort();
        shift_ = static_cast<std::atomic<int64_t>*>(page);
    }
    ~ShiftedClock() {
        munmap(shift_, sizeof(int64_t));
        unlink(path_.c_str());
    }
    ShiftedClock(const ShiftedClock&) = delete;
    ShiftedClock& operator=(const ShiftedClock&) = delete;

    const std::string& path() const { return path_; }
    void set(int64_t seconds) { *shift_ = seconds; }

  private:
    std::string path_;
    std::atomic<int64_t>* shift_;
};

class WallClock : public FaultTest {
  protected:
    void start_with(ShiftedClock& clock, const std::string& plan) {
        Supervised::Options options;
        options.environment["CLOCK_SHIFT"] = clock.path();
        options.environment["LD_PRELOAD"] =
            std::string(std::getenv("HARDSHELL_BUILD")) + "/tests/faults/libclock_shift.so";
        const char* asan = std::getenv("ASAN_OPTIONS");
        options.environment["ASAN_OPTIONS"] =
            std::string(asan ? asan : "") + ":verify_asan_link_order=0";
        start_unready(plan, options);
    }
    // The year of the stamp that a line said now bears.
    std::string year_now(const std::string& words) {
        const size_t from = supervisor->log().count();
        if (!supervisor->tell("two", "print " + words)) return "not obeyed";
        const auto line = supervisor->wait_line("[two] " + words, from);
        return line ? line->substr(0, 4) : "no line";
    }
};

TEST_P(WallClock, ThatJumpsMovesNoTimer) {
    covers("58");
    ShiftedClock clock;
    start_with(clock, std::string(usual_plan) + "worker loop stub STUB_DO=exit+1\n");
    wait_all_ready_but({"loop"});
    const std::string year = year_now("before");
    ASSERT_TRUE(supervisor->wait_notes("loop", "life", 4));  // 0.2 + 0.4 + 0.8 s; then 1.6 and 3.2
    const time_t now = time(nullptr);
    for (const int64_t shift :
         {int64_t{3'600}, int64_t{-3'600}, int64_t{86'400} * 366 * 2, -int64_t{now} + 100}) {
        SCOPED_TRACE(shift);
        clock.set(shift);
        const uint64_t life = supervisor->status("one").incarnation();
        EXPECT_GE(supervisor->kill_to_next_life("one"), 0);
        EXPECT_TRUE(supervisor->wait_ready_after("one", life));
        EXPECT_TRUE(supervisor->ask("status"));
        // The injection works: the stamp follows the clock.
        const std::string shown = year_now("shift " + std::to_string(shift));
        if (shift < -86'400) {
            EXPECT_EQ(shown, "1970");
        }
        if (shift > 86'400) {
            EXPECT_GT(shown, year);
        }
    }
    // The waits of the one that keeps failing are those of a clock that does not jump.
    ASSERT_TRUE(supervisor->wait_notes("loop", "life", 6, 20s));
    const auto lives = supervisor->notes("loop", "life");
    double expected = 0.2;
    for (size_t i = 1; i < 6; ++i, expected *= 2) {
        const double gap =
            static_cast<double>(std::stoll(lives[i].back()) - std::stoll(lives[i - 1].back())) /
            1e6;
        EXPECT_GE(gap, expected * 0.79) << "start " << i;
        EXPECT_LE(gap, expected * 1.21 + 0.3 * slowness) << "start " << i;
    }
    // Longer than three ticks: nobody counts as hanging.
    for (const char* name : {"gateway", "agent", "two"})
        EXPECT_EQ(supervisor->status(name).incarnation(), 1u) << name;
    clock.set(0);
    EXPECT_EQ(year_now("after"), year);
    may_hold_more_descriptors = true;
}

AT_BOTH_PLACES(WallClock);

// Few numbers to go round: after the first turn the kernel leaves out those below 300.
class PidReuse : public FaultTest {
  protected:
    // Namespaces have a limit of their own only since then.
    static bool has_own_limit() {
        utsname system{};
        uname(&system);
        int major = 0;
        int minor = 0;
        std::sscanf(system.release, "%d.%d", &major, &minor);
        return major > 6 || (major == 6 && minor >= 14);
    }
    // As its own namespace calls it.
    static pid_t own_number(pid_t pid) {
        const std::string status = read_proc(pid, "status");
        const size_t line = status.find("NSpid:");
        if (line == std::string::npos) return 0;
        const std::string numbers = status.substr(line, status.find('\n', line) - line);
        return std::atoi(numbers.c_str() + numbers.rfind('\t'));
    }
    static int machine_limit() {
        int limit = 0;
        std::ifstream("/proc/sys/kernel/pid_max") >> limit;
        return limit;
    }
};

TEST_P(PidReuse, SignalsNoStranger) {
    covers("64");
    if (!has_own_limit()) GTEST_SKIP() << "pid_max of a namespace needs Linux 6.14";
    const int before = machine_limit();
    Supervised::Options options;
    options.before_exec = [] {
        const int file = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
        if (write(file, "700", 3) != 3) _exit(125);
        close(file);
    };
    start(std::string(usual_plan) + "worker nest parent\nworker churn parent\n", options);
    ASSERT_EQ(machine_limit(), before) << "the limit was not the namespace's own";
    // Strangers take the numbers that workers had, and must outlive the ends of their successors.
    std::set<pid_t> numbers;
    size_t kills = 0;
    size_t reused = 0;
    for (int round = 0; round < 10 && reused < 5; ++round) {
        ASSERT_TRUE(supervisor->order("churn", "breed 2000 300"));
        for (int i = 0; i < 4; ++i, ++kills) {
            const char* const name = i % 2 == 0 ? "one" : "two";
            const uint64_t life = supervisor->status(name).incarnation();
            numbers.insert(supervisor->status(name).pid());
            kill(supervisor->worker(name), SIGKILL);
            ASSERT_TRUE(supervisor->wait_ready_after(name, life));
        }
        const std::vector<pid_t> strangers = named("orphan");
        // As many as could be made: there may have been no number left.
        const Supervised::Notes made = supervisor->notes("nest", "orphans");
        EXPECT_EQ(strangers.size(), made.empty() ? 0 : std::stoul(made.back()[1]))
            << "a stranger was signalled";
        for (const pid_t stranger : strangers) reused += numbers.count(own_number(stranger));
        ASSERT_TRUE(supervisor->tell("churn", "print bred"));
        ASSERT_TRUE(supervisor->tell("nest", "kill-orphans"));
        ASSERT_TRUE(eventually([&] { return named("orphan").empty(); }));
        ASSERT_TRUE(supervisor->tell("nest", "orphans 200 alive"));
        ASSERT_TRUE(supervisor->wait_notes("nest", "orphans", static_cast<size_t>(round) + 1));
    }
    EXPECT_GE(reused, 5u) << "no stranger ever had a worker's number";
    expect_others_untouched({"one", "two"});
    ASSERT_TRUE(supervisor->tell("nest", "kill-orphans"));
    EXPECT_TRUE(eventually([&] { return named("orphan").empty(); }));
    remark(std::to_string(kills) + " kills, " + std::to_string(reused) +
           " strangers with a former worker's pid");
    may_hold_more_descriptors = true;
}

// Beside others the limit would be the machine's.
INSTANTIATE_TEST_SUITE_P(As, PidReuse, testing::Values(Place::first_process), place_name);

}  // namespace
