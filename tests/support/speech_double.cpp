#include "tests/support/speech_double.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds glance{5};

std::string header(const std::string& head, const std::string& name) {
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const size_t at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const size_t from = at + 4 + name.size();
    return head.substr(from, head.find('\r', from) - from);
}

std::string accept_of(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    char base64[32];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, 20);
    return base64;
}

constexpr int text_frame = 1, close_frame = 8, ping_frame = 9, pong_frame = 10;

std::string frame(const std::string& text, int opcode = text_frame) {
    std::string made(1, static_cast<char>(0x80 | opcode));
    if (text.size() < 126) {
        made += static_cast<char>(text.size());
    } else {
        made += '\x7e';
        made += static_cast<char>(text.size() >> 8);
        made += static_cast<char>(text.size() & 0xff);
    }
    return made + text;
}

std::string tone(int length_ms) {
    std::string bytes;
    for (int at = 0; at < 24 * length_ms; ++at) {
        const auto sample = static_cast<int16_t>(16'000 * std::sin(2 * M_PI * 440 * at / 24'000.0));
        bytes += static_cast<char>(sample & 0xff);
        bytes += static_cast<char>((sample >> 8) & 0xff);
    }
    return bytes;
}

std::string answer(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Status\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

SpeechDouble::SpeechDouble() : server_([this](TlsStream& stream, uint64_t) { talk(stream); }) {}

SpeechDouble::~SpeechDouble() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed();
}

void SpeechDouble::hear_beginning() {
    const std::lock_guard lock(mutex_);
    to_tell_.push_back(json{{"type", "input_audio_buffer.speech_started"}}.dump());
}

void SpeechDouble::hear(const std::string& words) {
    const std::lock_guard lock(mutex_);
    const std::string item = "conversation.item.input_audio_transcription.";
    to_tell_.push_back(
        json{{"type", item + "delta"}, {"delta", words.substr(0, words.size() / 2)}}.dump());
    to_tell_.push_back(json{{"type", item + "completed"}, {"transcript", words}}.dump());
}

void SpeechDouble::fail_to_hear() {
    const std::lock_guard lock(mutex_);
    to_tell_.push_back(json{{"type", "conversation.item.input_audio_transcription.failed"},
                            {"error", {{"message", "the quota is used up"}}}}
                           .dump());
}

void SpeechDouble::hold_speaking(bool on) {
    const std::lock_guard lock(mutex_);
    speaking_is_held_ = on;
    changed();
}

void SpeechDouble::refuse_hearing(int status) {
    const std::lock_guard lock(mutex_);
    hearing_status_ = status;
}

void SpeechDouble::refuse_speaking(int status) {
    const std::lock_guard lock(mutex_);
    speaking_status_ = status;
}

void SpeechDouble::speak_for(int length_ms) {
    const std::lock_guard lock(mutex_);
    speech_ms_ = length_ms;
}

std::vector<std::string> SpeechDouble::asked_to_say() const {
    const std::lock_guard lock(mutex_);
    return said_;
}

std::vector<std::string> SpeechDouble::messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
}

std::string SpeechDouble::sound() const {
    const std::lock_guard lock(mutex_);
    return sound_;
}

void SpeechDouble::go_deaf(bool on) {
    const std::lock_guard lock(mutex_);
    is_deaf_ = on;
}

size_t SpeechDouble::pings() const {
    const std::lock_guard lock(mutex_);
    return pings_;
}

size_t SpeechDouble::openings() const {
    const std::lock_guard lock(mutex_);
    return openings_;
}

bool SpeechDouble::all_had_the_key() const {
    const std::lock_guard lock(mutex_);
    return had_the_key_;
}

bool SpeechDouble::wait(const std::function<bool()>& fits) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!fits()) {
        std::unique_lock lock(mutex_);
        if (std::chrono::steady_clock::now() > deadline) return false;
        changed_.wait_for(lock, milliseconds(20));
    }
    return true;
}

