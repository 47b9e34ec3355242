#include "workers/gateway/http_exchange.h"

namespace gateway {

namespace {

// For a client to send the rest of a body that was refused: closing on it would take the answer
// away with the connection.
constexpr std::chrono::milliseconds rest_of_body{3'000};

}  // namespace

HttpExchange::~HttpExchange() {
    if (pending_) pending_->reply->client_left();
}

int HttpExchange::serve(const HttpAsk& ask, HttpVerdict verdict) {
    if (HttpLater* later = std::get_if<HttpLater>(&verdict))
        return serve_later(ask, std::move(*later));
    HttpAnswer& made = std::get<HttpAnswer>(verdict);
    end_connection(made);
    discards_body_ = made.close && ask.has_body && !ask.chunked && !ask.bad_length;
    return write_answer(made, ask.method != "HEAD");
}

bool HttpExchange::write(std::string_view bytes) {
    std::string text(LWS_PRE, '\0');
    text += bytes;
    auto* begin = reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE;
    return lws_write(connection_.wsi(), begin, bytes.size(), LWS_WRITE_HTTP) >= 0;
}

int HttpExchange::write_answer(const HttpAnswer& answer, bool with_body) {
    std::string text = answer.head;
    if (with_body) text += answer.content();
    return write(text) ? end_transaction(answer.close) : -1;
}

int HttpExchange::end_transaction(bool closes) {
    if (!closes) return lws_http_transaction_completed(connection_.wsi()) ? -1 : 0;
    ends_when_sent_ = true;
    if (discards_body_) rest_deadline_ = loop_.after(rest_of_body, [this] { connection_.kill(); });
    lws_callback_on_writable(connection_.wsi());
    return 0;
}

// Who has shown a credential is no stranger any more, until the answer is written.
int HttpExchange::serve_later(const HttpAsk& ask, HttpLater later) {
    lws* const wsi = connection_.wsi();
    pending_ = std::make_unique<Pending>();
    Pending& pending = *pending_;
    pending.later = std::move(later);
    pending.reply = std::make_shared<HttpReply>(ask);
    pending.reply->attach([this] { lws_callback_on_writable(connection_.wsi()); });
    if (pending.later.route) connection_.has_shown_itself();
    if (!ask.has_body) {
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
        // With them libwebsockets sees a POST whose body is empty and ends the connection after
        // this callback; a request without a body it lets wait.
        if (ask.method != "GET" && ask.method != "HEAD") lws_http_headers_detach(wsi);
        return body_is_there();
    }
    auto share = bodies_.reserve(ask.body_bytes);
    if (!share) return refuse_body(ask, pending.later.route);
    pending.share = std::move(*share);
    pending.expected = ask.body_bytes;
    pending.body.reserve(ask.body_bytes);
    const auto patience = body_time + std::chrono::seconds(ask.body_bytes / body_bytes_per_second);
    pending.deadline = loop_.after(patience, [this] { connection_.kill(); });
    if (!ask.expects_continue) return 0;
    return write("HTTP/1.1 100 Continue\r\n\r\n") ? 0 : -1;
}

int HttpExchange::refuse_body(const HttpAsk& ask, const Route* route) {
    const bool never = ask.body_bytes > bodies_.total();
    const std::string text = never ? "this machine takes request bodies of " +
                                         std::to_string(bodies_.total()) + " bytes at most"
                                   : "too many request bodies are being read; try again";
    HttpAnswer refusal = route ? failure_answer(*route, never ? 413 : 503,
                                                never ? "invalid_request_error" : "api_error", text,
                                                never ? "" : "\r\nRetry-After: 1")
                               : text_answer(413, text);
    end_connection(refusal);
    pending_.reset();
    discards_body_ = true;
    return write_answer(refusal, true);
}

int HttpExchange::read_body(std::string_view part) {
    if (discards_body_) return 0;
    if (!pending_ || pending_->is_taken) return -1;
    if (pending_->body.size() + part.size() > pending_->expected) return -1;
    pending_->body += part;
    return 0;
}

// Called again when the client sends more before it has its answer: such a connection is ended, for
// nobody would read that in the meantime.
int HttpExchange::body_is_there() {
    if (!pending_) return discards_body_ ? -1 : 0;
    if (std::exchange(pending_->is_taken, true)) return -1;
    pending_->deadline.reset();
    // The share goes back once the body has become something else.
    const BodyBudget::Share share = std::move(pending_->share);
    const auto take = std::move(pending_->later.take);
    const auto reply = pending_->reply;
    take(std::move(pending_->body), reply);
    return 0;
}

int HttpExchange::writeable() {
    if (ends_when_sent_) return discards_body_ ? 0 : -1;
    return pending_ ? write_reply() : 0;
}

// One piece per call; libwebsockets keeps what the kernel does not take, and calls again when it
// is gone.
int HttpExchange::write_reply() {
    const std::shared_ptr<HttpReply> reply = pending_->reply;
    const std::string piece = reply->take();
    if (!piece.empty() && !write(piece)) return -1;
    if (reply->is_finished()) {
        reply->attach(nullptr);
        pending_.reset();
        connection_.must_come_on();
        return end_transaction(reply->closes());
    }
    lws_set_timeout(connection_.wsi(),
                    piece.empty() ? NO_PENDING_TIMEOUT : PENDING_TIMEOUT_HTTP_CONTENT,
                    piece.empty() ? 0 : reader_patience_s);
    if (piece.empty()) return 0;
    // Who shows no credential may stay as long as he takes something.
    if (!pending_->later.route) connection_.must_come_on();
    lws_callback_on_writable(connection_.wsi());
    return 0;
}

}  // namespace gateway
