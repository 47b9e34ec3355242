// vfork, not fork: the parent may grow, and a fork of it would then take milliseconds.
#define BOOST_POSIX_HAS_VFORK 1

#include "supervisor/spawn.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>  // std::exchange, which Boost.Asio 1.74 forgets

#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/posix.hpp>

namespace supervisor {

namespace {

namespace bp = boost::process;

struct Limit {
    int resource;
    rlim_t soft;
    rlim_t hard;
};
// What every worker is held to; never more than we have ourselves.
constexpr Limit limits[] = {
    {RLIMIT_CORE, 0, 0},  // a core would hold secrets
    {RLIMIT_NOFILE, 4096, 16384},
    {RLIMIT_MSGQUEUE, 0, 0},
    {RLIMIT_NICE, 0, 0},
    {RLIMIT_RTPRIO, 0, 0},
    {RLIMIT_MEMLOCK, 8u << 20, 8u << 20},  // secrets may be kept out of swap
    {RLIMIT_SIGPENDING, 1024, 1024},
};

// Written by the child while the parent is suspended in vfork: they share memory.
struct ChildFailure {
    const char* stage = nullptr;
    int error = 0;
};

struct ChildPlan {
    std::vector<int> sources;  // to become 0, 1, 2, 3, …
    int directory = -1;
    std::optional<unsigned> user;
    std::optional<unsigned> extra_group;
    __user_cap_data_struct kept[2] = {};
    bool keeps_capabilities = false;
    pid_t parent = 0;
    int confinement = -1;
    sock_fprog filter{};
    std::vector<int> groups;
    rlim_t data_limit = 0;
};

// Everything here runs in the vfork child: system calls only, no allocation, no locks.
class ChildSetup : public bp::extend::handler {
  public:
    ChildSetup(const ChildPlan& plan, const char* program, const char* by_descriptor,
               ChildFailure& failure)
        : plan_(plan), program_(program), by_descriptor_(by_descriptor), failure_(failure) {}

    template <typename Executor>
    void on_setup(Executor& executor) const {
        executor.exe = program_;  // argv[0] stays the name given to Boost
    }

    template <typename Executor>
    void on_exec_setup(Executor&) const {
        reset_signals();
        setsid();
        enter_groups();
        hand_over_descriptors();
        limit();
        if (plan_.directory >= 0 && fchdir(plan_.directory) != 0) fail("enter its directory");
        if (plan_.user) become(*plan_.user);
        renounce_capabilities();
        die_with_parent();
        confine();
        filter_system_calls();  // last: it denies some of what came before
    }

    template <typename Executor>
    void on_exec_error(Executor& executor, const std::error_code& error) const {
        // Its user may not reach the directory of the program; the descriptor was opened by ours.
        if (error.value() == EACCES) execve(by_descriptor_, executor.cmd_line, executor.env);
        failure_.stage = "execute";
        failure_.error = error.value();
        _exit(126);
    }

  private:
    [[noreturn]] void fail(const char* stage) const {
        failure_.stage = stage;
        failure_.error = errno;
        _exit(126);
    }

