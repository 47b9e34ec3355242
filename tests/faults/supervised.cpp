#include "tests/faults/supervised.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/faults/control_group.h"
#include "tests/support/process_tree.h"
#include "workers/common/base/frame_stream.h"

using hardshell::proto::ControlReply;
using hardshell::proto::ControlRequest;
using hardshell::proto::WorkerStatus;
using namespace std::chrono_literals;

namespace {

std::string build_dir() {
    const char* build = std::getenv("HARDSHELL_BUILD");
    return build ? build : "build/dev";
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> list;
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    return list;
}

// A copy of this process; as first process it has namespaces of its own.
pid_t fork_into(Place place) {
    unsigned long flags = SIGCHLD;
    if (place == Place::first_process) flags |= CLONE_NEWPID | CLONE_NEWNS;
    return static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
}

// In the child. A /proc of the new namespace, so that pids mean there what they say.
void mount_own_proc() {
    mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (mount("proc", "/proc", "proc", 0, nullptr) != 0) _exit(126);
}

int exit_code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

sockaddr_un abstract_address(const std::string& name, socklen_t& size) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return address;
}

std::string next_id() {
    static std::atomic<int> count{0};
    return std::to_string(getpid()) + "-" + std::to_string(++count);
}

}  // namespace

int64_t monotonic_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit,
                std::chrono::microseconds between) {
    for (const Deadline deadline(limit);;) {
        if (condition()) return true;
        if (deadline.over()) return false;
        std::this_thread::sleep_for(between);
    }
}

Supervised::Supervised(Options options) : options_(std::move(options)), id_(next_id()) {
    char name[] = "/tmp/hf-XXXXXX";
    root_ = mkdtemp(name);
    ::chmod(root_.c_str(), 0755);  // workers of other users pass through
    state_dir_ = options_.state_dir.empty() ? root_ + "/state" : options_.state_dir;
    run_dir_ = options_.run_dir.empty() ? root_ + "/run" : options_.run_dir;
    std::filesystem::create_directories(state_dir_);
    ::chmod(state_dir_.c_str(), 0755);
    socklen_t size = 0;
    const sockaddr_un address = abstract_address("hardshell-fault-" + id_, size);
    orders_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (bind(orders_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) std::abort();
}

Supervised::~Supervised() {
    // The supervisor first: it must not start successors.
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        (void)wait_exit();
    }
    for (const pid_t pid : everybody()) {
        std::fprintf(stderr, "left behind and killed: %d\n", pid);
        ::kill(pid, SIGKILL);
    }
    for (const std::string& group : control_groups()) rmdir(group.c_str());
    output_.reset();
    log_.join();
    std::error_code failure;
    std::filesystem::remove_all(root_, failure);
}

std::vector<std::string> Supervised::environment() const {
    std::map<std::string, std::string> variables = {
        {"PATH", "/usr/local/bin:/usr/bin:/bin"},
        {"FAULT_ID", id_},
        {"HARDSHELL_STOP_BUDGET_MS", "3000"},
    };
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
        if (const char* value = std::getenv(name)) variables[name] = value;
    for (const auto& [name, value] : options_.environment) variables[name] = value;
    std::vector<std::string> list;
    for (const auto& [name, value] : variables)
        if (!value.empty()) list.push_back(name + "=" + value);
    return list;
}

void Supervised::set_plan(const std::string& script) const {
    // By rename, as an editor does.
    const std::string draft = config_path() + ".draft";
    std::ofstream(draft) << script;
    std::filesystem::rename(draft, config_path());
}

void Supervised::start() {
    const std::string libexec =
        options_.libexec.empty() ? build_dir() + "/tests/faults/libexec" : options_.libexec;
    const std::vector<std::string> words = {
        libexec + "/supervisor", "--state-dir", state_dir_, "--config-path",
        config_path(),           "--run-dir",   run_dir_,   "--"};
    const std::vector<std::string> variables = environment();
    const auto argv = pointers(words);
    const auto envp = pointers(variables);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const Fd writer(ends[1]);
    const Fd input(open("/dev/null", O_RDONLY | O_CLOEXEC));
    pid_ = fork_into(options_.place);
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves nothing
        if (options_.place == Place::first_process) mount_own_proc();
        dup2(input.get(), 0);
        dup2(writer.get(), 1);
        dup2(writer.get(), 2);
        if (options_.before_exec) options_.before_exec();
        execve(argv[0], argv.data(), envp.data());
        _exit(127);
    }
    ended_ = false;
    if (options_.after_fork) options_.after_fork(pid_);
    handle_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    if (options_.read_output)
        log_.follow(Fd(ends[0]));
    else
        output_ = Fd(ends[0]);
}

