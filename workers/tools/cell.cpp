#include "workers/tools/cell.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "workers/common/base/fd.h"
#include "workers/common/base/users.h"
#include "workers/tools/cell_files.h"
#include "workers/tools/cell_filter.h"

namespace tools {

using hardshell::proto::StartCell;

namespace {

constexpr int report_descriptor = 3;
constexpr int cannot_build = 125;
constexpr int cannot_execute = 126;
constexpr int not_found = 127;
constexpr int by_signal = 128;
constexpr const char* default_path = "/usr/local/bin:/usr/bin:/bin";
// The kernel takes commands before all else when memory runs out.
constexpr std::string_view oom_score = "1000";

bool has_capability(int capability) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    return syscall(SYS_capget, &header, sets) == 0 &&
           (sets[capability / 32].effective & 1u << capability % 32) != 0;
}

pid_t fork_into(unsigned long namespaces) {
    // The plain call: glibc's wrapper wants a stack.
    return static_cast<pid_t>(syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0));
}

unsigned long namespaces_for(const Walls& walls, bool network) {
    if (!walls.namespaces) return 0;
    unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (!network) flags |= CLONE_NEWNET;
    if (walls.user_namespace) flags |= CLONE_NEWUSER;
    return flags;
}

bool write_file(const char* path, std::string_view text) {
    const Fd file(open(path, O_WRONLY | O_CLOEXEC));
    return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// We stay who we are; nobody else exists in there.
bool map_user(uid_t user, gid_t group) {
    char line[64];
    if (!write_file("/proc/self/setgroups", "deny")) return false;
    std::snprintf(line, sizeof line, "%u %u 1", user, user);
    if (!write_file("/proc/self/uid_map", line)) return false;
    std::snprintf(line, sizeof line, "%u %u 1", group, group);
    return write_file("/proc/self/gid_map", line);
}

// Whether these namespaces can be made, and a mount in them.
bool can_make(const Walls& walls) {
    const uid_t user = getuid();
    const gid_t group = getgid();
    const pid_t child = fork_into(namespaces_for(walls, false));
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        const bool mapped = !walls.user_namespace || map_user(user, group);
        StartCell order;
        order.set_workspace("/tmp");
        _exit(mapped && mount_files(order) == nullptr ? 0 : 1);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

// The process that leads a cell. It is the first one in there: it collects what is orphaned, and
// when it ends the kernel ends the rest.
class Leader {
  public:
    Leader(const Walls& walls, const StartCell& order, unsigned user)
        : walls_(walls), order_(order), user_(user) {}

    [[noreturn]] void lead(const CellDescriptors& descriptors, uid_t own_user, gid_t own_group) {
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        prctl(PR_SET_NAME, "hardshell-cell", 0, 0, 0);
        take_descriptors(descriptors);
        setsid();
        (void)write_file("/proc/self/oom_score_adj", oom_score);
        if (walls_.user_namespace && walls_.namespaces && !map_user(own_user, own_group))
            fail("become alone");
        umask(0022);  // the way to a workspace below /tmp is passed by the command's user
        if (walls_.namespaces) {
            raise_loopback();
            if (const char* stage = mount_files(order_)) fail(stage);
        } else {
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        }
        umask(0007);
        if (walls_.own_users) become();
        renounce();
        if (const char* stage = confine_writes(walls_.landlock, order_)) fail(stage);
        filter();
        run();
    }

  private:
    // Told to the desk: nothing has been run.
    [[noreturn]] void fail(const char* stage, int code = cannot_build) {
        const int error = errno;
        char text[256];
        const int size =
            std::snprintf(text, sizeof text, "could not %s: %s", stage, std::strerror(error));
        (void)!write(report_descriptor, text, static_cast<size_t>(size));
        _exit(code);
    }

    static void take_descriptors(const CellDescriptors& wanted) {
        // Above all targets first, so that none is overwritten before it is copied.
        const int input = fcntl(wanted.input, F_DUPFD, 16);
        const int output = fcntl(wanted.output, F_DUPFD, 16);
        const int report = fcntl(wanted.report, F_DUPFD, 16);
        dup2(input, 0);
        dup2(output, 1);
        dup2(output, 2);
        dup3(report, report_descriptor, O_CLOEXEC);
        if (syscall(SYS_close_range, report_descriptor + 1, ~0U, 0) != 0)
            for (int other = report_descriptor + 1; other < 4096; ++other) close(other);
    }

    // Of the command alone: what leads it needs memory of its own until then.
    void limit() const {
        lower(RLIMIT_CORE, 0);
        lower(RLIMIT_NOFILE, 1024);
        lower(RLIMIT_NPROC, order_.most_processes());
        lower(RLIMIT_DATA, order_.memory_bytes());
        lower(RLIMIT_FSIZE, order_.largest_file());
        lower(RLIMIT_CPU, order_.processor_seconds());
        lower(RLIMIT_MSGQUEUE, 0);
        lower(RLIMIT_MEMLOCK, 1u << 16);
    }

    static void lower(__rlimit_resource_t resource, rlim_t most) {
        rlimit now{};
        if (getrlimit(resource, &now) != 0) return;
        now.rlim_max = std::min(now.rlim_max, most);
        now.rlim_cur = std::min(now.rlim_cur, now.rlim_max);
        setrlimit(resource, &now);
    }

    // Its own, on which nobody else is; programs test themselves over it.
    static void raise_loopback() {
        const Fd probe(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
        request.ifr_flags = IFF_UP;
        if (probe) (void)ioctl(probe.get(), SIOCSIFFLAGS, &request);
    }

    void become() {
        const unsigned group = workspace_group;
        if (syscall(SYS_setgroups, 1, &group) != 0) fail("leave its groups");
        if (syscall(SYS_setresgid, user_, user_, user_) != 0) fail("change its group");
        if (syscall(SYS_setresuid, user_, user_, user_) != 0) fail("change its user");
    }

    void renounce() {
        // Again: the change of user has cleared it.
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        const __user_cap_data_struct none[2] = {};
        if (syscall(SYS_capset, &header, none) != 0) fail("give up its rights");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("renounce new rights");
    }

    void filter() {
        std::vector<sock_filter> code =
            cell_filter({walls_.namespaces || order_.network(), walls_.namespaces});
        const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            fail("filter its system calls");
    }

    [[noreturn]] void run() {
        sigset_t waited;
        sigemptyset(&waited);
        sigaddset(&waited, SIGCHLD);
        sigaddset(&waited, SIGTERM);
        sigprocmask(SIG_SETMASK, &waited, nullptr);
        command_ = fork();
        if (command_ < 0) fail("start its command");
        if (command_ == 0) execute();
        // The command's output ends with the command.
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int standard = 0; standard <= report_descriptor; ++standard) dup2(null, standard);
        const int code = wait_for_command(waited);
        if (!walls_.namespaces) end_descendants();
        _exit(code);
    }

    int wait_for_command(const sigset_t& waited) {
        for (;;) {
            int number = 0;
            sigwait(&waited, &number);
            // It may not have a group of its own yet.
            if (number == SIGTERM && kill(-command_, SIGTERM) != 0) kill(command_, SIGTERM);
            int status = 0;
            for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
                if (ended == command_)
                    return WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
        }
    }

    // Without a namespace of processes: whoever is left has become our child, or will when its
    // parent is gone.
    static void end_descendants() {
        char path[64];
        std::snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
        for (;;) {
            std::FILE* children = std::fopen(path, "re");
            int child = 0;
            while (children && std::fscanf(children, "%d", &child) == 1) kill(child, SIGKILL);
            if (children) std::fclose(children);
            if (waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
        }
    }

    [[noreturn]] void execute() {
        setsid();
        for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        if (chdir(order_.directory().c_str()) != 0) fail("enter its directory");
        std::vector<char*> arguments = pointers(order_.arguments());
        std::vector<char*> environment = pointers(order_.environment());
        std::string path = default_path;
        for (const std::string& variable : order_.environment())
            if (variable.starts_with("PATH=")) path = variable.substr(5);
        setenv("PATH", path.c_str(), 1);
        limit();
        execvpe(arguments.front(), arguments.data(), environment.data());
        fail("execute it", errno == ENOENT ? not_found : cannot_execute);
    }

    template <typename Texts>
    static std::vector<char*> pointers(const Texts& texts) {
        std::vector<char*> list;
        for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
        list.push_back(nullptr);
        return list;
    }

    const Walls& walls_;
    const StartCell& order_;
    const unsigned user_;
    pid_t command_ = -1;
};

}  // namespace

std::vector<std::string> Walls::missing() const {
    std::vector<std::string> texts;
    if (!own_users) texts.emplace_back("commands run as the tools worker's own user");
    if (!namespaces)
        texts.emplace_back(
            "this machine lets us make no namespaces: commands see the machine's processes and "
            "whatever files their user may read, and a command is ended by looking for its "
            "children");
    if (landlock == 0)
        texts.emplace_back("this kernel has no Landlock: " +
                           std::string(namespaces ? "only mounts keep commands from writing "
                                                    "outside the workspace"
                                                  : "commands write wherever their user may"));
    return texts;
}

Walls find_walls() {
    Walls walls;
    walls.own_users = getuid() != 0 && has_capability(CAP_SETUID) && has_capability(CAP_SETGID);
    walls.landlock = landlock_version();
    walls.namespaces = true;
    if (can_make(walls)) return walls;
    // Without rights of our own; becoming other users is not possible in there.
    Walls alone = walls;
    alone.user_namespace = true;
    alone.own_users = false;
    if (can_make(alone)) return alone;
    walls.namespaces = false;
    return walls;
}

pid_t start_cell(const Walls& walls, const StartCell& order, const CellDescriptors& descriptors,
                 unsigned user) {
    const uid_t own_user = getuid();
    const gid_t own_group = getgid();
    const pid_t leader = fork_into(namespaces_for(walls, order.network()));
    if (leader == 0) Leader(walls, order, user).lead(descriptors, own_user, own_group);
    return leader;
}

}  // namespace tools
