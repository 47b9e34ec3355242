// Whatever the gateway sends: it is read as something, or dropped.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/discord/admission.h"
#include "workers/discord/events.h"
#include "workers/discord/gateway_payload.h"
#include "workers/discord/places.h"
#include "workers/discord/session_record.h"

using namespace discord;

namespace {

void check(bool holds) {
    if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Bot bot{"1", "bot", "1"};
    const SessionRecord record = parse_record(text);
    check(print_record(parse_record(print_record(record))) == print_record(record));
    const Result<Json> payload = parse_gateway_payload(text);
    if (!payload) return 0;
    const Json& event = member(*payload, "d");
    const Message message = message_of(event);
    (void)addressing_of(message, bot);
    (void)reaction_of(event);
    (void)interaction_of(event).text();
    Places places;
    places.learn(guild_of(event));
    places.learn(channel_of(event));
    print_json(*payload);  // cannot throw
    return 0;
}
