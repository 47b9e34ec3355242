#include "workers/gateway/turn_reply.h"

namespace gateway {

namespace {

constexpr std::string_view event_stream = "text/event-stream; charset=utf-8";

}  // namespace

TurnReply::TurnReply(Loop& loop, std::shared_ptr<HttpReply> reply,
                     std::unique_ptr<TurnFormat> format, bool streams)
    : loop_(loop),
      reply_(std::move(reply)),
      stream_(std::make_shared<Stream>(std::move(format))),
      streams_(streams) {}

// What is refused before is told with a status of its own.
void TurnReply::accepted() {
    if (!streams_ || reply_->is_answered()) return;
    reply_->stream(event_stream, std::shared_ptr<BodySource>(stream_, &stream_->source));
    comments_ = loop_.every(silence, [this] {
        if (reply_->is_gone()) return comments_.reset();
        stream_->source.keep_alive();
        reply_->wake();
    });
}

void TurnReply::text_is(std::string_view whole) {
    if (!streams_ || reply_->is_gone()) return;
    stream_->source.text_is(whole);
    reply_->wake();
}

void TurnReply::ended(const TurnEnd& end) {
    comments_.reset();
    if (reply_->is_gone()) return;
    // A turn that ends before it was announced can only be an answer already there, or a refusal.
    if (streams_ && end.has_answer()) accepted();
    comments_.reset();
    if (!reply_->is_answered()) return reply_->answer(stream_->format->whole(end));
    stream_->source.ended(end);
    reply_->wake();
}

}  // namespace gateway
