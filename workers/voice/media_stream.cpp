#include "workers/voice/media_stream.h"

#include <charconv>
#include <utility>

#include "workers/common/log.h"

namespace voice {

namespace {

using Kind = MediaMessage::Kind;

// Close codes (RFC 6455, 7.4.1).
constexpr int in_order = 1000;
constexpr int restarting = 1001;
constexpr int not_allowed = 1008;
constexpr int in_trouble = 1011;
constexpr size_t most_digits = 64;
constexpr std::chrono::milliseconds frame_time{PlayQueue::frame_ms};

}  // namespace

MediaStream::MediaStream(Services services, RouteStream connection, const RequestHead& head,
                         std::function<void()> gone)
    : services_(std::move(services)),
      gone_(std::move(gone)),
      socket_(services_.loop, std::move(connection), head, {}, socket_handlers()),
      ears_(services_.loop, services_.sockets, services_.settings.streaming, services_.times.pings,
            hearing_handlers()),
      mouth_(services_.loop, services_.speech, services_.settings.streaming, speaking_handlers()) {
    start_deadline_ = services_.loop.after(services_.times.start,
                                           [this] { refuse("it showed no token in time"); });
}

ServerWebSocket::Handlers MediaStream::socket_handlers() {
    return {[this](std::string_view text) { take(text); },
            [this](const std::string& why) {
                log_debug("[voice-call] a stream has ended: {}", why);
                leave("", in_order, "");
                mouth_.cancel();
                is_closed_ = true;
                go_unless_waiting();
            }};
}

Transcriber::Handlers MediaStream::hearing_handlers() {
    return {[this] {
                interrupt();
                return turn_now();
            },
            [this](const std::string& words, uint32_t turn) { take_words(words, turn); },
            [this](const std::string& why) { give_up(why); }};
}

Speech::Handlers MediaStream::speaking_handlers() {
    return {[this](std::string_view sound) {
                queue_.put(sound);
                play();
            },
            [this](const Done& done) {
                if (is_over_) return;
                if (!done) return give_up(done.error().what);
                queue_.put_mark(wishes_.front().turn);
                wishes_.pop_front();
                play();
                speak_next();
            }};
}

void MediaStream::take(std::string_view text) {
    if (is_over_) return;
    const Result<MediaMessage> message = read_media_message(text);
    const bool has_begun = !call_id_.empty();
    if (!message) return has_begun ? give_up(message.error().what) : refuse(message.error().what);
    if (!has_begun) {
        if (message->kind == Kind::connected) return;
        if (message->kind == Kind::start) return begin(*message);
        return refuse("it sent something before it showed a token");
    }
    if (message->stream_id != stream_id_) return;
    switch (message->kind) {
        case Kind::media:
            sounded_ms_ = services_.now_ms();
            return ears_.take(message->sound);
        case Kind::dtmf:
            return take_digit(message->digit);
        case Kind::mark:
            return take_mark(message->mark);
        case Kind::stop:
            return leave("", in_order, "");
        case Kind::connected:
        case Kind::start:
        case Kind::other:
            return;
    }
}

void MediaStream::begin(const MediaMessage& start) {
    if (start.account != services_.settings.account) return refuse("it is of another account");
    const Result<std::string> call =
        services_.desk.stream_begins(start.call_id, start.token, *this);
    if (!call) return refuse(call.error().what);
    start_deadline_.reset();
    call_id_ = *call;
    stream_id_ = start.stream_id;
    if (!start.is_telephone_sound) return give_up("its sound is not mu-law of 8 kHz");
    ears_.start();
    sounded_ms_ = services_.now_ms();
    watch_ = services_.loop.every(services_.times.silence, [this] {
        if (services_.now_ms() - sounded_ms_ < services_.times.silence.count()) return;
        log_warn("[voice-call] call {}: its stream brings no sound any more", call_id_);
        leave("", in_order, "no sound");
    });
    greeting_ = services_.loop.after(services_.times.greeting, [this] {
        if (!is_over_) services_.desk.stream_is_ready(call_id_);
    });
}

void MediaStream::take_words(const std::string& words, uint32_t turn) {
    const bool are_last = static_cast<bool>(last_words_);
    if (!is_over_ || are_last) services_.desk.stream_heard(call_id_, words, turn);
    if (!are_last || ears_.owes_words()) return;
    last_words_.reset();
    go_unless_waiting();
}

void MediaStream::take_digit(const std::string& digit) {
    if (digit.empty() || digits_.size() >= most_digits) return;
    if (digits_.empty()) digits_turn_ = turn_now();
    digits_ += digit;
    digits_end_ = services_.loop.after(services_.times.digits, [this] {
        if (is_over_) return;
        services_.desk.stream_got_digit(call_id_, std::exchange(digits_, {}), digits_turn_);
    });
}

void MediaStream::take_mark(const std::string& name) {
    uint32_t turn = 0;
    std::from_chars(name.data(), name.data() + name.size(), turn);
    if (turn <= heard_turn_ || turn > marked_turn_) return;
    heard_turn_ = turn;
    if (!is_speaking()) is_heard_ = false;
    services_.desk.stream_has_said(call_id_, turn);
}

bool MediaStream::is_speaking() const {
    return latest_turn_ > heard_turn_;
}

// That the caller answers by what they begin to do now.
uint32_t MediaStream::turn_now() const {
    return is_speaking() && is_heard_ ? latest_turn_ : services_.desk.turn_said(call_id_);
}

void MediaStream::interrupt() {
    if (is_over_ || !is_speaking() || !is_heard_) return;
    mouth_.cancel();
    wishes_.clear();
    queue_.clear();
    if (!socket_.send(clear_message(stream_id_))) return give_up("the company takes no sound");
    marked_turn_ = heard_turn_ = latest_turn_;
    is_heard_ = false;
    services_.desk.stream_has_said(call_id_, latest_turn_);
}

void MediaStream::speak(uint32_t turn, const std::string& words) {
    if (is_over_) return;
    latest_turn_ = turn;
    wishes_.push_back({turn, words});
    speak_next();
}

void MediaStream::speak_next() {
    if (!is_over_ && !wishes_.empty() && !mouth_.is_busy()) mouth_.say(wishes_.front().words);
}

void MediaStream::play() {
    if (is_over_) return clock_.reset();
    for (const PlayQueue::Item& item : queue_.due(services_.now_ms())) {
        const bool is_mark = item.sound.empty();
        const Done sent = socket_.send(is_mark ? mark_message(stream_id_, std::to_string(item.mark))
                                               : sound_message(stream_id_, item.sound));
        if (!sent) return give_up("the company takes no sound: " + sent.error().what);
        if (is_mark)
            marked_turn_ = item.mark;
        else
            is_heard_ = true;
    }
    if (queue_.empty())
        clock_.reset();
    else if (!clock_)
        clock_ = services_.loop.every(frame_time, [this] { play(); });
}

void MediaStream::call_is_over() {
    is_over_ = true;
    watch_.reset();
    socket_.close(in_order, "the call is over");
    wait_for_last_words();
}

void MediaStream::stop() {
    leave("", restarting, "this process ends");
}

void MediaStream::refuse(const std::string& why) {
    log_warn("[voice-call] a stream was refused: {}", why);
    leave("", not_allowed, "refused");
}

void MediaStream::give_up(const std::string& why) {
    leave(why, in_trouble, "the call goes on without a stream");
}

void MediaStream::leave(const std::string& trouble, int code, const std::string& reason) {
    socket_.close(code, reason);
    if (is_over_) return;
    start_deadline_.reset();
    watch_.reset();
    if (!digits_.empty())
        services_.desk.stream_got_digit(call_id_, std::exchange(digits_, {}), digits_turn_);
    is_over_ = true;
    wait_for_last_words();
    if (!call_id_.empty()) services_.desk.stream_ends(call_id_, trouble);
}

void MediaStream::wait_for_last_words() {
    if (!ears_.finish()) return;
    last_words_ = services_.loop.after(services_.times.last_words, [this] {
        last_words_.reset();
        go_unless_waiting();
    });
}

void MediaStream::go_unless_waiting() {
    if (is_closed_ && !last_words_) gone_();
}

}  // namespace voice
