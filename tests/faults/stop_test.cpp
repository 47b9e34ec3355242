// The end of everything, in order or not, and the signals that ask for something else.

#include <elf.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <atomic>

#include "tests/faults/call_trap.h"
#include "tests/faults/fault_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

class Stop : public FaultTest {};

std::string stubborn(int count) {
    std::string plan;
    for (int i = 0; i < count; ++i)
        plan += "worker defiant" + std::to_string(i) + " stub STUB_DO=ready;defy\n";
    return plan;
}

TEST_P(Stop, KillsWhoIgnoresItInsideTheBudget) {
    covers("17");
    Supervised::Options options;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "2000";
    start(stubborn(8) + "worker gateway gateway\n", options);
    const int64_t ms = stop();
    remark("8 defiant workers: " + std::to_string(ms) + " of 2000 ms");
    EXPECT_LE(ms, 2'000 + 100 * slowness);
    EXPECT_TRUE(supervisor->wait_line("did not end in its time; it is killed"));
}

TEST_P(Stop, HoldsDuringEveryOtherTransition) {
    covers("18");
    start_unready(
        "worker gateway gateway\n"
        "worker agent agent STUB_DO=ready;linger+300\n"
        "worker late stub STUB_DO=linger\n"         // starting
        "worker looping stub STUB_DO=exit+1\n"      // in back-off
        "worker defiant stub STUB_DO=ready;defy\n"  // stopping on request
        "worker one stub STUB_DO=ready;linger+300\n");
    ASSERT_TRUE(supervisor->wait_ready("defiant"));
    ASSERT_TRUE(supervisor->wait_ready("one"));
    ASSERT_TRUE(supervisor->ask("restart", {"defiant"}));
    ASSERT_TRUE(supervisor->wait_status(
        "looping", [](const Status& status) { return status.state() == Status::WAITING; }));
    const pid_t agent = supervisor->worker("agent");
    std::map<std::string, size_t> lives;
    for (const char* name : {"late", "looping", "defiant", "one", "agent"})
        lives[name] = supervisor->lives(name);
    supervisor->signal(SIGTERM);
    ASSERT_TRUE(supervisor->wait_notes("one", "stop", 1));
    kill(supervisor->worker("one"), SIGKILL);  // dies while it stops
    kill(agent, SIGKILL);
    EXPECT_EQ(supervisor->wait_exit(), 0);
    for (const auto& [name, count] : lives)
        EXPECT_LE(supervisor->lives(name), count + (name == "looping" ? 1 : 0)) << name;
}

TEST_P(Stop, AskedTwiceAndThriceIsFaster) {
    covers("19");
    for (const int number : {SIGTERM, SIGINT}) {
        start(stubborn(3));
        const int64_t begin = monotonic_us();
        supervisor->signal(number);
        ASSERT_TRUE(supervisor->wait_line("stopping: SIG"));
        supervisor->signal(number);
        ASSERT_TRUE(supervisor->wait_line("asked to stop again"));
        supervisor->signal(number);
        EXPECT_EQ(supervisor->wait_exit(), 0);
        const int64_t ms = (monotonic_us() - begin) / 1000;
        EXPECT_LE(ms, 400 + 100 * slowness);
        EXPECT_EQ(supervisor->left_behind(2s), std::vector<pid_t>());
        remark(std::to_string(ms) + " ms");
    }
}

TEST_P(Stop, FitsIntoWhatFlyGives) {
    covers("20");
    Supervised::Options options;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "";
    options.environment["FLY_MACHINE_ID"] = "e286de4f711e86";
    start(std::string(usual_plan) + stubborn(2), options);
    const int64_t begin = monotonic_us();
    supervisor->signal(SIGINT);
    EXPECT_EQ(supervisor->wait_exit(), 0);
    const int64_t ms = (monotonic_us() - begin) / 1000;
    EXPECT_LE(ms, 4'500 + 400 * slowness);
    remark("with two defiant workers " + std::to_string(ms) + " ms of Fly's 5000");
}

TEST_P(Stop, IsNotTakenFromOtherSignals) {
    covers("21");
    start();
    const uint64_t gateway = supervisor->status("gateway").incarnation();
    for (int i = 0; i < 10'000; ++i)
        for (const int number : {SIGPIPE, SIGWINCH, SIGALRM, SIGURG, SIGCHLD, SIGCONT, SIGQUIT})
            supervisor->signal(number);
    for (int i = 0; i < 200; ++i) supervisor->signal(SIGUSR2);
    EXPECT_TRUE(supervisor->wait_line("gateway is ready"));
    EXPECT_EQ(supervisor->status("gateway").incarnation(), gateway);
    // The defined ones do what is defined: HUP replaces nobody when nothing changed.
    for (int i = 0; i < 100; ++i) supervisor->signal(SIGHUP);
    EXPECT_TRUE(supervisor->wait_line("reading the configuration again"));
    EXPECT_EQ(supervisor->status("gateway").incarnation(), gateway);
    for (int i = 0; i < 20; ++i) {
        const uint64_t life = supervisor->status("gateway").incarnation();
        supervisor->signal(SIGUSR1);
        ASSERT_TRUE(supervisor->wait_ready_after("gateway", life));
    }
    expect_others_untouched({"gateway"});
}

TEST_P(Stop, IsNotMadeLongerByWhoAsksForARestart) {
    covers("19");
    Supervised::Options options;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "1500";
    start(std::string(usual_plan) + stubborn(1), options);
    const int64_t begin = monotonic_us();
    supervisor->signal(SIGTERM);
    ASSERT_TRUE(supervisor->wait_line("stopping: SIGTERM"));
    for (const char* verb : {"restart", "start", "stop"}) {
        const auto reply = supervisor->ask(verb, {"defiant0"});
        EXPECT_TRUE(!reply || reply->error() == "the gateway is stopping") << verb;
    }
    while (!supervisor->wait_exit(50ms) && monotonic_us() - begin < 10'000'000)
        supervisor->signal(SIGUSR1);
    EXPECT_LE((monotonic_us() - begin) / 1000, 1'500 + 200 * slowness);
}

TEST_P(Stop, OfAWorkerLastsUntilItsOwnerStartsIt) {
    start();
    ASSERT_TRUE(supervisor->ask("stop", {"one"}));
    ASSERT_TRUE(supervisor->wait_status(
        "one", [](const Status& status) { return status.state() == Status::STOPPED; }));
    // A new configuration is no reason to start it.
    supervisor->set_plan(
        "worker gateway gateway\nworker agent agent\nworker one stub NEW=1\n"
        "worker two stub NEW=1\nlink gateway-agent gateway agent\n");
    const uint64_t two = supervisor->status("two").incarnation();
    supervisor->signal(SIGHUP);
    ASSERT_TRUE(supervisor->wait_ready_after("two", two));
    EXPECT_EQ(supervisor->status("one").state(), Status::STOPPED);
    // Asked for while it still stops, it comes back.
    ASSERT_TRUE(supervisor->ask("start", {"one"}));
    ASSERT_TRUE(supervisor->wait_ready("one"));
    const uint64_t life = supervisor->status("one").incarnation();
    ASSERT_TRUE(supervisor->ask("stop", {"one"}));
    ASSERT_TRUE(supervisor->ask("start", {"one"}));
    EXPECT_TRUE(supervisor->wait_ready_after("one", life));
}

AT_BOTH_PLACES(Stop);

// What happens to the workers when the supervisor itself is gone.
class Orphaned : public FaultTest {
  protected:
    Orphaned() { may_leave_groups = true; }
    // Crashes it as a bug would: at an address that does not exist.
    void crash_supervisor();
};

void Orphaned::crash_supervisor() {
    const pid_t pid = supervisor->pid();
    ASSERT_EQ(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr), 0);
    ASSERT_EQ(ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr), 0);
    ASSERT_EQ(waitpid(pid, nullptr, __WALL), pid);
    user_regs_struct registers{};
    iovec where{&registers, sizeof registers};
    ASSERT_EQ(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &where), 0);
#if defined(__x86_64__)
    registers.rip = 8;
    registers.orig_rax = ~0ull;  // no system call to be taken up again
#else
    registers.pc = 8;
#endif
    ASSERT_EQ(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &where), 0);
    ASSERT_EQ(ptrace(PTRACE_DETACH, pid, nullptr, nullptr), 0);
}

