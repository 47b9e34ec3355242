#include "workers/telegram/webhook_requests.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace telegram {

namespace {

constexpr int64_t remark_period_ms = 60'000;

RouteServer::Limits limits() {
    RouteServer::Limits limits;
    limits.most_connections = 64;
    limits.answer_time = Webhook::longest_wait + std::chrono::seconds(5);
    return limits;
}

RouteAnswer plain(int status) {
    return {status, std::string(reason_phrase(status))};
}

}  // namespace

WebhookRequests::WebhookRequests(Loop& loop, const std::vector<int>& listeners, Webhook& webhook)
    : webhook_(webhook),
      server_(loop, listeners, limits(),
              [this](const RequestHead& head, const RouteCall& call) { receive(head, call); }) {}

void WebhookRequests::receive(const RequestHead& head, const RouteCall& call) {
    if (!webhook_.is_from_telegram(head.header(Webhook::secret_header))) {
        remark_forgery();
        return call.answer(plain(401));
    }
    if (head.method != "POST") return call.answer(plain(405));
    call.read_body(Webhook::largest_body, [this](const std::string& body, const RouteCall& whole) {
        webhook_.take(body, [whole](int status) { whole.answer(plain(status)); });
    });
}

void WebhookRequests::remark_forgery() {
    ++forged_;
    const int64_t now = monotonic_ms();
    if (now - remarked_ms_ < remark_period_ms) return;
    log_warn("refused {} request{} to the webhook without Telegram's secret", forged_,
             forged_ == 1 ? "" : "s");
    remarked_ms_ = now;
    forged_ = 0;
}

}  // namespace telegram
