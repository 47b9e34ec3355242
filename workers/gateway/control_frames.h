// Control frames of a WebSocket (RFC 6455, 5.5) that libwebsockets 4.1.6 does not write as they are
// wanted.
#pragma once

#include <libwebsockets.h>

#include <string_view>

namespace gateway {

// Nothing is asked of a peer that still has to take what waits.
void write_ping(lws* wsi);
// False: the connection has to end.
bool write_close(lws* wsi, int code, std::string_view reason);

}  // namespace gateway
