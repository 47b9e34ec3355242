// The tool web_search: asks the search service that the owner has a key for. Served here, because
// the process that runs the model's other tools holds no secret.
//
// Never shows the key: not in a result, not in an error.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "workers/agent/tool_box.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/secret.h"
#include "workers/common/http_client.h"

namespace agent {

class WebSearch {
  public:
    struct Options {
        Json config;  // tools.web.search
        Secret key;
        std::string certificate_file;
        std::string base_url;  // in place of the service's own, for tests
    };
    WebSearch(Loop& loop, Options options);
    ~WebSearch();

    // There is a key, and the owner has not switched it off.
    bool is_offered() const;
    static Json definition();
    std::unique_ptr<ToolCall> start(const ToolOrder& order, ToolListener& listener);

    static constexpr std::chrono::milliseconds time_limit{30'000};

  private:
    class Search;
    Loop& loop_;
    Options options_;
    std::unique_ptr<HttpClient> http_;
};

// What the model is shown of a service's answer; pure.
std::string search_results(const Json& answer);
// "a b&c" as part of a URL.
std::string url_encoded(std::string_view text);

}  // namespace agent
