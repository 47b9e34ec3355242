// What a command can and cannot do in its cell: real processes on this machine's kernel.

#include <signal.h>
#include <unistd.h>

#include "tests/workers/tools/cell_bench.h"

namespace tools {

using Cell = CellBench;

TEST_F(Cell, RunsACommandInTheWorkspace) {
    const Outcome outcome = run("pwd; echo out; echo err >&2; echo x > made.txt");
    EXPECT_FALSE(outcome.is_error);
    EXPECT_EQ(text(outcome), directory.file("state/workspace") + "\nout\nerr\n");
    EXPECT_EQ(directory.content("state/workspace/made.txt"), "x\n");
    EXPECT_EQ(int_member(outcome.details, "exitCode", -1), 0);
}

TEST_F(Cell, TellsHowACommandEnded) {
    EXPECT_EQ(text(run("echo a; exit 3")), "a\n\n\n(exit code 3)");
    EXPECT_EQ(text(run("kill -9 $$")), "(exit code 137)");
    Processes::Order unknown = order("x");
    unknown.cell.clear_arguments();
    unknown.cell.add_arguments("no-such-program");
    EXPECT_NE(text(run(std::move(unknown))).find("could not execute it: No such file"),
              std::string::npos);
    Processes::Order nowhere = order("true");
    nowhere.cell.set_workspace("/no/such/place");
    EXPECT_TRUE(run(std::move(nowhere)).is_error);
}

TEST_F(Cell, LetsNothingElseBeWritten) {
    const std::string outside = directory.file("outside.txt");
    EXPECT_TRUE(run("echo x > " + outside).is_error || !std::filesystem::exists(outside));
    for (const std::string& place :
         {std::string("/etc/hardshell-test"), std::string("/usr/hardshell-test"),
          std::string("/hardshell-test"), std::string("/var/hardshell-test"),
          std::string("/proc/sys/kernel/hostname"), std::string("/dev/hardshell-test")})
        EXPECT_TRUE(run("echo x > " + place).is_error) << place;
    EXPECT_TRUE(run("mknod n c 1 3").is_error);
    EXPECT_FALSE(run("echo x > /tmp/mine && echo y > /dev/null").is_error);
    EXPECT_FALSE(std::filesystem::exists("/tmp/mine"));
}

TEST_F(Cell, ShowsNothingOfTheStateDirectory) {
    if (!has_namespaces()) GTEST_SKIP() << "this machine has no namespaces for us";
    EXPECT_TRUE(run("cat " + directory.file("state/secret.txt")).is_error);
    EXPECT_TRUE(run("cat ../secret.txt").is_error);
    EXPECT_EQ(text(run("ls -a " + directory.file("state"))), ".\n..\nworkspace\n");
    EXPECT_TRUE(run("echo x > " + directory.file("state/y")).is_error);
}

TEST_F(Cell, ShowsNoOtherProcess) {
    if (!has_namespaces()) GTEST_SKIP() << "this machine has no namespaces for us";
    EXPECT_TRUE(run("kill -0 " + std::to_string(getpid())).is_error);
    EXPECT_TRUE(run("cat /proc/" + std::to_string(getpid()) + "/environ").is_error);
    const std::string seen = text(run("ls /proc | grep -c '^[0-9]'"));
    EXPECT_LE(std::atoi(seen.c_str()), 5) << seen;
    // Not even the leader of the cell, whose end would be the end of its walls.
    EXPECT_EQ(text(run("kill -9 1; echo alive")), "alive\n");
}

TEST_F(Cell, HasNoNetwork) {
    if (!has_namespaces()) GTEST_SKIP() << "this machine has no namespaces for us";
    EXPECT_EQ(text(run("grep -c : /proc/net/dev")), "1\n");
    EXPECT_TRUE(run("perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0)||exit 1;"
                    "connect(S,sockaddr_in(53,inet_aton(\"1.1.1.1\")))||exit 2'")
                    .is_error);
    EXPECT_EQ(text(run("perl -MSocket -e 'socket(S,PF_PACKET,SOCK_RAW,0)||print \"held\"'")),
              "held");
}

TEST_F(Cell, GainsNoRights) {
    const std::string status = text(run("cat /proc/self/status"));
    EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
    EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos);
    EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos);
    EXPECT_TRUE(run("unshare -U true").is_error);
    EXPECT_TRUE(run("unshare -m true").is_error);
    EXPECT_TRUE(run("mount -t tmpfs x /tmp").is_error);
    EXPECT_TRUE(run("chroot / true").is_error);
}

