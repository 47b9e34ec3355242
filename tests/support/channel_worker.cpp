#include "tests/support/channel_worker.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "workers/common/base/board_page.h"

using hardshell::proto::ChannelToAgent;
using hardshell::proto::FromWorker;
using hardshell::proto::LinkEnd;
using hardshell::proto::ToWorker;
using hardshell::proto::WorkerStatus;

namespace {

constexpr int board_descriptor = 11;
constexpr std::chrono::seconds patience{20};
// In place of the time that a channel asks for.
constexpr std::chrono::milliseconds put_off{100};

// Out of the way of the numbers that the child uses.
Fd high(int descriptor) {
    Fd moved(fcntl(descriptor, F_DUPFD_CLOEXEC, 50));
    ::close(descriptor);
    return moved;
}

int start_program(const std::string& program, const std::string& directory, int supervisor,
                  int board, int log) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, supervisor, 3);
    posix_spawn_file_actions_adddup2(&actions, board, board_descriptor);
    posix_spawn_file_actions_adddup2(&actions, log, 1);
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    int pid = 0;
    if (posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ) != 0)
        std::abort();
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

LinkEnd link_end(const std::string& state_dir, const std::string& channel, bool binds) {
    LinkEnd end;
    end.set_name(channel + "-agent");
    end.set_peer(binds ? channel : "agent");
    end.set_endpoint("ipc://" + state_dir + "/link");
    end.set_binds(binds);
    return end;
}

}  // namespace

ChannelWorker::ChannelWorker(Options options) : options_(std::move(options)) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/channel-XXXXXX";
    state_dir_ = mkdtemp(pattern.data());
    loop_ = make_epoll_loop();
    wake_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    open_agent();
    wake_watch_ = loop_->watch(wake_.get(), Loop::readable, [this](unsigned) {
        uint64_t count = 0;
        (void)!read(wake_.get(), &count, sizeof count);
        std::vector<std::function<void()>> tasks;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            tasks.swap(tasks_);
        }
        for (const auto& task : tasks) task();
    });
    thread_ = std::thread([this] { loop_->run(); });
}

ChannelWorker::~ChannelWorker() {
    if (pid_) kill();
    on_loop([this] { loop_->stop(0); });
    thread_.join();
    later_.clear();
    wake_watch_.reset();
    log_watch_.reset();
    agent_.reset();
    supervisor_.reset();
    std::filesystem::remove_all(state_dir_);
}

void ChannelWorker::on_loop(std::function<void()> task) {
    std::promise<void> done;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        tasks_.push_back([&done, task = std::move(task)] {
            task();
            done.set_value();
        });
    }
    const uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
    done.get_future().wait();
}

void ChannelWorker::start() {
    Result<Fd> page = BoardPage::create(options_.program);
    const Fd board = high(page->release());
    int ends[2], pipe_ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        pipe2(pipe_ends, O_CLOEXEC) != 0)
        std::abort();
    auto own = std::make_shared<Fd>(high(ends[0]));
    const Fd other = high(ends[1]);
    const Fd log = high(pipe_ends[1]);
    auto log_end = std::make_shared<Fd>(high(pipe_ends[0]));
    fcntl(log_end->get(), F_SETFL, O_NONBLOCK);
    const std::string program =
        std::string(std::getenv("HARDSHELL_BUILD")) + "/libexec/hardshell/" + options_.program;
    pid_ = start_program(program, state_dir_, other.get(), board.get(), log.get());
    ToWorker message;
    auto& start = *message.mutable_start();
    start.set_worker(options_.program);
    start.set_kind(options_.program);
    start.set_incarnation(++life_);
    start.mutable_settings()->set_config_json(options_.config_json);
    start.mutable_settings()->set_state_dir(state_dir_);
    start.mutable_settings()->set_account(options_.account);
    for (const auto& [name, value] : options_.environment)
        (*start.mutable_settings()->mutable_environment())[name] = value;
    for (const auto& [name, value] : options_.secrets) {
        auto& secret = *start.add_secrets();
        secret.set_name(name);
        secret.set_value(value);
        secret.set_source("the test");
    }
    *start.add_links() = link_end(state_dir_, options_.program, false);
    auto& page_handle = *start.add_handles();
    page_handle.set_name("board");
    page_handle.set_descriptor(board_descriptor);
    start.set_log_level("debug");
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ready_ = ended_ = false;
        failure_.clear();
        status_.Clear();
    }
    on_loop([&] {
        log_ = std::move(*log_end);
        log_watch_ = loop_->watch(log_.get(), Loop::readable, [this](unsigned) { read_log(); });
        supervisor_ = std::make_unique<FrameStream>(*loop_, std::move(*own));
        supervisor_->on_frame([this](std::string_view frame) {
            FromWorker from;
            if (!from.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
            const std::lock_guard<std::mutex> lock(mutex_);
            ready_ = ready_ || from.has_ready();
            if (from.has_failed()) failure_ = from.failed().what();
        });
        supervisor_->on_close([this](const std::string&) {
            const std::lock_guard<std::mutex> lock(mutex_);
            ended_ = true;
        });
        (void)supervisor_->send(message);
    });
    wait([this] {
        const std::lock_guard<std::mutex> lock(mutex_);
        return ready_ || ended_;
    });
}

