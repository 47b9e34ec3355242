// An image or a document that a request names by its address, for the agent: the bytes and what the
// server says they are. Which kinds are wanted is for the asker to judge.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "workers/tools/outcome.h"
#include "workers/tools/public_fetch.h"

namespace tools {

class MediaFetch {
  public:
    static constexpr size_t most_at_once = 4;
    // No more is taken by models, and twice as much would not fit into a message to the agent.
    static constexpr int64_t largest_medium = 8u << 20;
    static constexpr int64_t longest_time_ms = 60'000;
    static constexpr int64_t most_redirects = 10;

    using Ended = std::function<void(uint64_t call, const Outcome& outcome)>;

    MediaFetch(Loop& loop, PublicWeb::Options options) : web_(loop, std::move(options)) {}

    // {url, maxBytes, maxRedirects, timeoutMs}; one block {type: "media", mimeType, data} of it.
    void start(uint64_t call, const Json& arguments, Ended ended);
    void cancel(uint64_t call) { open_.erase(call); }
    void cancel_all() { open_.clear(); }

  private:
    struct Open {
        Ended ended;
        std::unique_ptr<PublicFetch> fetch;
    };
    void take(uint64_t call, const Result<PublicWeb::Resource>& found);

    PublicWeb web_;
    std::map<uint64_t, Open> open_;
};

}  // namespace tools
