#include "supervisor/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "supervisor/landlock.h"
#include "supervisor/reap.h"

namespace supervisor {
namespace {

using testing::HasSubstr;

// A child that runs a line of shell and what it printed.
class SpawnTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/spawn_test_XXXXXX";
        directory_ = mkdtemp(name);
        chmod(directory_.c_str(), 0755);
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        output_ = Fd(ends[0]);
        input_ = Fd(ends[1]);
    }
    void TearDown() override { (void)!system(("rm -rf " + directory_).c_str()); }

    std::string script(const std::string& text) {
        const std::string path = directory_ + "/script";
        std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
        chmod(path.c_str(), 0755);
        return path;
    }
    SpawnRequest request(const std::string& program) {
        SpawnRequest request;
        request.name = "test-child";
        request.program = program;
        request.environment = {"PATH=/usr/bin:/bin"};
        request.output = input_.get();
        request.errors = input_.get();
        return request;
    }
    ProcessEnd wait_for(const Spawned& child) {
        pollfd ready{child.pidfd.get(), POLLIN, 0};
        EXPECT_EQ(poll(&ready, 1, 10'000), 1);
        EXPECT_TRUE(has_ended(child.pid));
        return collect(child.pid);
    }
    std::string printed() {
        input_.reset();
        std::string text;
        char buffer[4096];
        ssize_t count;
        while ((count = read(output_.get(), buffer, sizeof buffer)) > 0)
            text.append(buffer, static_cast<size_t>(count));
        return text;
    }

    std::string directory_;
    Fd output_;
    Fd input_;
};

TEST_F(SpawnTest, GivesTheChildOnlyTheNamedEnvironment) {
    setenv("SECRET_OF_ANOTHER", "leak", 1);
    SpawnRequest wanted = request("/usr/bin/env");
    wanted.environment = {"ONLY=this"};
    Result<Spawned> child = spawn(wanted);
    ASSERT_TRUE(child) << child.error().what;
    EXPECT_EQ(wait_for(*child).code, 0);
    EXPECT_EQ(printed(), "ONLY=this\n");
}

TEST_F(SpawnTest, LeavesNoDescriptorOpenButThoseHandedOver) {
    const Fd not_for_children(open("/dev/null", O_RDONLY));  // without close-on-exec
    const Fd wanted(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    SpawnRequest listing = request("/bin/ls");
    listing.directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(listing.directory);
    listing.directory = -1;
    listing.program = script("ls /proc/$$/fd | tr '\\n' ' '; readlink /proc/$$/fd/3");
    listing.descriptors = {wanted.get()};
    Result<Spawned> child = spawn(listing);
    ASSERT_TRUE(child) << child.error().what;
    wait_for(*child);
    const std::string text = printed();
    // The shell itself holds its script, at 10 or above.
    EXPECT_THAT(text, testing::StartsWith("0 1 "));
    EXPECT_THAT(text, HasSubstr(" 3 "));
    EXPECT_THAT(text, testing::Not(HasSubstr(" 4 ")));
    EXPECT_THAT(text, HasSubstr("/dev/zero"));
}

TEST_F(SpawnTest, ReportsStageAndReasonWhenTheProgramCannotRun) {
    Result<Spawned> missing = spawn(request(directory_ + "/missing"));
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().what, HasSubstr("missing: No such file"));

#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "this sanitizer makes a fork of vfork, so the child's words are lost";
#endif
    const std::string path = directory_ + "/no-program";
    std::ofstream(path) << "not a program";
    chmod(path.c_str(), 0755);
    Result<Spawned> broken = spawn(request(path));
    ASSERT_FALSE(broken);
    EXPECT_THAT(broken.error().what, HasSubstr("could not execute"));
    EXPECT_EQ(broken.error().sys, ENOEXEC);
    // Whatever got as far as exec is gone, or an ordinary zombie for the reaper.
    bool none_left = false;
    for (int i = 0; i < 5'000 && !none_left; ++i, usleep(1'000)) {
        none_left = waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
    }
    EXPECT_TRUE(none_left);
}

TEST_F(SpawnTest, RunsTheChildAsItsOwnUserWithoutPrivileges) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    SpawnRequest wanted = request(
        script("id -u; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | cut -f2"));
    wanted.user = 64'007;
    Result<Spawned> child = spawn(wanted);
    ASSERT_TRUE(child) << child.error().what;
    EXPECT_EQ(wait_for(*child).code, 0);
    EXPECT_EQ(printed(), "64007\n64007\n0000000000000000\n0000000000000000\n1\n");
}

