// What is limited runs out, for the supervisor or for one worker: processes, descriptors, rights,
// the right to end a process. Who reached the limit feels it, and nobody else.

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "tests/faults/fenced_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

class Limits : public FencedTest {
  protected:
    // Ended children that the supervisor has not yet collected.
    size_t zombies() const {
        const std::vector<pid_t> children = supervisor->children();
        return static_cast<size_t>(std::count_if(children.begin(), children.end(), [](pid_t pid) {
            const std::string stat = read_proc(pid, "stat");
            const size_t end = stat.rfind(") ");
            return end != std::string::npos && stat[end + 2] == 'Z';
        }));
    }
    void breed_for(int seconds);
    // This machine lets the supervisor lower its score.
    bool spared() const {
        return std::atoi(read_proc(supervisor->pid(), "oom_score_adj").c_str()) < 0;
    }
    // As an ordinary user, who owns the directories.
    Supervised::Options ordinary_user();
    // As root, but for these.
    static Supervised::Options without(const std::vector<int>& capabilities);
    // Lowers, or raises again, how many descriptors the supervisor may have open.
    void limit_now(rlim_t most) const {
        rlimit files{};
        ASSERT_EQ(prlimit(supervisor->pid(), RLIMIT_NOFILE, nullptr, &files), 0);
        files.rlim_cur = most;
        ASSERT_EQ(prlimit(supervisor->pid(), RLIMIT_NOFILE, &files, nullptr), 0);
    }
    void expect_said_once(const std::string& text) const {
        EXPECT_EQ(lines_with(text), 1u) << text;
    }
};

// --- a process that cannot be ended ---

// A frozen process of version 1 takes no signal, as one that waits for a broken disk.
constexpr const char* no_freezer =
    "no freezer of version 1 here, and nothing else makes a process unkillable";

TEST_P(Limits, OfSignalsAFrozenWorkerDelaysNobody) {
    covers("6");
    ControlGroup& freezer = own_group("freezer");
    if (!freezer.exists()) GTEST_SKIP() << no_freezer;
    Supervised::Options options;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "500";
    start(usual_plan, options);
    ASSERT_TRUE(freezer.take(supervisor->worker("one")));
    ASSERT_TRUE(freezer.set("freezer.state", "FROZEN"));
    ASSERT_TRUE(supervisor->ask("restart", {"one"}));
    ASSERT_TRUE(supervisor->wait_line("cannot be killed: it waits inside the kernel"));
    expect_responds("gateway");
    const uint64_t life = supervisor->status("two").incarnation();
    ASSERT_GE(supervisor->kill_to_next_life("two"), 0);
    EXPECT_TRUE(supervisor->wait_ready_after("two", life));
    expect_others_untouched({"one", "two"});
    EXPECT_EQ(supervisor->status("one").incarnation(), 1u) << "a second one beside it";
    ASSERT_TRUE(freezer.set("freezer.state", "THAWED"));
    EXPECT_TRUE(supervisor->wait_ready_after("one", 1));
}