void ChannelWorker::read_log() {
    char buffer[8192];
    const ssize_t count = read(log_.get(), buffer, sizeof buffer);
    if (count <= 0) return log_watch_.reset();
    const std::lock_guard<std::mutex> lock(mutex_);
    log_text_.append(buffer, static_cast<size_t>(count));
}

void ChannelWorker::kill() {
    ::kill(pid_, SIGKILL);
    wait_for_exit();
}

void ChannelWorker::stop() {
    ToWorker message;
    message.mutable_stop()->set_budget_ms(4000);
    message.mutable_stop()->set_reason("test");
    on_loop([&] { (void)supervisor_->send(message); });
}

int ChannelWorker::wait_for_exit() {
    int status = 0;
    if (pid_ == 0 || waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = 0;
    // What it said last is read by the other thread.
    wait([this] {
        const std::lock_guard<std::mutex> lock(mutex_);
        return ended_;
    });
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ChannelWorker::open_agent() {
    agent_.reset();
    auto link = Link::open(*loop_, link_end(state_dir_, options_.program, true), ++agent_life_);
    if (!link) std::abort();
    agent_ = std::move(*link);
    agent_->on_message([this](std::string_view frame) { take(frame); });
    ToChannel hello;
    hello.mutable_link_up();
    (void)agent_->send(hello);
}

void ChannelWorker::restart_agent() {
    on_loop([this] { open_agent(); });
}

void ChannelWorker::take(std::string_view frame) {
    ChannelToAgent message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
    ToChannel answer;
    const std::unique_lock<std::mutex> lock(mutex_);
    switch (message.message_case()) {
        case ChannelToAgent::kLinkUp: {
            if (!message.link_up().answers()) {
                answer.mutable_link_up()->set_answers(true);
                (void)agent_->send(answer);
            }
            answer.Clear();
            for (const std::string& entry : options_.allow_list)
                answer.mutable_allow_list()->add_entries(entry);
            answer.mutable_allow_list();
            (void)agent_->send(answer);
            return deliver_again();
        }
        case ChannelToAgent::kInbound: {
            ++offers_;
            const std::string& key = message.inbound().key();
            if (!keys_.count(key)) {
                keys_[key] = false;
                inbound_.push_back(message.inbound());
            }
            if (!accepts_) return;
            keys_[key] = true;
            answer.mutable_accepted()->set_key(key);
            (void)agent_->send(answer);
            return;
        }
        case ChannelToAgent::kReport:
            return note_sending(message.report());
        case ChannelToAgent::kPairingWanted:
            strangers_.push_back(message.pairing_wanted());
            if (!answers_pairing_) return;
            answer.mutable_pairing_code()->set_id(message.pairing_wanted().id());
            answer.mutable_pairing_code()->set_code("ABCD2345");
            answer.mutable_pairing_code()->set_created(strangers_.size() == 1);
            (void)agent_->send(answer);
            return;
        case ChannelToAgent::kStatus:
            status_ = message.status();
            return;
        case ChannelToAgent::kProbeAnswer:
            probes_[message.probe_answer().id()] = message.probe_answer().result_json();
            return;
        case ChannelToAgent::kReaction:
            reactions_.push_back(message.reaction());
            return;
        default:
            return;
    }
}

// The outbox of an agent, as far as a channel can tell.
void ChannelWorker::note_sending(const Report& report) {
    reports_.push_back(report);
    const auto found = open_deliveries_.find(report.delivery_id());
    if (report.outcome() == Report::SENDING) {
        if (found != open_deliveries_.end()) found->second.set_first_part_is_ambiguous(true);
        if (!notes_sending_) return;
        ToChannel answer;
        answer.mutable_sending_noted()->set_delivery_id(report.delivery_id());
        answer.mutable_sending_noted()->set_part(report.part());
        (void)agent_->send(answer);
        return;
    }
    if (found == open_deliveries_.end()) return;
    const bool is_last = report.part() + 1 >= report.parts();
    if (report.outcome() == Report::LATER) {
        found->second.set_first_part_is_ambiguous(false);
        later_.push_back(loop_->after(put_off, [this] {
            const std::lock_guard<std::mutex> lock(mutex_);
            deliver_again();
        }));
        return;
    }
    if (report.outcome() == Report::SENT && !is_last) {
        found->second.set_first_part(report.part() + 1);
        found->second.set_first_part_is_ambiguous(false);
        return;
    }
    open_deliveries_.erase(found);
}

void ChannelWorker::deliver_again() {
    for (const std::string& id : delivery_order_) {
        const auto found = open_deliveries_.find(id);
        if (found == open_deliveries_.end()) continue;
        ToChannel message;
        *message.mutable_deliver() = found->second;
        (void)agent_->send(message);
    }
}

void ChannelWorker::say(const ToChannel& message) {
    on_loop([&] { (void)agent_->send(message); });
}

void ChannelWorker::deliver(const std::string& id, const std::string& chat_id,
                            const std::string& text,
                            const std::function<void(hardshell::proto::DeliverMessage&)>& more) {
    hardshell::proto::DeliverMessage message;
    message.set_delivery_id(id);
    message.mutable_place()->set_kind(hardshell::proto::Place::CHANNEL);
    message.mutable_place()->set_chat_id(chat_id);
    message.set_text(text);
    if (more) more(message);
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        open_deliveries_[id] = message;
        delivery_order_.push_back(id);
    }
    ToChannel wrapped;
    *wrapped.mutable_deliver() = message;
    say(wrapped);
}

void ChannelWorker::accepts(bool on) {
    on_loop([this, on] {
        const std::lock_guard<std::mutex> lock(mutex_);
        accepts_ = on;
        if (!on) return;
        for (auto& [key, accepted] : keys_) {
            if (std::exchange(accepted, true)) continue;
            ToChannel answer;
            answer.mutable_accepted()->set_key(key);
            (void)agent_->send(answer);
        }
    });
}

void ChannelWorker::notes_sending(bool on) {
    const std::lock_guard<std::mutex> lock(mutex_);
    notes_sending_ = on;
}

void ChannelWorker::answers_pairing(bool on) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_pairing_ = on;
}