TEST_F(Cell, HasOnlyTheDescriptorsOfItsOwn) {
    EXPECT_EQ(text(run("exec ls /proc/self/fd")), "0\n1\n2\n3\n") << "3 is what ls reads";
}

TEST_F(Cell, HasOnlyTheVariablesItIsGiven) {
    setenv("CELL_TEST_SECRET", "leaked", 1);
    EXPECT_EQ(text(run("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=")),
              "PATH=/usr/bin:/bin\n");
    EXPECT_EQ(text(run("tr '\\0' '\\n' < /proc/1/environ")).find("leaked"), std::string::npos);
}

TEST_F(Cell, TakesAllDescendantsAlong) {
    if (!has_namespaces()) GTEST_SKIP() << "this machine has no namespaces for us";
    // The escapee holds the pipe: were it alive, the output would not end.
    const Outcome outcome =
        run("(setsid sh -c 'sleep 1000' &) ; (setsid sh -c 'setsid sleep 1000 &' &) ; echo done");
    EXPECT_EQ(text(outcome), "done\n");
}

TEST_F(Cell, EndsAForkBomb) {
    ASSERT_NE(getuid(), 0u) << "nothing would hold it";
    if (!has_namespaces()) GTEST_SKIP() << "this machine has no namespaces for us";
    Processes::Order bomb = order("f() { f | f & }; f; sleep 1000");
    bomb.timeout = std::chrono::seconds(2);
    bomb.cell.set_most_processes(24);
    const Outcome outcome = run(std::move(bomb));
    EXPECT_NE(text(outcome).find("time limit"), std::string::npos);
    EXPECT_FALSE(run("true").is_error);
}

TEST_F(Cell, HoldsAMemoryHog) {
    Processes::Order hog = order("perl -e '$x = \"x\" x (1024*1024*1024); print length $x'");
    hog.cell.set_memory_bytes(64u << 20);
    EXPECT_TRUE(run(std::move(hog)).is_error);
}

TEST_F(Cell, HoldsAFileThatGrows) {
    Processes::Order writer = order("head -c 3000000 /dev/zero > big");
    writer.cell.set_largest_file(1'000'000);
    EXPECT_TRUE(run(std::move(writer)).is_error);
    EXPECT_LE(std::filesystem::file_size(directory.file("state/workspace/big")), 1'000'000u);
}

TEST_F(Cell, IsEndedAfterItsTime) {
    Processes::Order slow = order("trap '' TERM; echo begun; sleep 1000");
    slow.timeout = std::chrono::seconds(2);  // by far enough to begin in
    const Outcome outcome = run(std::move(slow));
    EXPECT_TRUE(outcome.is_error);
    EXPECT_EQ(text(outcome).find("begun"), 0u);
    EXPECT_NE(text(outcome).find("time limit"), std::string::npos);
}

TEST_F(Cell, KeepsTheEndOfAnEndlessOutput) {
    const Outcome outcome = run("head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo the end");
    EXPECT_LE(text(outcome).size(), Command::longest_output + 100);
    EXPECT_NE(text(outcome).find("\nthe end\n"), std::string::npos);
    EXPECT_NE(text(outcome).find("bytes are left out"), std::string::npos);
}

TEST_F(Cell, ThatWritesForEverIsEnded) {
    const Outcome outcome = run("yes");
    EXPECT_NE(text(outcome).find("wrote too much"), std::string::npos);
}

TEST_F(Cell, ReachesTheNetworkWhenItIsAllowed) {
    Processes::Order allowed = order("grep -c : /proc/net/dev");
    allowed.cell.set_network(true);
    const std::string outside = text(run(std::move(allowed)));
    EXPECT_GE(std::atoi(outside.c_str()), 1);
}

}  // namespace tools