TEST_P(Limits, OfSignalsAFrozenWorkerDoesNotKeepItFromStopping) {
    covers("6");
    ControlGroup& freezer = own_group("freezer");
    if (!freezer.exists()) GTEST_SKIP() << no_freezer;
    Supervised::Options options;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "1000";
    start(usual_plan, options);
    may_leave_groups = true;
    ASSERT_TRUE(freezer.take(supervisor->worker("one")));
    ASSERT_TRUE(freezer.set("freezer.state", "FROZEN"));
    const int64_t begin = monotonic_us();
    supervisor->signal(SIGTERM);
    ASSERT_TRUE(supervisor->wait_line("] stopped"));
    const int64_t ms = (monotonic_us() - begin) / 1000;
    EXPECT_LE(ms, 1'000 + 600 * slowness)
        << "the budget, and the patience with what cannot be killed";
    remark("stopped after " + std::to_string(ms) + " ms of a budget of 1000");
    EXPECT_TRUE(supervisor->wait_line("cannot be killed: it waits inside the kernel"));
    EXPECT_TRUE(supervisor->wait_line("a child cannot be killed; it is left to the machine"));
    for (const char* other : {"gateway", "agent", "two"})
        EXPECT_EQ(supervisor->notes(other, "stop").size(), 1u) << other;
    // The kernel lets no first process go before all of its namespace have ended.
    if (GetParam() == Place::plain_child) {
        EXPECT_EQ(supervisor->wait_exit(), 0);
    }
    ASSERT_TRUE(freezer.set("freezer.state", "THAWED"));
    if (GetParam() == Place::first_process) {
        EXPECT_EQ(supervisor->wait_exit(), 0);
    }
}

TEST_P(Limits, OfSignalsAFrozenGrandchildDoesNotKeepASuccessorAway) {
    covers("6");
    ControlGroup& freezer = own_group("freezer");
    if (!freezer.exists()) GTEST_SKIP() << no_freezer;
    start();
    ASSERT_TRUE(supervisor->tell("one", "grandchild"));
    ASSERT_TRUE(eventually([&] { return named("grandchild").size() == 1; }));
    ASSERT_TRUE(freezer.take(named("grandchild")[0]));
    ASSERT_TRUE(freezer.set("freezer.state", "FROZEN"));
    supervisor->order("one", "exit 1");
    expect_recovered("one", "exit code 1");
    EXPECT_TRUE(supervisor->wait_line("one left a process behind that cannot be killed"));
    ASSERT_TRUE(freezer.set("freezer.state", "THAWED"));
    EXPECT_TRUE(eventually([&] { return named("grandchild").empty(); }));
}

// --- processes ---

constexpr const char* no_task_limits = "no groups that limit processes may be made here";

TEST_P(Limits, OfAllProcessesLetWorkersWaitForTheirTurn) {
    covers("13");
    ControlGroup& fence = own_group("pids");
    if (!fence.exists()) GTEST_SKIP() << no_task_limits;
    Supervised::Options options;
    options.before_exec = [&] { fence.enter(); };
    start(usual_plan, options);
    ASSERT_TRUE(fence.set("pids.max", "1"));
    const int64_t begin = monotonic_us();
    kill(supervisor->worker("one"), SIGKILL);
    // At once, then after 0.2 and 0.4 s.
    ASSERT_TRUE(wait_lines_with("one cannot start hardshell-stub", 3));
    const int64_t ms = (monotonic_us() - begin) / 1000;
    EXPECT_GE(ms, 450);
    EXPECT_TRUE(supervisor->wait_line("Resource temporarily unavailable"));
    EXPECT_EQ(supervisor->status("one").last_cause(), "not_started");
    expect_responds("gateway");
    expect_responds("two");
    ASSERT_TRUE(fence.set("pids.max", "max"));
    EXPECT_TRUE(supervisor->wait_ready_after("one", 1));
    expect_others_untouched({"one"});
    remark("3 attempts in " + std::to_string(ms) + " ms, then recovered");
}

TEST_P(Limits, OfAllProcessesLetThePlannerWaitForItsTurn) {
    covers("13");
    ControlGroup& fence = own_group("pids");
    if (!fence.exists()) GTEST_SKIP() << no_task_limits;
    Supervised::Options options;
    ASSERT_TRUE(fence.set("pids.max", "0"));  // who is outside may still enter
    options.before_exec = [&] { fence.enter(); };
    start_unready(usual_plan, options);
    EXPECT_TRUE(wait_lines_with("cannot start hardshell-planner", 2));
    ASSERT_TRUE(fence.set("pids.max", "max"));
    wait_all_ready();
}

TEST_P(Limits, OfAWorkersProcessesHoldAForkBomb) {
    covers("14");
    start();
    const auto limit = task_limit_of(supervisor->worker("one"));
    if (!limit) GTEST_SKIP() << no_task_limits;
    ASSERT_EQ(*limit, 64u);
    const std::string group = group_of(supervisor->worker("one"), "pids");
    ASSERT_TRUE(supervisor->tell("one", "bomb"));
    ASSERT_TRUE(eventually([&] { return number_in(group + "/pids.events", "max") > 0u; }));
    EXPECT_LE(number_in(group + "/pids.current"), 64u);
    expect_responds("gateway");
    expect_responds("two");
    const size_t bombs = named("bomb").size();
    EXPECT_GE(bombs, 32u);
    const int64_t begin = monotonic_us();
    kill(supervisor->worker("one"), SIGKILL);
    EXPECT_TRUE(eventually([&] { return named("bomb").empty(); }));
    const int64_t ms = (monotonic_us() - begin) / 1000;
    EXPECT_LE(ms, 1'000 * slowness);
    remark(std::to_string(bombs) + " processes ended in " + std::to_string(ms) + " ms");
    expect_recovered("one", "killed by signal 9 (KILL)");
}

// Nothing of ours limits it; a group that the supervisor does not see does.
TEST_P(Limits, OfAllProcessesHoldAForkBombThatEndsWithItsWorker) {
    covers("14");
    ControlGroup& fence = own_group("pids");
    if (!fence.exists() || !fence.set("pids.max", "200")) GTEST_SKIP() << no_task_limits;
    Supervised::Options options;
    options.before_exec = [&fence, hide = view_of(Groups::none)] {
        fence.enter();
        hide();
    };
    start(usual_plan, options);
    if (task_limit_of(supervisor->worker("one")) != 200u) GTEST_SKIP() << no_task_limits;
    ASSERT_TRUE(supervisor->tell("one", "bomb"));
    ASSERT_TRUE(eventually([&] { return number_in(fence.path() + "/pids.events", "max") > 0u; }));
    expect_responds("gateway");
    const int64_t begin = monotonic_us();
    kill(supervisor->worker("one"), SIGKILL);
    EXPECT_TRUE(eventually([&] { return named("bomb").empty(); }));
    const int64_t ms = (monotonic_us() - begin) / 1000;
    EXPECT_LE(ms, 1'000 * slowness);
    remark("without groups ended in " + std::to_string(ms) + " ms");
    EXPECT_TRUE(supervisor->wait_ready_after("one", 1));
    expect_others_untouched({"one"});
}

void Limits::breed_for(int seconds) {
    start("worker gateway gateway\nworker nest parent\nworker one stub\n");
    ASSERT_TRUE(supervisor->tell("nest", "breed 500 500"));  // what it needs once, it has then
    const size_t before = supervisor->resident_kib();
    const double processor = supervisor->processor_seconds();
    size_t most = 0;
    for (int i = 0; i < seconds; ++i) {
        // Second by second, so that it beats in between.
        ASSERT_TRUE(supervisor->order("nest", "breed 500 1000"));
        const int64_t end = monotonic_us() + 1'000'000;
        eventually(
            [&] {
                most = std::max(most, zombies());
                return monotonic_us() >= end;
            },
            2s, 10ms);
    }
    EXPECT_TRUE(eventually([&] { return zombies() == 0; }));
    const size_t after = supervisor->resident_kib();
    EXPECT_LT(most, 500u);
    EXPECT_LE(after, before + 1024 * slowness);
    expect_responds("one");
    expect_others_untouched({});
    const double share = (supervisor->processor_seconds() - processor) / seconds;
    remark("at most " + std::to_string(most) + " zombies, memory " + std::to_string(before) +
           " to " + std::to_string(after) + " KiB, " + std::to_string(share * 100).substr(0, 4) +
           " % of a processor");
}

TEST_P(Limits, OfPatienceAStreamOfOrphansIsCollected) {
    covers("29");
    breed_for(5);
}

TEST_P(Limits, SoakOfAStreamOfOrphans) {
    covers("29");
    breed_for(60);
}

// --- rights ---

constexpr uid_t somebody = 1'000;

Supervised::Options Limits::ordinary_user() {
    Supervised::Options options;
    options.before_exec = [this] {
        (void)!chown(supervisor->root().c_str(), somebody, somebody);
        (void)!chown(supervisor->state_dir().c_str(), somebody, somebody);
        if (syscall(SYS_setgroups, 0, nullptr) != 0 ||
            syscall(SYS_setresgid, somebody, somebody, somebody) != 0 ||
            syscall(SYS_setresuid, somebody, somebody, somebody) != 0)
            _exit(125);
    };
    return options;
}

Supervised::Options Limits::without(const std::vector<int>& capabilities) {
    Supervised::Options options;
    options.before_exec = [capabilities] {
        for (const int capability : capabilities)
            if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) _exit(125);
    };
    return options;
}

constexpr const char* no_users = "workers run as the supervisor's own user";
constexpr const char* not_spared = "the kernel may end the supervisor";

uid_t user_of(pid_t process) {
    struct stat info {};
    return stat(("/proc/" + std::to_string(process)).c_str(), &info) == 0 ? info.st_uid : 0;
}

TEST_P(Limits, OfAnOrdinaryUserAreNamedOnce) {
    covers("37");
    if (geteuid() != 0) GTEST_SKIP() << "already an ordinary user: cannot become another";
    start(usual_plan, ordinary_user());
    expect_said_once(no_users);
    expect_said_once(not_spared);
    expect_said_once("the kernel does not hold workers to their memory");
    expect_said_once("the kernel does not limit a worker's processes");
    EXPECT_EQ(user_of(supervisor->worker("one")), somebody);
    kill(supervisor->worker("one"), SIGKILL);
    expect_recovered("one", "killed by signal 9 (KILL)");
}

TEST_P(Limits, WithoutAdministrationAreNamedOnce) {
    covers("37");
    start(usual_plan, without({CAP_SYS_ADMIN}));
    EXPECT_EQ(lines_with("warn: "), spared() ? 0u : 1u);  // nothing that we do needs it
}

TEST_P(Limits, WithoutResourcesAreNamedOnce) {
    covers("37");
    start(usual_plan, without({CAP_SYS_RESOURCE}));
    expect_said_once(not_spared);
    EXPECT_EQ(lines_with("warn: "), 1u);
}

TEST_P(Limits, WithoutTheChangeOfUsersAreNamedOnce) {
    covers("37");
    for (const int capability : {CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_KILL}) {
        start(usual_plan, without({capability}));
        expect_said_once(no_users);
        EXPECT_EQ(lines_with("warn: "), spared() ? 1u : 2u);
        kill(supervisor->worker("one"), SIGKILL);
        expect_recovered("one", "killed by signal 9 (KILL)");
        stop();
    }
}

TEST_P(Limits, WithoutAnyRightAreNamedOnce) {
    covers("37");
    std::vector<int> all;
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) all.push_back(capability);
    start(usual_plan, without(all));
    expect_said_once(no_users);
    expect_said_once(not_spared);
    kill(supervisor->worker("one"), SIGKILL);
    expect_recovered("one", "killed by signal 9 (KILL)");
}

// --- descriptors ---

void limit_descriptors(rlim_t most) {
    const rlimit files{most, most};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) _exit(125);
}

