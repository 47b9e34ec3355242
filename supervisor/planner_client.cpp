#include "supervisor/planner_client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "supervisor/syscall_filter.h"

namespace supervisor {

namespace {

constexpr std::chrono::seconds longest_planning{10};

}  // namespace

PlannerClient::PlannerClient(Loop& loop, LogPump& log, Setting setting)
    : loop_(loop), log_(log), setting_(std::move(setting)) {}

void PlannerClient::ask(const hardshell::proto::PlanRequest& request, Answer answer) {
    answer_ = std::move(answer);
    int ends[2];
    int pipe_ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return finish(system_error("cannot reach a planner", errno));
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return finish(system_error("cannot reach a planner", errno));
    log_.follow("planner", Fd(pipe_ends[0]));
    const Fd output(pipe_ends[1]);
    SpawnRequest spawning;
    spawning.name = "hardshell-planner";
    spawning.program = setting_.program;
    spawning.environment = setting_.environment;
    spawning.directory = setting_.directory;
    spawning.output = output.get();
    spawning.errors = output.get();
    spawning.descriptors = {theirs.get()};
    spawning.user = setting_.user;
    if (setting_.group) spawning.groups = setting_.group->doors();
    if (can_filter_syscalls()) spawning.filter = syscall_filter(Network::none);
    Result<Spawned> spawned = spawn(spawning);
    if (!spawned) return finish(spawned.error());
    pid_ = spawned->pid;
    stream_ = std::make_unique<FrameStream>(loop_, std::move(ours));
    stream_->on_frame([this](std::string_view frame) {
        hardshell::proto::PlanReply reply;
        if (reply.ParseFromArray(frame.data(), static_cast<int>(frame.size())))
            finish(std::move(reply));
        else
            finish(Error{Fault::bad_message, "the planner's answer is no plan"});
    });
    stream_->on_close([this](const std::string&) {
        finish(Error{Fault::system, "the planner ended without an answer"});
    });
    deadline_ = loop_.after(longest_planning, [this] {
        if (pid_ > 0) kill(pid_, SIGKILL);
        finish(Error{Fault::timed_out, "the planner did not answer in 10 s"});
    });
    if (Done sent = stream_->send(request); !sent) finish(sent.error());
}

void PlannerClient::finish(Result<hardshell::proto::PlanReply> reply) {
    deadline_.reset();
    if (!answer_) return;
    const Answer answer = std::move(answer_);
    answer_ = nullptr;
    // The stream may be the caller: it goes on the next turn of the loop.
    loop_.soon([stream = std::shared_ptr<FrameStream>(std::move(stream_))] {});
    answer(std::move(reply));
}

void PlannerClient::set_budget(const MemoryBudget& budget, int most_tasks) {
    if (setting_.group) (void)setting_.group->limit(budget, most_tasks);
}

void PlannerClient::ended() {
    pid_ = 0;
    log_.finish("planner");
}

}  // namespace supervisor
