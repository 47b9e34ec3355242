#include "workers/gateway/http_reply.h"

#include <cstdio>

namespace gateway {

void HttpReply::answer(HttpAnswer answer) {
    if (std::exchange(answered_, true)) return;
    answer_ = std::move(answer);
    end_connection(answer_);
    wake();
}

void HttpReply::stream(std::string_view content_type, std::shared_ptr<BodySource> source) {
    if (std::exchange(answered_, true) || gone_) return;
    answer_ = stream_head(content_type, http_1_0_);
    is_in_chunks_ = !http_1_0_;
    end_connection(answer_);
    source_ = std::move(source);
    wake();
}

void HttpReply::send(HttpAnswer head, std::shared_ptr<BodySource> source) {
    if (std::exchange(answered_, true) || gone_) return;
    answer_ = std::move(head);
    end_connection(answer_);
    source_ = std::move(source);
    wake();
}

void HttpReply::client_left() {
    gone_ = true;
    wake_ = nullptr;
    source_.reset();
}

std::string HttpReply::take() {
    if (!answered_ || finished_ || gone_) return {};
    if (std::exchange(head_taken_, true)) return take_piece();
    std::string text = std::move(answer_.head);
    if (source_ && with_body_) return text;
    if (with_body_) text += answer_.content();
    finished_ = true;
    answer_.body = {};
    source_.reset();
    return text;
}

std::string HttpReply::take_piece() {
    std::string piece = source_->next();
    if (!piece.empty()) {
        if (!is_in_chunks_) return piece;
        char size[24];
        const int length = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        piece.insert(0, size, static_cast<size_t>(length));
        return piece += "\r\n";
    }
    if (!source_->has_ended()) return {};
    finished_ = true;
    source_.reset();
    return is_in_chunks_ ? "0\r\n\r\n" : "";
}

}  // namespace gateway