void SpeechDouble::talk(TlsStream& stream) {
    for (;;) {
        const std::string head = stream.read_until("\r\n\r\n");
        if (head.empty()) return;
        {
            const std::lock_guard lock(mutex_);
            if (header(head, "authorization") != std::string("Bearer ") + key) had_the_key_ = false;
        }
        if (!header(head, "upgrade").empty()) return listen(stream, head);
        answer_speech(stream, head);
    }
}

void SpeechDouble::answer_speech(TlsStream& stream, const std::string& head) {
    const std::string length = header(head, "content-length");
    const std::string body =
        stream.read_exactly(length.empty() ? 0 : static_cast<size_t>(std::stoul(length)));
    int status = 0;
    int length_ms = 0;
    {
        std::unique_lock lock(mutex_);
        said_.push_back(body);
        changed();
        changed_.wait(lock, [this] { return !speaking_is_held_ || is_stopping_; });
        status = speaking_status_;
        length_ms = speech_ms_;
    }
    if (status != 0) {
        stream.write(answer(status, R"({"error":{"message":"the voice is hoarse"}})"));
        return;
    }
    stream.write(
        "HTTP/1.1 200 OK\r\nContent-Type: audio/pcm\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string sound = tone(length_ms);
    constexpr size_t piece = 4'001;  // a sample is cut in the middle
    for (size_t at = 0; at < sound.size(); at += piece) {
        const std::string part = sound.substr(at, piece);
        char size[16];
        snprintf(size, sizeof size, "%zx\r\n", part.size());
        stream.write(size + part + "\r\n");
    }
    stream.write("0\r\n\r\n");
}

void SpeechDouble::listen(TlsStream& stream, const std::string& head) {
    int status = 0;
    {
        const std::lock_guard lock(mutex_);
        ++openings_;
        status = hearing_status_;
        changed();
    }
    if (status == 200) return (void)stream.read();
    if (status != 0) {
        stream.write(answer(status, R"({"error":{"message":"nobody listens"}})"));
        return;
    }
    stream.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_of(header(head, "sec-websocket-key")) + "\r\n\r\n");
    stream.write(frame(json{{"type", "transcription_session.created"}}.dump()));
    for (;;) {
        std::vector<std::string> to_tell;
        {
            const std::lock_guard lock(mutex_);
            if (is_stopping_) return;
            to_tell.swap(to_tell_);
        }
        for (const std::string& text : to_tell) stream.write(frame(text));
        if (!take_frame(stream)) return;
    }
}

// False: the connection has ended.
bool SpeechDouble::take_frame(TlsStream& stream) {
    std::string begin = stream.read(1, glance);
    if (begin.empty()) return stream.timed_out();
    begin += stream.read_exactly(1);
    if (begin.size() < 2) return false;
    size_t size = static_cast<unsigned char>(begin[1]) & 0x7f;
    const size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) {
        size = 0;
        for (const char c : stream.read_exactly(more))
            size = size << 8 | static_cast<unsigned char>(c);
    }
    const std::string mask = stream.read_exactly(4);
    std::string text = size > 0 ? stream.read_exactly(size) : "";
    if (mask.size() != 4 || text.size() != size) return false;
    for (size_t at = 0; at < size; ++at) text[at] = static_cast<char>(text[at] ^ mask[at % 4]);
    const int opcode = begin[0] & 15;
    if (opcode == close_frame) return false;
    if (opcode == text_frame) take_message(stream, text);
    if (opcode == ping_frame) answer_ping(stream, text);
    return true;
}

void SpeechDouble::answer_ping(TlsStream& stream, const std::string& text) {
    bool is_deaf = false;
    {
        const std::lock_guard lock(mutex_);
        is_deaf = is_deaf_;
        ++pings_;
        changed();
    }
    if (!is_deaf) stream.write(frame(text, pong_frame));
}

void SpeechDouble::take_message(TlsStream& stream, const std::string& text) {
    const json message = json::parse(text, nullptr, false);
    const std::string type = message.is_object() ? message.value("type", "") : "";
    if (type == "transcription_session.update")
        stream.write(frame(json{{"type", "transcription_session.updated"}}.dump()));
    const std::lock_guard lock(mutex_);
    if (type == "input_audio_buffer.append")
        sound_ += message.value("audio", "");
    else
        messages_.push_back(text);
    changed();
}
