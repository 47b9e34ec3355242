// The door for streams of sound: WebSockets from the internet, until they are known to be of a
// call.
//
// Promises: a signature that is there and wrong is refused before the WebSocket is opened; who has
// none, or a right one, still has to show a call's token (media_stream.h); as many sockets as there
// may be calls, and two more for those that follow one another; who has shown neither a signature
// nor a token has places apart, so that strangers keep no call out; nothing is verified against an
// address that a header names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "workers/voice/media_stream.h"

namespace voice {

class MediaStreams {
  public:
    struct Services {
        MediaStream::Services stream;
        const Provider& provider;
        std::function<std::string()> public_url;  // of the webhook; empty: none now
    };
    explicit MediaStreams(Services services);

    void take(const RequestHead& head, const RouteCall& call);
    // Ends all of them.
    void stop();
    size_t open() const { return streams_.size(); }

    static constexpr size_t spare = 2;
    static constexpr size_t most_strangers = 8;

  private:
    struct Open {
        std::unique_ptr<MediaStream> stream;
        bool is_signed = false;
    };
    size_t sockets() const;
    size_t strangers() const;
    bool has_room(bool is_signed) const;
    void bury(uint64_t id);

    Services services_;
    std::unordered_map<uint64_t, Open> streams_;
    std::vector<std::unique_ptr<MediaStream>> graves_;
    Loop::Registration burial_;
    uint64_t last_ = 0;
};

// Whether the signature is Twilio's for an opening under this address.
bool is_signed_opening(const Provider& provider, const RequestHead& head,
                       const std::string& address);

}  // namespace voice
