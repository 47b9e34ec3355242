#include "supervisor/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace supervisor {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

TEST(CgroupTrees, FindsVersion2OfAContainer) {
    const auto trees =
        find_cgroup_trees("30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/\n");
    EXPECT_EQ(trees.unified, "/sys/fs/cgroup");
}

TEST(CgroupTrees, FindsEachControllerOfVersion1BesideVersion2) {
    const auto trees = find_cgroup_trees(
        "14 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "18 30 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
        "20 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        "8:pids:/\n4:memory:/jobs/one\n0::/\n");
    EXPECT_EQ(trees.memory_version, CgroupVersion::v1);
    EXPECT_EQ(trees.memory, "/sys/fs/cgroup/memory/jobs/one");
    EXPECT_EQ(trees.pids, "/sys/fs/cgroup/pids");
    EXPECT_EQ(trees.unified, "/sys/fs/cgroup/unified");
}

TEST(CgroupTrees, TakesTheTopOfAMountThatShowsOnlyOurPart) {
    const std::string mounts =
        "14 30 0:31 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
    EXPECT_EQ(find_cgroup_trees(mounts, "4:memory:/docker/abc\n").memory, "/sys/fs/cgroup/memory");
    EXPECT_EQ(find_cgroup_trees(mounts, "4:memory:/elsewhere\n").memory, "/sys/fs/cgroup/memory");
}

TEST(CgroupTrees, NeverLeavesItsMount) {
    const auto trees = find_cgroup_trees("30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
                                         "0::/../../escape\n");
    EXPECT_EQ(trees.unified, "/sys/fs/cgroup");
}

TEST(CgroupTrees, FindsNothingWhereThereIsNothing) {
    const auto trees = find_cgroup_trees("22 1 0:20 / /proc rw - proc proc rw\n", "");
    EXPECT_EQ(trees.memory_version, CgroupVersion::none);
    EXPECT_EQ(trees.unified, "");
}

// A version 2 tree of ordinary files: the kernel's part is what they are told.
class FakeVersion2 : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/cgroup_test_XXXXXX";
        root_ = mkdtemp(name);
        put("cgroup.controllers", "cpu memory pids\n");
        put("cgroup.subtree_control", "");
        put("memory.max", "max\n");
        for (const char* group : {"hardshell-k", "hardshell-k/agent"}) {
            mkdir((root_ + "/" + group).c_str(), 0755);
            put(std::string(group) + "/cgroup.procs", "");
        }
        put("hardshell-k/cgroup.subtree_control", "");
        for (const char* file : {"memory.max", "memory.high", "memory.oom.group", "memory.swap.max",
                                 "pids.max", "cgroup.kill"})
            put(std::string("hardshell-k/agent/") + file, "");
        put("hardshell-k/agent/memory.events", "low 0\nhigh 4\nmax 0\noom 0\noom_kill 2\n");
        put("hardshell-k/agent/memory.stat", "anon 4096\nfile 99999999\n");
    }
    void TearDown() override { (void)!system(("rm -rf " + root_).c_str()); }
    void put(const std::string& file, const std::string& text) {
        std::ofstream(root_ + "/" + file) << text;
    }
    std::string get(const std::string& file) const {
        return content(root_ + "/hardshell-k/agent/" + file);
    }
    Cgroups open() const {
        return Cgroups::open(
            find_cgroup_trees("30 22 0:26 / " + root_ + " rw - cgroup2 none rw\n", "0::/\n"), "k");
    }

    std::string root_;
};

TEST_F(FakeVersion2, HandsItsControllersDown) {
    const Cgroups groups = open();
    EXPECT_EQ(groups.mode(), "kept by the kernel (cgroup v2)");
    EXPECT_TRUE(groups.limits_memory());
    EXPECT_THAT(content(root_ + "/cgroup.subtree_control"), HasSubstr("+memory"));
    EXPECT_THAT(content(root_ + "/hardshell-k/cgroup.subtree_control"), HasSubstr("+pids"));
}