    void reset_signals() const {
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        for (int number = 1; number < NSIG; ++number) sigaction(number, &action, nullptr);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    void hand_over_descriptors() const {
        int target = 0;
        for (const int source : plan_.sources)
            if (dup2(source, target++) < 0) fail("hand over descriptors");
        if (syscall(SYS_close_range, target, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
            for (int other = target; other < 1024; ++other) fcntl(other, F_SETFD, FD_CLOEXEC);
        }
    }

    void enter_groups() const {
        for (const int door : plan_.groups)
            if (write(door, "0", 1) != 1) fail("enter its control group");
    }

    void limit() const {
        umask(0077);
        for (const Limit& row : limits) lower(row.resource, row.soft, row.hard);
        if (plan_.data_limit > 0) lower(RLIMIT_DATA, plan_.data_limit, plan_.data_limit);
    }

    static void lower(int resource, rlim_t soft, rlim_t hard) {
        rlimit now{};
        if (getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) return;
        now.rlim_max = std::min(now.rlim_max, hard);
        now.rlim_cur = std::min(now.rlim_max, soft);
        setrlimit(static_cast<__rlimit_resource_t>(resource), &now);
    }

    void become(unsigned user) const {
        drop_bounding_set();  // while we still may
        // The plain system calls: glibc's wrappers would signal the parent's threads.
        const unsigned extra = plan_.extra_group.value_or(0);
        if (syscall(SYS_setgroups, plan_.extra_group ? 1 : 0, &extra) != 0) fail("drop its groups");
        if (plan_.keeps_capabilities) prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
        if (syscall(SYS_setresgid, user, user, user) != 0) fail("change its group");
        if (syscall(SYS_setresuid, user, user, user) != 0) fail("change its user");
    }

    void drop_bounding_set() const {
        for (int capability = 0; capability < 64; ++capability)
            if (!keeps(capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 &&
                errno == EINVAL)
                break;
    }

    bool keeps(int capability) const {
        return plan_.kept[capability / 32].permitted & 1u << capability % 32;
    }

    // Empty sets, whoever we are, but for what is kept. A program executed by user 0 would get them
    // back, so the bounding set and the rule that favours user 0 go first, as far as we may.
    void renounce_capabilities() const {
        drop_bounding_set();
        prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        syscall(SYS_capset, &header, plan_.kept);
        for (int capability = 0; capability < 64; ++capability)
            if (keeps(capability)) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    }

    void die_with_parent() const {
        // After the change of user, which clears it.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("follow its parent");
        if (getppid() != plan_.parent) _exit(126);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("renounce new privileges");
    }

    void confine() const {
        if (plan_.confinement < 0) return;
        if (syscall(SYS_landlock_restrict_self, plan_.confinement, 0) != 0)
            fail("confine what it writes");
    }

    void filter_system_calls() const {
        if (plan_.filter.len == 0) return;
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &plan_.filter, 0, 0) != 0)
            fail("filter its system calls");
    }

    const ChildPlan& plan_;
    const char* program_;
    const char* by_descriptor_;
    ChildFailure& failure_;
};

// A copy above all targets, so that no dup2 in the child overwrites one not yet copied; not higher
// than that, for our own limit may be low.
Result<int> lift(int descriptor, size_t targets, std::vector<Fd>& keep) {
    Fd copy(fcntl(descriptor, F_DUPFD_CLOEXEC, static_cast<int>(targets)));
    if (!copy) return system_error("cannot copy a descriptor", errno);
    keep.push_back(std::move(copy));
    return keep.back().get();
}

// Those of the wanted ones that we have, in all sets that a program inherits.
void keep_capabilities(const std::vector<int>& wanted, ChildPlan& plan) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct own[2] = {};
    if (wanted.empty() || syscall(SYS_capget, &header, own) != 0) return;
    for (const int capability : wanted) {
        const uint32_t bit = 1u << capability % 32;
        __user_cap_data_struct& set = plan.kept[capability / 32];
        if (!(own[capability / 32].permitted & bit)) continue;
        set.permitted |= bit;
        set.effective |= bit;
        set.inheritable |= bit;
        plan.keeps_capabilities = true;
    }
}

bp::environment make_environment(const std::vector<std::string>& pairs) {
    bp::environment environment;  // empty, not this process's
    for (const std::string& pair : pairs) {
        const size_t equals = pair.find('=');
        if (equals != std::string::npos)
            environment.set(pair.substr(0, equals), pair.substr(equals + 1));
    }
    return environment;
}

// Always said: the supervisor's own score, which it may have lowered, is inherited. A container may
// start with a high one that nobody in it may lower: then the workers' count from there.
void set_oom_score(pid_t pid, int score) {
    constexpr int highest = 1'000;
    const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
    const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text =
        std::to_string(std::min(highest, std::max(0, own_oom_score()) + score));
    if (file && write(file.get(), text.data(), text.size()) < 0) return;
}

}  // namespace

int own_oom_score() {
    const Fd file(open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
    char text[16] = {};
    return file && read(file.get(), text, sizeof text - 1) > 0 ? std::atoi(text) : 0;
}

Result<Spawned> spawn(const SpawnRequest& request) {
    const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return system_error("cannot open /dev/null", errno);
    std::vector<Fd> keep;
    ChildPlan plan;
    plan.user = request.user;
    plan.extra_group = request.extra_group;
    keep_capabilities(request.capabilities, plan);
    plan.parent = getpid();
    std::vector<sock_filter> filter = request.filter;
    plan.filter = {static_cast<unsigned short>(filter.size()), filter.data()};
    std::vector<int> wanted = {null.get(), request.output, request.errors};
    wanted.insert(wanted.end(), request.descriptors.begin(), request.descriptors.end());
    const size_t targets = wanted.size();
    for (const int descriptor : wanted) {
        Result<int> source = lift(descriptor, targets, keep);
        if (!source) return source.error();
        plan.sources.push_back(*source);
    }
    if (request.directory >= 0) {
        Result<int> directory = lift(request.directory, targets, keep);
        if (!directory) return directory.error();
        plan.directory = *directory;
    }
    if (request.confinement >= 0) {
        Result<int> confinement = lift(request.confinement, targets, keep);
        if (!confinement) return confinement.error();
        plan.confinement = *confinement;
    }
    for (const int group : request.groups) {
        Result<int> door = lift(group, targets, keep);
        if (!door) return door.error();
        plan.groups.push_back(*door);
    }
    plan.data_limit = request.data_limit;
    const Fd program(open(request.program.c_str(), O_PATH | O_CLOEXEC));
    if (!program) return system_error("cannot open " + request.program, errno);
    const Result<int> lifted = lift(program.get(), targets, keep);
    if (!lifted) return lifted.error();
    const std::string by_descriptor = "/proc/self/fd/" + std::to_string(*lifted);

    ChildFailure failure;
    const ChildSetup setup(plan, request.program.c_str(), by_descriptor.c_str(), failure);
    std::error_code error;
    bp::child child(bp::exe = request.name, make_environment(request.environment),
                    bp::posix::use_vfork, error, setup);
    const pid_t pid = child.id();
    child.detach();  // its destructor would kill; reaping is the event loop's business
    if (failure.stage)
        return system_error("cannot start " + request.name + ": could not " + failure.stage,
                            failure.error);
    if (error || pid <= 0)
        return system_error("cannot start " + request.name, error ? error.value() : EAGAIN);
    set_oom_score(pid, request.oom_score);
    Spawned spawned;
    spawned.pid = pid;
    spawned.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!spawned.pidfd && errno != ESRCH && errno != EINVAL)
        return system_error("cannot watch " + request.name, errno);
    return spawned;
}

}  // namespace supervisor