// One more than the usual two has room with 72 descriptors, none with 64.
constexpr const char* no_room = "descriptors (ulimit -n) there is room for";
constexpr const char* few = "worker gateway gateway\nworker one stub\n";

std::string many() {
    std::string plan = few;
    for (int i = 0; i < 12; ++i) plan += "worker late" + std::to_string(i) + " stub\n";
    return plan;
}

TEST_P(Limits, OfTheSupervisorsDescriptorsCostOnlyWhoComesLate) {
    covers("38");
    may_hold_more_descriptors = true;
    Supervised::Options options;
    options.before_exec = [] { limit_descriptors(72); };
    start(few, options);
    supervisor->set_plan(many());
    supervisor->signal(SIGHUP);
    ASSERT_TRUE(supervisor->wait_line(no_room));
    EXPECT_TRUE(supervisor->wait_ready("late0"));
    const double before = supervisor->processor_seconds();
    const int64_t begin = monotonic_us();
    // There is room for successors, and for a planner.
    for (const char* worker : {"gateway", "one"}) {
        expect_responds(worker);
        ASSERT_GE(supervisor->kill_to_next_life(worker), 0);
        EXPECT_TRUE(supervisor->wait_ready_after(worker, 1));
    }
    supervisor->set_plan(few);
    supervisor->signal(SIGHUP);
    EXPECT_TRUE(supervisor->wait_status(
        "late0", [](const auto& status) { return status.state() == Status::STOPPED; }));
    const double share = (supervisor->processor_seconds() - before) * 1e6 /
                         static_cast<double>(monotonic_us() - begin);
    remark("the supervisor used " + std::to_string(share * 100).substr(0, 4) + " % meanwhile");
    EXPECT_EQ(lines_with(no_room), 11u) << "once for each";
    EXPECT_EQ(lines_with("Too many open files"), 0u);
    expect_responds("gateway");
}

