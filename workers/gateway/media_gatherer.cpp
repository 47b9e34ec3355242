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

}  // namespace

void MediaGatherer::gather(TurnOrder order, Then then) {
    const auto wanted = std::count_if(order.attachments.begin(), order.attachments.end(),
                                      [](const Json& one) { return one.contains("url"); });
    if (wanted == 0) return then(std::move(order));
    if (static_cast<size_t>(wanted) > most_addresses)
        return then(
            Error{Fault::bad_message,
                  "a request may name " + std::to_string(most_addresses) + " addresses at most"});
    if (open_ >= most_at_once)
        return then(
            Error{Fault::busy, "too many requests have something fetched; try again later"});
    ++open_;
    next(std::make_shared<Gathering>(Gathering{std::move(order), std::move(then)}));
}

void MediaGatherer::next(const std::shared_ptr<Gathering>& gathering) {
    const std::optional<size_t> place = to_be_fetched(gathering->order);
    if (!place) return end(gathering, std::move(gathering->order));
    const Json& wanted = gathering->order.attachments[*place];
    const MediaLimits& limits = limits_of(wanted, settings_);
    const size_t held = bytes_held(gathering->order);
    if (held >= most_together)
        return end(gathering, Error{Fault::bad_message,
                                    text_member(wanted, "where") +
                                        ": images and files are too much together; send fewer"});
    AgentGate::Question question;
    question.method = "internal.fetch";
    question.params_json = print_json(
        Json{{"url", text_member(wanted, "url")},
             {"maxBytes", std::min(limits.most_bytes, (most_together - held) / 4 * 3 + 1)},
             {"maxRedirects", limits.most_redirects},
             {"timeoutMs", limits.time_limit.count()}});
    question.deadline = limits.time_limit + patience;
    agent_.ask(std::move(question),
               [this, gathering, place = *place](const AgentGate::RpcResult& result) {
                   take(gathering, place, result);
               });
}

void MediaGatherer::take(const std::shared_ptr<Gathering>& gathering, size_t place,
                         const AgentGate::RpcResult& result) {
    const std::string where = text_member(gathering->order.attachments[place], "where");
    if (!result.ok()) {
        const bool is_wrong = result.error_code() == code::invalid_request;
        return end(gathering, Error{is_wrong ? Fault::bad_message : Fault::unreachable,
                                    where + ": " + result.error_message()});
    }
    const Result<Json> medium = parse_json(result.payload_json());
    if (!medium) return end(gathering, Error{Fault::unreachable, where + ": no answer to read"});
    const Done done = settle_attachment(gathering->order, place, text_member(*medium, "mimeType"),
                                        text_member(*medium, "data"), settings_);
    if (!done) return end(gathering, done.error());
    next(gathering);
}

void MediaGatherer::end(const std::shared_ptr<Gathering>& gathering, Result<TurnOrder> order) {
    --open_;
    gathering->then(std::move(order));
}

}  // namespace gateway