TEST_F(SpawnTest, LetsTheChildWriteBelowItsDirectoriesOnly) {
    if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
    ASSERT_EQ(mkdir((directory_ + "/own").c_str(), 0777), 0);
    std::ofstream(directory_ + "/other") << "other";
    SpawnRequest wanted = request(script(
        "cd '" + directory_ +
        "'; try() { (eval \"$2\") 2>/dev/null && echo \"$1\"; }\n"
        "try make '>own/made'; try write 'echo x >>own/made'; try rename 'mv own/made own/moved'\n"
        "try remove 'rm own/moved'; try null 'echo x >/dev/null'; try read 'cat other >/dev/null'\n"
        "try make-outside '>made'; try write-outside 'echo x >>other'; try remove-outside 'rm "
        "other'\n"
        "try truncate-outside ': >other'; try leave 'mkdir own/d && mv own/d d'; true"));
    const Result<Fd> confinement = write_confinement(AT_FDCWD, {directory_ + "/own", "missing"});
    ASSERT_TRUE(confinement) << confinement.error().what;
    wanted.confinement = confinement->get();
    Result<Spawned> child = spawn(wanted);
    ASSERT_TRUE(child) << child.error().what;
    EXPECT_EQ(wait_for(*child).code, 0);
    EXPECT_EQ(printed(), "make\nwrite\nrename\nremove\nnull\nread\n");
}

TEST_F(SpawnTest, StartsInASessionOfItsOwnWithDefaultSignals) {
    signal(SIGUSR1, SIG_IGN);
    SpawnRequest wanted =
        request(script("ps -o sid= -p $$ | tr -d ' '; echo $$; grep SigIgn /proc/$$/status"));
    Result<Spawned> child = spawn(wanted);
    signal(SIGUSR1, SIG_DFL);
    ASSERT_TRUE(child) << child.error().what;
    wait_for(*child);
    const std::string pid = std::to_string(child->pid);
    EXPECT_THAT(printed(), testing::StartsWith(pid + "\n" + pid + "\nSigIgn:\t0000000000000000"));
}

TEST_F(SpawnTest, EndsTheChildWhenItsParentDies) {
    const std::string sleeper = script("exec sleep 100");
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t parent = fork();
    ASSERT_GE(parent, 0);
    if (parent == 0) {
        SpawnRequest wanted = request(sleeper);
        Result<Spawned> child = spawn(wanted);
        const pid_t pid = child ? child->pid : -1;
        (void)!write(ends[1], &pid, sizeof pid);
        _exit(0);
    }
    pid_t grandchild = -1;
    ASSERT_EQ(read(ends[0], &grandchild, sizeof grandchild),
              static_cast<ssize_t>(sizeof grandchild));
    close(ends[0]);
    close(ends[1]);
    ASSERT_GT(grandchild, 1);
    while (!has_ended(parent)) usleep(500);
    collect(parent);
    bool gone = false;
    for (int i = 0; i < 5'000 && !gone; ++i, usleep(1'000))
        gone = access(("/proc/" + std::to_string(grandchild)).c_str(), F_OK) != 0;
    EXPECT_TRUE(gone);
}

TEST(Reap, NamesHowAProcessEnded) {
    EXPECT_EQ(describe({.pid = 1, .code = 3}), "exit code 3");
    EXPECT_EQ(describe({.pid = 1, .signal = 9}), "killed by signal 9 (KILL)");
}

}  // namespace
}  // namespace supervisor
