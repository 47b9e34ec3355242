#include "workers/tools/cell_filter.h"

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace tools {

namespace {

#if defined(__x86_64__)
constexpr uint32_t own_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#else
#error "no table of system calls for this architecture"
#endif

// From here on x86-64 has its calls a second time, with short pointers (x32).
constexpr uint32_t second_table = 0x40000000;

constexpr int denied[] = {
    SYS_mount,       SYS_umount2, SYS_pivot_root, SYS_chroot,           SYS_move_mount,
    SYS_open_tree,   SYS_fsopen,  SYS_fsmount,    SYS_mount_setattr,    SYS_unshare,
    SYS_setns,       SYS_ptrace,  SYS_bpf,        SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_userfaultfd, SYS_keyctl,  SYS_add_key,    SYS_request_key,      SYS_perf_event_open,
    SYS_pidfd_getfd,
};
// Libraries then take their other way.
constexpr int absent[] = {SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter,
                          SYS_io_uring_register};

constexpr uint32_t new_namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

constexpr uint32_t fail_with(int error) {
    return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error);
}

class Program {
  public:
    void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset)); }
    void answer(uint32_t verdict) { add(BPF_RET | BPF_K, 0, 0, verdict); }
    void answer_if(int test, uint32_t value, uint32_t verdict) {
        add(BPF_JMP | test | BPF_K, 0, 1, value);
        answer(verdict);
    }
    void answer_unless(uint32_t value, uint32_t verdict) {
        add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
        answer(verdict);
    }
    // The first argument decides; both architectures are little-endian.
    template <typename Body>
    void for_call(int call, Body body) {
        const size_t jump = code_.size();
        add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, static_cast<uint32_t>(call));
        load(offsetof(seccomp_data, args));
        body();
        code_[jump].jf = static_cast<uint8_t>(code_.size() - jump - 1);
    }
    std::vector<sock_filter> take() { return std::move(code_); }

  private:
    void add(int operation, uint8_t if_true, uint8_t if_false, uint32_t value) {
        code_.push_back({static_cast<uint16_t>(operation), if_true, if_false, value});
    }
    std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> cell_filter(Sockets sockets) {
    Program filter;
    filter.load(offsetof(seccomp_data, arch));
    filter.answer_unless(own_architecture, SECCOMP_RET_KILL_PROCESS);
    filter.load(offsetof(seccomp_data, nr));
    filter.answer_if(BPF_JGE, second_table, fail_with(ENOSYS));
    for (const int call : denied)
        filter.answer_if(BPF_JEQ, static_cast<uint32_t>(call), fail_with(EPERM));
    for (const int call : absent)
        filter.answer_if(BPF_JEQ, static_cast<uint32_t>(call), fail_with(ENOSYS));
    filter.for_call(SYS_clone, [&] {
        filter.answer_if(BPF_JSET, new_namespaces, fail_with(EPERM));
        filter.answer(SECCOMP_RET_ALLOW);
    });
    filter.for_call(SYS_socket, [&] {
        if (sockets.local) filter.answer_if(BPF_JEQ, AF_UNIX, SECCOMP_RET_ALLOW);
        if (sockets.internet)
            for (const int family : {AF_INET, AF_INET6, AF_NETLINK})
                filter.answer_if(BPF_JEQ, static_cast<uint32_t>(family), SECCOMP_RET_ALLOW);
        filter.answer(fail_with(EAFNOSUPPORT));
    });
    filter.answer(SECCOMP_RET_ALLOW);
    return filter.take();
}

}  // namespace tools
