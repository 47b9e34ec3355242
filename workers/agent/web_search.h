// The tool web_search: asks the search service that the owner has chosen. Served here, because the
// process that runs the model's other tools holds no secret.
//
// Never shows the key: not in a result, not in an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "workers/agent/search_cache.h"
#include "workers/agent/search_services.h"
#include "workers/agent/tool_box.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/secret.h"
#include "workers/common/http_client.h"

namespace agent {

class WebSearch {
  public:
    struct Options {
        Json config;  // tools.web.search
        Secret key;   // of the service it names
        std::string certificate_file;
        std::string url;                    // in place of the service's own; empty: none
        int64_t (*now_ms)() = boottime_ms;  // for the age of what was found
    };
    WebSearch(Loop& loop, Options options);
    ~WebSearch();

    // The owner has not switched it off, and has a key or asked for the tool by name: then a call
    // says which key is missing.
    bool is_offered() const;
    Json definition() const;
    std::unique_ptr<ToolCall> start(const ToolOrder& order, ToolListener& listener);

  private:
    class Search;
    HttpRequest request_for(const Json& arguments) const;

    Loop& loop_;
    Options options_;
    const SearchService* service_;  // null: named, but not known
    std::unique_ptr<HttpClient> http_;
    SearchCache cache_;
};

}  // namespace agent
