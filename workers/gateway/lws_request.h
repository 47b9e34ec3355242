// Reads what libwebsockets knows of a request into our own types.
#pragma once

#include <libwebsockets.h>

#include <string>
#include <string_view>
#include <vector>

#include "workers/gateway/http_answer.h"
#include "workers/gateway/log_text.h"
#include "workers/gateway/request_source.h"

namespace gateway {

// Only while the request's headers are there: until the upgrade or the answer is done.
RequestHeaders read_headers(lws* wsi);
// With those further headers, whose names are in lower case, beside the usual ones.
HttpAsk read_ask(lws* wsi, const std::vector<std::string>& headers = {});

// What RFC 6455 has against the opening of a WebSocket, see refused_opening().
int opening_fault(lws* wsi);

// Code and reason of a close frame's payload; unchanged when there is none.
void read_close(std::string_view payload, int& code, std::string& reason);

// Numeric address of the other end; empty when it is gone already.
std::string peer_address(int descriptor);

}  // namespace gateway
