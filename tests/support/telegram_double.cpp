#include "tests/support/telegram_double.h"

#include <algorithm>
#include <thread>

#include "tests/support/loopback_server.h"
#include "tests/support/telegram_state.h"

using telegram_double::Call;
using telegram_double::Json;
using telegram_double::Refusal;
using telegram_double::World;

namespace telegram_double {

namespace {

constexpr std::chrono::milliseconds patience_of_waits{90'000};

// Kinds of updates that come only to who asks for them by name.
constexpr const char* asked_for[] = {"chat_member", "message_reaction", "message_reaction_count"};

}  // namespace

World::World(TelegramDouble::Options asked)
    : options(std::move(asked)),
      bot_id(std::strtoll(options.token.c_str(), nullptr, 10)),
      next_update(options.first_update) {}

Json World::me() const {
    return {{"id", bot_id},
            {"is_bot", true},
            {"first_name", "My Bot"},
            {"username", options.username},
            {"can_join_groups", true},
            {"can_read_all_group_messages", options.can_read_all},
            {"supports_inline_queries", false},
            {"has_topics_enabled", options.has_topics}};
}

void World::queue(Json update) {
    for (const auto& [kind, content] : update.items()) {
        if (kind == "update_id") continue;
        const bool is_asked =
            std::find(std::begin(asked_for), std::end(asked_for), kind) != std::end(asked_for);
        const bool is_wanted = allowed.empty() ? !is_asked : allowed.contains(kind);
        if (!is_wanted) return;
    }
    updates.push_back(std::move(update));
    changed.notify_all();
}

std::optional<TelegramFault> World::fault_for(const std::string& method) {
    for (const std::string& key : {method, std::string("*")}) {
        auto& waiting = faults[key];
        if (waiting.empty()) continue;
        TelegramFault fault = waiting.front();
        if (--waiting.front().times <= 0) waiting.pop_front();
        return fault;
    }
    return {};
}

}  // namespace telegram_double

namespace {

LoopbackAnswer refused(const Refusal& refusal) {
    LoopbackAnswer answer;
    answer.status = refusal.code;
    answer.body = refusal_text(refusal);
    return answer;
}

LoopbackAnswer broken(LoopbackAnswer::Manner manner, LoopbackAnswer answer = {}) {
    answer.manner = manner;
    return answer;
}

Refusal refusal_of(const TelegramFault& fault) {
    Refusal refusal{fault.code, fault.description};
    if (fault.retry_after > 0) refusal.parameters = {{"retry_after", fault.retry_after}};
    return refusal;
}

// Nothing: the call is done as usual.
std::optional<LoopbackAnswer> instead(const TelegramFault& fault) {
    switch (fault.what) {
        case TelegramFault::What::refuse:
            return refused(refusal_of(fault));
        case TelegramFault::What::status: {
            LoopbackAnswer answer;
            answer.status = fault.code;
            answer.content_type = "text/html";
            answer.body = "<html><body><h1>" + std::to_string(fault.code) + "</h1></body></html>";
            return answer;
        }
        case TelegramFault::What::reset_before:
            return broken(LoopbackAnswer::Manner::none);
        default:
            return {};
    }
}

}  // namespace

struct TelegramDouble::State {
    explicit State(Options options)
        : world(options),
          server({options.tls, options.port},
                 [this](const LoopbackRequest& request) { return answer(request); }),
          webhook([this] { serve_webhook(world); }) {}

    ~State() {
        end();
        for (const auto& other : beside) other->end();
        webhook.join();
    }

    // Whoever waits is answered.
    void end() {
        {
            const std::lock_guard lock(world.mutex);
            world.is_stopping = true;
        }
        world.changed.notify_all();
    }

    // False: its sender has left.
    bool leave_black_hole(const LoopbackRequest& request) {
        std::unique_lock lock(world.mutex);
        while (world.is_black_hole && !world.is_stopping) {
            world.changed.wait_for(lock, std::chrono::milliseconds(10));
            lock.unlock();
            const bool has_left = request.has_left();
            lock.lock();
            if (has_left) return false;
        }
        return !world.is_stopping;
    }

    // Null: it is for this bot, or for none.
    std::shared_ptr<State> beside_for(const std::string& path) {
        const std::lock_guard lock(world.mutex);
        for (const auto& other : beside)
            if (path.find("/bot" + other->world.options.token + "/") != std::string::npos)
                return other;
        return nullptr;
    }

    LoopbackAnswer answer(const LoopbackRequest& request) {
        if (const auto other = beside_for(request.path)) return other->answer(request);
        if (!leave_black_hole(request)) return broken(LoopbackAnswer::Manner::none);
        {
            const std::lock_guard lock(world.mutex);
            if (world.is_down) {
                LoopbackAnswer down;
                down.status = 503;
                down.content_type = "text/html";
                down.body = "Service Unavailable";
                return down;
            }
        }
        if (request.path.starts_with("/file/bot")) return file(request);
        if (request.path.starts_with("/bot")) return call(request);
        return refused({404, "Not Found"});
    }

