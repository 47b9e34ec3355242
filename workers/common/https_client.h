// Small REST for channels: HTTP/1.1 over TLS, each answer whole. By OpenSSL on the loop: as a
// client without WebSocket libwebsockets 4.1.6 does not get through a TLS handshake
// (ops/decisions).
//
// Promises: what ClientContext promises; no redirect is followed; a connection is kept for the next
// request while the server allows it; every request ends, with an answer or with an Error that
// names the host, and tells then whether the server may have got it. Never logs, and never puts a
// header, a path or a body into an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/client_context.h"

// A part of a request's body: bytes, or a file that is read while it is sent.
struct BodyPiece {
    std::string bytes;
    std::string file;   // a path; empty: the bytes
    uint64_t size = 0;  // of the file
};

struct HttpsRequest {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<BodyPiece> body;
    // Twice does no harm, whatever the method says.
    bool may_repeat = false;
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds total_timeout{15'000};  // all of it, waiting for a connection too
    size_t largest_answer = 4 * 1024 * 1024;          // bytes of its body
    // The body of an answer with 2xx goes to this file, made new with mode 0600, instead of to
    // HttpsAnswer::body; removed again when the request fails.
    std::string into_file;
    // The body of an answer with 2xx goes there as it comes, instead of to HttpsAnswer::body. Must
    // not destroy the call.
    std::function<void(std::string_view bytes)> on_body;
};

struct HttpsAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;
    uint64_t body_size = 0;
    // The first header of that name (lower case), or empty.
    std::string_view header(std::string_view name) const;
};

struct HttpsOutcome {
    // unreachable: no connection, not trusted, broken off; timed_out; out_of_room: the answer is
    // too large; no_storage: a file; bad_message: no HTTP.
    Result<HttpsAnswer> answer;
    // With an error: some of the request has left, so the server may have acted on it.
    bool may_have_arrived = false;
};

// A request under way. Destroying it cancels: its handler is not called any more.
class HttpsCall {
  public:
    virtual ~HttpsCall() = default;
};

class HttpsClient {
  public:
    using Handler = std::function<void(HttpsOutcome)>;
    struct Options {
        size_t connections_per_host = 4;  // more requests wait for their turn
        // At most: a server may say less.
        std::chrono::milliseconds idle_lifetime{20'000};
        // Where it says nothing, so long for what must not be sent twice: many close after five
        // seconds, and what is sent just then is lost without a word.
        std::chrono::milliseconds trusted_lifetime{4'000};
    };

    HttpsClient(ClientContext& context, Options options);
    explicit HttpsClient(ClientContext& context) : HttpsClient(context, Options()) {}
    // Not from within a handler.
    ~HttpsClient();
    HttpsClient(const HttpsClient&) = delete;
    HttpsClient& operator=(const HttpsClient&) = delete;

    // Never calls the handler from within; it may destroy its call. A request whose connection was
    // kept from an earlier one and turns out to be closed is sent once more if that does no harm.
    std::unique_ptr<HttpsCall> start(HttpsRequest request, Handler handler);
    // Closes the connections that nothing uses.
    void close_idle();

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the calls, which may outlive the client
};

// A body of multipart/form-data.
class MultipartBody {
  public:
    MultipartBody();
    void add_field(std::string_view name, std::string_view value, std::string_view type = {});
    // The file is read while it is sent; no_storage when it is not there.
    Done add_file(std::string_view name, std::string_view file_name, std::string_view type,
                  const std::string& path);
    std::string content_type() const;
    std::vector<BodyPiece> finish();

  private:
    void add_head(std::string_view name, std::string_view file_name, std::string_view type);

    std::string boundary_;
    std::vector<BodyPiece> pieces_;
};
