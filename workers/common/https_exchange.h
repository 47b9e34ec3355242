// One request of HttpsClient and what became of it; knows no connection. Inside https_client.
#pragma once

#include "workers/common/base/fd.h"
#include "workers/common/http1_response.h"
#include "workers/common/https_client.h"

class HttpsExchange {
  public:
    HttpsExchange(HttpsRequest request, Endpoint endpoint, HttpsClient::Handler handler);
    ~HttpsExchange();
    HttpsExchange(const HttpsExchange&) = delete;
    HttpsExchange& operator=(const HttpsExchange&) = delete;

    const Endpoint& endpoint() const { return endpoint_; }
    const HttpsRequest& request() const { return request_; }

    // A connection begins with it: reads the answer and sends the request from the start.
    void begin();
    // Up to `most` bytes that are to be sent next; empty when all are. no_storage: a file of the
    // body has changed or gone.
    Result<std::string> next_bytes(size_t most);
    void bytes_have_left() { has_left_ = true; }
    Done feed(std::string_view bytes);
    Done end_of_stream() { return response_->end_of_stream(); }
    const Http1Response& response() const { return *response_; }
    bool has_left() const { return has_left_; }
    // Sent on a connection that turned out to be closed, it may be sent again.
    bool may_repeat() const;
    // Doing it twice is as good as once.
    bool is_safe_to_repeat() const;

    // The outcome, to be given to handler(): nothing is called from here.
    HttpsOutcome succeed();
    HttpsOutcome fail(Error error);
    HttpsClient::Handler take_handler() { return std::move(handler_); }

  private:
    std::string head() const;
    Done take_body(const Http1Head& head, std::string_view bytes);
    Done write_to_file(std::string_view bytes);
    uint64_t body_size() const;

    HttpsRequest request_;
    Endpoint endpoint_;
    HttpsClient::Handler handler_;
    std::unique_ptr<Http1Response> response_;
    std::string unsent_;  // of the head or of a piece in memory
    size_t sent_ = 0;     // of unsent_
    size_t piece_ = 0;    // the next one
    Fd source_;           // the file that is being sent
    uint64_t source_left_ = 0;
    Fd file_;  // what request_.into_file is written to
    bool is_file_made_ = false;
    bool has_left_ = false;
    std::string body_;
    uint64_t received_ = 0;
};
