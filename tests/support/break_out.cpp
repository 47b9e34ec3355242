// A worker that tries to get out, in the agent's place: with its user, its descriptors, its links
// and all that keeps it apart. It logs a line per attempt, "held: …" or "BROKE OUT: …".

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "workers/common/log.h"
#include "workers/common/run_worker.h"

namespace {

// What the attempts need to know.
struct Prison {
    pid_t neighbour = 0;
    pid_t supervisor = 0;
    std::string state_dir;
    std::string run_dir;  // from its own link's endpoint
    bool has_user = false;

    std::string neighbours(const std::string& file) const {
        return "/proc/" + std::to_string(neighbour) + "/" + file;
    }
};

bool can_open(const std::string& path, int flags) {
    return Fd(open(path.c_str(), flags | O_CLOEXEC, 0600)) ? true : false;
}

std::string status_line(const std::string& key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.compare(0, key.size() + 1, key + ":") == 0) return line.substr(key.size() + 2);
    return {};
}

bool has_capabilities(const char* set) {
    return status_line(set).find_first_not_of('0') != std::string::npos;
}

bool gains_capability() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct all[2] = {};
    for (auto& half : all) half.effective = half.permitted = ~0U;
    return syscall(SYS_capset, &header, all) == 0;
}

bool reads_memory_of(pid_t pid) {
    char byte = 0;
    iovec here{&byte, 1};
    iovec there{reinterpret_cast<void*>(0x400000), 1};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
}

bool executes(const char* program) {
    const pid_t child = fork();
    if (child == 0) {
        execl(program, program, nullptr);
        _exit(99);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) != 99;
}

bool reaches_control_socket(const std::string& run_dir) {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = run_dir + "/control.sock";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

// Descriptors of files and directories, whatever their number: it was handed none.
bool holds_a_foreign_file() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
        const bool own = gone || target.empty() || target[0] != '/' ||
                         target.starts_with("/dev/") || target.starts_with("/memfd:") ||
                         target.starts_with("/proc/");
        if (!own) return true;
    }
    return false;
}

bool leaves_its_group() {
    for (const auto& tree : {"memory", "pids", "unified", ""}) {
        const std::string procs = std::string("/sys/fs/cgroup/") + tree + "/cgroup.procs";
        const Fd file(open(procs.c_str(), O_WRONLY | O_CLOEXEC));
        if (file && write(file.get(), "0", 1) == 1) return true;
    }
    return false;
}

bool raises_its_limit(int resource) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return false;
    if (limit.rlim_max == RLIM_INFINITY) return true;
    limit.rlim_max = limit.rlim_cur = limit.rlim_max + 1;
    return setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

struct Attempt {
    const char* what;
    bool needs_user;  // holds only where workers have users of their own
    bool (*succeeds)(const Prison&);
};

constexpr Attempt attempts[] = {
    // clang-format off
    {"become root",                        true,  [](const Prison&) { return setuid(0) == 0; }},
    {"gain a capability",                  false, [](const Prison&) { return gains_capability(); }},
    {"hold an effective capability",       false, [](const Prison&) { return has_capabilities("CapEff"); }},
    {"hold a permitted capability",        false, [](const Prison&) { return has_capabilities("CapPrm"); }},
    {"hold an inheritable capability",     false, [](const Prison&) { return has_capabilities("CapInh"); }},
    {"hold an ambient capability",         false, [](const Prison&) { return has_capabilities("CapAmb"); }},
    {"regain capabilities by a program",   true,  [](const Prison&) { return has_capabilities("CapBnd"); }},
    {"gain privileges by a program",       false, [](const Prison&) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; }},
    {"execute a program",                  false, [](const Prison&) { return executes("/bin/true"); }},
    {"read a neighbour's environment",     true,  [](const Prison& p) { return can_open(p.neighbours("environ"), O_RDONLY); }},
    {"read a neighbour's memory file",     true,  [](const Prison& p) { return can_open(p.neighbours("mem"), O_RDONLY); }},
    {"list a neighbour's descriptors",     true,  [](const Prison& p) { return can_open(p.neighbours("fd"), O_RDONLY | O_DIRECTORY) && can_open(p.neighbours("fd/0"), O_RDONLY); }},
    {"read a neighbour's memory",          true,  [](const Prison& p) { return reads_memory_of(p.neighbour); }},
    {"trace a neighbour",                  true,  [](const Prison& p) { return ptrace(PTRACE_SEIZE, p.neighbour, nullptr, nullptr) == 0; }},
    {"signal a neighbour",                 true,  [](const Prison& p) { return kill(p.neighbour, 0) == 0; }},
    {"signal the supervisor",              true,  [](const Prison& p) { return kill(p.supervisor, 0) == 0; }},
    {"read a neighbour's directory",       true,  [](const Prison& p) { return can_open(p.state_dir + "/devices", O_RDONLY | O_DIRECTORY); }},
    {"write to a neighbour's directory",   false, [](const Prison& p) { return can_open(p.state_dir + "/devices/planted", O_WRONLY | O_CREAT); }},
    {"write the configuration",            false, [](const Prison& p) { return can_open(p.state_dir + "/openclaw.json", O_WRONLY | O_CREAT); }},
    {"write outside the state directory",  false, [](const Prison&) { return can_open("/tmp/planted-by-break-out", O_WRONLY | O_CREAT); }},
    {"reach the control socket",           true,  [](const Prison& p) { return reaches_control_socket(p.run_dir); }},
    {"hold a file it was not given",       false, [](const Prison&) { return holds_a_foreign_file(); }},
    {"leave its control group",            false, [](const Prison&) { return leaves_its_group(); }},
    {"be the last to be killed",           false, [](const Prison&) { return can_open("/proc/self/oom_score_adj", O_WRONLY); }},
    {"raise its number of descriptors",    false, [](const Prison&) { return raises_its_limit(RLIMIT_NOFILE); }},
    {"leave a core with secrets",          false, [](const Prison&) { return raises_its_limit(RLIMIT_CORE); }},
    {"mount",                              false, [](const Prison&) { return mount("none", "/mnt", "tmpfs", 0, nullptr) == 0; }},
    {"make a user namespace",              false, [](const Prison&) { return unshare(CLONE_NEWUSER) == 0; }},
    {"make a raw socket",                  false, [](const Prison&) { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }},
    {"load kernel code",                   false, [](const Prison&) { return syscall(SYS_bpf, 0, nullptr, 0) >= 0; }},
    // clang-format on
};

Done break_out(Worker& self) {
    Prison prison;
    prison.has_user = getuid() != 0;
    prison.supervisor = getppid();
    prison.state_dir = self.settings().state_dir();
    prison.run_dir = self.settings().environment().at("HARDSHELL_RUN_DIR");
    for (const auto& worker : self.workers())
        if (worker.name() == "gateway") prison.neighbour = worker.pid();
    for (const Attempt& attempt : attempts) {
        if (attempt.needs_user && !prison.has_user) continue;
        log_info("{}: {}", attempt.succeeds(prison) ? "BROKE OUT" : "held", attempt.what);
    }
    log_info("tried {} ways out", std::size(attempts));
    self.ready();
    self.loop().run();
    return {};
}

}  // namespace

int main() {
    return run_worker(make_epoll_loop(), break_out);
}
