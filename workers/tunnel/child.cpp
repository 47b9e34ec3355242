#include "workers/tunnel/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace tunnel {

namespace {

constexpr int secret_descriptor = 3;

Result<std::pair<Fd, Fd>> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return std::pair<Fd, Fd>(Fd(ends[0]), Fd(ends[1]));
}

Result<Fd> in_memory(const std::string& secret) {
    Fd file(memfd_create("secret", MFD_CLOEXEC));
    if (!file) return system_error("cannot keep a secret in memory", errno);
    if (write(file.get(), secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()))
        return system_error("cannot keep a secret in memory", errno);
    return file;
}

struct Actions {
    posix_spawn_file_actions_t list;
    posix_spawnattr_t attributes;
    Actions() {
        posix_spawn_file_actions_init(&list);
        posix_spawnattr_init(&attributes);
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~Actions() {
        posix_spawn_file_actions_destroy(&list);
        posix_spawnattr_destroy(&attributes);
    }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

}  // namespace

std::string find_program(const std::string& name, const std::string& path) {
    if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
    for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find(':', at), path.size());
        const std::string candidate = path.substr(at, end - at) + "/" + name;
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
        at = end + 1;
    }
    return {};
}

Child::Child(Loop& loop, Handlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}

Child::~Child() {
    if (pid_ <= 0) return;
    kill_now();
    waitpid(pid_, nullptr, 0);
}

Done Child::start(const ChildOrder& order) {
    if (pid_ > 0) return Error{Fault::busy, order.program + " runs already"};
    Result<std::pair<Fd, Fd>> output = make_pipe();
    if (!output) return output.error();
    Result<std::pair<Fd, Fd>> errors = make_pipe();
    if (!errors) return errors.error();
    Fd secret;
    if (!order.secret.empty()) {
        Result<Fd> kept = in_memory(order.secret);
        if (!kept) return kept.error();
        secret = std::move(*kept);
    }
    Actions actions;
    posix_spawn_file_actions_addopen(&actions.list, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions.list, output->second.get(), 1);
    posix_spawn_file_actions_adddup2(&actions.list, errors->second.get(), 2);
    if (secret) posix_spawn_file_actions_adddup2(&actions.list, secret.get(), secret_descriptor);
    // What this worker was handed is not for others: its link, its page, its listener.
    posix_spawn_file_actions_addclosefrom_np(&actions.list,
                                             secret ? secret_descriptor + 1 : secret_descriptor);
    std::vector<std::string> words = {order.program};
    words.insert(words.end(), order.arguments.begin(), order.arguments.end());
    const int failed = posix_spawn(&pid_, order.program.c_str(), &actions.list, &actions.attributes,
                                   pointers(words).data(), pointers(order.environment).data());
    if (failed != 0) {
        pid_ = 0;
        return system_error("cannot start " + order.program, failed);
    }
    pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    if (!pidfd_) {
        const int error = errno;
        kill_now();
        waitpid(std::exchange(pid_, 0), nullptr, 0);
        return system_error("cannot watch " + order.program, error);
    }
    ended_watch_ = loop_.watch(pidfd_.get(), Loop::readable, [this](unsigned) { process_ended(); });
    const auto follow = [this](Pipe& pipe, Fd end, Stream stream) {
        pipe = {};
        pipe.end = std::move(end);
        pipe.watch = loop_.watch(pipe.end.get(), Loop::readable,
                                 [this, &pipe, stream](unsigned) { read(pipe, stream); });
    };
    follow(output_, std::move(output->first), Stream::output);
    follow(errors_, std::move(errors->first), Stream::errors);
    return {};
}

void Child::read(Pipe& pipe, Stream stream) {
    char bytes[8192];
    // So much and no more per turn: one that never stops does not keep the loop.
    for (int pieces = 0; pieces < 16 && pipe.end; ++pieces) {
        const ssize_t got = ::read(pipe.end.get(), bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            pipe.watch.reset();
            pipe.end.reset();
            return;
        }
        tell(pipe, stream, {bytes, static_cast<size_t>(got)});
    }
}

void Child::tell(Pipe& pipe, Stream stream, std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        if (!pipe.skips) pipe.partial.append(bytes.substr(0, end));
        if (pipe.partial.size() > longest_line) {
            pipe.partial.resize(longest_line);
            pipe.skips = true;
        }
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        pipe.skips = false;
        std::string line = std::exchange(pipe.partial, {});
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (handlers_.line) handlers_.line(stream, line);
    }
}

void Child::process_ended() {
    siginfo_t end{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG) != 0 || end.si_pid == 0)
        return;
    pid_ = 0;
    patience_.reset();
    ended_watch_.reset();
    pidfd_.reset();
    for (auto [pipe, stream] :
         {std::pair(&output_, Stream::output), std::pair(&errors_, Stream::errors)}) {
        read(*pipe, stream);
        if (!pipe->partial.empty() && handlers_.line)
            handlers_.line(stream, std::exchange(pipe->partial, {}));
        pipe->watch.reset();
        pipe->end.reset();
    }
    const int code = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
    // Last: the handler may start it again, or let go of us.
    if (const auto ended = handlers_.ended) ended(code);
}

void Child::end(std::chrono::milliseconds patience) {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGCONT);
    patience_ = loop_.after(patience, [this] { kill_now(); });
}

void Child::kill_now() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}

}  // namespace tunnel