    bool polls_are_short() {
        const std::lock_guard lock(world.mutex);
        return world.polls_are_short;
    }

    // What is wrong with the token in a path, if something is.
    std::optional<LoopbackAnswer> token_refused(const std::string& token) {
        const std::lock_guard lock(world.mutex);
        if (token.find(':') == std::string::npos) return refused({404, "Not Found"});
        if (token != world.options.token || world.is_revoked) return refused({401, "Unauthorized"});
        return {};
    }

    LoopbackAnswer call(const LoopbackRequest& request) {
        const size_t query = std::min(request.path.find('?'), request.path.size());
        const std::string path = request.path.substr(4, query - 4);
        const size_t slash = std::min(path.find('/'), path.size());
        if (const auto refusal = token_refused(path.substr(0, slash))) return *refusal;
        const std::string method = slash < path.size() ? path.substr(slash + 1) : "";
        const auto type = request.headers.find("content-type");
        try {
            Call made = telegram_double::read_call(
                method, query < request.path.size() ? request.path.substr(query + 1) : "",
                type == request.headers.end() ? "" : type->second, request.body);
            made.has_left = request.has_left;
            if (method == "getUpdates" && polls_are_short()) made.params["timeout"] = 0;
            return perform_noted(made);
        } catch (const Refusal& refusal) {
            return refused(refusal);
        }
    }

