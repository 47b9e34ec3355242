#include "tests/support/media_caller.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "tests/support/web_socket.h"

namespace {

using nlohmann::json;

std::string from_base64(const std::string& text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                    reinterpret_cast<const unsigned char*>(text.data()),
                    static_cast<int>(text.size()));
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(bytes.size() - padding);
    return bytes;
}

}  // namespace

struct MediaCaller::State {
    WebSocket socket;
    bool hears = true;
    size_t frames = 0;
    std::string sound;
    std::string last_event;
    Deadline::Clock::time_point first{};
    Deadline::Clock::time_point last{};
};

MediaCaller::MediaCaller() : state_(std::make_unique<State>()) {}
MediaCaller::~MediaCaller() = default;

bool MediaCaller::open(uint16_t port, const std::string& path, const std::string& headers) {
    state_ = std::make_unique<State>();
    return state_->socket.open(port, headers, Deadline(patience), {}, path);
}

int MediaCaller::http_status() const {
    return state_->socket.http_status();
}

std::string MediaCaller::start_message(const std::string& account, const std::string& call,
                                       const std::string& token) {
    json start = {
        {"streamSid", stream},
        {"accountSid", account},
        {"callSid", call},
        {"tracks", {"inbound"}},
        {"mediaFormat", {{"encoding", "audio/x-mulaw"}, {"sampleRate", 8000}, {"channels", 1}}}};
    if (!token.empty()) start["customParameters"] = {{"token", token}};
    return json{
        {"event", "start"}, {"sequenceNumber", "1"}, {"streamSid", stream}, {"start", start}}
        .dump();
}

void MediaCaller::begin(const std::string& account, const std::string& call,
                        const std::string& token) {
    send(R"({"event":"connected","protocol":"Call","version":"1.0.0"})");
    send(start_message(account, call, token));
}

void MediaCaller::speak(size_t frames) {
    // 160 bytes of 0xff, the silence of mu-law.
    std::string payload;
    for (int count = 0; count < 53; ++count) payload += "////";
    payload += "/w==";
    for (size_t count = 0; count < frames; ++count)
        send(json{{"event", "media"},
                  {"streamSid", stream},
                  {"media",
                   {{"track", "inbound"},
                    {"chunk", std::to_string(count + 1)},
                    {"timestamp", std::to_string(20 * count)},
                    {"payload", payload}}}}
                 .dump());
}

void MediaCaller::press(const std::string& digit) {
    send(json{{"event", "dtmf"},
              {"streamSid", stream},
              {"dtmf", {{"track", "inbound_track"}, {"digit", digit}}}}
             .dump());
}

void MediaCaller::stop() {
    send(json{{"event", "stop"}, {"streamSid", stream}, {"stop", json::object()}}.dump());
}

void MediaCaller::send(const std::string& text) {
    state_->socket.send_text(text);
}

void MediaCaller::send_bytes(const std::string& bytes) {
    state_->socket.send_bytes(bytes);
}

void MediaCaller::drop() {
    state_->socket.drop();
}

void MediaCaller::hear(bool on) {
    state_->hears = on;
}

bool MediaCaller::read_one(const Deadline& deadline) {
    const auto text = state_->socket.receive(deadline);
    if (!text) return false;
    const json message = json::parse(*text);
    state_->last_event = message.at("event").get<std::string>();
    if (message.at("streamSid") != stream) return false;
    if (state_->last_event == "media") {
        state_->last = Deadline::Clock::now();
        if (state_->frames++ == 0) state_->first = state_->last;
        state_->sound += from_base64(message.at("media").at("payload").get<std::string>());
    } else if (state_->last_event == "mark" && state_->hears) {
        send(json{{"event", "mark"}, {"streamSid", stream}, {"mark", message.at("mark")}}.dump());
    }
    return true;
}

bool MediaCaller::wait(const std::string& event) {
    const Deadline deadline(patience);
    while (read_one(deadline))
        if (state_->last_event == event) return true;
    return false;
}

bool MediaCaller::wait_frames(size_t count) {
    const Deadline deadline(patience);
    while (state_->frames < count)
        if (!read_one(deadline)) return false;
    return true;
}

bool MediaCaller::wait_closed() {
    const Deadline deadline(patience);
    while (read_one(deadline)) {
    }
    return state_->socket.is_closed();
}

int MediaCaller::close_code() const {
    return state_->socket.close_code();
}

size_t MediaCaller::frames() const {
    return state_->frames;
}

const std::string& MediaCaller::sound() const {
    return state_->sound;
}

std::chrono::milliseconds MediaCaller::duration() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(state_->last - state_->first);
}

std::string stream_token_in(const std::string& xml) {
    const std::string before = "name=\"token\" value=\"";
    const size_t at = xml.find(before);
    if (at == std::string::npos) return {};
    const size_t from = at + before.size();
    return xml.substr(from, xml.find('"', from) - from);
}
