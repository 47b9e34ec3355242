#include "supervisor/syscall_filter.h"

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace supervisor {
namespace {

// Runs `call` in a child behind the filter; its errno, 0 when it succeeded, -n when signal n ended
// the child.
int outcome(Network network, const std::function<long()>& call) {
    std::vector<sock_filter> filter = syscall_filter(network);
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    const pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(254);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) _exit(255);
        _exit(call() < 0 ? errno : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

class SyscallFilter : public testing::Test {
  protected:
    void SetUp() override {
        if (!can_filter_syscalls()) GTEST_SKIP() << "this kernel has no seccomp filters";
    }
};

TEST_F(SyscallFilter, DeniesWhatReachesBeyondTheProcess) {
    struct Row {
        const char* what;
        std::function<long()> call;
        int error;
    };
    const Row rows[] = {
        {"mount", [] { return syscall(SYS_mount, 0, "/", 0, 0, 0); }, EPERM},
        {"chroot", [] { return syscall(SYS_chroot, "/"); }, EPERM},
        {"unshare", [] { return syscall(SYS_unshare, CLONE_NEWUSER); }, EPERM},
        {"setns", [] { return syscall(SYS_setns, -1, 0); }, EPERM},
        {"clone into a user namespace",
         [] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }, EPERM},
        {"clone3", [] { return syscall(SYS_clone3, 0, 0); }, ENOSYS},
        {"process_vm_readv", [] { return syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }, EPERM},
        {"bpf", [] { return syscall(SYS_bpf, 0, 0, 0); }, EPERM},
        {"io_uring_setup", [] { return syscall(SYS_io_uring_setup, 1, 0); }, ENOSYS},
        {"keyctl", [] { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }, EPERM},
        {"reboot", [] { return syscall(SYS_reboot, 0, 0, 0, 0); }, EPERM},
        {"clock_settime", [] { return syscall(SYS_clock_settime, 0, 0); }, EPERM},
    };
    for (const Row& row : rows)
        EXPECT_EQ(outcome(Network::internet, row.call), row.error) << row.what;
}

TEST_F(SyscallFilter, LetsAProgramLive) {
    EXPECT_EQ(outcome(Network::none,
                      [] {
                          const pid_t child = fork();
                          if (child == 0) _exit(0);
                          return static_cast<long>(waitpid(child, nullptr, 0));
                      }),
              0);
    EXPECT_EQ(outcome(Network::none, [] { return syscall(SYS_getpid); }), 0);
}

TEST_F(SyscallFilter, GivesAKindTheNetworkOfItsRow) {
    const auto open = [](int family) {
        return [family] { return static_cast<long>(socket(family, SOCK_STREAM, 0)); };
    };
    EXPECT_EQ(outcome(Network::none, open(AF_UNIX)), EAFNOSUPPORT);
    EXPECT_EQ(outcome(Network::links, open(AF_UNIX)), 0);
    EXPECT_EQ(outcome(Network::links, open(AF_INET)), EAFNOSUPPORT);
    EXPECT_EQ(outcome(Network::internet, open(AF_INET)), 0);
    EXPECT_EQ(outcome(Network::internet, open(AF_UNIX)), 0);
    const auto raw = [] { return static_cast<long>(socket(AF_PACKET, SOCK_RAW, 0)); };
    EXPECT_EQ(outcome(Network::internet, raw), EAFNOSUPPORT);
}

#if defined(__x86_64__)
TEST_F(SyscallFilter, EndsWhoCallsThroughAnotherTable) {
    EXPECT_EQ(outcome(Network::internet, [] { return syscall(0x40000000 + SYS_getpid); }), -SIGSYS);
}
#endif

}  // namespace
}  // namespace supervisor
