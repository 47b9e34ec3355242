#include "supervisor/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace supervisor {

bool is_asked_to_end() {
    sigset_t waiting;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

Done Signals::watch(std::function<void(int)> handler) {
    handler_ = std::move(handler);
    sigset_t all;
    sigfillset(&all);
    for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, crash);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    sigset_t handled;
    sigemptyset(&handled);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
        sigaddset(&handled, number);
    source_ = Fd(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!source_) return system_error("cannot receive signals", errno);
    registration_ = loop_.watch(source_.get(), Loop::readable, [this](unsigned) {
        signalfd_siginfo info{};
        while (read(source_.get(), &info, sizeof info) == sizeof info)
            handler_(static_cast<int>(info.ssi_signo));
    });
    return {};
}

}  // namespace supervisor