Result<ControlReply> Supervised::ask(const std::string& verb,
                                     const std::vector<std::string>& arguments,
                                     std::chrono::milliseconds limit) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, control_socket().c_str(), sizeof address.sun_path - 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error("connect", errno);
    const Deadline deadline(limit);
    const auto left = [&] { return static_cast<int>(deadline.left().count()); };
    ControlRequest request;
    request.set_verb(verb);
    for (const std::string& argument : arguments) request.add_arguments(argument);
    if (Done sent = write_one_frame(socket.get(), request, left()); !sent) return sent.error();
    ControlReply all;
    while (!all.last()) {
        const Result<std::string> frame = read_one_frame(socket.get(), left());
        if (!frame) return frame.error();
        ControlReply part;
        if (!part.ParseFromString(*frame)) return Error{Fault::bad_message, "no reply"};
        all.MergeFrom(part);
    }
    return all;
}

WorkerStatus Supervised::status(const std::string& worker) const {
    const auto reply = ask("status");
    if (reply)
        for (const WorkerStatus& status : reply->status().workers())
            if (status.name() == worker) return status;
    return {};
}

bool Supervised::wait_status(const std::string& worker, const Condition& condition,
                             std::chrono::milliseconds limit) const {
    return eventually([&] { return condition(status(worker)); }, limit, 5ms);
}

bool Supervised::wait_ready(const std::string& worker, std::chrono::milliseconds limit) const {
    return wait_ready_after(worker, 0, limit);
}

bool Supervised::wait_ready_after(const std::string& worker, uint64_t incarnation,
                                  std::chrono::milliseconds limit) const {
    return wait_status(
        worker,
        [&](const WorkerStatus& status) {
            return status.state() == WorkerStatus::READY && status.incarnation() > incarnation;
        },
        limit);
}

std::vector<pid_t> Supervised::children() const {
    std::istringstream list(read_proc(pid_, "task/" + std::to_string(pid_) + "/children"));
    std::vector<pid_t> children;
    // Read through this test's /proc, whatever namespace they are in.
    for (pid_t child = 0; list >> child;) children.push_back(child);
    return children;
}

pid_t Supervised::worker(const std::string& name) const {
    for (const pid_t child : children())
        if (read_proc(child, "comm") == name + "\n" && ::is_running(child)) return child;
    return 0;
}

bool Supervised::order(const std::string& worker, const std::string& command) const {
    socklen_t size = 0;
    const sockaddr_un address = abstract_address("hardshell-fault-" + id_ + "/" + worker, size);
    return sendto(orders_.get(), command.data(), command.size(), 0,
                  reinterpret_cast<const sockaddr*>(&address), size) > 0;
}

bool Supervised::tell(const std::string& worker, const std::string& command,
                      std::chrono::milliseconds limit) const {
    const Deadline deadline(limit);
    // Its socket exists a moment after its process does.
    if (!eventually([&] { return order(worker, command); }, limit)) return false;
    // Answers to orders that nobody waited for may come first.
    char answer[2048];
    pollfd entry{orders_.get(), POLLIN, 0};
    while (poll(&entry, 1, static_cast<int>(deadline.left().count())) == 1) {
        const ssize_t count = recv(orders_.get(), answer, sizeof answer, MSG_DONTWAIT);
        if (count > 0 && command == std::string_view(answer, static_cast<size_t>(count)))
            return true;
    }
    return false;
}

std::string Supervised::kind_of(const std::string& worker) const {
    std::ifstream script(config_path());
    for (std::string line; std::getline(script, line);) {
        std::istringstream words(line);
        std::string word, name, kind;
        if (words >> word >> name >> kind && word == "worker" && name == worker) return kind;
    }
    return "stub";
}

