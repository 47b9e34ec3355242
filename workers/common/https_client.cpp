#include "workers/common/https_client.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <optional>

#include "workers/common/base/clock.h"
#include "workers/common/https_exchange.h"
#include "workers/common/tls_socket.h"

namespace {

constexpr size_t write_size = 16 * 1024;
constexpr unsigned longest_promise = 3'600;  // seconds
// The server counts from when it sent the answer.
constexpr std::chrono::seconds on_its_way{1};

// "timeout=5, max=100": how long the server keeps the connection for another request.
std::optional<std::chrono::milliseconds> promised_lifetime(const Http1Head& head) {
    constexpr std::string_view name = "timeout=";
    const std::string_view text = head.header("keep-alive");
    const auto is_same = [](char one, char other) { return (one | 0x20) == (other | 0x20); };
    const auto found = std::search(text.begin(), text.end(), name.begin(), name.end(), is_same);
    if (found == text.end()) return {};
    const char* const begin = text.data() + (found - text.begin()) + name.size();
    unsigned seconds = 0;
    const auto read = std::from_chars(begin, text.data() + text.size(), seconds);
    if (read.ec != std::errc()) return {};
    return std::max(std::chrono::seconds(std::min(seconds, longest_promise)) - on_its_way,
                    std::chrono::seconds(0));
}

}  // namespace

std::string_view HttpsAnswer::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

// What the calls and the connections of one client share.
struct HttpsClient::State : std::enable_shared_from_this<HttpsClient::State> {
    class Connection;
    class Call;
    struct Origin {
        std::vector<std::unique_ptr<Connection>> connections;
        std::deque<Call*> waiting;
    };

    State(ClientContext& made_with, Options chosen) : context(made_with), options(chosen) {}

    static std::string key(const Endpoint& endpoint) {
        return endpoint.scheme + "://" + endpoint.authority();
    }
    void enqueue(Call& call, bool in_front);
    void serve(const std::string& origin);
    void forget(Call& call);
    std::vector<Connection*> idle_ones(const std::string& origin);
    // Ends with the turn of the loop: it may be the one that calls.
    void bury(Connection& connection);

    ClientContext& context;
    Options options;
    std::map<std::string, Origin> origins;
    std::vector<std::unique_ptr<Connection>> buried;
    Loop::Registration burial;
    bool is_closed = false;
};

class HttpsClient::State::Call final : public HttpsCall {
  public:
    Call(std::shared_ptr<State> state, HttpsRequest request, Endpoint endpoint, Handler handler)
        : state_(std::move(state)),
          origin_(key(endpoint)),
          exchange_(std::move(request), std::move(endpoint), std::move(handler)) {}
    ~Call() override { state_->forget(*this); }

    void begin();
    const std::string& origin() const { return origin_; }
    HttpsExchange& exchange() { return exchange_; }
    const HttpsExchange& exchange() const { return exchange_; }
    Connection* connection() { return connection_; }
    void is_carried_by(Connection* connection) { connection_ = connection; }
    // Gives the outcome to the handler, which may destroy this.
    void finish(HttpsOutcome outcome) {
        deadline_.reset();
        const Handler handler = exchange_.take_handler();
        if (handler) handler(std::move(outcome));
    }
    void fail_later(Error error) {
        deadline_ = state_->context.loop().after(std::chrono::milliseconds(0),
                                                 [this, error] { finish(exchange_.fail(error)); });
    }

  private:
    std::shared_ptr<State> state_;
    std::string origin_;
    HttpsExchange exchange_;
    Connection* connection_ = nullptr;
    Loop::Registration deadline_;
};

class HttpsClient::State::Connection final : public TlsSocket {
  public:
    Connection(State& state, const Endpoint& endpoint)
        : TlsSocket(state.context, endpoint), state_(state), origin_(key(endpoint)) {}

    bool is_idle() const { return is_open() && !call_; }
    bool is_fit_for(const Call& call) const {
        return is_idle() &&
               (call.exchange().is_safe_to_repeat() || monotonic_ms() < trusted_until_ms_);
    }
    const std::string& origin() const { return origin_; }

