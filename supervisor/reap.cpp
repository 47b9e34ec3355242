#include "supervisor/reap.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace supervisor {

namespace {

ProcessEnd from(const siginfo_t& info) {
    ProcessEnd end;
    end.pid = info.si_pid;
    if (info.si_code == CLD_EXITED) {
        end.code = info.si_status;
    } else {
        end.signal = info.si_status;
        end.core = info.si_code == CLD_DUMPED;
    }
    return end;
}

}  // namespace

std::string describe(const ProcessEnd& end) {
    if (end.signal == 0) return "exit code " + std::to_string(end.code);
    const char* name = sigabbrev_np(end.signal);
    return "killed by signal " + std::to_string(end.signal) +
           (name ? " (" + std::string(name) + ")" : "");
}

pid_t ended_child() {
    siginfo_t info{};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

bool has_ended(pid_t pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

ProcessEnd collect(pid_t pid) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0) info.si_pid = pid;
    return from(info);
}

std::vector<pid_t> own_children() {
    const std::string self = std::to_string(getpid());
    std::ifstream list("/proc/" + self + "/task/" + self + "/children");
    std::vector<pid_t> children;
    for (pid_t child = 0; list >> child;)
        if (child > 1) children.push_back(child);
    return children;
}

void end_adopted(pid_t leader) {
    for (const pid_t child : own_children())
        if (getsid(child) == leader) kill(child, SIGKILL);
}

}  // namespace supervisor