std::string Supervised::notes_file(const std::string& worker) const {
    return state_dir_ + "/lives-" + kind_of(worker) + "/" + worker;
}

Supervised::Notes Supervised::notes(const std::string& worker, const std::string& what) const {
    Notes found;
    std::ifstream file(notes_file(worker));
    for (std::string line; std::getline(file, line);) {
        std::istringstream stream(line);
        std::vector<std::string> words;
        for (std::string word; stream >> word;) words.push_back(word);
        if (!words.empty() && words[0] == what) found.push_back(words);
    }
    return found;
}

bool Supervised::wait_notes(const std::string& worker, const std::string& what, size_t count,
                            std::chrono::milliseconds limit) const {
    return eventually([&] { return notes(worker, what).size() >= count; }, limit);
}

int64_t Supervised::kill_to_next_life(const std::string& worker) const {
    const pid_t pid = this->worker(worker);
    const size_t before = lives(worker);
    if (pid <= 1) return -1;
    const int64_t killed = monotonic_us();
    ::kill(pid, SIGKILL);
    if (!wait_notes(worker, "life", before + 1)) return -1;
    return std::stoll(notes(worker, "life").back().back()) - killed;
}

size_t Supervised::descriptors() const {
    std::error_code failure;
    size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd", failure)) {
        (void)entry;
        ++count;
    }
    return count;
}

size_t Supervised::resident_kib() const {
    const std::string status = read_proc(pid_, "status");
    const size_t at = status.find("VmRSS:");
    return at == std::string::npos ? 0 : std::strtoul(status.c_str() + at + 6, nullptr, 10);
}

double Supervised::processor_seconds() const {
    const std::string stat = read_proc(pid_, "stat");
    std::istringstream words(stat.substr(stat.rfind(')') + 1));
    std::string word;
    for (int field = 3; field < 14; ++field) words >> word;
    double user = 0;
    double system = 0;
    words >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void Supervised::signal(int number) const {
    if (!ended_) ::kill(pid_, number);
}

std::optional<int> Supervised::wait_exit(std::chrono::milliseconds limit) {
    if (ended_) return std::nullopt;
    pollfd entry{handle_.get(), POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(limit.count())) != 1) return std::nullopt;
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    return exit_code_of(status);
}

std::vector<pid_t> Supervised::everybody() const {
    const std::string mark = std::string("FAULT_ID=") + id_ + '\0';
    std::vector<pid_t> found;
    std::error_code failure;
    for (const auto& item : std::filesystem::directory_iterator("/proc", failure)) {
        const std::string name = item.path().filename();
        if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
        const pid_t pid = std::atoi(name.c_str());
        if (read_proc(pid, "environ").find(mark) != std::string::npos) found.push_back(pid);
    }
    return found;
}

std::vector<pid_t> Supervised::left_behind(std::chrono::milliseconds limit) const {
    std::vector<pid_t> left;
    eventually(
        [&] {
            left = everybody();
            std::erase_if(left, [&](pid_t pid) { return !ended_ && pid == pid_; });
            return left.empty();
        },
        limit);
    return left;
}

std::vector<std::string> Supervised::control_groups() const {
    struct stat info {};
    if (stat(state_dir_.c_str(), &info) != 0) return {};
    char name[80];
    std::snprintf(name, sizeof name, "hardshell-%llx-%llx",
                  static_cast<unsigned long long>(info.st_dev),
                  static_cast<unsigned long long>(info.st_ino));
    std::vector<std::string> found;
    std::error_code failure;
    for (const auto& tree : std::filesystem::directory_iterator("/sys/fs/cgroup", failure)) {
        // Below the group of this test, which is the supervisor's too; the top where it has none.
        const std::string own = group_of(getpid(), tree.path().filename());
        const std::filesystem::path ours = (own.empty() ? tree.path().string() : own) + "/" + name;
        if (!std::filesystem::is_directory(ours, failure)) continue;
        for (const auto& group : std::filesystem::directory_iterator(ours, failure))
            if (group.is_directory()) found.push_back(group.path());
        found.push_back(ours);
    }
    return found;
}