    void carry(Call& call) {
        call_ = &call;
        call.is_carried_by(this);
        call.exchange().begin();
        idle_.reset();
        is_reused_ = is_open();
        if (is_open())
            want_to_write();
        else
            connect(call.exchange().request().connect_timeout);
    }
    void leave() {
        if (call_) call_->is_carried_by(nullptr);
        call_ = nullptr;
    }

  private:
    void opened() override { want_to_write(); }
    void ready_to_write() override;
    void received(std::string_view bytes) override;
    void ended(const Error& error) override;
    void answered();
    void wait_for_another(const Http1Head& head);
    // The connection is done with, and so is its call.
    void give_up(const Error& error);

    State& state_;
    std::string origin_;
    Call* call_ = nullptr;
    bool is_reused_ = false;
    int64_t trusted_until_ms_ = 0;
    Loop::Registration idle_;
};

void HttpsClient::State::Connection::ready_to_write() {
    if (!call_) return;
    Result<std::string> bytes = call_->exchange().next_bytes(write_size);
    if (!bytes) return give_up(bytes.error());
    if (bytes->empty()) return;
    call_->exchange().bytes_have_left();
    write(std::move(*bytes));
}

void HttpsClient::State::Connection::received(std::string_view bytes) {
    if (!call_) return state_.bury(*this);  // nobody asked
    if (const Done done = call_->exchange().feed(bytes); !done) return give_up(done.error());
    if (call_->exchange().response().is_complete()) answered();
}

void HttpsClient::State::Connection::answered() {
    Call& call = *std::exchange(call_, nullptr);
    call.is_carried_by(nullptr);
    // An answer before the whole request was sent leaves the rest of it in between.
    const Result<std::string> rest = call.exchange().next_bytes(1);
    if (is_open() && call.exchange().response().keeps_alive() && rest && rest->empty())
        wait_for_another(call.exchange().response().head());
    else
        state_.bury(*this);
    const auto state = state_.shared_from_this();
    const std::string origin = origin_;
    call.finish(call.exchange().succeed());
    if (!state->is_closed) state->serve(origin);
}

void HttpsClient::State::Connection::wait_for_another(const Http1Head& head) {
    const HttpsClient::Options& options = state_.options;
    const auto promised = promised_lifetime(head);
    if (promised && promised->count() == 0) return state_.bury(*this);
    const auto lifetime = std::min(promised.value_or(options.idle_lifetime), options.idle_lifetime);
    trusted_until_ms_ = monotonic_ms() + promised.value_or(options.trusted_lifetime).count();
    idle_ = state_.context.loop().after(lifetime, [this] { state_.bury(*this); });
}

void HttpsClient::State::Connection::give_up(const Error& error) {
    Call& call = *std::exchange(call_, nullptr);
    call.is_carried_by(nullptr);
    state_.bury(*this);
    const auto state = state_.shared_from_this();
    const std::string origin = origin_;
    call.finish(call.exchange().fail(error));
    if (!state->is_closed) state->serve(origin);
}

void HttpsClient::State::Connection::ended(const Error& error) {
    if (!call_) return state_.bury(*this);
    HttpsExchange& exchange = call_->exchange();
    if (exchange.response().has_begun() && exchange.end_of_stream()) return answered();
    if (!is_reused_ || !exchange.may_repeat()) {
        give_up(error);
        return;
    }
    Call& call = *std::exchange(call_, nullptr);
    call.is_carried_by(nullptr);
    const auto state = state_.shared_from_this();
    state_.bury(*this);
    // The others that were kept may be as closed as this one.
    for (Connection* other : state->idle_ones(origin_)) state->bury(*other);
    state->enqueue(call, true);
}

