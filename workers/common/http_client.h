// HTTP(S) requests on the loop: streamed answers, bounded in time and size.
//
// Promises: certificates are always verified; no redirect is followed; only http and https are
// spoken; a connection is reused while the server allows it; every request ends, with an answer or
// with an Error that names the host. Nothing is loaded or initialised before the first request.
// Never logs, and never puts a header or a body into an error.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

struct sockaddr;

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    std::vector<std::string> headers;  // "name: value"
    std::string body;
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds idle_timeout{90'000};  // no byte from the server for so long
    std::chrono::milliseconds total_timeout{0};      // 0: none
    size_t largest_response = 32 * 1024 * 1024;      // bytes of the body
};

struct HttpHead {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    // The first header of that name (lower case), or empty.
    std::string_view header(std::string_view name) const;
};

// Called from the loop, in this order: head once, body any number of times, ended once. A request
// that fails before there is an answer only gets `ended`. Each may destroy the call.
class HttpReceiver {
  public:
    virtual ~HttpReceiver() = default;
    virtual void http_head(const HttpHead& head) = 0;
    virtual void http_body(std::string_view bytes) = 0;
    // unreachable: no connection, not trusted, broken off; timed_out: one of the timeouts;
    // out_of_room: the answer is too large.
    virtual void http_ended(const Done& outcome) = 0;
};

// A request under way. Destroying it cancels: the receiver hears nothing more.
class HttpCall {
  public:
    virtual ~HttpCall() = default;
};

class HttpClient {
  public:
    struct Options {
        // PEM file with certificate authorities to trust beside the system's; empty: none.
        std::string certificate_file;
        // The system's authorities, as a directory of hashed names: only the one that is needed is
        // read. (The bundle in one file costs 0.9 MiB and 20 ms per connection.)
        std::string certificate_directory = "/etc/ssl/certs";
        // Asked for each address before it is connected to; with it no proxy is used, for that
        // would connect in our place. Null: any address.
        bool (*may_connect)(const sockaddr& address) = nullptr;
    };

    HttpClient(Loop& loop, Options options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // Never calls the receiver from within. The receiver outlives the call.
    std::unique_ptr<HttpCall> start(HttpRequest request, HttpReceiver& receiver);

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the calls, which may outlive the client
};

// "api.example.com" of "https://user@api.example.com:8443/v1"; for messages and policy.
std::string host_of_url(std::string_view url);
