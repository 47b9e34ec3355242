// A text with holes, "New mail from {{payload.from}}", filled in from a hook's request.
//
// Read once, at the start. A hole is `path`, `now`, `headers.x`, `query.x`, `payload.a.b[0].c`, or
// the same without `payload.`; what is missing is left empty, an object or a list is printed as
// JSON. What comes out has a bounded size.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace gateway {

struct HookFacts {
    std::string path;  // below the hooks' own, without slashes around it
    std::string now;   // ISO 8601
    const std::map<std::string, std::string>& headers;
    const std::map<std::string, std::string>& query;
    const Json& payload;
};

class HookTemplate {
  public:
    static constexpr size_t longest_result = 1u << 20;  // bytes
    static constexpr size_t most_steps = 32;            // of one hole

    HookTemplate() = default;
    explicit HookTemplate(std::string_view text);

    bool empty() const { return parts_.empty(); }
    // Its beginning comes from the request.
    bool begins_open() const { return !parts_.empty() && parts_.front().from != From::text; }
    std::string fill(const HookFacts& facts) const;
    // The request headers that it names, in lower case.
    std::vector<std::string> headers() const;

  private:
    enum class From { text, path, now, headers, query, payload };
    struct Step {
        std::string name;
        size_t index = 0;
        bool is_index = false;
    };
    struct Part {
        From from = From::text;
        std::string text;  // as it is, or the name of a header or argument
        std::vector<Step> steps;
    };
    static Part read_hole(std::string_view expression);
    static bool read_steps(std::string_view expression, std::vector<Step>& steps);
    static std::string value_of(const Part& part, const HookFacts& facts);

    std::vector<Part> parts_;
};

}  // namespace gateway
