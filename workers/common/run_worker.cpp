#include "workers/common/run_worker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <fstream>

#include "workers/common/backtrace.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/exit_codes.h"
#include "workers/common/log.h"
#include "workers/common/renounce.h"

using hardshell::proto::FromWorker;
using hardshell::proto::Start;
using hardshell::proto::ToWorker;

namespace {

ClockReadings clocks() {
    return {monotonic_ms(), boottime_ms(), wall_ms()};
}

constexpr int start_timeout_ms = 10'000;

const Secret no_secret;

Result<Start> receive_start() {
    Result<std::string> frame = read_one_frame(supervisor_descriptor, start_timeout_ms);
    if (!frame) return frame.error();
    ToWorker message;
    if (!message.ParseFromString(*frame) || !message.has_start())
        return Error{Fault::bad_message, "the supervisor's first message is no Start"};
    explicit_bzero(frame->data(), frame->size());
    return std::move(*message.mutable_start());
}

Result<BoardPage> own_page(const Start& start) {
    for (const auto& handle : start.handles())
        if (handle.name() == "board") {
            Fd descriptor(handle.descriptor());
            return BoardPage::map(descriptor.get(), true);
        }
    return Error{Fault::bad_message, "no status page was handed over"};
}

double in_mib(uint64_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

// What no other process shares, roughly: resident without files and shared memory.
double own_memory_mib() {
    uint64_t size = 0, resident = 0, shared = 0;
    std::ifstream("/proc/self/statm") >> size >> resident >> shared;
    return in_mib((resident - shared) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

int end_with(Worker& worker, const Error& error) {
    log_error("{}", error.what);
    worker.fail(error);
    return exit_code::of(error.fault);
}

}  // namespace

Worker::Worker(std::unique_ptr<Loop> loop, Start start, Fd supervisor, BoardPage page)
    : loop_(std::move(loop)), start_(std::move(start)), page_(std::move(page)), sleep_(clocks()) {
    for (auto& secret : *start_.mutable_secrets()) {
        secrets_.emplace_back(secret.name(), Secret(secret.value()));
        explicit_bzero(secret.mutable_value()->data(), secret.value().size());
        secret.clear_value();
    }
    workers_.assign(start_.workers().begin(), start_.workers().end());
    supervisor_ = std::make_unique<FrameStream>(*loop_, std::move(supervisor));
    supervisor_->on_frame([this](std::string_view frame) { on_frame(frame); });
    // Without a supervisor nobody may run: the successor's workers will own the state.
    supervisor_->on_close([](const std::string&) { _exit(exit_code::retry); });
    heartbeat_ = loop_->every(heartbeat_period, [this] { beat(); });
    beat();
}

Worker::~Worker() = default;

const Secret& Worker::secret(const std::string& name) const {
    for (const auto& [known, value] : secrets_)
        if (known == name) return value;
    return no_secret;
}

std::vector<std::pair<std::string, Secret>> Worker::secrets_under(const std::string& prefix) const {
    std::vector<std::pair<std::string, Secret>> found;
    for (const auto& [name, value] : secrets_)
        if (name.compare(0, prefix.size(), prefix) == 0) found.emplace_back(name, value);
    return found;
}

std::string Worker::secret_source(const std::string& name) const {
    for (const auto& secret : start_.secrets())
        if (secret.name() == name) return secret.source();
    return {};
}

std::vector<int> Worker::handles(const std::string& name) const {
    std::vector<int> found;
    for (const auto& handle : start_.handles())
        if (handle.name() == name) found.push_back(handle.descriptor());
    return found;
}

Result<std::unique_ptr<Link>> Worker::open_link(const std::string& peer) {
    for (const auto& end : start_.links()) {
        if (end.peer() != peer) continue;
        auto link = Link::open(*loop_, end, incarnation());
        if (link) links_.push_back(link->get());
        return link;
    }
    return Error{Fault::bad_config, name() + " was given no link to " + peer};
}

bool Worker::has_link(const std::string& peer) const {
    for (const auto& end : start_.links())
        if (end.peer() == peer) return true;
    return false;
}

std::string Worker::endpoint_of(const std::string& peer) const {
    for (const auto& end : start_.links())
        if (end.peer() == peer) return end.endpoint();
    return {};
}

std::string Worker::stream_to(const std::string& peer) const {
    for (const auto& end : start_.streams())
        if (end.peer() == peer) return end.path();
    return {};
}

Done Worker::publish(const PublicUrl& url) {
    FromWorker message;
    *message.mutable_public_url() = url;
    return supervisor_->send(message);
}

void Worker::ready(const std::string& summary) {
    FromWorker message;
    message.mutable_ready()->set_summary(summary);
    (void)supervisor_->send(message);
}

void Worker::on_stop(std::function<void(const hardshell::proto::Stop&)> handler) {
    on_stop_ = std::move(handler);
}

void Worker::fail(const Error& error) {
    FromWorker message;
    message.mutable_failed()->set_fault(fault_name(error.fault));
    message.mutable_failed()->set_what(error.what);
    (void)supervisor_->send(message);
}

void Worker::beat() {
    const ClockReadings now = clocks();
    page_.beat(now.monotonic_ms);
    if (sleep_.has_slept(now) && on_resumed_) on_resumed_();
    if (idle_.is_time(page_faults())) release_idle_memory();
}

void Worker::on_frame(std::string_view frame) {
    ToWorker message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
    if (message.has_workers_changed()) {
        const auto& changed = message.workers_changed().workers();
        workers_.assign(changed.begin(), changed.end());
        start_.mutable_settings()->set_degraded(message.workers_changed().degraded());
        volume_ = message.workers_changed().volume();
        // First, so that what was meant for a dead peer is forgotten before its successor is known.
        if (on_workers_) on_workers_();
        follow_peers();
    } else if (message.has_exec_approvals_json()) {
        start_.mutable_settings()->set_exec_approvals_json(message.exec_approvals_json());
        if (on_exec_approvals_) on_exec_approvals_();
    } else if (message.has_public_url()) {
        *start_.mutable_public_url() = message.public_url();
        if (on_public_url_) on_public_url_();
    } else if (message.has_stop()) {
        if (on_stop_)
            on_stop_(message.stop());
        else
            loop_->stop(exit_code::requested);
    } else if (message.has_shed()) {
        shed(message.shed());
    } else if (message.has_owner_request()) {
        answer_owner(message.owner_request());
    } else if (message.has_config_answer() && on_config_) {
        on_config_(message.config_answer());
    } else if (message.has_log_answer() && on_log_) {
        on_log_(message.log_answer());
    } else if (message.has_supervisor_answer() && on_supervisor_) {
        on_supervisor_(message.supervisor_answer());
    }
}

void Worker::answer_owner(const hardshell::proto::OwnerRequest& request) {
    OwnerAnswer answer = [this, id = request.id()](hardshell::proto::OwnerResult result) {
        result.set_id(id);
        FromWorker message;
        *message.mutable_owner_result() = std::move(result);
        (void)supervisor_->send(message);
    };
    if (on_owner_request_) return on_owner_request_(request, std::move(answer));
    hardshell::proto::OwnerResult refused;
    refused.set_error(name() + " answers no requests of the owner");
    answer(std::move(refused));
}

Done Worker::ask_config(const hardshell::proto::ConfigCall& call) {
    FromWorker message;
    *message.mutable_config_call() = call;
    return supervisor_->send(message);
}

Done Worker::ask_log(const hardshell::proto::LogQuery& query) {
    FromWorker message;
    *message.mutable_log_query() = query;
    return supervisor_->send(message);
}

Done Worker::ask_supervisor(const hardshell::proto::SupervisorCall& call) {
    FromWorker message;
    *message.mutable_supervisor_call() = call;
    return supervisor_->send(message);
}

void Worker::shed(const hardshell::proto::Shed& asked) {
    const double before = own_memory_mib();
    if (on_shed_) on_shed_();
    release_idle_memory();
    log_warn(
        "near the memory limit, {:.1f} of {:.1f} MiB: let go of what can be rebuilt, "
        "{:.1f} MiB of its own before and {:.1f} after",
        in_mib(asked.memory_bytes()), in_mib(asked.memory_soft_bytes()), before, own_memory_mib());
}

void Worker::follow_peers() {
    for (Link* link : links_)
        for (const Status& status : workers_)
            if (status.name() == link->peer()) link->peer_is(status.incarnation(), false);
}

int run_worker(std::unique_ptr<Loop> loop, Done (*run)(Worker&)) {
    install_backtrace();
#if !defined(__SANITIZE_ADDRESS__)  // its leak check has to trace the process
    prctl(PR_SET_DUMPABLE, 0);      // the memory of this process holds secrets
#endif
    signal(SIGPIPE, SIG_IGN);
    // A terminal's Ctrl-C reaches the whole group; only the supervisor decides who stops when.
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    Result<Start> start = receive_start();
    if (!start) {
        log_error("cannot start: {}", start.error().what);
        return exit_code::failed;
    }
    if (!start->may_execute()) renounce_execution();
    set_log_level(start->log_level());
    prctl(PR_SET_NAME, start->worker().substr(0, 15).c_str());
    Result<BoardPage> page = own_page(*start);
    if (!page) {
        log_error("cannot start: {}", page.error().what);
        return exit_code::failed;
    }
    Worker worker(std::move(loop), std::move(*start), Fd(supervisor_descriptor), std::move(*page));
    try {
        const Done done = run(worker);
        return done ? exit_code::requested : end_with(worker, done.error());
    } catch (const std::bad_alloc&) {
        return end_with(worker, {Fault::out_of_memory, "out of memory"});
    } catch (const std::exception& failure) {
        return end_with(worker, {Fault::system, failure.what()});
    }
}
