// One resource of the public internet, over its redirects.
//
// Promises to connect to public addresses only: each one is checked where it is connected to, for
// every redirect anew, so that a name that resolves differently the second time gains nothing.
// Bounded in time, size and redirects. libcurl is loaded at the first fetch.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/http_client.h"

namespace tools {

// Destroying it cancels.
class PublicFetch {
  public:
    virtual ~PublicFetch() = default;
};

class PublicWeb {
  public:
    struct Options {
        std::string certificate_file;
        // A test's own; null: public addresses.
        bool (*may_connect)(const sockaddr& address) = nullptr;
    };
    struct Order {
        std::string url;
        std::vector<std::string> headers;  // "name: value"
        int most_redirects = 3;
        std::chrono::milliseconds time_limit{30'000};  // for all of it
        size_t largest = 0;                            // bytes of the body
    };
    struct Resource {
        std::string url;   // where it was found
        std::string type;  // content-type in lower case, with its parameters
        std::string body;
        int status = 0;
    };
    // The last call of a fetch; may destroy it. The error says why, without the address.
    using Ended = std::function<void(Result<Resource> outcome)>;

    PublicWeb(Loop& loop, Options options);

    // Never calls back from within. The fetch must not outlive this.
    std::unique_ptr<PublicFetch> fetch(Order order, Ended ended);

  private:
    class Fetch;
    Loop& loop_;
    Options options_;
    std::unique_ptr<HttpClient> http_;
};

// The URL that a redirect's `location` means; empty when it is none for us.
std::string redirected(const std::string& url, const std::string& location);
// Empty, or why this URL is not fetched.
std::string url_problem(const std::string& url);

}  // namespace tools
