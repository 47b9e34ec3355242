#include "supervisor/syscall_filter.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace supervisor {

namespace {

#if defined(__x86_64__)
constexpr uint32_t own_architecture = AUDIT_ARCH_X86_64;
constexpr uint32_t foreign_calls = 0x40000000;  // x32, another table of numbers
#elif defined(__aarch64__)
constexpr uint32_t own_architecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t foreign_calls = 0;
#else
#error "no table of system calls for this architecture"
#endif

struct Denied {
    int call;
    int error;
    bool isolates = false;  // left to a worker that shuts others in
};

constexpr Denied denied[] = {
// clang-format off
    // Other processes.
#if !defined(__SANITIZE_ADDRESS__)  // its leak check traces its own process
    {SYS_ptrace, EPERM},
#endif
    {SYS_process_vm_readv, EPERM}, {SYS_process_vm_writev, EPERM}, {SYS_kcmp, EPERM},
    {SYS_pidfd_getfd, EPERM},
    // Mounts, roots and namespaces.
    {SYS_mount, EPERM, true}, {SYS_umount2, EPERM, true}, {SYS_pivot_root, EPERM},
    {SYS_chroot, EPERM}, {SYS_move_mount, EPERM, true}, {SYS_open_tree, EPERM, true},
    {SYS_fsopen, EPERM}, {SYS_fsconfig, EPERM}, {SYS_fsmount, EPERM}, {SYS_fspick, EPERM},
    {SYS_mount_setattr, EPERM, true}, {SYS_unshare, EPERM}, {SYS_setns, EPERM},
    {SYS_open_by_handle_at, EPERM}, {SYS_name_to_handle_at, EPERM},
    // Its flags are behind a pointer that a filter cannot follow; libraries then use clone.
    {SYS_clone3, ENOSYS},
    // The kernel itself.
    {SYS_init_module, EPERM}, {SYS_finit_module, EPERM}, {SYS_delete_module, EPERM},
    {SYS_kexec_load, EPERM}, {SYS_kexec_file_load, EPERM}, {SYS_bpf, EPERM},
    {SYS_perf_event_open, EPERM}, {SYS_userfaultfd, EPERM}, {SYS_syslog, EPERM},
    {SYS_io_uring_setup, ENOSYS}, {SYS_io_uring_enter, ENOSYS}, {SYS_io_uring_register, ENOSYS},
    {SYS_add_key, EPERM}, {SYS_request_key, EPERM}, {SYS_keyctl, EPERM},
    {SYS_personality, EPERM},
    // The machine.
    {SYS_reboot, EPERM}, {SYS_swapon, EPERM}, {SYS_swapoff, EPERM}, {SYS_acct, EPERM},
    {SYS_quotactl, EPERM}, {SYS_settimeofday, EPERM}, {SYS_clock_settime, EPERM},
    {SYS_clock_adjtime, EPERM}, {SYS_adjtimex, EPERM}, {SYS_sethostname, EPERM},
    {SYS_setdomainname, EPERM}, {SYS_vhangup, EPERM},
#if defined(__x86_64__)
    {SYS_iopl, EPERM}, {SYS_ioperm, EPERM}, {SYS_modify_ldt, EPERM},
#endif
    // clang-format on
};

constexpr uint32_t new_namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

struct Family {
    Network from;  // and every wider one
    uint32_t family;
};
constexpr Family families[] = {
    {Network::links, AF_UNIX},
    {Network::internet, AF_INET},
    {Network::internet, AF_INET6},
    {Network::internet, AF_NETLINK},  // which addresses this machine has, for the resolver
};

constexpr uint32_t allow = SECCOMP_RET_ALLOW;
constexpr uint32_t kill = SECCOMP_RET_KILL_PROCESS;
constexpr uint32_t fail_with(int error) {
    return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error);
}

class Assembler {
  public:
    void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset)); }
    // The low half of an argument: both architectures are little-endian.
    void load_argument(int index) {
        load(offsetof(seccomp_data, args) + sizeof(uint64_t) * static_cast<size_t>(index));
    }
    void answer(uint32_t verdict) { add(BPF_RET | BPF_K, 0, 0, verdict); }
    // `test`: BPF_JEQ, BPF_JGE, or BPF_JSET for any of the bits.
    void answer_if(int test, uint32_t value, uint32_t verdict) {
        add(BPF_JMP | test | BPF_K, 0, 1, value);
        answer(verdict);
    }
    void answer_unless_equal(uint32_t value, uint32_t verdict) {
        add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
        answer(verdict);
    }
    // What `body` adds is left out unless the value loaded is this one.
    template <typename Body>
    void only_if_equal(uint32_t value, Body body) {
        const size_t jump = code_.size();
        add(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, value);
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

std::vector<sock_filter> syscall_filter(Network network, bool may_isolate) {
    Assembler filter;
    filter.load(offsetof(seccomp_data, arch));
    filter.answer_unless_equal(own_architecture, kill);
    filter.load(offsetof(seccomp_data, nr));
    if (foreign_calls != 0) filter.answer_if(BPF_JGE, foreign_calls, kill);
    for (const Denied& row : denied)
        if (!may_isolate || !row.isolates)
            filter.answer_if(BPF_JEQ, static_cast<uint32_t>(row.call), fail_with(row.error));
    if (!may_isolate)
        filter.only_if_equal(SYS_clone, [&] {
            filter.load_argument(0);
            filter.answer_if(BPF_JSET, new_namespaces, fail_with(EPERM));
            filter.answer(allow);
        });
    filter.only_if_equal(SYS_socket, [&] {
        filter.load_argument(0);
        for (const Family& row : families)
            if (network >= row.from) filter.answer_if(BPF_JEQ, row.family, allow);
        filter.answer(fail_with(EAFNOSUPPORT));
    });
    filter.answer(allow);
    return filter.take();
}

bool can_filter_syscalls() {
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

}  // namespace supervisor
