#include "workers/voice/webhooks.h"

#include <algorithm>
#include <cctype>

#include "workers/common/log.h"

namespace voice {

namespace {

RouteServer::Limits limits() {
    RouteServer::Limits limits;
    limits.most_connections = Webhooks::most_connections;
    return limits;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

RouteAnswer plain(int status, const char* text) {
    RouteAnswer answer;
    answer.status = status;
    answer.body = text;
    return answer;
}

}  // namespace

SignedRequest signed_request(const RequestHead& head, const std::string& public_url) {
    SignedRequest request;
    request.public_url = public_url;
    request.query = std::string(head.query());
    for (const auto& [name, value] : head.headers) request.headers.emplace_back(lower(name), value);
    return request;
}

Webhooks::Webhooks(Services services, const std::vector<int>& listeners)
    : services_(std::move(services)),
      server_(services_.loop, listeners, limits(),
              [this](const RequestHead& head, const RouteCall& call) { take(head, call); }) {}

void Webhooks::take(const RequestHead& head, const RouteCall& call) {
    if (services_.take_stream && head.path() == services_.stream_path)
        return services_.take_stream(head, call);
    if (head.path() != services_.path) return call.answer(plain(404, "Not Found"));
    if (head.method != "POST") {
        RouteAnswer answer = plain(405, "Method Not Allowed");
        answer.headers.emplace_back("Allow", "POST");
        return call.answer(std::move(answer));
    }
    const std::string url = services_.public_url();
    if (url.empty()) {
        services_.desk.remark_forgery("there is no public address to verify it by");
        return call.answer(plain(503, "Service Unavailable"));
    }
    SignedRequest request = signed_request(head, url);
    if (const Done done = services_.provider.look_at_head(request, services_.now_ms() / 1000);
        !done) {
        services_.desk.remark_forgery(done.error().what);
        return call.answer(plain(401, "Unauthorized"));
    }
    call.read_body(largest_body, [this, request](std::string body, const RouteCall& whole) {
        SignedRequest asked = request;
        asked.body = std::move(body);
        WebhookReply reply = services_.desk.take(asked);
        RouteAnswer answer;
        answer.status = reply.status;
        answer.body = std::move(reply.body);
        answer.content_type = std::move(reply.content_type);
        whole.answer(std::move(answer));
    });
}

}  // namespace voice
