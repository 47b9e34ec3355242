#include "workers/telegram/webhook.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "workers/common/log.h"

namespace telegram {

namespace {

constexpr size_t longest_secret = 256;
constexpr std::chrono::seconds set_again{30};
constexpr int most_connections = 20;

enum Status { ok = 200, bad_request = 400, too_large = 413, unavailable = 503 };

}  // namespace

Webhook::Webhook(Loop& loop, BotApi& api, std::string url, Secret secret, Handlers handlers)
    : loop_(loop),
      api_(api),
      url_(std::move(url)),
      secret_(std::move(secret)),
      handlers_(std::move(handlers)) {}

Done Webhook::check() const {
    const std::string& secret = secret_.reveal();
    const bool fits = !secret.empty() && secret.size() <= longest_secret &&
                      std::all_of(secret.begin(), secret.end(), [](unsigned char c) {
                          return std::isalnum(c) || c == '_' || c == '-';
                      });
    if (fits) return {};
    return Error{
        Fault::bad_config,
        "channels.telegram.webhookSecret has to be set beside webhookUrl: 1 to 256 of "
        "A-Z, a-z, 0-9, _ and -; without it anybody could send messages in anybody's name"};
}

void Webhook::start() {
    if (url_.empty())
        return handlers_.disconnected(
            "the tunnel has no address at the moment; Telegram is told as soon as it has one");
    // Two at once could arrive in the wrong order.
    if (std::exchange(is_being_told_, true)) return;
    api_.call("setWebhook",
              {{"url", url_},
               {"secret_token", secret_.reveal()},
               {"max_connections", most_connections},
               {"allowed_updates", allowed_updates()}},
              [this, url = url_](const ApiAnswer& answer) { answered(url, answer); });
}

void Webhook::move_to(std::string url) {
    if (url == url_) return;
    url_ = std::move(url);
    again_.reset();
    start();
}

void Webhook::answered(const std::string& url, const ApiAnswer& answer) {
    is_being_told_ = false;
    if (url != url_) return start();
    if (answer) {
        log_info("webhook listening on {}", url_);
        return handlers_.connected();
    }
    const ApiFailure& failure = *answer.failure;
    if (failure.kind == ApiFailure::Kind::unauthorized)
        return handlers_.fatal({Fault::bad_credentials, failure.description});
    log_warn("Telegram does not take the webhook {}: {}", url_, failure.description);
    handlers_.disconnected(failure.description);
    again_ = loop_.after(std::max<std::chrono::milliseconds>(set_again, failure.retry_after),
                         [this] { start(); });
}

bool Webhook::is_from_telegram(std::string_view header) const {
    const std::string& secret = secret_.reveal();
    if (secret.empty()) return false;
    // Digests, so that neither content nor length shows in the time it takes.
    unsigned char given[SHA256_DIGEST_LENGTH];
    unsigned char wanted[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(header.data()), header.size(), given);
    SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), wanted);
    return CRYPTO_memcmp(given, wanted, sizeof given) == 0;
}

void Webhook::take(std::string_view body, Answer answer) {
    if (body.size() > largest_body) return answer(too_large);
    const Result<Json> value = parse_json(body);
    if (!value) return answer(bad_request);
    const Result<Update> update = read_update(*value);
    if (!update) return answer(bad_request);
    if (std::find(done_.begin(), done_.end(), update->id) != done_.end()) return answer(ok);
    if (const auto found = waiting_.find(update->id); found != waiting_.end()) {
        found->second.answers.push_back(std::move(answer));
        return;
    }
    if (waiting_.size() >= most_waiting) return answer(unavailable);
    Waiting& waiting = waiting_[update->id];
    waiting.answers.push_back(std::move(answer));
    waiting.timer = loop_.after(longest_wait, [this, id = update->id] { give_up(id); });
    if (update->kind == Update::Kind::other) return settle(update->id);
    handlers_.update(*update);
}

void Webhook::settle(int64_t update_id) {
    if (done_.size() < most_known) {
        done_.push_back(update_id);
    } else {
        done_[next_done_] = update_id;
        next_done_ = (next_done_ + 1) % most_known;
    }
    const auto found = waiting_.find(update_id);
    if (found == waiting_.end()) return;
    const std::vector<Answer> answers = std::move(found->second.answers);
    waiting_.erase(found);
    for (const Answer& answer : answers) answer(ok);
}

// Telegram will send it again; it stays under way here, so that it is not taken twice.
void Webhook::give_up(int64_t update_id) {
    const auto found = waiting_.find(update_id);
    if (found == waiting_.end()) return;
    for (const Answer& answer : std::exchange(found->second.answers, {})) answer(unavailable);
}

}  // namespace telegram