TEST_P(Limits, OfTheSupervisorsDescriptorsAreFeltUntilTheyAreRaised) {
    covers("38");
    may_hold_more_descriptors = true;
    start(few);
    ASSERT_NO_FATAL_FAILURE(limit_now(64));
    supervisor->set_plan(many());
    supervisor->signal(SIGHUP);
    ASSERT_TRUE(wait_lines_with(no_room, 12));
    ASSERT_NO_FATAL_FAILURE(limit_now(1'024));
    for (int i = 0; i < 12; ++i)
        EXPECT_TRUE(supervisor->wait_ready("late" + std::to_string(i))) << i;
    expect_others_untouched({});
}

TEST_P(Limits, OfTheSupervisorsDescriptorsLetADeadWorkerBeReplacedLater) {
    covers("38");
    start();
    ASSERT_NO_FATAL_FAILURE(limit_now(supervisor->descriptors()));
    kill(supervisor->worker("one"), SIGKILL);
    ASSERT_TRUE(supervisor->wait_line("one killed by signal 9 (KILL)"));
    ASSERT_TRUE(supervisor->wait_line("Too many open files"));
    expect_responds("gateway");
    expect_responds("two");
    ASSERT_NO_FATAL_FAILURE(limit_now(1'024));
    EXPECT_TRUE(supervisor->wait_ready_after("one", 1));
    expect_others_untouched({"one"});
}

TEST_P(Limits, OfAWorkersDescriptorsAreItsOwn) {
    covers("39");
    start();
    ASSERT_LT(supervisor->status("one").descriptors(), 20u);
    const size_t before = supervisor->descriptors();
    ASSERT_TRUE(supervisor->tell("one", "descriptors 100000"));
    EXPECT_EQ(supervisor->status("one").descriptors(), 4'096u);
    EXPECT_LE(supervisor->descriptors(), before + 1);  // the one of the last answer
    expect_responds("one");
    expect_responds("two");
    expect_others_untouched({});
    supervisor->order("one", "exit 1");
    expect_recovered("one", "exit code 1");
    EXPECT_LT(supervisor->status("one").descriptors(), 20u);
}

// What the worker found in its last life, by number.
std::vector<std::string> descriptors_of(const Supervised& supervisor, const std::string& worker) {
    std::vector<std::string> targets;
    for (const auto& words : supervisor.notes(worker, "descriptor")) {
        if (words.size() < 4) continue;
        if (words[1] == "0") targets.clear();
        if (words[1] == std::to_string(targets.size()))
            targets.push_back(words[2].substr(0, words[2].find(':')));
        else
            targets.push_back("unexpected " + words[1] + " " + words[2]);
    }
    return targets;
}

TEST_P(Limits, OfInheritanceGiveAWorkerItsOwnDescriptorsOnly) {
    covers("40");
    using Targets = std::vector<std::string>;
    const std::string reports = " STUB_DO=report-descriptors;ready\n";
    start("worker gateway gateway" + reports + "worker one stub" + reports + "worker two stub" +
          reports);
    const Targets usual = {"/dev/null", "pipe", "pipe", "socket", "/memfd"};
    EXPECT_EQ(descriptors_of(*supervisor, "two"), usual);
    // It may read everybody's page.
    Targets all = usual;
    all.insert(all.end(), 3, "/memfd");
    kill(supervisor->worker("gateway"), SIGKILL);
    expect_recovered("gateway", "killed by signal 9 (KILL)");
    EXPECT_EQ(descriptors_of(*supervisor, "gateway"), all);
    for (uint64_t life = 1; life <= 3; ++life) {
        EXPECT_EQ(descriptors_of(*supervisor, "one"), usual) << "in life " << life;
        kill(supervisor->worker("one"), SIGKILL);
        ASSERT_TRUE(supervisor->wait_ready_after("one", life));
    }
}

AT_BOTH_PLACES(Limits);

}  // namespace
