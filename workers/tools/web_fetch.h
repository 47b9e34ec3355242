// The tool web_fetch: a public page, as text. Bounded in time, size and redirects; what was read is
// kept for a while.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "workers/tools/outcome.h"
#include "workers/tools/public_fetch.h"

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

    using Ended = std::function<void(uint64_t call, const Outcome& outcome)>;

    WebFetch(Loop& loop, PublicWeb::Options options);
    ~WebFetch();

    void start(uint64_t call, const Json& arguments, Ended ended);
    void cancel(uint64_t call);
    void cancel_all();

  private:
    struct Reading;
    struct Kept {
        std::string text;
        int64_t at_ms;
    };
    void show(uint64_t call, const std::string& url, const Result<PublicWeb::Resource>& page);
    void keep(const std::string& key, const std::string& text);

    PublicWeb web_;
    std::map<uint64_t, std::unique_ptr<Reading>> readings_;
    std::map<std::string, Kept> kept_;
};

}  // namespace tools
