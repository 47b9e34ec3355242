#include "workers/agent/models_exchange.h"

#include "workers/agent/providers/failures.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

constexpr size_t longest_error_body = 64 * 1024;

}  // namespace

void Exchange::start(HttpClient& client, WireRequest request, Timing timing) {
    HttpRequest http;
    http.method = "POST";
    http.url = std::move(request.url);
    http.headers = std::move(request.headers);
    http.body = std::move(request.body);
    http.connect_timeout = timing.connect;
    http.idle_timeout = timing.idle;
    call_ = client.start(std::move(http), *this);
}

void Exchange::linger(std::function<void()> finished) {
    listener_ = nullptr;
    finished_ = std::move(finished);
}

void Exchange::http_head(const HttpHead& head) {
    status_ = head.status;
    content_type_ = head.header("content-type");
    retry_after_ =
        retry_after_of(head.header("retry-after"), head.header("retry-after-ms"), wall_ms());
    const bool other =
        content_type_.starts_with("application/json") || content_type_.starts_with("text/html");
    streams_ = status_ == 200 && !other;
}

void Exchange::http_body(std::string_view bytes) {
    if (!listener_) return;
    if (streams_) return read_events(bytes);
    if (body_.size() < longest_error_body)
        body_.append(bytes.substr(0, longest_error_body - body_.size()));
}

void Exchange::read_events(std::string_view bytes) {
    std::vector<StreamEvent> events;
    const Done fed = stream_.feed(bytes, events);
    std::vector<Delta> deltas;
    for (const StreamEvent& event : events) interpreter_->take(event, deltas);
    const std::weak_ptr<bool> alive = alive_;
    for (const Delta& delta : deltas) {
        listener_->heard(delta);
        if (alive.expired() || !listener_) return;
    }
    if (interpreter_->is_over()) return conclude();
    if (!fed) std::exchange(listener_, nullptr)->broke(failure_of_transport(fed.error()));
}

void Exchange::conclude() {
    ExchangeListener* listener = std::exchange(listener_, nullptr);
    if (interpreter_->failure()) return listener->broke(*interpreter_->failure());
    listener->answered(interpreter_->message(wall_ms()));
}

void Exchange::http_ended(const Done& outcome) {
    call_.reset();
    if (!listener_) {
        if (const auto finished = std::move(finished_)) finished();
        return;
    }
    const bool has_refusal = status_ >= 300;
    if (!outcome && !has_refusal)
        return std::exchange(listener_, nullptr)->broke(failure_of_transport(outcome.error()));
    if (!streams_) return refuse();
    interpreter_->end_of_stream();
    conclude();
}

// The answer is no stream of events: an error status, or a page of somebody else.
void Exchange::refuse() {
    ModelFailure failure = failure_of_answer(status_, body_, retry_after_);
    const Result<Json> body = parse_json(body_);
    const bool names_error = body && !member(*body, "error").is_null();
    if (status_ < 300 && !names_error) {
        failure.reason = ModelFailure::Reason::provider;
        failure.text = "HTTP " + std::to_string(status_) + " with " +
                       (content_type_.empty() ? "no type" : content_type_.substr(0, 80)) +
                       " instead of a stream of events; is the provider's baseUrl right?";
    }
    std::exchange(listener_, nullptr)->broke(failure);
}

}  // namespace agent
