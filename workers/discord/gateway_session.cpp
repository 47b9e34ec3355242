#include "workers/discord/gateway_session.h"

#include <algorithm>

#include "workers/common/log.h"
#include "workers/discord/close_codes.h"
#include "workers/discord/gateway_payload.h"
#include "workers/discord/intents.h"

namespace discord {

using std::chrono::milliseconds;
using Timer = GatewayWire::Timer;

namespace {

constexpr uint32_t most_resumes = 3;
constexpr milliseconds hello_patience{30'000};
constexpr milliseconds ready_patience{60'000};
constexpr int64_t least_backoff_ms = 1'000;
constexpr int64_t most_backoff_ms = 30'000;
// Left of the day's budget for the owner.
constexpr uint32_t spared_identifies = 10;
// Neither 1000 nor 1001, which end the session.
constexpr int keep_session = 4900;
constexpr const char* usual_gateway = "wss://gateway.discord.gg";
constexpr const char* query = "v=10&encoding=json";

std::string with_query(const std::string& url) {
    const bool has_path = url.find('/', url.find("://") + 3) != std::string::npos;
    if (url.find('?') != std::string::npos) return url + "&" + query;
    return url + (has_path ? "?" : "/?") + query;
}

std::string in_seconds(milliseconds time) {
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

}  // namespace

GatewayInfo gateway_info_of(const Json& answer) {
    const Json& limit = member(answer, "session_start_limit");
    GatewayInfo info;
    info.url = text_member(answer, "url");
    if (info.url.empty()) info.url = usual_gateway;
    info.remaining = static_cast<uint32_t>(
        std::clamp<int64_t>(int_member(limit, "remaining", 1000), 0, 1'000'000));
    info.reset_after_ms = int_member(limit, "reset_after");
    return info;
}

GatewaySession::GatewaySession(GatewayWire& wire, Options options, SessionRecord record)
    : wire_(wire),
      options_(std::move(options)),
      record_(std::move(record)),
      sequences_(record_.sequence) {}

SessionRecord GatewaySession::record() const {
    SessionRecord kept = record_;
    kept.sequence = sequences_.safe();
    return kept;
}

void GatewaySession::set_commands_digest(const std::string& digest) {
    record_.commands_digest = digest;
    wire_.keep(record());
}

void GatewaySession::drop_session() {
    record_.id.clear();
    record_.resume_url.clear();
    failed_resumes_ = 0;
    sequences_.restart();
    wire_.keep(record());
}

void GatewaySession::start(int64_t now_ms) {
    attempt(now_ms);
}

void GatewaySession::attempt(int64_t now_ms) {
    if (has_session() && failed_resumes_ >= most_resumes) {
        log_warn("discord gateway: {} attempts to resume failed; beginning a new session",
                 failed_resumes_);
        drop_session();
    }
    // A host that cannot be reached is either gone, or the network is: the API tells which.
    if (has_session() && unopened_ < most_resumes) return open_session(now_ms);
    state_ = State::asking;
    wire_.ask_for_gateway();
}

void GatewaySession::gateway_is(const GatewayInfo& info, int64_t now_ms) {
    if (state_ != State::asking) return;
    gateway_url_ = info.url;
    unopened_ = 0;
    if (has_session() && !gateway_url_.empty()) {
        // What was said meanwhile comes only with this session: it may go on elsewhere, and if not,
        // Discord says so.
        log_warn("discord gateway: {} cannot be reached, but Discord can; resuming at {}",
                 record_.resume_url, gateway_url_);
        record_.resume_url = gateway_url_;
        wire_.keep(record());
        return open_session(now_ms);
    }
    if (info.remaining < spared_identifies) {
        const milliseconds wait(std::max<int64_t>(info.reset_after_ms, 60'000));
        const std::string why =
            fmt::format("only {} new sessions are left today; waiting {} for more", info.remaining,
                        in_seconds(wait));
        log_error("discord gateway: {}", why);
        wire_.is_down(why);
        return retry(wait);
    }
    const int64_t allowed = record_.identifies.next_allowed_ms(now_ms);
    if (allowed > now_ms) return retry(milliseconds(allowed - now_ms));
    open_session(now_ms);
}

void GatewaySession::gateway_unknown(const Error& error, int64_t) {
    if (state_ != State::asking) return;
    fail(error.what);
}

void GatewaySession::open_session(int64_t) {
    state_ = State::opening;
    wire_.open(with_query(has_session() ? record_.resume_url : gateway_url_));
}

void GatewaySession::opened() {
    if (state_ != State::opening) return;
    state_ = State::greeting;
    unopened_ = 0;
    if (has_session()) ++failed_resumes_;  // until it has not
    wire_.set_timer(Timer::opening, hello_patience);
}

void GatewaySession::received(std::string_view text, int64_t now_ms) {
    if (state_ == State::ended || state_ == State::paused || state_ == State::waiting) return;
    const Result<Json> payload = parse_gateway_payload(text);
    if (!payload) {
        log_warn("discord gateway: a message could not be read and was dropped: {}",
                 payload.error().what);
        return;
    }
    switch (static_cast<Opcode>(int_member(*payload, "op", -1))) {
        case Opcode::dispatch:
            return dispatch(*payload, now_ms);
        case Opcode::heartbeat:
            return answer_beat();
        case Opcode::reconnect:
            log_info("discord gateway: asked to reconnect");
            wire_.close(keep_session);
            return fail("asked to reconnect");
        case Opcode::invalid_session: {
            const Json& can_resume = member(*payload, "d");
            return invalid_session(can_resume.is_boolean() && can_resume.get<bool>());
        }
        case Opcode::hello:
            return hello(member(*payload, "d"), now_ms);
        case Opcode::heartbeat_ack:
            beat_is_answered_ = true;
            return;
        default:
            log_debug("discord gateway: opcode {} is not known", int_member(*payload, "op", -1));
    }
}

void GatewaySession::hello(const Json& data, int64_t now_ms) {
    if (state_ != State::greeting) return;
    heartbeat_ = milliseconds(
        std::clamp<int64_t>(int_member(data, "heartbeat_interval", 41'250), 100, 600'000));
    beat_is_answered_ = true;
    const double begin = static_cast<double>(heartbeat_.count()) * wire_.random();
    wire_.set_timer(Timer::heartbeat, milliseconds(1 + static_cast<int64_t>(begin)));
    wire_.set_timer(Timer::opening, ready_patience);
    has_session() ? resume() : identify(now_ms);
}

void GatewaySession::identify(int64_t now_ms) {
    state_ = State::identifying;
    record_.identifies.add(now_ms);
    wire_.keep(record());  // before it is done: a process that dies of it must not forget
    wire_.send(print_json(
        {{"op", 2},
         {"d",
          {{"token", options_.token},
           {"intents", options_.intents},
           {"properties", {{"os", "linux"}, {"browser", "hardshell"}, {"device", "hardshell"}}},
           {"large_threshold", 50}}}}));
}

void GatewaySession::resume() {
    state_ = State::resuming;
    wire_.send(print_json(
        {{"op", 6},
         {"d",
          {{"token", options_.token}, {"session_id", record_.id}, {"seq", sequences_.last()}}}}));
}

void GatewaySession::dispatch(const Json& payload, int64_t) {
    const int64_t number = int_member(payload, "s");
    if (number > 0) sequences_.saw(static_cast<uint64_t>(number));
    const std::string type = text_member(payload, "t");
    if (type == "READY") ready(member(payload, "d"));
    if (type == "RESUMED") resumed();
    if (state_ == State::ended) return;
    wire_.dispatch(type, member(payload, "d"), static_cast<uint64_t>(std::max<int64_t>(0, number)));
}

void GatewaySession::ready(const Json& data) {
    if (state_ != State::identifying) return;
    record_.id = text_member(data, "session_id");
    record_.resume_url = text_member(data, "resume_gateway_url");
    if (record_.resume_url.empty()) record_.resume_url = gateway_url_;
    if (const std::string bot = id_member(member(data, "user"), "id"); !bot.empty())
        record_.bot_id = bot;
    state_ = State::up;
    attempts_ = failed_resumes_ = unopened_ = 0;
    wire_.set_timer(Timer::opening, milliseconds(0));
    wire_.keep(record());
    wire_.is_up(true);
}

void GatewaySession::resumed() {
    if (state_ != State::resuming) return;
    state_ = State::up;
    attempts_ = failed_resumes_ = unopened_ = 0;
    wire_.set_timer(Timer::opening, milliseconds(0));
    wire_.is_up(false);
}

void GatewaySession::invalid_session(bool can_resume) {
    if (state_ == State::up) ++reconnects_;
    wire_.close(keep_session);
    if (!can_resume) drop_session();
    log_warn("discord gateway: the session is not valid{}",
             can_resume ? " now; resuming it later" : "; beginning a new one");
    wire_.is_down("invalid session");
    // Discord asks for between one and five seconds.
    retry(milliseconds(1'000 + static_cast<int64_t>(4'000 * wire_.random())));
}

void GatewaySession::answer_beat() {
    const uint64_t last = sequences_.last();
    wire_.send(print_json({{"op", 1}, {"d", last ? Json(last) : Json()}}));
}

void GatewaySession::beat() {
    if (!beat_is_answered_) {
        log_warn("discord gateway: no answer to a heartbeat within {}; reconnecting",
                 in_seconds(heartbeat_));
        wire_.cut();  // nobody is there to answer a close
        return fail("no answer to a heartbeat");
    }
    beat_is_answered_ = false;
    answer_beat();
    wire_.set_timer(Timer::heartbeat, heartbeat_);
}

void GatewaySession::timer(Timer timer, int64_t now_ms) {
    switch (timer) {
        case Timer::attempt:
            if (state_ == State::waiting) attempt(now_ms);
            return;
        case Timer::heartbeat:
            return beat();
        case Timer::opening:
            if (state_ == State::greeting)
                log_warn("connection stalled: no HELLO received within 30000ms, forcing reconnect");
            else
                log_warn("discord gateway: no READY within {}; reconnecting",
                         in_seconds(ready_patience));
            wire_.cut();
            return fail("no greeting");
    }
}

void GatewaySession::closed(int code, const std::string& why, bool was_open, int64_t) {
    if (state_ == State::ended || state_ == State::paused || state_ == State::waiting) return;
    if (!was_open) {
        ++unopened_;
        log_warn("discord gateway: {}", why);
        return fail(why);
    }
    const CloseCode row = after_close(code);
    log_warn("discord gateway: WebSocket connection closed with code {} ({})", code, row.meaning);
    switch (row.then) {
        case AfterClose::resume:
            return fail(row.meaning);
        case AfterClose::identify:
            drop_session();
            return fail(row.meaning);
        default:
            return refused(code, row.meaning);
    }
}

void GatewaySession::refused(int code, const std::string& meaning) {
    state_ = State::ended;
    wire_.clear_timers();
    drop_session();
    const std::string head = fmt::format("Fatal Gateway error: {} ({})", code, meaning);
    wire_.is_down(head);
    if (after_close(code).then == AfterClose::bad_credentials)
        return wire_.cannot_work(
            {Fault::bad_credentials, head + "; Discord refuses the bot token of " +
                                         options_.token_source +
                                         ": put in the one of the Developer Portal (Bot, Token)"});
    if (code == 4013 || code == 4014)
        return wire_.cannot_work(
            {Fault::bad_config, head + "; enable " + privileged_names(options_.intents) +
                                    " in the Developer Portal (Bot, Privileged Gateway Intents)"});
    wire_.cannot_work({Fault::bad_config, head});
}

void GatewaySession::fail(const std::string& why) {
    if (state_ == State::up) ++reconnects_;
    const bool was_trying = state_ != State::up;
    wire_.is_down(why);
    const milliseconds delay = backoff();
    if (was_trying || attempts_ > 1)
        log_info("discord gateway: {} with backoff: {}",
                 has_session() ? "Attempting resume" : "Reconnecting", in_seconds(delay));
    retry(delay);
}

milliseconds GatewaySession::backoff() {
    const int64_t most =
        std::min(most_backoff_ms, least_backoff_ms << std::min<uint32_t>(attempts_, 10));
    ++attempts_;
    // Half of it at random: bots that lost the same server do not come back together.
    return milliseconds(most / 2 +
                        static_cast<int64_t>(static_cast<double>(most / 2) * wire_.random()));
}

void GatewaySession::retry(milliseconds delay) {
    wire_.clear_timers();
    state_ = State::waiting;
    wire_.set_timer(Timer::attempt, std::max(delay, milliseconds(1)));
}

void GatewaySession::pause() {
    if (state_ == State::ended || state_ == State::paused) return;
    wire_.clear_timers();
    if (state_ != State::waiting && state_ != State::asking) wire_.close(keep_session);
    state_ = State::paused;
    wire_.is_down("the agent takes no more messages");
}

void GatewaySession::go_on(int64_t now_ms) {
    if (state_ != State::paused) return;
    // What the agent has not got comes again.
    sequences_.rewind();
    attempt(now_ms);
}

void GatewaySession::machine_slept(int64_t now_ms) {
    switch (state_) {
        case State::idle:
        case State::asking:  // that request ends by itself
        case State::paused:
        case State::ended:
            return;
        case State::waiting:
            break;
        default:
            if (state_ == State::up) ++reconnects_;
            wire_.cut();
            wire_.is_down("the machine stood still");
    }
    log_info("discord gateway: the machine stood still; reconnecting");
    wire_.clear_timers();
    attempts_ = 0;
    attempt(now_ms);
}

void GatewaySession::stop() {
    if (state_ == State::ended) return;
    wire_.clear_timers();
    if (state_ != State::waiting && state_ != State::asking && state_ != State::paused)
        wire_.close(keep_session);
    state_ = State::ended;
    wire_.keep(record());
}

}  // namespace discord