TEST_F(FakeVersion2, WritesTheLimitsOfAWorker) {
    const auto group = open().make("agent");
    ASSERT_TRUE(group->limit({80, 100}, 32));
    EXPECT_EQ(get("memory.max"), "100");
    EXPECT_EQ(get("memory.high"), "80");
    EXPECT_EQ(get("memory.oom.group"), "1");
    EXPECT_EQ(get("pids.max"), "32");
    EXPECT_THAT(group->doors(), SizeIs(1));
}

TEST_F(FakeVersion2, CountsOwnMemoryAndNoPageCache) {
    const auto group = open().make("agent");
    EXPECT_EQ(group->used(), 4096u);
    EXPECT_EQ(group->memory_kills(), 2u);
}

TEST_F(FakeVersion2, TellsItsOwnLimitFromThatOfAGroupAround) {
    const auto group = open().make("agent");
    EXPECT_EQ(group->memory_refusals(), 0u) << "its kills were for another's limit";
    put("hardshell-k/agent/memory.events", "low 0\nhigh 4\nmax 9\noom 3\noom_kill 2\n");
    EXPECT_EQ(group->memory_refusals(), 3u);
}

TEST_F(FakeVersion2, KnowsTheLimitOfItsContainer) {
    EXPECT_EQ(open().own_limit(), std::nullopt);
    put("memory.max", "268435456\n");
    EXPECT_EQ(open().own_limit(), 268435456u);
}

TEST_F(FakeVersion2, KnowsTheRoomInItsContainerAndCountsNoPageCache) {
    EXPECT_FALSE(open().room());
    put("memory.max", "1000\n");
    put("memory.current", "900\n");
    put("memory.stat", "anon 300\ninactive_file 400\nactive_file 200\n");
    const auto room = open().room();
    ASSERT_TRUE(room);
    EXPECT_EQ(room->limit, 1000u);
    EXPECT_EQ(room->available, 700u);
}

TEST_F(FakeVersion2, SaysWhenItMayNotDivideTheTree) {
    (void)!system(
        ("rm -rf " + root_ + "/hardshell-k; rm " + root_ + "/cgroup.subtree_control").c_str());
    mkdir((root_ + "/cgroup.subtree_control").c_str(), 0755);  // cannot be written
    const Cgroups groups = open();
    EXPECT_FALSE(groups.limits_memory());
    EXPECT_THAT(groups.mode(), HasSubstr("may not be divided"));
}

// A file that somebody wrote to is younger.
void make_old(const std::string& file) {
    std::filesystem::last_write_time(file, std::filesystem::file_time_type{});
}
bool is_old(const std::string& file) {
    return std::filesystem::last_write_time(file) == std::filesystem::file_time_type{};
}

pid_t start_child() {
    const pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    return child;
}

