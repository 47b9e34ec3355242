#include "workers/discord/gateway_connection.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace discord {

using std::chrono::milliseconds;

namespace {

// A server of a thousand channels is greeted with a megabyte.
constexpr size_t largest_message = 16u << 20;
constexpr milliseconds keep_period{1'000};
constexpr milliseconds farewell_patience{600};

}  // namespace

// A socket whose close is on its way; nobody listens any more.
class GatewayConnection::Farewell final : public WebSocketReceiver {
  public:
    Farewell(Loop& loop, std::unique_ptr<WebSocket> socket, int code)
        : loop_(loop), socket_(std::move(socket)) {
        socket_->hand_over(*this);
        socket_->close(code);
        patience_ = loop_.after(farewell_patience, [this] { finish(); });
    }
    void on_done(std::function<void()> done) { is_over_ ? done() : void(done_ = std::move(done)); }
    bool is_over() const { return is_over_; }

    void websocket_opened() override {}
    void websocket_message(std::string_view, bool) override {}
    void websocket_ended(const WebSocketEnd&) override { finish(); }

  private:
    void finish() {
        is_over_ = true;
        patience_.reset();
        if (const auto done = std::move(done_)) done();
    }

    Loop& loop_;
    std::unique_ptr<WebSocket> socket_;
    Loop::Registration patience_;
    std::function<void()> done_;
    bool is_over_ = false;
};

GatewayConnection::GatewayConnection(UvLoop& loop, ClientContext& context, Rest& rest,
                                     Options options, Handlers handlers)
    : loop_(loop),
      rest_(rest),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      websockets_(loop, context),
      file_(options_.session_file) {
    SessionRecord record = file_.read();
    kept_ = print_record(record);
    session_ = std::make_unique<GatewaySession>(*this, options_.session, std::move(record));
}

GatewayConnection::~GatewayConnection() = default;

void GatewayConnection::start(const std::string& bot_id) {
    SessionRecord record = session_->record();
    if (!record.bot_id.empty() && record.bot_id != bot_id) {
        log_info("discord gateway: the session that was kept is another bot's");
        record.id.clear();
        record.commands_digest.clear();
    }
    record.bot_id = bot_id;
    session_ = std::make_unique<GatewaySession>(*this, options_.session, std::move(record));
    session_->start(wall_ms());
}

void GatewayConnection::ask_for_gateway() {
    rest_.send(rest_get("/gateway/bot", "/gateway/bot"), [this](const RestAnswer& answer) {
        if (!answer.is_ok())
            return session_->gateway_unknown({Fault::unreachable, answer.error}, wall_ms());
        GatewayInfo info = gateway_info_of(answer.body);
        if (!options_.gateway_url.empty()) info.url = options_.gateway_url;
        session_->gateway_is(info, wall_ms());
    });
}

void GatewayConnection::open(const std::string& url) {
    WebSocketRequest request;
    request.url = url;
    request.headers = {{"User-Agent", user_agent}};
    request.largest_message = largest_message;
    socket_ = websockets_.open(std::move(request), *this);
}

void GatewayConnection::send(const std::string& payload) {
    if (!socket_) return;
    if (const Done sent = socket_->send(payload); !sent)
        log_debug("discord gateway: {}", sent.error().what);
}

void GatewayConnection::close(int code) {
    if (!socket_) return;
    farewell_ = std::make_unique<Farewell>(loop_, std::move(socket_), code);
}

void GatewayConnection::cut() {
    socket_.reset();
}

void GatewayConnection::set_timer(Timer timer, milliseconds delay) {
    Loop::Registration& slot = timers_[static_cast<size_t>(timer)];
    slot.reset();
    if (delay.count() > 0)
        slot = loop_.after(delay, [this, timer] { session_->timer(timer, wall_ms()); });
}

void GatewayConnection::clear_timers() {
    for (Loop::Registration& timer : timers_) timer.reset();
}

void GatewayConnection::keep(const SessionRecord& record) {
    std::string text = print_record(record);
    if (text == kept_) return;
    const Done kept = file_.write(record);
    if (kept) kept_ = std::move(text);
    if (!kept && !cannot_keep_)
        log_warn("the session cannot be kept for the next start: {}", kept.error().what);
    cannot_keep_ = !kept;
}

void GatewayConnection::keep_soon() {
    if (keeping_) return;
    keeping_ = loop_.after(keep_period, [this] {
        keeping_.reset();
        keep(session_->record());
    });
}

void GatewayConnection::stop(std::function<void()> done) {
    keeping_.reset();
    session_->stop();
    if (!farewell_) return done();
    farewell_->on_done(std::move(done));
}

void GatewayConnection::end_session() {
    session_->stop();
    SessionRecord record = session_->record();
    record.id.clear();
    record.resume_url.clear();
    keep(record);
}

void GatewayConnection::machine_slept() {
    farewell_.reset();
    session_->machine_slept(wall_ms());
}

void GatewayConnection::dispatch(const std::string& type, const Json& data, uint64_t sequence) {
    handlers_.dispatch(type, data, sequence);
    keep_soon();
}

void GatewayConnection::is_up(bool is_new_session) {
    handlers_.up(is_new_session);
}

void GatewayConnection::is_down(const std::string& why) {
    handlers_.down(why);
}

void GatewayConnection::cannot_work(const Error& error) {
    handlers_.cannot_work(error);
}

double GatewayConnection::random() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
}

void GatewayConnection::websocket_opened() {
    session_->opened();
}

void GatewayConnection::websocket_message(std::string_view message, bool) {
    session_->received(message, wall_ms());
}

void GatewayConnection::websocket_ended(const WebSocketEnd& end) {
    const auto ended = std::move(socket_);  // until this call is over
    session_->closed(end.code, end.error.what, end.was_open, wall_ms());
}

}  // namespace discord