std::optional<ChannelWorker::Report> ChannelWorker::outcome(const std::string& id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto each = reports_.rbegin(); each != reports_.rend(); ++each)
        if (each->delivery_id() == id && each->outcome() != Report::SENDING) return *each;
    return {};
}

bool ChannelWorker::is_settled(const std::string& id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::any_of(reports_.begin(), reports_.end(), [&](const Report& each) {
        return each.delivery_id() == id &&
               (each.outcome() == Report::REFUSED || each.outcome() == Report::LOST ||
                (each.outcome() == Report::SENT && each.part() + 1 >= each.parts()));
    });
}

#define HARDSHELL_COPY(type, name, member)              \
    type ChannelWorker::name() const {                  \
        const std::lock_guard<std::mutex> lock(mutex_); \
        return member;                                  \
    }
using Texts = std::map<uint64_t, std::string>;
HARDSHELL_COPY(std::vector<ChannelWorker::Inbound>, inbound, inbound_)
HARDSHELL_COPY(size_t, offers, offers_)
HARDSHELL_COPY(std::vector<ChannelWorker::Report>, reports, reports_)
HARDSHELL_COPY(std::vector<hardshell::proto::InboundReaction>, reactions, reactions_)
HARDSHELL_COPY(std::vector<hardshell::proto::PairingWanted>, strangers, strangers_)
HARDSHELL_COPY(hardshell::proto::AccountStatus, status, status_)
HARDSHELL_COPY(Texts, probe_answers, probes_)
HARDSHELL_COPY(std::string, failure, failure_)
HARDSHELL_COPY(std::string, log, log_text_)
#undef HARDSHELL_COPY

bool ChannelWorker::wait(const std::function<bool()>& until) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!until()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}
