#include "workers/tools/launcher.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>

#include "proto/tools_launcher.pb.h"
#include "workers/common/base/users.h"
#include "workers/tools/cell.h"
#include "workers/tools/cell_filter.h"
#include "workers/tools/packets.h"

namespace tools {

using hardshell::proto::FromLauncher;
using hardshell::proto::StartCell;
using hardshell::proto::ToLauncher;

namespace {

constexpr int desk_descriptor = 3;

class Launcher {
  public:
    explicit Launcher(int desk) : desk_(desk), walls_(find_walls()) {}

    [[noreturn]] void run() {
        tell_walls();
        const Fd children = watch_children();
        pollfd watched[] = {{desk_, POLLIN, 0}, {children.get(), POLLIN, 0}};
        for (;;) {
            if (poll(watched, 2, -1) < 0 && errno != EINTR) _exit(1);
            if (watched[1].revents) {
                signalfd_siginfo info[8];
                (void)!read(children.get(), info, sizeof info);
            }
            collect();
            if (watched[0].revents && !take_order()) end_all();
        }
    }

  private:
    struct Cell {
        uint64_t id;
        unsigned user;
    };

    static Fd watch_children() {
        sigset_t set;
        sigemptyset(&set);
        // For the leaders of cells: one that is told to end before it listens has to hear of it.
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        return Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    }

    void tell(const FromLauncher& message) {
        if (!send_packet(desk_, message, {})) end_all();
    }

    void tell_walls() {
        FromLauncher message;
        message.mutable_up();
        for (const std::string& text : walls_.missing()) message.mutable_up()->add_missing(text);
        tell(message);
    }

    void tell_ended(uint64_t id, int code) {
        FromLauncher message;
        message.mutable_ended()->set_id(id);
        message.mutable_ended()->set_code(code);
        tell(message);
    }

    // False when the desk is gone.
    bool take_order() {
        std::vector<Fd> descriptors;
        ToLauncher message;
        const Packet got = receive_packet(desk_, message, descriptors);
        if (got == Packet::none) return true;
        if (got == Packet::end) return false;
        if (message.has_start()) start(message.start(), descriptors);
        if (message.has_signal()) signal(message.signal().id(), message.signal().signal());
        return true;
    }

    void start(const StartCell& order, const std::vector<Fd>& descriptors) {
        const int user = free_user();
        if (descriptors.size() != 3 || order.arguments().empty() || user < 0)
            return tell_ended(order.id(), 125);
        const pid_t leader = start_cell(
            walls_, order, {descriptors[0].get(), descriptors[1].get(), descriptors[2].get()},
            static_cast<unsigned>(user));
        if (leader < 0) return refuse(order.id(), descriptors[2].get());
        cells_[leader] = {order.id(), static_cast<unsigned>(user)};
    }

    void refuse(uint64_t id, int report) {
        constexpr std::string_view text = "too many processes run already";
        (void)!write(report, text.data(), text.size());
        tell_ended(id, 125);
    }

    int free_user() const {
        for (unsigned user = first_command_user; user < first_command_user + command_users; ++user)
            if (std::none_of(cells_.begin(), cells_.end(),
                             [&](const auto& cell) { return cell.second.user == user; }))
                return static_cast<int>(user);
        return -1;
    }

    void signal(uint64_t id, int number) const {
        for (const auto& [leader, cell] : cells_)
            if (cell.id == id && (number == SIGTERM || number == SIGKILL)) kill(leader, number);
    }

    // Others than leaders are orphans of a cell without a namespace of processes.
    void collect() {
        int status = 0;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
            const auto cell = cells_.find(ended);
            if (cell == cells_.end()) continue;
            const uint64_t id = cell->second.id;
            cells_.erase(cell);
            tell_ended(id, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }

    [[noreturn]] void end_all() {
        for (const auto& [leader, cell] : cells_) kill(leader, SIGKILL);
        _exit(0);
    }

    const int desk_;
    const Walls walls_;
    std::map<pid_t, Cell> cells_;
};

[[noreturn]] void live_as_launcher(Fd socket) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "tools-launcher", 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    dup2(socket.release(), desk_descriptor);
    syscall(SYS_close_range, desk_descriptor + 1, ~0U, 0);
    Launcher(desk_descriptor).run();
}

}  // namespace

Result<Fd> fork_launcher() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("cannot make the launcher's socket", errno);
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    const int room = largest_packet + (64 << 10);
    for (const int end : {ours.get(), theirs.get()})
        setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) return system_error("cannot fork the launcher", errno);
    if (child == 0) {
        if (getppid() != parent) _exit(0);
        ours.reset();
        live_as_launcher(std::move(theirs));
    }
    return ours;
}

void renounce_rights() {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[2] = {};
    syscall(SYS_capset, &header, none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#if !defined(__SANITIZE_ADDRESS__)  // its leak check traces its own process
    std::vector<sock_filter> code = cell_filter({true, true});
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

}  // namespace tools