void HttpsClient::State::Call::begin() {
    deadline_ = state_->context.loop().after(exchange_.request().total_timeout, [this] {
        const auto state = state_;
        if (Connection* const connection = connection_) {
            connection->leave();  // which forgets it here
            state->bury(*connection);
        } else {
            state->forget(*this);
        }
        const std::string origin = origin_;
        const auto limit = exchange_.request().total_timeout.count();
        finish(exchange_.fail({Fault::timed_out, exchange_.endpoint().host +
                                                     " did not finish its answer within " +
                                                     std::to_string(limit) + " ms"}));
        if (!state->is_closed) state->serve(origin);
    });
    // From the loop, so that nothing is called from within start().
    state_->enqueue(*this, false);
}

void HttpsClient::State::enqueue(Call& call, bool in_front) {
    auto& waiting = origins[call.origin()].waiting;
    in_front ? waiting.push_front(&call) : waiting.push_back(&call);
    serve(call.origin());
}

void HttpsClient::State::serve(const std::string& origin) {
    Origin& at = origins[origin];
    while (!at.waiting.empty()) {
        Call& call = *at.waiting.front();
        const auto idle = std::find_if(at.connections.begin(), at.connections.end(),
                                       [&](const auto& each) { return each->is_fit_for(call); });
        const bool has_none = idle == at.connections.end();
        if (has_none && at.connections.size() >= options.connections_per_host) {
            // Those that are only too old for it make room.
            const auto old = std::find_if(at.connections.begin(), at.connections.end(),
                                          [](const auto& each) { return each->is_idle(); });
            if (old == at.connections.end()) return;
            bury(**old);
        }
        at.waiting.pop_front();
        if (has_none) {
            at.connections.push_back(
                std::make_unique<Connection>(*this, call.exchange().endpoint()));
            at.connections.back()->carry(call);
        } else {
            (*idle)->carry(call);
        }
    }
    if (at.connections.empty()) origins.erase(origin);
}

void HttpsClient::State::forget(Call& call) {
    if (Connection* connection = call.connection()) {
        call.is_carried_by(nullptr);
        connection->leave();
        bury(*connection);
        return;
    }
    const auto found = origins.find(call.origin());
    if (found == origins.end()) return;
    auto& waiting = found->second.waiting;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), &call), waiting.end());
}

void HttpsClient::State::bury(Connection& connection) {
    auto& all = origins[connection.origin()].connections;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& each) { return each.get() == &connection; });
    if (found == all.end()) return;
    buried.push_back(std::move(*found));
    all.erase(found);
    burial = context.loop().after(std::chrono::milliseconds(0), [this] {
        const auto graves = std::move(buried);
        buried.clear();
        std::vector<std::string> origins_to_serve;
        for (const auto& grave : graves) origins_to_serve.push_back(grave->origin());
        for (const std::string& origin : origins_to_serve) serve(origin);
    });
}

std::vector<HttpsClient::State::Connection*> HttpsClient::State::idle_ones(
    const std::string& origin) {
    std::vector<Connection*> idle;
    for (const auto& each : origins[origin].connections)
        if (each->is_idle()) idle.push_back(each.get());
    return idle;
}

HttpsClient::HttpsClient(ClientContext& context, Options options)
    : state_(std::make_shared<State>(context, options)) {}

HttpsClient::~HttpsClient() {
    state_->is_closed = true;
    state_->burial.reset();
    for (auto& [name, origin] : state_->origins) {
        for (auto& connection : origin.connections) connection->leave();
    }
    state_->origins.clear();
    state_->buried.clear();
}

void HttpsClient::close_idle() {
    std::vector<std::string> names;
    for (const auto& [name, origin] : state_->origins) names.push_back(name);
    for (const std::string& name : names)
        for (State::Connection* connection : state_->idle_ones(name)) state_->bury(*connection);
}

std::unique_ptr<HttpsCall> HttpsClient::start(HttpsRequest request, Handler handler) {
    Result<Endpoint> endpoint = parse_endpoint(request.url);
    const Done context = state_->context.check();
    const bool is_usable = endpoint && context;
    auto call = std::make_unique<State::Call>(
        state_, std::move(request), endpoint ? *endpoint : Endpoint(), std::move(handler));
    if (is_usable)
        call->begin();
    else
        call->fail_later(context ? endpoint.error() : context.error());
    return call;
}