TEST_P(Orphaned, WorkersEndWithinASecondOfAKill) {
    covers("22");
    // The defiant ones do not follow the link's end; those of an own user prove the rest.
    start(std::string(usual_plan) + stubborn(2));
    const int64_t begin = monotonic_us();
    supervisor->signal(SIGKILL);
    EXPECT_EQ(supervisor->wait_exit(), 128 + SIGKILL);
    EXPECT_EQ(supervisor->left_behind(1s), std::vector<pid_t>());
    remark("none left after " + std::to_string((monotonic_us() - begin) / 1000) + " ms");
}

// Killed in the middle of a start: after the fork, before the worker follows its parent.
TEST_P(Orphaned, AWorkerInTheMakingEndsToo) {
    covers("23");
    std::atomic<pid_t> parent{0};
    std::atomic<int> asked{0};
    CallTrap trap({SYS_prctl}, [&](const CallTrap::Call& call) {
        // The second that is made: the planner is the first.
        if (call.pid != parent && call.arguments[0] == PR_SET_PDEATHSIG && ++asked == 2) {
            kill(parent, SIGKILL);
            eventually([&] { return !is_running(parent); });
        }
        return 0;
    });
    Supervised::Options options;
    options.place = GetParam();
    options.before_exec = [&] { trap.arm(); };
    options.after_fork = [&](pid_t pid) {
        parent = pid;
        trap.attach(pid);
    };
    supervisor = std::make_unique<Supervised>(options);
    supervisor->set_plan(usual_plan);
    supervisor->start();
    EXPECT_EQ(supervisor->wait_exit(), 128 + SIGKILL);
    EXPECT_EQ(supervisor->left_behind(1s), std::vector<pid_t>());
    EXPECT_GE(asked, 2);
    supervisor.reset();
}

TEST_P(Orphaned, WorkersEndWithASupervisorThatCrashed) {
    covers("26");
    may_tear_lines = true;  // a sanitizer's last words
    start(std::string(usual_plan) + stubborn(1));
    crash_supervisor();
    const std::optional<int> code = supervisor->wait_exit();
    ASSERT_TRUE(code);
    EXPECT_NE(*code, 0);
    EXPECT_EQ(supervisor->left_behind(1s), std::vector<pid_t>());
    remark("exit " + std::to_string(*code));
}

AT_BOTH_PLACES(Orphaned);

}  // namespace
