// Memory runs out: for one worker, for the group around the gateway, for the machine. With control
// groups and without them the same rules hold, only less promptly.

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/faults/fenced_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

constexpr uint64_t mib = 1u << 20;

// The worker "one" with a soft and a hard limit in MiB; the others as they are. The total is said,
// so that the tests are the same on every machine.
std::string plan_with(uint64_t soft, uint64_t limit) {
    return std::string(usual_plan) + "memory " + std::to_string(6'144 * mib) + "\nwish one " +
           std::to_string(soft * mib) + " " + std::to_string(limit * mib) + "\n";
}

class Memory : public FencedTest {
  protected:
    static Supervised::Options seeing(Groups groups) {
        Supervised::Options options;
        options.before_exec = view_of(groups);
        return options;
    }
    // Whatever runs away stays below so many MiB, whether or not the supervisor can limit it.
    bool fence_in(Supervised::Options& options, uint64_t limit);
    void start(const std::string& plan = usual_plan, Supervised::Options options = {});

    // The rules, in whatever tier: each test starts the supervisor and calls one.
    void expect_sheds_and_is_replaced();
    void expect_sheds_and_stays();
    void leak_past_the_soft_limit();
    void expect_dies_alone(const std::string& command);
    void expect_scores_in_order();
    void let_the_kernel_kill(const std::string& worker);

    ControlGroup* fence_ = nullptr;
    uint64_t fence_limit_ = 0;  // MiB
};

bool has_group_limit(const Supervised& supervisor, uint64_t limit) {
    return memory_limit_of(supervisor.worker("one")) == limit * mib;
}
constexpr const char* no_limits = "the kernel does not hold workers to their memory here";
constexpr const char* no_fence = "no memory group may be made here, and nothing else would hold it";

bool Memory::fence_in(Supervised::Options& options, uint64_t limit) {
    ControlGroup& fence = own_group("memory");
    if (!fence.exists() || !fence.number("memory.limit_in_bytes")) return false;
    fence_ = &fence;
    fence_limit_ = limit;
    options.before_exec = [&fence, next = options.before_exec] {
        fence.enter();
        if (next) next();
    };
    return true;
}

// The fence is closed once all are ready: of memory that is not there nothing is shared out.
void Memory::start(const std::string& plan, Supervised::Options options) {
    FencedTest::start(plan, std::move(options));
    if (!fence_) return;
    ASSERT_TRUE(fence_->set("memory.limit_in_bytes", std::to_string(fence_limit_ * mib)));
    ASSERT_EQ(fence_->number("memory.limit_in_bytes"), fence_limit_ * mib);
}

// --- one worker: the rules ---

void Memory::expect_sheds_and_is_replaced() {
    const int64_t begin = monotonic_us();
    ASSERT_TRUE(supervisor->tell("one", "leak 80 10"));
    ASSERT_TRUE(supervisor->wait_line("one is replaced: its memory is at"));
    expect_recovered("one", "was replaced before it reached its memory limit");
    EXPECT_EQ(supervisor->notes("one", "shed").size(), 1u);
    EXPECT_EQ(supervisor->notes("one", "stop").size(), 1u);
    EXPECT_EQ(supervisor->status("one").last_cause(), "memory_replaced");
    remark("replaced " + std::to_string((monotonic_us() - begin) / 1000) +
           " ms after the leak began");
}

void Memory::expect_sheds_and_stays() {
    ASSERT_TRUE(supervisor->tell("one", "shed"));
    for (size_t time = 1; time <= 2; ++time) {
        ASSERT_TRUE(supervisor->tell("one", "grow 70 0"));
        ASSERT_TRUE(supervisor->wait_notes("one", "shed", time));
        ASSERT_TRUE(supervisor->wait_status(
            "one", [](const auto& status) { return status.memory_bytes() < 40 * mib; }));
        // It is looked at once a second; only then the next time is a new one.
        if (time == 1) {
            EXPECT_FALSE(supervisor->wait_line("one is replaced", 0, 2s));
        }
    }
    EXPECT_EQ(supervisor->notes("one", "shed").size(), 2u);
    expect_others_untouched({});
}

// It is told, and will go on before it is replaced for that.
void Memory::leak_past_the_soft_limit() {
    ASSERT_TRUE(supervisor->tell("one", "leak 20 0"));
    ASSERT_TRUE(supervisor->wait_notes("one", "shed", 1));
}

void Memory::expect_dies_alone(const std::string& command) {
    ASSERT_TRUE(supervisor->tell("one", "print the very last words"));
    supervisor->order("one", command);
    expect_recovered("one", "out of memory: ");
    const auto status = supervisor->status("one");
    EXPECT_EQ(status.last_cause(), "oom");
    EXPECT_NE(status.last_end().find(" of 64.0 MiB, after "), std::string::npos)
        << status.last_end();
    double peak = 0;
    ASSERT_EQ(std::sscanf(status.last_end().c_str(), "out of memory: %lf", &peak), 1);
    EXPECT_GE(peak, 64.0);
    ASSERT_GE(status.last_lines_size(), 1);
    EXPECT_EQ(status.last_lines(status.last_lines_size() - 1), "the very last words");
    EXPECT_TRUE(supervisor->wait_line("it last said: \"the very last words\""));
    EXPECT_EQ(lines_with("out of memory"), 1u);
    expect_responds("two");
}

// --- one worker, held by the kernel ---

TEST_P(Memory, BeyondTheSoftLimitIsShedOrTheWorkerReplaced) {
    covers("30");
    start(plan_with(40, 200));
    if (!has_group_limit(*supervisor, 200)) GTEST_SKIP() << no_limits;
    expect_sheds_and_is_replaced();
}

TEST_P(Memory, ThatIsShedKeepsTheWorker) {
    covers("30");
    start(plan_with(40, 200));
    if (!has_group_limit(*supervisor, 200)) GTEST_SKIP() << no_limits;
    expect_sheds_and_stays();
}

TEST_P(Memory, ThatLeaksToTheHardLimitEndsTheWorkerAlone) {
    covers("31");
    start(plan_with(12, 64));
    if (!has_group_limit(*supervisor, 64)) GTEST_SKIP() << no_limits;
    leak_past_the_soft_limit();
    expect_dies_alone("leak 200 5");
}

TEST_P(Memory, ThatIsTakenAtOnceEndsTheWorkerAlone) {
    covers("32");
    start(plan_with(40, 64));
    if (!has_group_limit(*supervisor, 64)) GTEST_SKIP() << no_limits;
    expect_dies_alone("grow 1024 0");
}

TEST_P(Memory, OfThePageCacheIsNobodysOwn) {
    covers("33");
    struct statfs info {};
    start(plan_with(40, 64));
    if (!has_group_limit(*supervisor, 64)) GTEST_SKIP() << no_limits;
    ASSERT_EQ(statfs(supervisor->state_dir().c_str(), &info), 0);
    if (info.f_type == TMPFS_MAGIC) GTEST_SKIP() << "the state directory is memory itself";
    const std::string group = group_of(supervisor->worker("one"), "memory");
    ASSERT_TRUE(supervisor->tell("one", "write-file 200"));
    const auto used = number_in(group + "/memory.usage_in_bytes");
    EXPECT_GT(used, 40 * mib) << "no page cache to speak of";
    // It would be told at the next look, a second later.
    EXPECT_FALSE(supervisor->wait_line("one is replaced", 0, 2500ms));
    EXPECT_EQ(supervisor->notes("one", "shed").size(), 0u);
    EXPECT_LT(supervisor->status("one").memory_bytes(), 10 * mib);
    remark(std::to_string(used.value_or(0) / mib) + " MiB with the page cache, " +
           std::to_string(supervisor->status("one").memory_bytes() >> 10) + " KiB of its own");
    expect_others_untouched({});
    // It reached its limit, but that is not what ended it.
    kill(supervisor->worker("one"), SIGKILL);
    expect_recovered("one", "killed by signal 9 (KILL)");
    supervisor->tell("one", "remove-file");
}

// --- the same without control groups ---

TEST_P(Memory, BeyondTheSoftLimitIsShedOrTheWorkerReplacedWithoutGroups) {
    covers("30");
    covers("36");
    Supervised::Options options = seeing(Groups::none);
    if (!fence_in(options, 1'500)) GTEST_SKIP() << no_fence;
    start(plan_with(40, 200), options);
    expect_sheds_and_is_replaced();
}

TEST_P(Memory, ThatIsShedKeepsTheWorkerWithoutGroups) {
    covers("30");
    covers("36");
    Supervised::Options options = seeing(Groups::none);
    if (!fence_in(options, 1'500)) GTEST_SKIP() << no_fence;
    start(plan_with(40, 200), options);
    expect_sheds_and_stays();
}

TEST_P(Memory, ThatLeaksToTheHardLimitEndsTheWorkerAloneWithoutGroups) {
    covers("31");
    covers("36");
    Supervised::Options options = seeing(Groups::none);
    if (!fence_in(options, 1'500)) GTEST_SKIP() << no_fence;
    start(plan_with(12, 64), options);
    leak_past_the_soft_limit();
    expect_dies_alone("leak 200 5");
}

TEST_P(Memory, ThatIsTakenAtOnceEndsTheWorkerAloneWithoutGroups) {
    covers("32");
    covers("36");
    Supervised::Options options = seeing(Groups::none);
    if (!fence_in(options, 1'500)) GTEST_SKIP() << no_fence;
    start(plan_with(40, 64), options);
    expect_dies_alone("grow 1024 0");
}

// --- the machine and what is around the gateway ---

// What the supervisor reads in place of /proc/meminfo.
class Meminfo {
  public:
    Meminfo() : file_(mkostemp(path_, O_CLOEXEC)) { fchmod(file_.get(), 0644); }
    ~Meminfo() { unlink(path_); }
    Meminfo(const Meminfo&) = delete;
    Meminfo& operator=(const Meminfo&) = delete;

    void say_available(uint64_t mebibytes) {
        char text[128];
        const int size =
            std::snprintf(text, sizeof text, "MemTotal:     8388608 kB\nMemAvailable: %7llu kB\n",
                          static_cast<unsigned long long>(mebibytes << 10));
        // In one piece and of one length: it may be read at any moment.
        EXPECT_EQ(pwrite(file_.get(), text, static_cast<size_t>(size), 0), size);
    }
    // In before_exec.
    void show() const {
        if (unshare(CLONE_NEWNS) != 0) _exit(125);
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (mount(path_, "/proc/meminfo", nullptr, MS_BIND, nullptr) != 0) _exit(125);
    }

  private:
    char path_[24] = "/tmp/hf-meminfo-XXXXXX";
    Fd file_;
};

int score_of(pid_t process) {
    return std::atoi(read_proc(process, "oom_score_adj").c_str());
}

TEST_P(Memory, OfTheMachineIsRelievedOfWhoCanBeMissed) {
    covers("34");
    if (geteuid() != 0) GTEST_SKIP() << "only root can show the supervisor another /proc/meminfo";
    Meminfo meminfo;
    meminfo.say_available(4'096);
    Supervised::Options options;
    options.before_exec = [&] { meminfo.show(); };
    const std::string wishes =
        "wish gateway 104857600 209715200\nwish one 104857600 209715200\n"
        "wish two 104857600 209715200\n";
    start(usual_plan + wishes, options);
    // The gateway uses most, but cannot be missed; of the others, one does.
    ASSERT_TRUE(supervisor->tell("gateway", "grow 90 0"));
    ASSERT_TRUE(supervisor->tell("one", "grow 60 0"));
    ASSERT_TRUE(supervisor->tell("two", "grow 20 0"));
    meminfo.say_available(500);
    ASSERT_TRUE(supervisor->wait_line(
        "one is replaced: the machine has only 500.0 MiB of 8192.0 MiB left"));
    meminfo.say_available(4'096);
    expect_recovered("one", "was replaced before it reached its memory limit");
    EXPECT_EQ(supervisor->status("one").last_cause(), "memory_replaced");
}

TEST_P(Memory, OfTheMachineThatNobodyCanGiveBackIsSaidOnce) {
    covers("34");
    if (geteuid() != 0) GTEST_SKIP() << "only root can show the supervisor another /proc/meminfo";
    Meminfo meminfo;
    meminfo.say_available(4'096);
    Supervised::Options options;
    options.before_exec = [&] { meminfo.show(); };
    start("worker gateway gateway\nworker agent agent\nlink gateway-agent gateway agent\n",
          options);
    meminfo.say_available(500);
    ASSERT_TRUE(supervisor->wait_line("the machine has only 500.0 MiB of 8192.0 MiB left; no"));
    meminfo.say_available(700);  // not much better
    EXPECT_FALSE(supervisor->wait_line("there is enough memory again", 0, 2500ms));
    meminfo.say_available(4'096);
    EXPECT_TRUE(supervisor->wait_line("there is enough memory again"));
    EXPECT_EQ(lines_with("the machine has only"), 1u);
    EXPECT_EQ(lines_with("there is enough memory again"), 1u);
}

void Memory::expect_scores_in_order() {
    std::vector<int> scores = {score_of(supervisor->pid())};
    for (const char* worker : {"gateway", "agent", "one"})
        scores.push_back(score_of(supervisor->worker(worker)));
    // The two may have the same: the supervisor uses less.
    EXPECT_LE(scores[0], scores[1]);
    EXPECT_LT(scores[1], scores[2]);
    EXPECT_LT(scores[2], scores[3]);
    std::string text = "scores of supervisor, gateway, agent, expendable:";
    for (const int score : scores) text += " " + std::to_string(score);
    remark(text);
}

TEST_P(Memory, OfTheMachineIsTakenByTheKernelInTheRightOrder) {
    covers("34");
    start();
    expect_scores_in_order();
}

TEST_P(Memory, OfTheMachineIsTakenInTheRightOrderFromAContainerOfLowRank) {
    covers("34");
    Supervised::Options options;
    options.before_exec = [] {
        const Fd file(open("/proc/self/oom_score_adj", O_WRONLY));
        if (write(file.get(), "400", 3) != 3) _exit(125);
    };
    start(usual_plan, options);
    expect_scores_in_order();
}

TEST_P(Memory, OfTheGroupAroundUsIsRelievedAsTheMachines) {
    covers("34");
    Supervised::Options options;
    if (!fence_in(options, 400)) GTEST_SKIP() << no_fence;
    start(plan_with(900, 1'000), options);
    if (!has_group_limit(*supervisor, 1'000)) GTEST_SKIP() << no_limits;
    const auto stat = [&](const char* what) {
        return number_in(fence_->path() + "/memory.stat", what).value_or(0);
    };
    const uint64_t cache = stat("total_inactive_file") + stat("total_active_file");
    const uint64_t used =
        (fence_->number("memory.usage_in_bytes").value_or(400 * mib) - cache) / mib;
    ASSERT_LT(used, 350u);
    supervisor->order("one", "grow " + std::to_string(400 - 24 - used) + " 0");
    ASSERT_TRUE(supervisor->wait_line("one is replaced: the group around this gateway has only"));
    expect_recovered("one", "was replaced before it reached its memory limit");
}

// Before the supervisor can relieve the group.
void Memory::let_the_kernel_kill(const std::string& worker) {
    const pid_t pid = supervisor->worker(worker);
    supervisor->signal(SIGSTOP);
    supervisor->order(worker, "grow 1000 0");
    EXPECT_TRUE(eventually([&] { return !is_running(pid); }));
    supervisor->signal(SIGCONT);
}

TEST_P(Memory, OfTheGroupAroundUsIsNotTheWorkersLimit) {
    covers("35");
    Supervised::Options options;
    if (!fence_in(options, 400)) GTEST_SKIP() << no_fence;
    start(plan_with(1'900, 2'000), options);
    if (!has_group_limit(*supervisor, 2'000)) GTEST_SKIP() << no_limits;
    let_the_kernel_kill("one");
    expect_recovered("one", "killed because the machine was out of memory");
    EXPECT_EQ(supervisor->status("one").last_cause(), "machine_oom");
    expect_responds("two");
}

TEST_P(Memory, OfTheGroupAroundUsIsNotTheWorkersLimitWithoutGroups) {
    covers("35");
    Supervised::Options options = seeing(Groups::none);
    if (!fence_in(options, 400)) GTEST_SKIP() << no_fence;
    start(plan_with(1'900, 2'000), options);
    let_the_kernel_kill("one");
    expect_recovered("one", "killed because the machine was out of memory");
    EXPECT_EQ(supervisor->status("one").last_cause(), "machine_oom");
}

// --- what the machine offers ---

TEST_P(Memory, IsLimitedByVersion1WhereThereIsNothingBetter) {
    covers("36");
    start();
    if (group_of(supervisor->worker("one"), "memory").empty())
        GTEST_SKIP() << "the memory controller of this machine is not of version 1";
    EXPECT_TRUE(supervisor->wait_line("memory limits are kept by the kernel (cgroup v1"));
    EXPECT_EQ(lines_with("memory limits are "), 1u);
    EXPECT_EQ(lines_with("the kernel does not hold workers to their memory"), 0u);
}

TEST_P(Memory, IsLimitedByVersion2WhereItHasControllers) {
    covers("36");
    if (!std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers"))
        GTEST_SKIP() << "the memory controller of this machine is of version 1; version 2, and "
                        "EBUSY with it, is in cgroup_test with files in the kernel's place";
    start();
    EXPECT_TRUE(supervisor->wait_line("memory limits are kept by the kernel (cgroup v2)"));
    EXPECT_EQ(lines_with("memory limits are "), 1u);
}

TEST_P(Memory, IsWatchedWhereThereAreNoGroups) {
    covers("36");
    if (geteuid() != 0) GTEST_SKIP() << "only root can hide the control groups";
    start(usual_plan, seeing(Groups::none));
    EXPECT_TRUE(supervisor->wait_line(
        "memory limits are looked at once a second: this machine has no memory groups"));
    EXPECT_EQ(lines_with("memory limits are "), 1u);
    EXPECT_EQ(lines_with("the kernel does not hold workers to their memory"), 1u);
    kill(supervisor->worker("one"), SIGKILL);
    expect_recovered("one", "killed by signal 9 (KILL)");
}

TEST_P(Memory, IsWatchedWhereTheGroupsAreNotOurs) {
    covers("36");
    if (geteuid() != 0) GTEST_SKIP() << "only root can hide the control groups";
    for (const Groups groups : {Groups::not_ours, Groups::read_only}) {
        start(usual_plan, seeing(groups));
        EXPECT_TRUE(
            supervisor->wait_line("memory limits are looked at once a second: the memory groups of "
                                  "this machine may not be divided by us"));
        EXPECT_EQ(lines_with("memory limits are "), 1u);
        kill(supervisor->worker("one"), SIGKILL);
        expect_recovered("one", "killed by signal 9 (KILL)");
        stop();
    }
}

TEST_P(Memory, GroupsOfAFormerLifeAreRemoved) {
    covers("36");
    start();
    const std::vector<std::string> groups = supervisor->control_groups();
    if (groups.empty()) GTEST_SKIP() << "no control groups may be made here";
    supervisor->signal(SIGKILL);
    EXPECT_EQ(supervisor->wait_exit(), 128 + SIGKILL);
    ASSERT_TRUE(eventually([&] { return supervisor->left_behind(0ms).empty(); }));
    // Its groups are still there, with one more in each tree for a worker that is in no plan.
    for (const std::string& group : groups)
        if (group.ends_with("/two"))
            mkdir((group.substr(0, group.rfind('/')) + "/forgotten").c_str(), 0755);
    ASSERT_GT(supervisor->control_groups().size(), groups.size());
    supervisor->start();
    wait_all_ready();
    EXPECT_EQ(supervisor->control_groups().size(), groups.size());
    EXPECT_EQ(lines_with("memory limits are "), 2u) << "one in each life";
}

AT_BOTH_PLACES(Memory);

}  // namespace