bool was_killed(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

TEST_F(FakeVersion2, StopsForksWhereTheKernelCannotEndAGroupAtOnce) {
    Cgroups groups = open();
    const auto agent = groups.make("agent");
    ASSERT_TRUE(agent->limit({80, 100}, 32));
    std::filesystem::remove(root_ + "/hardshell-k/agent/cgroup.kill");
    const pid_t child = start_child();
    put("hardshell-k/agent/cgroup.procs", std::to_string(child) + "\n");
    make_old(root_ + "/hardshell-k/agent/pids.max");
    EXPECT_FALSE(agent->kill()) << "a file does not empty itself";
    EXPECT_TRUE(was_killed(child));
    EXPECT_FALSE(is_old(root_ + "/hardshell-k/agent/pids.max"));
    EXPECT_EQ(get("pids.max"), "32");
}

TEST_F(FakeVersion2, EndsWhatAnEarlierGatewayLeftAndSaysWhatStays) {
    const pid_t child = start_child();
    put("hardshell-k/agent/cgroup.procs", std::to_string(child) + "\n");
    put("hardshell-k/agent/pids.max", "32\n");
    make_old(root_ + "/hardshell-k/agent/pids.max");
    mkdir((root_ + "/hardshell-k/tools").c_str(), 0755);
    const Cgroups groups = open();
    EXPECT_TRUE(was_killed(child));
    EXPECT_FALSE(is_old(root_ + "/hardshell-k/agent/pids.max")) << "nobody could fork meanwhile";
    EXPECT_EQ(access((root_ + "/hardshell-k/tools").c_str(), F_OK), -1);
    ASSERT_THAT(groups.leftovers(), SizeIs(1)) << "a directory with files stays";
    EXPECT_THAT(groups.leftovers()[0], HasSubstr("hardshell-k/agent of an earlier gateway"));
}

// Version 1 beside an empty tree of version 2, as on Fly.
class FakeVersion1 : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/cgroup_test_XXXXXX";
        root_ = mkdtemp(name);
        for (const char* tree : {"memory", "pids", "unified"}) {
            std::filesystem::create_directories(root_ + "/" + tree + "/hardshell-k/agent");
            for (const char* file : {"tasks", "cgroup.procs", "pids.max", "memory.limit_in_bytes"})
                put(tree + std::string("/hardshell-k/agent/") + file, "");
        }
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void put(const std::string& file, const std::string& text) {
        std::ofstream(root_ + "/" + file) << text;
    }
    Cgroups open() const {
        return Cgroups::open(
            find_cgroup_trees("30 22 0:26 / " + root_ + "/memory rw - cgroup c rw,memory\n" +
                                  "31 22 0:27 / " + root_ + "/pids rw - cgroup c rw,pids\n" +
                                  "32 22 0:28 / " + root_ + "/unified rw - cgroup2 c rw\n",
                              "2:memory:/\n1:pids:/\n0::/\n"),
            "k");
    }

    std::string root_;
};

TEST_F(FakeVersion1, IsEnteredThreadByThreadAndAlone) {
    Cgroups groups = open();
    EXPECT_EQ(groups.mode(), "kept by the kernel (cgroup v1)");
    const auto agent = groups.make("agent");
    ASSERT_TRUE(agent->limit({80, 100}, 32));
    ASSERT_THAT(agent->doors(), SizeIs(2));
    for (const int door : agent->doors()) ASSERT_EQ(write(door, "0", 1), 1);
    EXPECT_EQ(content(root_ + "/memory/hardshell-k/agent/tasks"), "0");
    EXPECT_EQ(content(root_ + "/pids/hardshell-k/agent/tasks"), "0");
    EXPECT_EQ(content(root_ + "/unified/hardshell-k/agent/tasks"), "");
}

TEST_F(FakeVersion1, TakesNewProcessesAgainWhenThoseInsideAreEnded) {
    const pid_t child = start_child();
    Cgroups groups = open();
    const auto agent = groups.make("agent");
    ASSERT_TRUE(agent->limit({80, 100}, 32));
    put("pids/hardshell-k/agent/cgroup.procs", std::to_string(child) + "\n");
    EXPECT_FALSE(agent->kill()) << "a file does not empty itself";
    EXPECT_TRUE(was_killed(child));
    EXPECT_EQ(content(root_ + "/pids/hardshell-k/agent/pids.max"), "32");
}

// Our group is not the topmost and holds others: an init, a wrapper.
class FakeVersion2WithCompanions : public FakeVersion2 {
  protected:
    void SetUp() override {
        FakeVersion2::SetUp();
        put("cgroup.type", "domain\n");
        put("cgroup.procs", "1\n");
        mkdir((root_ + "/hardshell-k/supervisor").c_str(), 0755);
    }
};

