#include "tests/support/chat_platform.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "workers/common/base/json.h"

struct ChatPlatform::State {
    bool drops_repetitions = true;
    int listener = -1;
    uint16_t port = 0;
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    struct Update {
        int64_t id;
        std::string text;
        std::string person;
    };
    std::vector<Update> updates;
    int64_t next_update = 1;
    std::vector<Arrived> arrived;
    size_t repetitions = 0;
    std::string failure;
    std::function<void(const std::string&, const std::string&)> look;
    std::set<int> connections;
    std::vector<std::thread> threads;
    bool closing = false;

    void accept_all();
    void serve(int connection);
    Json answer(const Json& question);
    Json send(const Json& question);
    void step(const std::string& name, const std::string& text);
};

void ChatPlatform::State::step(const std::string& name, const std::string& text) {
    std::function<void(const std::string&, const std::string&)> call;
    {
        const std::lock_guard lock(mutex);
        call = look;
    }
    if (call) call(name, text);
}

Json ChatPlatform::State::send(const Json& question) {
    const Arrived message{text_member(question, "chat"), text_member(question, "text"),
                          text_member(question, "nonce")};
    size_t number = 0;
    {
        const std::lock_guard lock(mutex);
        if (!failure.empty()) return Json{{"outcome", failure}};
        const auto known = std::find_if(arrived.begin(), arrived.end(), [&](const Arrived& one) {
            return one.nonce == message.nonce;
        });
        if (drops_repetitions && known != arrived.end()) {
            ++repetitions;
            number = static_cast<size_t>(known - arrived.begin()) + 1;
        } else {
            arrived.push_back(message);
            number = arrived.size();
        }
    }
    changed.notify_all();
    step("given", message.text);
    return Json{{"outcome", "sent"}, {"id", std::to_string(number)}};
}

Json ChatPlatform::State::answer(const Json& question) {
    const std::string what = text_member(question, "ask");
    if (what == "send") return send(question);
    if (what == "step") {
        step(text_member(question, "name"), text_member(question, "text"));
        return Json{{"go", true}};
    }
    const std::lock_guard lock(mutex);
    std::erase_if(updates,
                  [&](const Update& update) { return update.id < int_member(question, "offset"); });
    Json list = Json::array();
    for (const Update& update : updates)
        list.push_back({{"id", update.id}, {"text", update.text}, {"person", update.person}});
    return Json{{"updates", list}};
}

void ChatPlatform::State::serve(int connection) {
    std::string text;
    char piece[4096];
    for (;;) {
        const ssize_t got = ::recv(connection, piece, sizeof piece, 0);
        if (got <= 0) break;
        text.append(piece, static_cast<size_t>(got));
        for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            const Result<Json> question = parse_json(text.substr(0, end));
            const std::string line = print_json(question ? answer(*question) : Json()) + "\n";
            (void)!::send(connection, line.data(), line.size(), MSG_NOSIGNAL);
        }
    }
    const std::lock_guard lock(mutex);
    connections.erase(connection);
    ::close(connection);
}

void ChatPlatform::State::accept_all() {
    for (;;) {
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const std::lock_guard lock(mutex);
        if (connection < 0 || closing) {
            if (connection >= 0) ::close(connection);
            return;
        }
        connections.insert(connection);
        threads.emplace_back([this, connection] { serve(connection); });
    }
}

ChatPlatform::ChatPlatform(bool drops_repetitions) : state_(std::make_unique<State>()) {
    state_->drops_repetitions = drops_repetitions;
    state_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(state_->listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(state_->listener, 16) != 0 ||
        ::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    state_->port = ntohs(address.sin_port);
    const std::lock_guard lock(state_->mutex);
    state_->threads.emplace_back([state = state_.get()] { state->accept_all(); });
}

ChatPlatform::~ChatPlatform() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(state_->mutex);
        state_->closing = true;
        ::shutdown(state_->listener, SHUT_RDWR);
        for (const int connection : state_->connections) ::shutdown(connection, SHUT_RDWR);
    }
    state_->threads.front().join();  // none is added from here on
    for (size_t index = 1; index < state_->threads.size(); ++index) state_->threads[index].join();
    ::close(state_->listener);
}

uint16_t ChatPlatform::port() const {
    return state_->port;
}

void ChatPlatform::say(const std::string& text, const std::string& person) {
    const std::lock_guard lock(state_->mutex);
    state_->updates.push_back({state_->next_update++, text, person});
}

std::vector<ChatPlatform::Arrived> ChatPlatform::arrived() const {
    const std::lock_guard lock(state_->mutex);
    return state_->arrived;
}

size_t ChatPlatform::count(const std::string& text) const {
    const std::lock_guard lock(state_->mutex);
    return static_cast<size_t>(std::count_if(state_->arrived.begin(), state_->arrived.end(),
                                             [&](const Arrived& one) { return one.text == text; }));
}

size_t ChatPlatform::repetitions() const {
    const std::lock_guard lock(state_->mutex);
    return state_->repetitions;
}

bool ChatPlatform::wait_for(const std::string& text, std::chrono::milliseconds limit) const {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, limit, [&] {
        return std::any_of(state_->arrived.begin(), state_->arrived.end(),
                           [&](const Arrived& one) { return one.text == text; });
    });
}

void ChatPlatform::at_each_step(
    std::function<void(const std::string& step, const std::string& text)> look) {
    const std::lock_guard lock(state_->mutex);
    state_->look = std::move(look);
}

void ChatPlatform::fail_with(const std::string& outcome) {
    const std::lock_guard lock(state_->mutex);
    state_->failure = outcome;
}
