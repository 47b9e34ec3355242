#include "tests/support/hardshell_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/http_get.h"
#include "tests/support/tcp_socket.h"

using namespace std::chrono_literals;

namespace {

// Between two looks at something that sends no event.
constexpr std::chrono::milliseconds look_again = 2ms;

std::string build_directory() {
    const char* build = std::getenv("HARDSHELL_BUILD");
    return build ? build : "build/dev";
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> list;
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    return list;
}

// Dies with this test: a test that is killed leaves no gateway behind.
pid_t spawn(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
            int output) {
    const auto argv = pointers(arguments);
    const auto envp = pointers(environment);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(input, 0);
        dup2(output, 1);
        dup2(output, 2);
        execve(argv[0], argv.data(), envp.data());
        dprintf(2, "cannot run %s\n", argv[0]);
        _exit(127);
    }
    ::close(input);
    return pid;
}

int exit_code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

HardshellProcess::HardshellProcess(Options options) : options_(std::move(options)) {
    char name[] = "/tmp/hs-XXXXXX";
    root_ = mkdtemp(name);
    ::chmod(root_.c_str(), 0755);  // workers of other users pass through
    state_dir_ = options_.state_dir.empty() ? root_ + "/state" : options_.state_dir;
    for (const std::string& directory : {state_dir_, root_ + "/home"}) {
        std::filesystem::create_directory(directory);
        ::chmod(directory.c_str(), 0755);
    }
    port_ = free_port();
    if (!options_.config.empty()) write_config(options_.config);
    if (!options_.programs.empty()) replace_programs();
}

std::string HardshellProcess::executable() const {
    return (options_.programs.empty() ? build_directory() : root_ + "/programs") + "/hardshell";
}

// A program finds the others beside itself, so all of them are copied.
void HardshellProcess::replace_programs() const {
    const std::string programs = root_ + "/programs";
    const std::string libexec = "/libexec/hardshell";
    std::filesystem::create_directories(programs + libexec);
    std::filesystem::copy(build_directory() + "/hardshell", programs + "/hardshell");
    std::filesystem::copy(build_directory() + libexec, programs + libexec);
    for (const auto& [name, program] : options_.programs)
        std::filesystem::copy(build_directory() + "/" + program, programs + libexec + "/" + name,
                              std::filesystem::copy_options::overwrite_existing);
}

HardshellProcess::~HardshellProcess() {
    if (!ended_) {
        signal(SIGTERM);
        if (!wait_exit(8s)) kill_all();
    }
    for (const ProcessEntry& left : still_running(seen_, 2s)) {
        std::fprintf(stderr, "left behind and killed: %s (%d)\n", left.name.c_str(), left.pid);
        ::kill(left.pid, SIGKILL);
    }
    log_.join();
    std::error_code failure;
    std::filesystem::remove_all(root_, failure);
}

std::vector<std::string> HardshellProcess::environment() const {
    std::map<std::string, std::string> variables = {
        {"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", root_ + "/home"},
        {"OPENCLAW_STATE_DIR", state_dir_},       {"OPENCLAW_GATEWAY_PORT", std::to_string(port_)},
        {"OPENCLAW_GATEWAY_TOKEN", token},        {"HARDSHELL_RUN_DIR", root_ + "/run"},
        {"HARDSHELL_METRICS_PORT", "off"},  // tests that want it bring a port of their own
    };
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) variables[name] = value;
    for (const auto& [name, value] : options_.environment) variables[name] = value;
    std::vector<std::string> list;
    for (const auto& [name, value] : variables)
        if (!value.empty()) list.push_back(name + "=" + value);
    return list;
}

void HardshellProcess::start() {
    log_.join();
    std::vector<std::string> arguments = {executable(), "gateway"};
    if (options_.arguments.empty())
        arguments.insert(arguments.end(),
                         {"--allow-unconfigured", "--port", std::to_string(port_)});
    else
        arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const Fd output(ends[1]);
    pid_ = spawn(arguments, environment(), output.get());
    ended_ = false;
    log_.follow(Fd(ends[0]));
}

bool HardshellProcess::wait_for_200(const char* path, std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    while (!deadline.over()) {
        if (http_get(port_, path, {}, "GET", 1s).status == 200) return true;
        if (wait_exit(look_again)) return false;
    }
    return false;
}

void HardshellProcess::write_config(const std::string& text) const {
    std::ofstream(config_path(), std::ios::binary) << text;
}

HardshellProcess::CommandResult HardshellProcess::command(
    const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {executable()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const Fd input(ends[0]);
    const pid_t child = spawn(words, environment(), ends[1]);
    ::close(ends[1]);
    CommandResult result;
    const Deadline deadline(3 * patience);
    char buffer[4096];
    for (;;) {
        pollfd entry{input.get(), POLLIN, 0};
        if (poll(&entry, 1, static_cast<int>(deadline.left().count())) <= 0) {
            ::kill(child, SIGKILL);
            break;
        }
        const ssize_t count = ::read(input.get(), buffer, sizeof buffer);
        if (count <= 0) break;
        result.output.append(buffer, static_cast<size_t>(count));
    }
    int status = 0;
    waitpid(child, &status, 0);
    result.exit_code = exit_code_of(status);
    return result;
}

pid_t HardshellProcess::worker(const std::string& name) const {
    for (const ProcessEntry& entry : descendants())
        if (entry.name == name && entry.state != 'Z') return entry.pid;
    return 0;
}

pid_t HardshellProcess::wait_worker_replaced(const std::string& name, pid_t former,
                                             std::chrono::milliseconds limit) const {
    for (const Deadline deadline(limit); !deadline.over();) {
        const pid_t now = worker(name);
        if (now != 0 && now != former) return now;
        std::this_thread::sleep_for(look_again);
    }
    return 0;
}

void HardshellProcess::signal(int number) const {
    if (!ended_) ::kill(pid_, number);
}

std::optional<int> HardshellProcess::wait_exit(std::chrono::milliseconds limit) {
    if (ended_) return std::nullopt;
    if (auto below = descendants(); !below.empty()) seen_ = std::move(below);
    const Fd handle(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    pollfd entry{handle.get(), POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(limit.count())) != 1) return std::nullopt;
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    return exit_code_of(status);
}

std::optional<int> HardshellProcess::stop() {
    signal(SIGTERM);
    return wait_exit();
}

void HardshellProcess::kill_all() {
    if (ended_) return;
    seen_ = descendants();
    ::kill(pid_, SIGSTOP);  // it must not start successors meanwhile
    for (const ProcessEntry& entry : seen_) ::kill(entry.pid, SIGKILL);
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ended_ = true;
}

std::vector<ProcessEntry> HardshellProcess::still_running(const std::vector<ProcessEntry>& before,
                                                          std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    for (;;) {
        std::vector<ProcessEntry> left;
        for (const ProcessEntry& entry : before)
            if (is_running(entry.pid)) left.push_back(entry);
        if (left.empty() || deadline.over()) return left;
        std::this_thread::sleep_for(look_again);
    }
}
