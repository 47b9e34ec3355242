#include "workers/gateway/media_gatherer.h"

#include <algorithm>
#include <utility>

#include "workers/gateway/frames.h"
#include "workers/gateway/request_media.h"

namespace gateway {

namespace {

size_t bytes_held(const TurnOrder& order) {
    size_t bytes = order.message.size();
    for (const Json& attachment : order.attachments)
        bytes += text_view(attachment, "content").size();
    return bytes;
}

uint64_t base64_size(uint64_t bytes) {
    return (bytes + 2) / 3 * 4;
}

// A large one is not kept twice.
std::string take_text(Json& value, const char* key) {
    const auto found = value.find(key);
    if (found == value.end() || !found->is_string()) return {};
    return std::move(found->get_ref<std::string&>());
}

}  // namespace

size_t MediaGatherer::most_together() const {
    return std::min<size_t>(largest_order, bodies_.total());
}

// At the most, of what is still to be fetched.
uint64_t MediaGatherer::expected(const TurnOrder& order) const {
    uint64_t bytes = 0;
    for (const Json& attachment : order.attachments)
        if (attachment.contains("url"))
            bytes += base64_size(limits_of(attachment, settings_).most_bytes);
    const uint64_t held = bytes_held(order);
    return std::min<uint64_t>(bytes, most_together() - std::min<uint64_t>(held, most_together()));
}

void MediaGatherer::gather(TurnOrder order, IsGone is_gone, Then then) {
    const auto wanted = std::count_if(order.attachments.begin(), order.attachments.end(),
                                      [](const Json& one) { return one.contains("url"); });
    if (wanted == 0) return then(std::move(order));
    if (static_cast<size_t>(wanted) > most_addresses)
        return then(
            Error{Fault::bad_message,
                  "a request may name " + std::to_string(most_addresses) + " addresses at most"});
    auto share = bodies_.reserve(expected(order));
    if (open_ >= most_at_once || !share)
        return then(
            Error{Fault::busy, "too many requests have something fetched; try again later"});
    ++open_;
    const auto gathering = std::make_shared<Gathering>(
        Gathering{std::move(order), std::move(is_gone), std::move(then), std::move(*share), {}});
    gathering->deadline = loop_.after(longest, [this, late = std::weak_ptr(gathering)] {
        if (const Shared kept = late.lock()) is_late(kept);
    });
    next(gathering);
}

void MediaGatherer::next(const Shared& gathering) {
    const std::optional<size_t> place = to_be_fetched(gathering->order);
    if (!place || gathering->is_gone()) return end(gathering, std::move(gathering->order));
    const Json& wanted = gathering->order.attachments[*place];
    const MediaLimits& limits = limits_of(wanted, settings_);
    const size_t held = bytes_held(gathering->order);
    const size_t most = most_together();
    if (held >= most)
        return end(gathering, unfit(text_member(wanted, "where"),
                                    "images and files are too much together (more than " +
                                        std::to_string(most) + " bytes as base64); send fewer"));
    AgentGate::Question question;
    question.method = "internal.fetch";
    question.params_json =
        print_json(Json{{"url", text_member(wanted, "url")},
                        {"maxBytes", std::min(limits.most_bytes, (most - held) / 4 * 3 + 1)},
                        {"maxRedirects", limits.most_redirects},
                        {"timeoutMs", limits.time_limit.count()}});
    question.deadline = limits.time_limit + patience;
    agent_.ask(std::move(question),
               [this, gathering, place = *place](const AgentGate::RpcResult& result) {
                   take(gathering, place, result);
               });
}

void MediaGatherer::take(const Shared& gathering, size_t place,
                         const AgentGate::RpcResult& result) {
    if (!gathering->then) return;  // it came too late
    const std::string where = text_member(gathering->order.attachments[place], "where");
    if (!result.ok()) {
        const bool is_wrong = result.error_code() == code::invalid_request;
        return end(gathering, Error{is_wrong ? Fault::bad_message : Fault::unreachable,
                                    where + ": " + result.error_message()});
    }
    Result<Json> medium = parse_json(result.payload_json());
    if (!medium) return end(gathering, Error{Fault::unreachable, where + ": no answer to read"});
    const Done done = settle_attachment(gathering->order, place, text_member(*medium, "mimeType"),
                                        take_text(*medium, "data"), settings_);
    if (!done) return end(gathering, done.error());
    next(gathering);
}

void MediaGatherer::is_late(const Shared& gathering) {
    const auto place = to_be_fetched(gathering->order);
    const std::string where =
        place ? text_member(gathering->order.attachments[*place], "where") + ": " : "";
    end(gathering,
        Error{Fault::timed_out, where + "what the request names by address was not there within " +
                                    std::to_string(longest.count() / 1000) + " seconds"});
}

void MediaGatherer::end(const Shared& gathering, Result<TurnOrder> order) {
    --open_;
    gathering->deadline.reset();
    gathering->order = {};
    const BodyBudget::Share share = std::move(gathering->share);  // to the end of this
    const Then then = std::exchange(gathering->then, nullptr);
    if (!gathering->is_gone()) then(std::move(order));
}

}  // namespace gateway
