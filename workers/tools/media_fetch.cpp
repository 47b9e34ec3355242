#include "workers/tools/media_fetch.h"

#include <algorithm>

#include "workers/tools/base64.h"

namespace tools {

namespace {

// Of no use again, as the address or its content is.
bool is_lasting(Fault fault) {
    return fault == Fault::out_of_room || fault == Fault::bad_config;
}

// The fault tells who asked whether it is worth another try.
Outcome refused_media(const Error& why) {
    const Fault fault = is_lasting(why.fault) ? Fault::bad_message : why.fault;
    return error_outcome(why.what, Json{{"fault", fault_name(fault)}});
}

}  // namespace

void MediaFetch::start(uint64_t call, const Json& arguments, Ended ended) {
    if (open_.size() >= most_at_once)
        return ended(call,
                     refused_media({Fault::busy, "too many addresses are being read already"}));
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
    if (!found) return ended.mapped().ended(call, refused_media(found.error()));
    std::string type = found->type.substr(0, found->type.find(';'));
    type.erase(type.find_last_not_of(' ') + 1);
    Outcome outcome;
    outcome.content =
        Json::array({Json{{"type", "media"}, {"mimeType", type}, {"data", base64(found->body)}}});
    ended.mapped().ended(call, outcome);
}

}  // namespace tools
