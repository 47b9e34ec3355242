// The services that web_search can ask: how each is asked, and what its answer says. Pure; one
// table row per service.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/common/http_client.h"

namespace agent {

struct SearchService {
    std::string_view name;        // as tools.web.search.provider
    std::string_view secret;      // the name of its key
    std::string_view key_places;  // where an owner sets it, for messages
    const char* description;      // for the model
    const char* parameters;       // JSON Schema
    const char* url;              // where it is; the second one when it has moved
    // Empty when the arguments, which fit the schema, can be asked for.
    std::string (*problem)(const Json& arguments);
    // `config` is tools.web.search. No header holds the key yet.
    HttpRequest (*request)(const Json& config, const std::string& url, const Json& arguments);
    std::string (*key_header)(const std::string& key);
    // Empty: nothing was found.
    std::string (*results)(const Json& answer);
};

// The one that tools.web.search names, Brave when it names none; null when it is not known.
const SearchService* search_service(const Json& config);

// "a b&c" as part of a URL.
std::string url_encoded(std::string_view text);

}  // namespace agent
