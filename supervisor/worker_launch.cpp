#include "supervisor/worker_launch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "supervisor/landlock.h"
#include "supervisor/spawn.h"
#include "supervisor/syscall_filter.h"
#include "workers/common/base/users.h"

namespace supervisor {

namespace {

// What shutting a command in takes: a user of its own, namespaces with their mounts and loopback
// interface, and ending it.
constexpr int isolating[] = {CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_SYS_ADMIN, CAP_NET_ADMIN};

constexpr int first_extra_handle = 4;  // 3 is the link to the supervisor

Result<std::pair<Fd, Fd>> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
    return std::pair<Fd, Fd>(Fd(ends[0]), Fd(ends[1]));
}

// No descriptor when the kernel offers none.
Result<Fd> confine(const LaunchRequest& request) {
    if (landlock_version() == 0 || request.kind.extra.may_isolate) return Fd();
    std::vector<std::string> places(request.kind.directories.begin(),
                                    request.kind.directories.end());
    constexpr std::string_view scheme = "ipc://";
    for (const auto& link : request.links)
        if (link.binds() && link.endpoint().starts_with(scheme))
            places.push_back(
                link.endpoint().substr(scheme.size(), link.endpoint().rfind('/') - scheme.size()));
    return write_confinement(request.state_dir, places);
}

SpawnRequest process_of(const LaunchRequest& request) {
    SpawnRequest process;
    process.name = "hardshell-" + std::string(request.kind.kind);
    process.program = request.libexec + "/" + std::string(request.kind.program);
    process.environment = request.base_environment;
    for (const auto& [variable, value] : request.plan.settings().environment())
        process.environment.push_back(variable + "=" + value);
    process.directory = request.state_dir;
    process.user = request.user;
    if (request.kind.extra.in_workspace_group) process.extra_group = workspace_group;
    if (request.kind.extra.may_isolate)
        process.capabilities.assign(std::begin(isolating), std::end(isolating));
    process.oom_score = request.kind.oom_score;
    process.groups = request.groups;
    process.data_limit = request.data_limit;
    if (can_filter_syscalls())
        process.filter = syscall_filter(request.kind.network, request.kind.extra.may_isolate);
    return process;
}

}  // namespace

Result<Launched> launch(const LaunchRequest& request) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("cannot start " + request.plan.name(), errno);
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    Result<std::pair<Fd, Fd>> output = make_pipe();
    if (!output) return output.error();
    Result<std::pair<Fd, Fd>> errors = make_pipe();
    if (!errors) return errors.error();
    const Result<Fd> confinement = confine(request);
    if (!confinement) return confinement.error();

    SpawnRequest process = process_of(request);
    process.output = output->second.get();
    process.errors = errors->second.get();
    process.descriptors = {theirs.get()};
    for (const auto& [handle, descriptor] : request.handles)
        process.descriptors.push_back(descriptor);
    if (*confinement) process.confinement = confinement->get();
    Result<Spawned> spawned = spawn(process);
    if (!spawned) return spawned.error();
    return Launched{spawned->pid, std::move(spawned->pidfd), std::move(ours),
                    std::move(output->first), std::move(errors->first)};
}

hardshell::proto::ToWorker start_message(const LaunchRequest& request) {
    hardshell::proto::ToWorker message;
    auto& start = *message.mutable_start();
    start.set_worker(request.plan.name());
    start.set_kind(request.plan.kind());
    start.set_incarnation(request.incarnation);
    *start.mutable_settings() = request.plan.settings();
    *start.mutable_secrets() = request.plan.secrets();
    for (const auto& link : request.links) *start.add_links() = link;
    for (const auto& stream : request.streams) *start.add_streams() = stream;
    if (request.public_url) *start.mutable_public_url() = *request.public_url;
    int descriptor = first_extra_handle;
    for (const auto& [name, source] : request.handles) {
        auto& handle = *start.add_handles();
        handle.set_name(name);
        handle.set_descriptor(descriptor++);
    }
    for (const auto& worker : request.visible_workers) *start.add_workers() = worker;
    start.set_log_level(request.log_level);
    start.set_may_execute(request.kind.may_execute);
    return message;
}

}  // namespace supervisor