TEST_F(FakeVersion2WithCompanions, MovesEverybodyOneDownAndBack) {
    put("hardshell-k/supervisor/cgroup.procs", "");
    Cgroups groups = open();
    EXPECT_EQ(groups.mode(), "kept by the kernel (cgroup v2)");
    EXPECT_EQ(content(root_ + "/hardshell-k/supervisor/cgroup.procs"), "1");
    put("cgroup.procs", "");
    groups.close();
    EXPECT_EQ(content(root_ + "/cgroup.procs"), "1");
    EXPECT_THAT(content(root_ + "/cgroup.subtree_control"), HasSubstr("-memory"));
}

TEST_F(FakeVersion2WithCompanions, NamesWhoCannotBeMoved) {
    mkdir((root_ + "/hardshell-k/supervisor/cgroup.procs").c_str(), 0755);  // cannot be written
    const Cgroups groups = open();
    EXPECT_FALSE(groups.limits_memory());
    EXPECT_THAT(groups.mode(), HasSubstr("process 1 ("));
    EXPECT_THAT(groups.mode(), HasSubstr("cannot be moved"));
    EXPECT_THAT(groups.mode(), HasSubstr("start Hardshell in a group of its own"));
}

TEST_F(FakeVersion2WithCompanions, FindsItsOwnGroupAgainAfterALifeThatDidNotClose) {
    put("cgroup.procs", "");
    put("hardshell-k/supervisor/cgroup.procs", std::to_string(getpid()) + "\n");
    put("hardshell-k/supervisor/cgroup.controllers", "memory pids\n");
    const Cgroups groups =
        Cgroups::open(find_cgroup_trees("30 22 0:26 / " + root_ + " rw - cgroup2 none rw\n",
                                        "0::/hardshell-k/supervisor\n"),
                      "k");
    EXPECT_EQ(groups.mode(), "kept by the kernel (cgroup v2)");
    EXPECT_EQ(access((root_ + "/hardshell-k/supervisor/hardshell-k").c_str(), F_OK), -1);
}

TEST_F(FakeVersion2, ThawsAGroupBeforeAProcessEntersIt) {
    put("hardshell-k/agent/cgroup.freeze", "1");
    open().make("agent")->thaw();
    EXPECT_EQ(get("cgroup.freeze"), "0");
}

// A child enters a group in the tree of this machine, whatever it is, and does `inside`; once so
// many bytes have come to it, all who hold its other end are to be ended with the group.
void expect_all_ended(size_t bytes, void (*inside)(int end)) {
    Cgroups groups = Cgroups::open(
        find_cgroup_trees(content("/proc/self/mountinfo"), content("/proc/self/cgroup")),
        "unit-test-" + std::to_string(getpid()));
    auto group = groups.make("w");
    if (!group) GTEST_SKIP() << "this machine offers no control groups: " << groups.mode();
    ASSERT_TRUE(group->limit({64u << 20, 80u << 20}, 16));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);  // who is left when the test is gone ends by SIGPIPE
        for (const int door : group->doors()) (void)!write(door, "0", 1);
        inside(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    char byte = 0;
    for (size_t count = 0; count < bytes; ++count) ASSERT_EQ(read(ends[0], &byte, 1), 1);
    bool ended = false;  // on a busy machine later than it likes to wait
    for (int turn = 0; turn < 50 && !ended; ++turn) ended = group->kill();
    EXPECT_TRUE(ended);
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    while (read(ends[0], &byte, 1) == 1) continue;  // until nobody holds the other end any more
    close(ends[0]);
    group.reset();
    groups.close();
}

TEST(Cgroups, EndsEveryProcessOfAGroup) {
    expect_all_ended(2, [](int end) {
        if (fork() == 0) setsid();  // it leaves the session, not the group
        (void)!write(end, "x", 1);
        for (;;) pause();
    });
}

TEST(Cgroups, EndsProcessesThatForkAway) {
    expect_all_ended(200, [](int end) {
        fcntl(end, F_SETFL, O_NONBLOCK);
        for (;;) {
            if (fork() > 0) _exit(0);
            (void)!write(end, "x", 1);
        }
    });
}

}  // namespace
}  // namespace supervisor
