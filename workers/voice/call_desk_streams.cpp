// Calls that are streamed: who may open a stream, what is said and heard by it, and how a call goes
// on without.

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <utility>

#include "workers/common/log.h"
#include "workers/voice/call_desk.h"

namespace voice {

namespace {

std::string new_token() {
    constexpr char digits[] = "0123456789abcdef";
    unsigned char bytes[32];
    if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();
    std::string token;
    for (const unsigned char byte : bytes) {
        token += digits[byte >> 4];
        token += digits[byte & 15];
    }
    return token;
}

// Takes the same time wherever they differ.
bool same(const std::string& given, const std::string& wanted) {
    return given.size() == wanted.size() &&
           CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}

}  // namespace

// Whoever asks what is next has no stream any more: a later one is offered, if there was not enough
// of that already.
bool CallDesk::offer_stream(Line& line) {
    Call& call = line.call;
    leave_stream(line);
    if (!call.streams || call.ending || !call.is_live() || !call.step.goes_on()) return false;
    if (++line.streams_offered > most_streams) {
        log_warn(
            "[voice-call] call {}: {} streams have ended; it goes on by the company's own "
            "speech",
            call.id, most_streams);
        call.streams = false;
        return false;
    }
    call.stream_token = new_token();
    line.stream_due_ms = services_.now_ms() + stream_patience_ms;
    return true;
}

void CallDesk::leave_stream(Line& line) {
    line.call.stream_token.clear();
    line.stream_due_ms = 0;
    line.stream_is_ready = false;
    if (line.update == 0) line.call.handed = 0;
    if (Stream* const stream = std::exchange(line.stream, nullptr)) stream->call_is_over();
}

uint32_t CallDesk::turn_said(const Line& line) {
    const Call& call = line.call;
    return call.step.says() && !call.unsaid.empty() ? call.unsaid.front().turn - 1 : call.turn;
}

uint32_t CallDesk::turn_said(const std::string& call_id) const {
    const auto found = lines_.find(call_id);
    return found == lines_.end() ? 0 : turn_said(found->second);
}

Result<std::string> CallDesk::stream_begins(const std::string& provider_id,
                                            const std::string& token, Stream& stream) {
    for (auto& [id, line] : lines_) {
        Call& call = line.call;
        if (call.provider_id != provider_id || !call.is_live() || call.ending) continue;
        if (!call.streams || call.stream_token.empty() || !same(token, call.stream_token)) break;
        call.stream_token.clear();
        line.stream = &stream;
        line.stream_due_ms = 0;
        line.heard_of_ms = services_.now_ms();
        log_info("[voice-call] call {} is streamed", id);
        return id;
    }
    return Error{Fault::bad_credentials, "no call waits for this stream"};
}

void CallDesk::stream_is_ready(const std::string& call_id) {
    Line* line = line_by_id(call_id);
    if (!line || !line->stream) return;
    line->stream_is_ready = true;
    goes_by_stream(*line);
}

// True: what the call says goes by its stream, now or as soon as there is one.
bool CallDesk::goes_by_stream(Line& line) {
    Call& call = line.call;
    if (!call.streams || call.ending || !call.step.goes_on()) return false;
    if (!line.stream_is_ready || !call.step.says()) return true;
    while (call.handed < call.unsaid.size()) {
        const Part part = call.unsaid[call.handed++];
        line.stream->speak(part.turn, part.words);
    }
    return true;
}

void CallDesk::stream_heard(const std::string& call_id, const std::string& words, uint32_t turn) {
    CallEvent event;
    event.kind = CallEvent::Kind::speech;
    event.text = words;
    Line* line = line_by_id(call_id);
    if (!line) return;
    if (!line->call.is_live()) return heard_at_last(*line, words);
    heard(*line, event, turn);
    keep(*line);
}

void CallDesk::stream_got_digit(const std::string& call_id, const std::string& digit,
                                uint32_t turn) {
    CallEvent event;
    event.kind = CallEvent::Kind::digits;
    event.text = digit;
    Line* line = line_by_id(call_id);
    if (!line || !line->stream || digit.empty()) return;
    heard(*line, event, turn);
    keep(*line);
}

void CallDesk::stream_has_said(const std::string& call_id, uint32_t turn) {
    Line* line = line_by_id(call_id);
    if (!line || !line->stream || !line->call.step.says()) return;
    words_given(*line, turn);
    if (!line->call.step.says()) line->call.move(CallState::listening, services_.now_ms());
    keep(*line);
}

void CallDesk::stream_ends(const std::string& call_id, const std::string& trouble) {
    Line* line = line_by_id(call_id);
    if (!line || !line->stream) return;
    line->stream = nullptr;
    leave_stream(*line);
    if (!line->call.is_live()) return;
    const int64_t now = services_.now_ms();
    line->heard_of_ms = 0;  // whether the call has ended, too, is asked at once
    line->stream_due_ms = now + (trouble.empty() ? stream_patience_ms : after_trouble_ms);
    if (!trouble.empty()) {
        line->call.streams = false;
        log_warn("[voice-call] call {} goes on by the company's own speech: {}", call_id, trouble);
    }
    keep(*line);
}

}  // namespace voice
