// The first process of the test machine, as Fly's own init behaves where Hardshell can see it:
// mounts what a program expects, runs the entrypoint as a child with both outputs in one pipe,
// passes a stop signal on, reaps, unmounts /data, tells the exit code and powers the machine off.
//
// The kernel's command line chooses: "cgroup=v1" or "cgroup=v2". When the scenario beside the
// entrypoint has ended, the machine is asked to stop, as Fly does at a deploy.

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

extern char** environ;

namespace {

void say(const std::string& text) {
    const std::string line = "init: " + text + "\n";
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(1);
}

void mount_at(const char* source, const char* target, const char* type, const char* options = "") {
    mkdir(target, 0755);
    if (mount(source, target, type, 0, options) != 0 && errno != EBUSY)
        say(std::string("cannot mount ") + target + ": " + std::strerror(errno));
}

std::string read_file(const char* path) {
    std::string text(4096, '\0');
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t count = fd < 0 ? 0 : read(fd, text.data(), text.size());
    if (fd >= 0) close(fd);
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return text;
}

void mount_control_groups(bool second_version) {
    if (second_version) {
        mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2");
        return;
    }
    mount_at("tmpfs", "/sys/fs/cgroup", "tmpfs", "mode=755");
    for (const char* controller : {"memory", "pids", "cpu", "freezer"})
        mount_at("cgroup", (std::string("/sys/fs/cgroup/") + controller).c_str(), "cgroup",
                 controller);
    mount_at("cgroup2", "/sys/fs/cgroup/unified", "cgroup2");
}

void raise_loopback() {
    const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(socket_fd, SIOCSIFFLAGS, &request) != 0) say("no loopback");
    close(socket_fd);
}

// Its child's id; both outputs go to `output`.
pid_t start(const char* const* words, int output) {
    const pid_t child = fork();
    if (child != 0) return child;
    setsid();
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    execvp(words[0], const_cast<char* const*>(words));
    _exit(127);
}

double seconds_up() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string shown(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f s", seconds);
    return text;
}

// Copies what comes until both ends of the story are known: the scenario's and the entrypoint's.
class Story {
  public:
    Story(pid_t entrypoint, pid_t scenario, int output)
        : entrypoint_(entrypoint), scenario_(scenario), output_(output) {}

    // The entrypoint's exit code, 128 and the signal where that ended it.
    int follow() {
        while (entrypoint_ > 0) {
            copy();
            reap();
            if (stop_sent_ == 0 || seconds_up() - stop_sent_ < 30) continue;
            say("the entrypoint did not stop within 30 s");
            kill(entrypoint_, SIGKILL);
            stop_sent_ = seconds_up();
        }
        copy();
        return code_;
    }

  private:
    void copy() {
        pollfd wait{output_, POLLIN, 0};
        if (poll(&wait, 1, 20) <= 0) return;
        char bytes[8192];
        const ssize_t count = read(output_, bytes, sizeof bytes);
        if (count > 0 && write(STDOUT_FILENO, bytes, static_cast<size_t>(count)) < 0) _exit(1);
    }

    void reap() {
        int status = 0;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (ended == scenario_) {
                say("scenario ended with " + std::to_string(WEXITSTATUS(status)));
                say("SIGTERM");
                kill(entrypoint_, SIGTERM);
                stop_sent_ = seconds_up();
            } else if (ended == entrypoint_) {
                code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                if (stop_sent_ > 0) say("stopped in " + shown(seconds_up() - stop_sent_));
                entrypoint_ = 0;
            }
        }
    }

    pid_t entrypoint_;
    pid_t scenario_;
    int output_;
    int code_ = -1;
    double stop_sent_ = 0;
};

void kill_the_rest() {
    // Fly unmounts while they live; whoever is left here is a finding.
    const pid_t self = getpid();
    int left = 0;
    for (pid_t other = 2; other < 32768; ++other)
        if (other != self && kill(other, 0) == 0 &&
            read_file(("/proc/" + std::to_string(other) + "/cmdline").c_str()).size() > 0) {
            const std::string name =
                read_file(("/proc/" + std::to_string(other) + "/comm").c_str());
            if (name != "model_double\n" && name != "tail\n") ++left;
        }
    say("processes left: " + std::to_string(left));
}

}  // namespace

int main() {
    mount_at("proc", "/proc", "proc");
    mount_at("sysfs", "/sys", "sysfs");
    mount_at("devtmpfs", "/dev", "devtmpfs");
    mount_at("devpts", "/dev/pts", "devpts");
    mount_at("tmpfs", "/dev/shm", "tmpfs");
    mount_at("tmpfs", "/run", "tmpfs", "mode=755");
    mount_at("tmpfs", "/tmp", "tmpfs");
    const std::string words = read_file("/proc/cmdline");
    mount_control_groups(words.find("cgroup=v2") != std::string::npos);
    mount_at("/dev/vdb", "/data", "ext4");
    const rlimit files{10240, 10240};
    setrlimit(RLIMIT_NOFILE, &files);

    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/root", 1);
    setenv("OPENCLAW_STATE_DIR", "/data", 1);
    setenv("OPENCLAW_GATEWAY_PORT", "3000", 1);
    setenv("OPENCLAW_GATEWAY_TOKEN", "token-of-the-test-machine", 1);
    setenv("FLY_APP_NAME", "test-machine", 1);
    setenv("FLY_MACHINE_ID", "0123456789abcd", 1);
    raise_loopback();
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) return 1;

    say("entrypoint starts at " + shown(seconds_up()));
    const char* const gateway[] = {
        "hardshell", "gateway", "--allow-unconfigured", "--port", "3000", "--bind", "lan", nullptr};
    const char* const scenario[] = {"/bin/sh", "/test/scenario.sh", nullptr};
    const pid_t entrypoint = start(gateway, pipe_ends[1]);
    const pid_t beside = start(scenario, pipe_ends[1]);
    const int code = Story(entrypoint, beside, pipe_ends[0]).follow();

    kill_the_rest();
    sync();
    say(umount("/data") == 0 ? "/data unmounted"
                             : std::string("/data is busy: ") + std::strerror(errno));
    say("exit code " + std::to_string(code));
    reboot(RB_POWER_OFF);
    return 0;
}
