// The paths that are served with a credential: which there are, what has to be shown, how large a
// body may be. And the checks on the head of such a request, which all come before its body is
// read.
#pragma once

#include <optional>
#include <string_view>

#include "workers/gateway/credentials.h"
#include "workers/gateway/gateway_settings.h"
#include "workers/gateway/http_answer.h"

namespace gateway {

enum class Serves { hooks, tools, responses, chat_completions, nobody };
enum class Proof { none, owner, hook };

struct Route {
    std::string_view name;
    Serves serves;
    Proof proof;
    // Null: not there. The path without a trailing slash.
    std::string_view (*path)(const GatewaySettings&);
    bool with_what_is_below;
    size_t (*largest_body)(const GatewaySettings&);
};

// The first row that is there and fits; null when none does: then it is the page's.
const Route* find_route(std::string_view path, const GatewaySettings& settings);

// The secrets that routes ask for.
struct HttpSecrets {
    const SharedAuth& owner;
    SharedAuth hook;
};

// Why the request is not served, without a look at its body; nothing when it is.
std::optional<HttpAnswer> refusal_of(const HttpAsk& ask, const Route& route,
                                     const GatewaySettings& settings, const HttpSecrets& secrets,
                                     AttemptLimiter& limiter, int64_t tick_ms);

// An error in the words of the route's clients: `type` is "invalid_request_error", "api_error", …
HttpAnswer failure_answer(const Route& route, int status, std::string_view type,
                          std::string_view message, const std::string& more = {});
HttpAnswer openai_failure(int status, std::string_view type, std::string_view message,
                          const std::string& more = {});

}  // namespace gateway
