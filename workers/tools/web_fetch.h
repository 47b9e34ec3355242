// The tool web_fetch: a public page, as text.
//
// Promises to connect to public addresses only: each one is checked where it is connected to, for
// every redirect anew, so that a name that resolves differently the second time gains nothing.
// Bounded in time, size and redirects. libcurl is loaded at the first fetch.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "workers/common/http_client.h"
#include "workers/tools/outcome.h"

namespace tools {

class WebFetch {
  public:
    static constexpr int most_redirects = 3;
    static constexpr std::chrono::milliseconds time_limit{30'000};
    static constexpr size_t largest_page = 5u << 20;  // bytes
    static constexpr int64_t most_characters = 50'000;
    static constexpr size_t most_at_once = 8;
    static constexpr int64_t keep_ms = 15 * 60 * 1000;
    static constexpr size_t most_kept = 32;

    struct Options {
        std::string certificate_file;
        // A test's own; null: public addresses.
        bool (*may_connect)(const sockaddr& address) = nullptr;
    };
    using Ended = std::function<void(uint64_t call, const Outcome& outcome)>;

    WebFetch(Loop& loop, Options options);
    ~WebFetch();

    void start(uint64_t call, const Json& arguments, Ended ended);
    void cancel(uint64_t call);
    void cancel_all();

  private:
    class Fetch;
    struct Kept {
        std::string text;
        int64_t at_ms;
    };
    void finish(uint64_t call, const Outcome& outcome);
    void keep(const std::string& key, const std::string& text);

    Loop& loop_;
    Options options_;
    std::unique_ptr<HttpClient> http_;
    std::map<uint64_t, std::unique_ptr<Fetch>> fetches_;
    std::map<std::string, Kept> kept_;
};

// The URL that a redirect's `location` means; empty when it is none for us.
std::string redirected(const std::string& url, const std::string& location);
// Empty, or why this URL is not fetched.
std::string url_problem(const std::string& url);

}  // namespace tools
