// A channel worker for tests: everything that one is for the agent, over a platform that is a
// ChatPlatform. It waits for the platform's leave at each step of its work, so that a test can end
// it, or the agent, exactly there.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "workers/common/base/json.h"
#include "workers/common/channel/agent_link.h"
#include "workers/common/log.h"
#include "workers/common/run_worker.h"

namespace {

namespace proto = hardshell::proto;
using namespace std::chrono_literals;

class Platform {
  public:
    explicit Platform(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        connected_ =
            ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    bool is_connected() const { return connected_; }

    // Null when the platform is gone.
    Json ask(const Json& question) {
        const std::string line = print_json(question) + "\n";
        if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return nullptr;
        while (text_.find('\n') == std::string::npos) {
            char piece[4096];
            const ssize_t got = ::recv(socket_.get(), piece, sizeof piece, 0);
            if (got <= 0) return nullptr;
            text_.append(piece, static_cast<size_t>(got));
        }
        const size_t end = text_.find('\n');
        Result<Json> answer = parse_json(text_.substr(0, end));
        text_.erase(0, end + 1);
        return answer ? *answer : Json();
    }
    void step(const char* name, const std::string& text) {
        ask({{"ask", "step"}, {"name", name}, {"text", text}});
    }

  private:
    Fd socket_;
    bool connected_ = false;
    std::string text_;
};

class Stub {
  public:
    Stub(Worker& self, Platform& platform, channel::AgentLink& agent)
        : self_(self), platform_(platform), agent_(agent) {}

    void start() {
        channel::AgentLink::Handlers handlers;
        handlers.accepted = [this](const std::string& key) { accepted(std::stoll(key)); };
        handlers.deliver = [this](const proto::DeliverMessage& message) { deliver(message); };
        handlers.allow_list = [this] { allowed_ = agent_.allow_list(); };
        handlers.probe = [this](uint64_t id, std::chrono::milliseconds) {
            agent_.probed(id, R"({"ok": true, "bot": {"id": "1"}})");
        };
        handlers.log_out = [this] {
            log_info("logged out");
            self_.loop().stop(0);
        };
        agent_.start(std::move(handlers));
        proto::AccountStatus status;
        status.set_running(true);
        status.set_connected(true);
        status.set_mode("polling");
        agent_.set_status(status);
        look_ = self_.loop().every(10ms, [this] { look(); });
    }

  private:
    void look() {
        const Json answer = platform_.ask({{"ask", "updates"}, {"offset", offset_}});
        for (const Json& update : member(answer, "updates")) {
            const int64_t id = int_member(update, "id");
            if (id <= seen_) continue;
            if (!take(id, text_member(update, "text"), text_member(update, "person"))) return;
            seen_ = id;
        }
    }

    // False: it is to be looked at again.
    bool take(int64_t id, const std::string& text, const std::string& person) {
        proto::InboundMessage message;
        message.set_key(std::to_string(id));
        message.set_message_id(std::to_string(id));
        message.mutable_place()->set_kind(proto::Place::DIRECT);
        message.mutable_place()->set_chat_id(person);
        message.mutable_sender()->set_id(person);
        message.mutable_sender()->set_name("Person " + person);
        message.set_text(text);
        message.set_may_command(true);
        if (person != "555" && !is_allowed(person)) return meet_stranger(message), true;
        platform_.step("received", text);
        texts_[id] = text;
        return static_cast<bool>(agent_.offer(message));
    }

    bool is_allowed(const std::string& person) const {
        return allowed_ && std::find(allowed_->begin(), allowed_->end(), person) != allowed_->end();
    }

    void meet_stranger(const proto::InboundMessage& message) {
        accepted(std::stoll(message.key()));
        agent_.want_pairing(message.sender(), message.place(),
                            [this, chat = message.place().chat_id()](const auto& code) {
                                if (!code.created()) return;
                                platform_.ask({{"ask", "send"},
                                               {"chat", chat},
                                               {"nonce", "code-" + code.code()},
                                               {"text", "code " + code.code()}});
                            });
    }

    // Confirms what is below: updates are accepted in order here.
    void accepted(int64_t id) {
        platform_.step("accepted", texts_[id]);
        offset_ = std::max(offset_, id + 1);
    }

    void deliver(const proto::DeliverMessage& message) {
        const std::string id = message.delivery_id();
        platform_.step("answered", message.text());
        agent_.begin_part(id, 0, 1, [this, message, id] {
            platform_.step("sending", message.text());
            const Json answer = platform_.ask({{"ask", "send"},
                                               {"chat", message.place().chat_id()},
                                               {"nonce", id + "-0"},
                                               {"text", message.text()}});
            platform_.step("sent", message.text());
            proto::DeliveryReport report;
            report.set_delivery_id(id);
            report.set_parts(1);
            report.set_outcome(outcome_of(text_member(answer, "outcome")));
            report.set_platform_id(text_member(answer, "id"));
            report.set_reason(text_member(answer, "outcome"));
            agent_.report(report);
            platform_.step("reported", message.text());
        });
    }

    static proto::DeliveryReport::Outcome outcome_of(const std::string& name) {
        if (name == "sent") return proto::DeliveryReport::SENT;
        if (name == "later") return proto::DeliveryReport::LATER;
        return name == "refused" ? proto::DeliveryReport::REFUSED : proto::DeliveryReport::LOST;
    }

    Worker& self_;
    Platform& platform_;
    channel::AgentLink& agent_;
    int64_t offset_ = 0;
    int64_t seen_ = 0;
    std::map<int64_t, std::string> texts_;
    std::optional<std::vector<std::string>> allowed_;
    Loop::Registration look_;
};

Done run(Worker& self) {
    if (self.secret("channels.telegram.botToken").empty())
        return Error{Fault::bad_credentials,
                     "there is no token: set channels.telegram.botToken or TELEGRAM_BOT_TOKEN"};
    const auto& variables = self.settings().environment();
    const auto port = variables.find("HARDSHELL_TEST_PLATFORM");
    if (port == variables.end())
        return Error{Fault::bad_config, "HARDSHELL_TEST_PLATFORM is not set"};
    Platform platform(static_cast<uint16_t>(std::stoi(port->second)));
    if (!platform.is_connected()) return Error{Fault::unreachable, "the platform is not there"};
    auto link = self.open_link("agent");
    if (!link) return link.error();
    channel::AgentLink::Options options;
    options.channel = "telegram";
    options.account = self.settings().account();
    options.platform_drops_repetitions = variables.contains("HARDSHELL_TEST_DROPS_REPETITIONS");
    channel::AgentLink agent(self.loop(), std::move(*link), options);
    Stub stub(self, platform, agent);
    stub.start();
    log_info("logged in as account {}", self.settings().account());
    self.ready();
    self.loop().run();
    return {};
}

}  // namespace

int main() {
    return run_worker(make_epoll_loop(), run);
}
