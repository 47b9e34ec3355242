#include "workers/voice/media_streams.h"

#include <algorithm>

#include "workers/common/log.h"
#include "workers/voice/webhooks.h"

namespace voice {

namespace {

RouteAnswer plain(int status) {
    RouteAnswer answer;
    answer.status = status;
    answer.body = std::string(reason_phrase(status));
    return answer;
}

// How Twilio may have written the address that it signs.
std::vector<std::string> spellings_of(const std::string& address) {
    const size_t host = std::min(address.find("://"), address.size());
    const std::string as_http =
        (address.starts_with("wss") ? "https" : "http") + address.substr(host);
    return {address, address + "/", as_http, as_http + "/"};
}

}  // namespace

bool is_signed_opening(const Provider& provider, const RequestHead& head,
                       const std::string& address) {
    for (const std::string& spelling : spellings_of(address))
        if (provider.verify(signed_request(head, spelling), 0)) return true;
    return false;
}

MediaStreams::MediaStreams(Services services) : services_(std::move(services)) {}

void MediaStreams::take(const RequestHead& head, const RouteCall& call) {
    const Settings& settings = services_.stream.settings;
    if (const int status = refusal_of_opening(head); status != 0) return call.answer(plain(status));
    const auto refuse = [&](int status, const char* why) {
        services_.stream.desk.remark_forgery(std::string("a stream was refused: ") + why);
        call.answer(plain(status));
    };
    const std::string webhook = services_.public_url();
    if (webhook.empty()) return refuse(503, "there is no public address");
    const bool is_signed = !head.header("x-twilio-signature").empty();
    if (is_signed && !is_signed_opening(services_.provider, head,
                                        stream_address(webhook, settings.streaming.path)))
        return refuse(403, "its signature is wrong");
    if (!has_room(is_signed)) return refuse(503, "too many are open");
    RouteStream connection = call.take_stream();
    if (!connection.descriptor) return;
    const uint64_t id = ++last_;
    streams_[id] = {std::make_unique<MediaStream>(services_.stream, std::move(connection), head,
                                                  [this, id] { bury(id); }),
                    is_signed};
}

// A stream whose last words are waited for has none, and keeps nobody out.
size_t MediaStreams::sockets() const {
    return static_cast<size_t>(std::count_if(streams_.begin(), streams_.end(), [](const auto& row) {
        return row.second.stream->has_socket();
    }));
}

size_t MediaStreams::strangers() const {
    return static_cast<size_t>(std::count_if(streams_.begin(), streams_.end(), [](const auto& row) {
        return !row.second.is_signed && !row.second.stream->is_of_a_call();
    }));
}

bool MediaStreams::has_room(bool is_signed) const {
    const size_t unknown = strangers();
    if (!is_signed) return unknown < most_strangers;
    return sockets() - unknown < services_.stream.settings.most_calls + spare;
}

// Once nothing of it runs any more.
void MediaStreams::bury(uint64_t id) {
    graves_.push_back(std::move(streams_[id].stream));
    streams_.erase(id);
    burial_ = services_.stream.loop.after(std::chrono::milliseconds(0), [this] {
        const auto graves = std::move(graves_);
        graves_.clear();
    });
}

void MediaStreams::stop() {
    for (auto& [id, open] : streams_) open.stream->stop();
}

}  // namespace voice