    LoopbackAnswer perform_noted(const Call& made) {
        std::optional<TelegramFault> fault;
        Json poll_says;
        {
            const std::lock_guard lock(world.mutex);
            world.calls.push_back({made.method, made.params, std::chrono::steady_clock::now()});
            fault = world.fault_for(made.method);
            if (made.method == "getUpdates") poll_says = world.polls_say;
        }
        world.changed.notify_all();
        if (fault)
            if (auto other = instead(*fault)) return *other;
        LoopbackAnswer answer;
        answer.body =
            telegram_double::success_text(poll_says.is_null() ? perform(world, made) : poll_says);
        if (fault && fault->what == TelegramFault::What::reset_after)
            return broken(LoopbackAnswer::Manner::none);
        if (fault && fault->what == TelegramFault::What::half_answer)
            return broken(LoopbackAnswer::Manner::half, std::move(answer));
        if (fault && fault->what == TelegramFault::What::no_answer) {
            while (!made.has_left()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            return broken(LoopbackAnswer::Manner::none);
        }
        return answer;
    }

    LoopbackAnswer file(const LoopbackRequest& request) {
        const std::string path = request.path.substr(9);
        const size_t slash = std::min(path.find('/'), path.size());
        if (const auto refusal = token_refused(path.substr(0, slash))) return *refusal;
        const std::string name = slash < path.size() ? path.substr(slash + 1) : "";
        std::optional<TelegramFault> fault;
        LoopbackAnswer answer;
        bool is_there = false;
        {
            const std::lock_guard lock(world.mutex);
            fault = world.fault_for("file");
            for (const auto& [id, stored] : world.files)
                if (stored.path == name) {
                    answer.body = stored.bytes;
                    is_there = true;
                }
        }
        if (fault)
            if (auto other = instead(*fault)) return *other;
        if (!is_there) return refused({404, "Not Found"});
        answer.content_type = "application/octet-stream";
        if (fault && fault->what == TelegramFault::What::no_answer) {
            while (!request.has_left()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            return broken(LoopbackAnswer::Manner::none);
        }
        if (fault) answer.manner = LoopbackAnswer::Manner::half;
        return answer;
    }

    World world;
    std::vector<std::shared_ptr<State>> beside;
    LoopbackServer server;
    std::thread webhook;
};

TelegramDouble::TelegramDouble(Options options) : state_(std::make_shared<State>(options)) {}
TelegramDouble::~TelegramDouble() = default;

std::string TelegramDouble::url() const {
    return state_->server.url();
}
std::string TelegramDouble::certificate_file() const {
    return state_->server.certificate_file();
}
const std::string& TelegramDouble::token() const {
    return state_->world.options.token;
}
std::map<std::string, std::string> TelegramDouble::environment() const {
    return {{"TELEGRAM_BOT_TOKEN", token()},
            {"HARDSHELL_TELEGRAM_API_URL", url()},
            {"NODE_EXTRA_CA_CERTS", certificate_file()}};
}

void TelegramDouble::also_serve(const TelegramDouble& other) {
    const std::lock_guard lock(state_->world.mutex);
    state_->beside.push_back(other.state_);
}

int64_t TelegramDouble::say(int64_t chat_id, int64_t user_id, const std::string& text,
                            const Json& extra) {
    World& world = state_->world;
    const std::lock_guard lock(world.mutex);
    if (!world.chats.contains(chat_id)) {
        Json chat = {{"id", chat_id}, {"type", chat_id > 0 ? "private" : "supergroup"}};
        chat[chat_id > 0 ? "first_name" : "title"] = chat_id > 0 ? "Ann" : "Ops";
        world.chats[chat_id] = chat;
    }
    Json chat = world.chats[chat_id];
    chat.erase("threads");
    Json message = {{"message_id", world.next_message_id(chat_id)},
                    {"date", std::time(nullptr)},
                    {"chat", std::move(chat)},
                    {"from",
                     {{"id", user_id},
                      {"is_bot", false},
                      {"first_name", "Person " + std::to_string(user_id)},
                      {"username", "person" + std::to_string(user_id)}}}};
    if (!text.empty()) message["text"] = text;
    message.update(extra);
    const int64_t id = message["message_id"];
    TelegramMessage shown;
    shown.id = id;
    shown.chat_id = chat_id;
    shown.text = text;
    world.messages[chat_id][id] = shown;
    world.queue({{"update_id", world.next_update++}, {"message", std::move(message)}});
    return id;
}

int64_t TelegramDouble::push(const Json& update) {
    World& world = state_->world;
    const std::lock_guard lock(world.mutex);
    Json numbered = update;
    const int64_t id = world.next_update++;
    numbered["update_id"] = id;
    world.queue(std::move(numbered));
    return id;
}

std::string TelegramDouble::add_file(const std::string& bytes, const std::string& path) {
    World& world = state_->world;
    const std::lock_guard lock(world.mutex);
    const std::string id = "file-" + std::to_string(world.files.size() + 1);
    world.files[id] = {path, bytes};
    return id;
}

void TelegramDouble::add_chat(const Json& chat) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.chats[chat.at("id").get<int64_t>()] = chat;
}

void TelegramDouble::block_bot(int64_t chat_id) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.blocked.insert(chat_id);
}

void TelegramDouble::migrate(int64_t from, int64_t to) {
    World& world = state_->world;
    const std::lock_guard lock(world.mutex);
    world.migrated[from] = to;
    world.chats[to] = {{"id", to}, {"type", "supergroup"}, {"title", "Ops"}};
}

void TelegramDouble::revoke_token() {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.is_revoked = true;
    ++state_->world.poll;
    state_->world.changed.notify_all();
}

std::vector<TelegramMessage> TelegramDouble::messages(int64_t chat_id) const {
    const std::lock_guard lock(state_->world.mutex);
    std::vector<TelegramMessage> list;
    const auto found = state_->world.messages.find(chat_id);
    if (found != state_->world.messages.end())
        for (const auto& [id, message] : found->second) list.push_back(message);
    return list;
}

std::vector<TelegramMessage> TelegramDouble::from_bot(int64_t chat_id) const {
    std::vector<TelegramMessage> list = messages(chat_id);
    std::erase_if(list, [](const TelegramMessage& message) { return !message.from_bot; });
    return list;
}

std::vector<TelegramCall> TelegramDouble::calls(const std::string& method) const {
    const std::lock_guard lock(state_->world.mutex);
    std::vector<TelegramCall> list;
    for (const TelegramCall& call : state_->world.calls)
        if (method.empty() || call.method == method) list.push_back(call);
    return list;
}

size_t TelegramDouble::unconfirmed() const {
    const std::lock_guard lock(state_->world.mutex);
    return state_->world.updates.size();
}

bool TelegramDouble::is_polled() const {
    const std::lock_guard lock(state_->world.mutex);
    return state_->world.is_polled;
}

Json TelegramDouble::commands() const {
    const std::lock_guard lock(state_->world.mutex);
    return state_->world.commands;
}

std::string TelegramDouble::webhook_url() const {
    const std::lock_guard lock(state_->world.mutex);
    return state_->world.webhook;
}

bool TelegramDouble::wait(const std::function<bool(const TelegramDouble&)>& holds) const {
    using namespace std::chrono;
    const auto until = steady_clock::now() + telegram_double::patience_of_waits;
    while (!holds(*this)) {
        if (steady_clock::now() > until) return false;
        std::unique_lock lock(state_->world.mutex);
        state_->world.changed.wait_for(lock, milliseconds(20));
    }
    return true;
}

void TelegramDouble::fail(const std::string& method, TelegramFault fault) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.faults[method].push_back(std::move(fault));
}

void TelegramDouble::set_down(bool down) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.is_down = down;
}

void TelegramDouble::black_hole(bool on) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.is_black_hole = on;
    state_->world.changed.notify_all();
}

void TelegramDouble::answer_polls_at_once(bool at_once) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.polls_are_short = at_once;
}

void TelegramDouble::answer_polls_with(Json result) {
    const std::lock_guard lock(state_->world.mutex);
    state_->world.polls_say = std::move(result);
}

void TelegramDouble::cut_connections() {
    state_->server.cut_connections();
}
void TelegramDouble::refuse_connections(bool refuse) {
    state_->server.refuse_connections(refuse);
}
uint64_t TelegramDouble::connections() const {
    return state_->server.connections();
}
