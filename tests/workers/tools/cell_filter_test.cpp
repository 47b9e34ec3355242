// What the filter answers, without a kernel that would have to have all of these calls.

#include "workers/tools/cell_filter.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

namespace tools {

namespace {

#if defined(__x86_64__)
constexpr uint32_t architecture = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t architecture = AUDIT_ARCH_AARCH64;
#endif

// As the kernel runs a filter, as far as this one goes.
uint32_t answer_to(const std::vector<sock_filter>& filter, uint32_t call, uint32_t argument = 0,
                   uint32_t of = architecture) {
    seccomp_data data{};
    data.nr = static_cast<int>(call);
    data.arch = of;
    data.args[0] = argument;
    uint32_t loaded = 0;
    for (size_t at = 0; at < filter.size(); ++at) {
        const sock_filter& step = filter[at];
        bool holds = false;
        switch (step.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                std::memcpy(&loaded, reinterpret_cast<const char*>(&data) + step.k, sizeof loaded);
                continue;
            case BPF_RET | BPF_K:
                return step.k;
            case BPF_JMP | BPF_JEQ | BPF_K:
                holds = loaded == step.k;
                break;
            case BPF_JMP | BPF_JGE | BPF_K:
                holds = loaded >= step.k;
                break;
            case BPF_JMP | BPF_JSET | BPF_K:
                holds = (loaded & step.k) != 0;
                break;
            default:
                ADD_FAILURE() << "a step of the kind " << step.code;
                return SECCOMP_RET_ALLOW;
        }
        at += holds ? step.jt : step.jf;
    }
    ADD_FAILURE() << "no answer";
    return SECCOMP_RET_ALLOW;
}

constexpr uint32_t refused_with(int error) {
    return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error);
}

}  // namespace

TEST(CellFilter, RefusesMountsNamespacesAndTracing) {
    const std::vector<sock_filter> filter = cell_filter({true, true});
    for (const uint32_t call : {SYS_mount, SYS_unshare, SYS_setns, SYS_ptrace, SYS_bpf})
        EXPECT_EQ(answer_to(filter, call), refused_with(EPERM)) << call;
    EXPECT_EQ(answer_to(filter, SYS_clone, CLONE_NEWUSER), refused_with(EPERM));
    EXPECT_EQ(answer_to(filter, SYS_clone, CLONE_VM), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answer_to(filter, SYS_clone3), refused_with(ENOSYS));
    EXPECT_EQ(answer_to(filter, SYS_read), SECCOMP_RET_ALLOW);
}

// Each call has other numbers there, under which it would not be known.
TEST(CellFilter, LetsNoCallInByAnotherTable) {
    const std::vector<sock_filter> filter = cell_filter({true, true});
    constexpr uint32_t x32 = 0x40000000;
    for (const uint32_t call : {SYS_mount, SYS_unshare, SYS_ptrace, SYS_read})
        EXPECT_EQ(answer_to(filter, x32 | call), refused_with(ENOSYS)) << call;
    EXPECT_EQ(answer_to(filter, SYS_read, 0, AUDIT_ARCH_I386), SECCOMP_RET_KILL_PROCESS);
}

TEST(CellFilter, MakesOnlyTheSocketsThereAreWallsFor) {
    const auto family = [](Sockets sockets, uint32_t wanted) {
        return answer_to(cell_filter(sockets), SYS_socket, wanted);
    };
    EXPECT_EQ(family({true, false}, AF_INET6), SECCOMP_RET_ALLOW);
    EXPECT_EQ(family({false, true}, AF_INET6), refused_with(EAFNOSUPPORT));
    EXPECT_EQ(family({false, true}, AF_UNIX), SECCOMP_RET_ALLOW);
    EXPECT_EQ(family({true, false}, AF_UNIX), refused_with(EAFNOSUPPORT));
    EXPECT_EQ(family({true, true}, AF_VSOCK), refused_with(EAFNOSUPPORT));
}

}  // namespace tools
