// Any bytes as what a channel's process says, as an address, as a model's answer for a person.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "workers/agent/channels/addresses.h"
#include "workers/agent/channels/inbound_text.h"
#include "workers/agent/channels/pairing.h"
#include "workers/agent/channels/reply_text.h"
#include "workers/agent/channels/routing.h"

namespace {

const agent::ChannelAccount accounts[] = {{"telegram", "default"}, {"discord", "ops"}};

void as_message(const std::string& bytes) {
    hardshell::proto::ChannelToAgent said;
    if (!said.ParseFromString(bytes) || !said.has_inbound()) return;
    const auto& message = said.inbound();
    static const agent::AgentConfig config(Json::object());
    for (const agent::ChannelAccount& account : accounts) {
        const agent::Route route =
            agent::route_of(config, account, message.place(), message.sender());
        if (!config.agent(route.agent) || route.session.key.empty()) std::abort();
        const std::string text = agent::inbound_text(account, message, {}, {message.sent_ms(), 1});
        if (text.empty()) std::abort();
        Json entry = Json::object();
        agent::remember_route(entry, account, message.place(), message.sender());
        if (agent::remember_route(entry, account, message.place(), message.sender())) std::abort();
        (void)agent::remembered_route(entry);
        (void)print_json(entry);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    as_message(bytes);
    for (const agent::ChannelAccount& account : accounts) {
        const auto place = agent::place_for(account.channel, bytes, "");
        if (place && place->chat_id().empty()) std::abort();
    }
    const agent::ChannelReply reply = agent::channel_reply(bytes);
    if (reply.text.size() > bytes.size()) std::abort();
    if (Result<Json> file = parse_json(bytes)) {
        (void)agent::allowed_in("telegram", *file);
        (void)agent::requests_in(*file);
        if (file->is_object())
            (void)agent::ask_in(*file, {"1", Json::object()}, 1'769'767'200'000,
                                [] { return std::string("ABCDEFGH"); });
    }
    return 0;
}
