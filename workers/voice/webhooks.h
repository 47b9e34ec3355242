// The door for the telephone company: requests of the internet, until they are known to be its own.
//
// Promises: only POST for the one path, and a WebSocket for that of streams (media_streams.h); a
// request without the headers of a signature is answered 401 before its body is read; of a body no
// more than 64 KiB is read, and that in five seconds; so many at a time and no more. Nothing is
// verified against an address that a header names.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/common/routes/route_server.h"
#include "workers/voice/call_desk.h"

namespace voice {

class Webhooks {
  public:
    struct Services {
        Loop& loop;
        const Provider& provider;
        CallDesk& desk;
        std::string path;
        std::function<std::string()> public_url;  // whole; empty: none now
        std::function<int64_t()> now_ms;
        // What comes there is `take_stream`'s; empty: calls are not streamed.
        std::string stream_path = {};
        std::function<void(const RequestHead& head, const RouteCall& call)> take_stream = {};
    };
    Webhooks(Services services, const std::vector<int>& listeners);

    void stop_taking() { server_.stop_taking(); }

    static constexpr size_t largest_body = 64 * 1024;
    static constexpr size_t most_connections = 128;

  private:
    void take(const RequestHead& head, const RouteCall& call);

    Services services_;
    RouteServer server_;
};

// Of a request whose body has not been read.
SignedRequest signed_request(const RequestHead& head, const std::string& public_url);

}  // namespace voice
