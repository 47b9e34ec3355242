#include "workers/voice/transcriber.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "workers/common/base/json.h"
#include "workers/common/log.h"
#include "workers/voice/provider.h"

namespace voice {

namespace {

using std::chrono::milliseconds;

// Before each attempt to connect again.
constexpr milliseconds pauses[] = {milliseconds(1'000), milliseconds(2'000), milliseconds(4'000),
                                   milliseconds(8'000), milliseconds(16'000)};
constexpr size_t largest_message = 1u << 20;
constexpr size_t longest_reason = 200;
constexpr int most_failures = 2;  // one after the other

// http becomes ws, https wss.
std::string socket_url(const std::string& api_url) {
    const size_t scheme = std::string_view("http").size();
    return "ws" + api_url.substr(std::min(scheme, api_url.size())) +
           "/v1/realtime?intent=transcription";
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const size_t from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return std::string(text.substr(from, text.find_last_not_of(blank) - from + 1));
}

}  // namespace

std::string session_update(const Streaming& settings) {
    return print_json(Json{{"type", "transcription_session.update"},
                           {"session",
                            {{"input_audio_format", "g711_ulaw"},
                             {"input_audio_transcription", {{"model", settings.hearing_model}}},
                             {"turn_detection",
                              {{"type", "server_vad"},
                               {"threshold", settings.threshold},
                               {"prefix_padding_ms", 300},
                               {"silence_duration_ms", settings.silence.count()}}}}}});
}

std::string sound_append(std::string_view sound) {
    return R"({"type":"input_audio_buffer.append","audio":")" + std::string(sound) + R"("})";
}

Transcriber::Transcriber(Loop& loop, WebSocketClient& client, const Streaming& settings,
                         milliseconds ping_period, Handlers handlers)
    : loop_(loop),
      client_(client),
      settings_(settings),
      ping_period_(ping_period),
      handlers_(std::move(handlers)) {}

void Transcriber::start() {
    open();
}

void Transcriber::open() {
    WebSocketRequest request;
    request.url = socket_url(settings_.api_url);
    request.headers = {{"Authorization", "Bearer " + settings_.hearing_key.reveal()},
                       {"OpenAI-Beta", "realtime=v1"}};
    request.connect_timeout = connect_timeout;
    request.largest_message = largest_message;
    is_open_ = is_confirmed_ = somebody_speaks_ = false;
    socket_ = client_.open(std::move(request), *this);
}

void Transcriber::take(std::string_view sound) {
    if (sound.empty()) return;
    // Out of room: the connection is as good as gone, and its end is told.
    if (is_open_ && kept_.empty() && socket_->send(sound_append(sound))) return;
    kept_.emplace_back(sound);
    kept_size_ += sound.size();
    for (; kept_size_ > most_kept; kept_.pop_front()) kept_size_ -= kept_.front().size();
}

// Without further sound the service would not notice that they have stopped.
bool Transcriber::finish() {
    if (!is_open_ || unwritten_.empty()) return false;
    if (somebody_speaks_) (void)socket_->send(R"({"type":"input_audio_buffer.commit"})");
    return true;
}

void Transcriber::websocket_opened() {
    is_open_ = true;
    (void)socket_->send(session_update(settings_));
    confirmation_ = loop_.after(connect_timeout, [this] {
        fail("the transcription service does not confirm what it is asked for");
    });
    send_kept();
}

void Transcriber::send_kept() {
    while (!kept_.empty() && socket_->send(sound_append(kept_.front()))) {
        kept_size_ -= kept_.front().size();
        kept_.pop_front();
    }
}

void Transcriber::websocket_message(std::string_view message, bool) {
    is_silent_ = false;
    const Result<Json> event = parse_json(message);
    if (!event) return;
    const std::string_view type = text_view(*event, "type");
    if (type == "error") {
        const Json& error = member(*event, "error");
        const std::string why = "the transcription service says: " +
                                text_member(error, "message", "error").substr(0, longest_reason);
        if (!is_confirmed_) return fail(why);
        return log_warn("[voice-call] {}", why);
    }
    if (type == "transcription_session.updated") {
        confirmed();
    } else if (type == "input_audio_buffer.speech_started") {
        begun(text_member(*event, "item_id"));
    } else if (type == "input_audio_buffer.speech_stopped") {
        somebody_speaks_ = false;
    } else if (type == "conversation.item.input_audio_transcription.completed") {
        const std::string words = trimmed(text_view(*event, "transcript")).substr(0, longest_heard);
        const uint32_t turn = written(text_member(*event, "item_id"));
        failures_ = 0;
        if (!words.empty()) handlers_.heard(words, turn);
    } else if (type == "conversation.item.input_audio_transcription.failed") {
        written(text_member(*event, "item_id"));
        const std::string why = text_member(member(*event, "error"), "message", "no reason given");
        log_warn("[voice-call] something that a caller said was not written down: {}",
                 why.substr(0, longest_reason));
        if (++failures_ >= most_failures)
            fail("the transcription service says: " + why.substr(0, longest_reason));
    }
}

void Transcriber::confirmed() {
    is_confirmed_ = was_confirmed_ = true;
    confirmation_.reset();
    tries_ = 0;
    ping();
    pings_ = loop_.every(ping_period_, [this] { ping(); });
}

void Transcriber::begun(const std::string& item) {
    somebody_speaks_ = true;
    if (unwritten_.size() >= most_unwritten) unwritten_.clear();
    unwritten_[item] = handlers_.speech_started();
}

// The turn that it answers.
uint32_t Transcriber::written(const std::string& item) {
    const auto found = unwritten_.find(item);
    if (found == unwritten_.end()) return 0;
    const uint32_t turn = found->second;
    unwritten_.erase(found);
    return turn;
}

void Transcriber::ping() {
    if (is_silent_ && answers_pings_) return cut_off();
    is_silent_ = static_cast<bool>(socket_->ping());
}

void Transcriber::websocket_pong() {
    is_silent_ = false;
    answers_pings_ = true;
}

void Transcriber::cut_off() {
    socket_.reset();
    WebSocketEnd end;
    end.error = {Fault::timed_out,
                 "no sign of life for " + std::to_string(ping_period_.count()) + " ms"};
    websocket_ended(end);
}

bool Transcriber::may_try_again(const WebSocketEnd& end) const {
    if (!was_confirmed_) return tries_ == 0 && is_refused_for_now(end.http_status);
    if (tries_ >= std::size(pauses)) return false;
    return end.http_status < 400 || end.http_status == 429 || end.http_status >= 500;
}

void Transcriber::websocket_ended(const WebSocketEnd& end) {
    is_open_ = is_confirmed_ = false;
    unwritten_.clear();  // what was begun goes with the connection
    confirmation_.reset();
    pings_.reset();
    if (!may_try_again(end)) {
        std::string why = "the transcription service: " + end.error.what;
        if (end.http_status != 0) why += " (HTTP " + std::to_string(end.http_status) + ")";
        return fail(why);
    }
    const milliseconds pause = pauses[tries_++];
    log_warn("[voice-call] the transcription service: {}; trying again in {} ms", end.error.what,
             pause.count());
    pause_ = loop_.after(pause, [this] { open(); });
}

void Transcriber::fail(const std::string& why) {
    is_open_ = false;
    confirmation_.reset();
    pings_.reset();
    if (const auto failed = std::exchange(handlers_.failed, nullptr)) failed(why);
}

}  // namespace voice
