// Where the answer to one HTTP request goes that is not given at once: whole, or piece by piece as
// it is made.
//
// Knows nothing of sockets: whoever owns the socket is woken and takes piece after piece, so a
// client that reads slowly makes nobody hold more than the source itself does. The client may be
// gone at any time; what is answered then is dropped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "workers/gateway/http_answer.h"
#include "workers/gateway/routes_table.h"

namespace gateway {

// The body of an answer that is still being made.
class BodySource {
  public:
    virtual ~BodySource() = default;
    // What can be sent now, some kilobytes at most; empty: nothing yet.
    virtual std::string next() = 0;
    // Nothing will come any more.
    virtual bool has_ended() const = 0;
};

class HttpReply {
  public:
    // The connection ends with it; see HttpExchange.
    explicit HttpReply(const HttpAsk& ask)
        : http_1_0_(ask.http_1_0), with_body_(ask.method != "HEAD") {}

    // One of these, once; what comes later is dropped.
    void answer(HttpAnswer answer);
    // `head` tells the length of what comes from the source.
    void send(HttpAnswer head, std::shared_ptr<BodySource> source);
    // Whoever feeds the source calls wake() when it has more.
    void stream(std::string_view content_type, std::shared_ptr<BodySource> source);
    void wake() {
        if (wake_) wake_();
    }
    bool is_gone() const { return gone_; }
    bool is_answered() const { return answered_; }

    // For the owner of the socket.
    void attach(std::function<void()> wake) { wake_ = std::move(wake); }
    void client_left();
    // What to write now, framed; empty: nothing yet.
    std::string take();
    // All is taken.
    bool is_finished() const { return finished_; }
    // The connection ends with it.
    bool closes() const { return answer_.close; }

  private:
    std::string take_piece();

    bool http_1_0_;
    bool with_body_;
    HttpAnswer answer_;
    std::shared_ptr<BodySource> source_;  // shared with who feeds it
    bool is_in_chunks_ = false;
    bool answered_ = false;
    bool head_taken_ = false;
    bool finished_ = false;
    bool gone_ = false;
    std::function<void()> wake_;
};

// A request that is served once its body is there.
struct HttpLater {
    // Null: needs no credential and takes no body.
    const Route* route = nullptr;
    std::function<void(std::string body, std::shared_ptr<HttpReply> reply)> take;
};
using HttpVerdict = std::variant<HttpAnswer, HttpLater>;

}  // namespace gateway
