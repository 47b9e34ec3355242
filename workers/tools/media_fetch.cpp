#include "workers/tools/media_fetch.h"

#include <algorithm>

#include "workers/tools/base64.h"

namespace tools {

void MediaFetch::start(uint64_t call, const Json& arguments, Ended ended) {
    if (open_.size() >= most_at_once)
        return ended(call, error_outcome("too many addresses are being read already"));
    const auto bounded = [&](const char* name, int64_t least, int64_t most) {
        return std::clamp<int64_t>(int_member(arguments, name, most), least, most);
    };
    PublicWeb::Order order;
    order.url = text_member(arguments, "url");
    order.headers = {"accept: */*"};
    order.largest = static_cast<size_t>(bounded("maxBytes", 1, largest_medium));
    order.most_redirects = static_cast<int>(bounded("maxRedirects", 0, most_redirects));
    order.time_limit = std::chrono::milliseconds(bounded("timeoutMs", 1, longest_time_ms));
    Open& begun = open_[call];
    begun.ended = std::move(ended);
    begun.fetch =
        web_.fetch(std::move(order),
                   [this, call](const Result<PublicWeb::Resource>& found) { take(call, found); });
}

void MediaFetch::take(uint64_t call, const Result<PublicWeb::Resource>& found) {
    const auto ended = open_.extract(call);
    if (ended.empty()) return;
    if (!found) return ended.mapped().ended(call, error_outcome(found.error().what));
    std::string type = found->type.substr(0, found->type.find(';'));
    type.erase(type.find_last_not_of(' ') + 1);
    Outcome outcome;
    outcome.content =
        Json::array({Json{{"type", "media"}, {"mimeType", type}, {"data", base64(found->body)}}});
    ended.mapped().ended(call, outcome);
}

}  // namespace tools
