#include "tests/workers/telegram/telegram_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "workers/common/base/board_page.h"
#include "workers/common/base/clock.h"
#include "workers/common/run_worker.h"

namespace telegram {

namespace {

namespace fs = std::filesystem;
using hardshell::proto::FromWorker;
using hardshell::proto::LinkEnd;
using hardshell::proto::ToWorker;

constexpr int64_t patience_ms = 20'000;
constexpr int page_descriptor = 20;

std::string text_of_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool settles(const DeliveryReport& report) {
    if (report.outcome() == DeliveryReport::SENT) return report.part() + 1 == report.parts();
    return report.outcome() == DeliveryReport::REFUSED || report.outcome() == DeliveryReport::LOST;
}

}  // namespace

TelegramWorker::TelegramWorker() : loop(make_epoll_loop()) {
    char pattern[] = "/tmp/hardshell-telegram-XXXXXX";
    directory = mkdtemp(pattern);
    start_agent();
}

TelegramWorker::~TelegramWorker() {
    kill_worker();
    if (HasFailure()) std::fprintf(stderr, "--- the worker's log\n%s", log_text().c_str());
    link_.reset();
    fs::remove_all(directory);
}

LinkEnd TelegramWorker::link_end(const std::string& peer, bool binds) const {
    LinkEnd end;
    end.set_name("telegram-agent");
    end.set_peer(peer);
    end.set_endpoint("ipc://" + directory + "/link");
    end.set_binds(binds);
    return end;
}

void TelegramWorker::start() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Result<Fd> page = BoardPage::create("telegram");
    ASSERT_TRUE(page);
    const std::string program =
        std::string(getenv("HARDSHELL_BUILD")) + "/libexec/hardshell/telegram";
    pid = fork();
    if (pid == 0) {
        // Out of each other's way first: either may have the number that the other is to get.
        const int supervisor = fcntl(ends[1], F_DUPFD_CLOEXEC, 50);
        const int board = fcntl(page->get(), F_DUPFD_CLOEXEC, 50);
        dup2(supervisor, supervisor_descriptor);
        dup2(board, page_descriptor);
        const int log = open((directory + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, 1);
        dup2(log, 2);
        if (chdir(directory.c_str()) == 0) execl(program.c_str(), "telegram", nullptr);
        _exit(127);
    }
    close(ends[1]);
    ready = gone = false;
    failed.reset();
    supervisor_ = std::make_unique<FrameStream>(*loop, Fd(ends[0]));
    supervisor_->on_frame([this](std::string_view frame) {
        FromWorker message;
        message.ParseFromArray(frame.data(), static_cast<int>(frame.size()));
        ready = ready || message.has_ready();
        if (message.has_failed()) failed = message.failed();
        if (message.has_config_call()) config_calls.push_back(message.config_call());
    });
    supervisor_->on_close([this](const std::string&) { gone = true; });
    ToWorker message;
    auto& begin = *message.mutable_start();
    begin.set_worker("telegram");
    begin.set_kind("telegram");
    begin.set_log_level("debug");
    begin.set_incarnation(++worker_life_);
    Json config = Json::object();
    config["channels"]["telegram"] = section;
    begin.mutable_settings()->set_config_json(print_json(config));
    begin.mutable_settings()->set_state_dir(directory);
    begin.mutable_settings()->set_account("default");
    auto& environment = *begin.mutable_settings()->mutable_environment();
    environment["HARDSHELL_TELEGRAM_API_URL"] = api_url.empty() ? telegram.url() : api_url;
    environment["NODE_EXTRA_CA_CERTS"] = telegram.certificate_file();
    auto& token = *begin.add_secrets();
    token.set_name("channels.telegram.botToken");
    token.set_value(telegram.token());
    token.set_source("environment variable TELEGRAM_BOT_TOKEN");
    *begin.add_links() = link_end("agent", false);
    auto& handle = *begin.add_handles();
    handle.set_name("board");
    handle.set_descriptor(page_descriptor);
    ASSERT_TRUE(supervisor_->send(message));
}

void TelegramWorker::kill_worker() {
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    pid = 0;
    supervisor_.reset();
}

int TelegramWorker::exit_status() {
    until([this] { return gone; });
    int how = 0;
    waitpid(pid, &how, 0);
    pid = 0;
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

int TelegramWorker::stop_worker() {
    ToWorker message;
    message.mutable_stop()->set_budget_ms(4'000);
    EXPECT_TRUE(supervisor_->send(message));
    return exit_status();
}

void TelegramWorker::answer_config(uint64_t id, const Json& payload, const std::string& error) {
    ToWorker message;
    auto& answer = *message.mutable_config_answer();
    answer.set_id(id);
    if (!error.empty()) answer.set_error_code("INVALID_REQUEST");
    answer.set_error_message(error);
    answer.set_payload_json(print_json(payload));
    ASSERT_TRUE(supervisor_->send(message));
}

std::string TelegramWorker::log_text() const {
    return text_of_file(directory + "/log");
}

std::string TelegramWorker::offset_text() const {
    return text_of_file(directory + "/telegram/update-offset-default.json");
}

void TelegramWorker::start_agent() {
    link_.reset();
    auto opened = Link::open(*loop, link_end("telegram", true), ++agent_life_);
    ASSERT_TRUE(opened);
    link_ = std::move(*opened);
    unaccepted_.clear();
    link_->on_message([this](std::string_view text) {
        ChannelToAgent message;
        ASSERT_TRUE(message.ParseFromArray(text.data(), static_cast<int>(text.size())));
        take(message);
    });
    // A process that comes back says so: its channels are connected still.
    AgentToChannel up;
    up.mutable_link_up();
    if (worker_life_ > 0) send(up);
}

void TelegramWorker::send(const AgentToChannel& message) {
    ASSERT_TRUE(link_->send(message));
}

void TelegramWorker::take(const ChannelToAgent& message) {
    if (message.has_link_up()) {
        if (!message.link_up().answers()) {
            AgentToChannel up;
            up.mutable_link_up()->set_answers(true);
            send(up);
        }
        AgentToChannel list;
        auto& people = *list.mutable_allow_list();
        for (const std::string& id : approved) people.add_entries(id);
        send(list);
    } else if (message.has_inbound()) {
        offers.push_back(message.inbound());
        unaccepted_.push_back(message.inbound().key());
        if (accepts_) accept(message.inbound().key());
    } else if (message.has_report()) {
        take_report(message.report());
    } else if (message.has_pairing_wanted()) {
        strangers.push_back(message.pairing_wanted());
    } else if (message.has_status()) {
        status = message.status();
    } else if (message.has_probe_answer()) {
        probes.push_back(message.probe_answer());
    } else if (message.has_reaction()) {
        reactions.push_back(message.reaction());
    } else if (message.has_chat_moved()) {
        moves.push_back(message.chat_moved());
    }
}

void TelegramWorker::take_report(const DeliveryReport& report) {
    all_reports.push_back(report);
    if (report.outcome() != DeliveryReport::SENDING || !notes_sending) return;
    AgentToChannel noted;
    noted.mutable_sending_noted()->set_delivery_id(report.delivery_id());
    noted.mutable_sending_noted()->set_part(report.part());
    send(noted);
}

void TelegramWorker::accept(const std::string& key) {
    for (const InboundMessage& offer : offers)
        if (offer.key() == key) journal[key] = offer;
    AgentToChannel message;
    message.mutable_accepted()->set_key(key);
    send(message);
}

void TelegramWorker::accept_all() {
    for (const std::string& key : std::exchange(unaccepted_, {})) accept(key);
}

void TelegramWorker::deliver(const std::string& id, int64_t chat, const std::string& text,
                             const std::function<void(DeliverMessage&)>& more) {
    AgentToChannel message;
    DeliverMessage& reply = *message.mutable_deliver();
    reply.set_delivery_id(id);
    reply.mutable_place()->set_chat_id(std::to_string(chat));
    reply.mutable_place()->set_kind(chat > 0 ? hardshell::proto::Place::DIRECT
                                             : hardshell::proto::Place::GROUP);
    reply.set_text(text);
    if (more) more(reply);
    send(message);
}

std::vector<DeliveryReport> TelegramWorker::reports(const std::string& id) const {
    std::vector<DeliveryReport> found;
    for (const DeliveryReport& report : all_reports)
        if (report.delivery_id() == id && report.outcome() != DeliveryReport::SENDING)
            found.push_back(report);
    return found;
}

std::optional<DeliveryReport> TelegramWorker::settled(const std::string& id) const {
    for (const DeliveryReport& report : reports(id))
        if (settles(report)) return report;
    return {};
}

InboundMessage TelegramWorker::inbound(const std::string& text) {
    const InboundMessage* found = nullptr;
    until([&] {
        for (const InboundMessage& offer : offers)
            if (offer.text() == text) found = &offer;
        return found != nullptr;
    });
    return found ? *found : InboundMessage();
}

size_t TelegramWorker::offers_of(const std::string& key) const {
    size_t count = 0;
    for (const InboundMessage& offer : offers) count += offer.key() == key;
    return count;
}

void TelegramWorker::until(const std::function<bool()>& holds) {
    const int64_t deadline = monotonic_ms() + patience_ms;
    const auto look = loop->before_sleep([&] {
        if (holds() || monotonic_ms() > deadline) loop->stop(0);
    });
    const auto tick = loop->every(std::chrono::milliseconds(20), [] {});
    loop->run();
    ASSERT_TRUE(holds()) << "waited " << patience_ms << " ms in vain";
}

bool TelegramWorker::never(const std::function<bool()>& holds, std::chrono::milliseconds time) {
    const int64_t deadline = monotonic_ms() + time.count();
    const auto look = loop->before_sleep([&] {
        if (holds() || monotonic_ms() > deadline) loop->stop(0);
    });
    const auto tick = loop->every(std::chrono::milliseconds(20), [] {});
    loop->run();
    return !holds();
}

}  // namespace telegram
