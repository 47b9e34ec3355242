#include "workers/cli/plan_query.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "workers/common/base/fd.h"
#include "workers/common/base/frame_stream.h"

namespace cli {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::PlanReply;
using hardshell::proto::PlanRequest;

constexpr int planner_patience_ms = 10'000;
constexpr int planner_descriptor = 3;

bool exists(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
}

// A state directory for a planner that must leave the real one alone; removed with this object.
class ScratchState {
  public:
    static Result<ScratchState> make(const std::string& state_dir) {
        std::string path = "/tmp/hardshell-check-XXXXXX";
        if (!mkdtemp(path.data())) return system_error("cannot make a directory in /tmp", errno);
        ScratchState scratch{path};
        std::error_code failed;
        std::filesystem::create_directories(path + "/hardshell/planner", failed);
        if (failed) return system_error("cannot make a directory in " + path, failed.value());
        // Variables kept in the state directory count, too.
        if (exists(state_dir + "/.env"))
            std::filesystem::create_symlink(state_dir + "/.env", path + "/.env", failed);
        return scratch;
    }
    ScratchState(ScratchState&& other) noexcept : path_(std::move(other.path_)) {
        other.path_.clear();
    }
    ScratchState& operator=(ScratchState&&) = delete;
    ~ScratchState() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    explicit ScratchState(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// Whom root's planner should be; nothing when there is nothing to change to.
std::optional<uid_t> planner_user(const std::string& state_dir) {
    struct stat info {};
    if (geteuid() != 0 || ::stat((state_dir + "/hardshell/planner").c_str(), &info) != 0) return {};
    if (info.st_uid == 0) return {};
    return info.st_uid;
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void become_planner(const char* program, const char* directory, int socket,
                                 std::optional<uid_t> user) {
    // The group of the same number and no other, as under the supervisor.
    if (user && (setgroups(0, nullptr) != 0 || setgid(*user) != 0 || setuid(*user) != 0))
        _exit(126);
    if (socket == planner_descriptor)
        fcntl(socket, F_SETFD, 0);
    else
        dup2(socket, planner_descriptor);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (chdir(directory) != 0 && chdir("/") != 0) _exit(126);
    char* const arguments[] = {const_cast<char*>(program), nullptr};
    execv(program, arguments);
    _exit(127);
}

// Ends and collects the planner, whatever it is doing.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        // Only ever its own number: kill() of -1 would end every process of the user.
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        wait();
    }
    // The planner has answered or closed its end: it is leaving by itself.
    int wait() {
        int status = 0;
        while (pid_ > 0 && waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        return status;
    }

  private:
    pid_t pid_;
};

Error silent_planner(const Error& why, Child& child, const std::string& program) {
    if (why.fault == Fault::timed_out)
        return Error{Fault::timed_out, "the planner (" + program + ") does not answer"};
    const int status = child.wait();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return Error{Fault::system,
                     "the program " + program + " cannot be run; the installation is incomplete"};
    return Error{Fault::system, "the planner (" + program + ") ended without an answer; " +
                                    "what it said stands above, if anything"};
}

Result<PlanReply> run_planner(const Context& context, const PlanRequest& request) {
    const std::string program = context.libexec_dir + "/planner";
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("cannot make a socket pair", errno);
    Fd ours{ends[0]};
    Fd theirs{ends[1]};
    const std::optional<uid_t> user = planner_user(request.state_dir());
    const pid_t pid = fork();
    if (pid < 0) return system_error("cannot start the planner", errno);
    if (pid == 0) become_planner(program.c_str(), context.state_dir.c_str(), theirs.get(), user);
    Child child{pid};
    theirs.reset();

    // A planner that cannot be run shows itself when the answer is read.
    (void)write_one_frame(ours.get(), request, planner_patience_ms);
    Result<std::string> frame = read_one_frame(ours.get(), planner_patience_ms);
    if (!frame) return silent_planner(frame.error(), child, program);
    child.wait();
    PlanReply reply;
    if (!reply.ParseFromString(*frame))
        return Error{Fault::bad_message,
                     "the planner's answer cannot be read; is " + program + " of another version?"};
    return reply;
}

// What a planner with a scratch directory says about its files is not about the owner's.
void drop_scratch(Plan& plan, const std::string& scratch) {
    auto& notices = *plan.mutable_notices();
    for (int i = notices.size() - 1; i >= 0; --i)
        if (notices[i].text().find(scratch) != std::string::npos) notices.DeleteSubrange(i, 1);
    if (!exists(paths::generated_token_file(scratch))) return;
    for (auto& worker : *plan.mutable_workers()) {
        auto& secrets = *worker.mutable_secrets();
        for (int i = secrets.size() - 1; i >= 0; --i)
            if (secrets[i].name() == "gateway.auth.token") secrets.DeleteSubrange(i, 1);
    }
}

}  // namespace

Result<Plan> ask_planner(const Context& context, const std::vector<std::string>& options) {
    PlanRequest request;
    request.set_state_dir(context.state_dir);
    request.set_config_path(context.config_path);
    request.add_arguments("--allow-unconfigured");  // its absence is no fault of a question
    for (const std::string& option : options) request.add_arguments(option);
    std::optional<ScratchState> scratch;
    if (!exists(context.state_dir + "/hardshell/planner")) {
        Result<ScratchState> made = ScratchState::make(context.state_dir);
        if (!made) return made.error();
        scratch.emplace(std::move(*made));
        request.set_state_dir(scratch->path());
    }
    Result<PlanReply> reply = run_planner(context, request);
    if (!reply) return reply.error();
    if (!reply->has_plan()) return Error{Fault::bad_config, reply->refused()};
    Plan plan = std::move(*reply->mutable_plan());
    if (scratch) drop_scratch(plan, scratch->path());
    return plan;
}

Result<hardshell::proto::ConfigAnswer> ask_planner_about_config(const Context& context,
                                                                const std::string& method,
                                                                const std::string& params_json) {
    PlanRequest request;
    request.set_state_dir(context.state_dir);
    request.set_config_path(context.config_path);
    request.mutable_config()->set_method(method);
    request.mutable_config()->set_params_json(params_json);
    Result<PlanReply> reply = run_planner(context, request);
    if (!reply) return reply.error();
    if (!reply->has_config())
        return Error{Fault::bad_message, "the planner answered something else"};
    return std::move(*reply->mutable_config());
}

const hardshell::proto::WorkerPlan* worker_of_kind(const Plan& plan, const std::string& kind) {
    for (const auto& worker : plan.workers())
        if (worker.kind() == kind) return &worker;
    return nullptr;
}

const hardshell::proto::Secret* gateway_secret(const Plan& plan, const std::string& name) {
    const auto* gateway = worker_of_kind(plan, "gateway");
    if (!gateway) return nullptr;
    for (const auto& secret : gateway->secrets())
        if (secret.name() == name) return &secret;
    return nullptr;
}

}  // namespace cli
