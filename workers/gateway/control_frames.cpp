#include "workers/gateway/control_frames.h"

#include <string>

namespace gateway {

namespace {

// The number that libwebsockets itself uses for close frames; its header leaves it out.
constexpr auto write_close_frame = static_cast<lws_write_protocol>(4);

}  // namespace

void write_ping(lws* wsi) {
    if (lws_get_close_length(wsi) > 0 || lws_partial_buffered(wsi)) return;
    // Not empty: libwebsockets 4.1.6 tells of no pong without a payload.
    unsigned char room[LWS_PRE + 4] = {};
    (void)lws_write(wsi, room + LWS_PRE, sizeof room - LWS_PRE, LWS_WRITE_PING);
}

// Written by hand: in 4.1.6 lws_close_reason() followed by -1 from the writeable callback ends the
// connection without a close frame.
bool write_close(lws* wsi, int code, std::string_view reason) {
    std::string bytes(LWS_PRE, '\0');
    bytes += static_cast<char>(code >> 8);
    bytes += static_cast<char>(code & 0xff);
    bytes += reason;
    auto* payload = reinterpret_cast<unsigned char*>(bytes.data()) + LWS_PRE;
    return lws_write(wsi, payload, bytes.size() - LWS_PRE, write_close_frame) >= 0;
}

}  // namespace gateway
