#include "tests/faults/call_trap.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

struct CallTrap::Shared {
    std::atomic<int> listener{-1};
    std::atomic<bool> attached{false};
};

CallTrap::CallTrap(const std::vector<int>& calls, Decide decide)
    : calls_(calls), decide_(std::move(decide)) {
    void* page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    if (page == MAP_FAILED) std::abort();
    shared_ = new (page) Shared;
}

// The supervisor and all that it started have ended.
CallTrap::~CallTrap() {
    if (server_.joinable()) server_.join();
    munmap(shared_, sizeof(Shared));
}

void CallTrap::arm() {
    constexpr size_t most = 64;
    sock_filter code[most + 3];
    size_t size = 0;
    code[size++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    const auto count = static_cast<uint8_t>(std::min(calls_.size(), most));
    for (uint8_t i = 0; i < count; ++i)
        code[size++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(calls_[i]),
                                static_cast<uint8_t>(count - i), 0);
    code[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    const sock_fprog program{static_cast<unsigned short>(size), code};
    const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                  SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) _exit(125);
    shared_->listener = static_cast<int>(listener);
    // No call that might be trapped: nobody answers yet.
    while (!shared_->attached) sched_yield();
}

void CallTrap::attach(pid_t child) {
    while (shared_->listener < 0) {
        if (syscall(SYS_kill, child, 0) != 0) std::abort();
        sched_yield();
    }
    const Fd handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    listener_ = Fd(static_cast<int>(
        syscall(SYS_pidfd_getfd, handle.get(), shared_->listener.load(), 0)));
    if (!listener_) std::abort();
    server_ = std::thread([this] { serve(); });
    shared_->attached = true;
}

void CallTrap::serve() {
    for (;;) {
        pollfd ready{listener_.get(), POLLIN, 0};
        if (poll(&ready, 1, -1) < 0 && errno != EINTR) return;
        if (!(ready.revents & POLLIN)) {
            if (ready.revents & POLLHUP) return;  // nobody is left who wears the filter
            continue;
        }
        seccomp_notif request{};
        if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) continue;
        Call call;
        call.pid = static_cast<pid_t>(request.pid);
        call.number = request.data.nr;
        std::copy(std::begin(request.data.args), std::end(request.data.args), call.arguments);
        const int error = decide_(call);
        seccomp_notif_resp answer{};
        answer.id = request.id;
        answer.error = -error;
        if (error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}
