// What RFC 6455 asks of a client's opening and of its close frame, where libwebsockets does not ask
// for it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

inline constexpr const char* subprotocol = "gateway";

// The HTTP status of a refused opening; 0: it is a good one. `key` and `version` are the headers
// Sec-WebSocket-Key and Sec-WebSocket-Version (section 4.2.1).
int refused_opening(std::string_view method, std::string_view version, std::string_view key);

// Whether one of the subprotocols that a client offers is ours; none is good, too.
// libwebsockets would hang up without a word.
bool takes_subprotocol(std::string_view offered);

// Whether a close frame may say that: nothing, or a code that may be sent (section 7.4) and a
// reason. That the reason is UTF-8 is libwebsockets' business.
bool is_close_payload(std::string_view payload);

}  // namespace gateway
