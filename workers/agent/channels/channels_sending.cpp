// What goes out by somebody's wish: an answer from elsewhere, a method, the model's message tool.

#include "workers/agent/channels/channels.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToChannel;
using hardshell::proto::Place;

std::string Channels::only_account(const std::string& channel) const {
    const Json& known = member(services_.accounts, channel);
    return text_member(known, "defaultAccount", "default");
}

Result<std::string> Channels::only_channel() const {
    std::vector<std::string> running;
    for (const auto& [worker, account] : accounts_)
        if (running.empty() || running.back() != account.name.channel)
            running.push_back(account.name.channel);
    if (running.size() == 1) return running.front();
    std::string names;
    for (const std::string& name : running) names += (names.empty() ? "" : ", ") + name;
    return Error{Fault::bad_message,
                 running.empty() ? "no channel is running" : "name the channel: " + names};
}

Result<DeliveryWish> Channels::resolve(DeliveryWish wish) {
    wish.channel = lower_case(trimmed(wish.channel));
    if (wish.channel.empty() && !wish.to.empty()) {
        const Result<std::string> channel = only_channel();
        if (!channel) return channel.error();
        wish.channel = *channel;
    }
    const bool to_last = wish.channel.empty() || wish.channel == "last" || wish.to.empty();
    if (to_last) {
        const Result<std::optional<Session>> found = services_.store.find(wish.session);
        if (!found) return found.error();
        const Result<Address> last = remembered_route(*found ? (*found)->entry : Json::object());
        if (!last) return last.error();
        if (!wish.channel.empty() && wish.channel != "last" &&
            wish.channel != last->account.channel)
            return Error{Fault::bad_message, "a recipient is needed on " + wish.channel + " (to)"};
        const auto& place = last->place;
        wish.channel = last->account.channel;
        wish.account = last->account.account;
        wish.to = address_text(wish.channel, place, {});
        wish.thread = place.thread_id();
    }
    if (wish.account.empty()) wish.account = only_account(wish.channel);
    const ChannelAccount account{wish.channel, wish.account};
    if (!find(account.worker()))
        return Error{Fault::unreachable, "channel " + wish.channel + ", account " + wish.account +
                                             ", is not running here"};
    const Result<hardshell::proto::Place> place = place_for(wish.channel, wish.to, wish.thread);
    if (!place) return place.error();
    return wish;
}

Done Channels::deliver(const DeliveryWish& wish, const std::string& text, const std::string& origin,
                       std::function<void(const DeliveryOutcome&)> settled) {
    OutgoingMessage message;
    message.to = wish;
    message.text = text;
    return deliver(message, origin, std::move(settled));
}

Done Channels::deliver(const OutgoingMessage& wanted, const std::string& origin, Told settled) {
    const Result<bool> is_known = tell_known(wanted.to, origin, settled);
    if (!is_known) return is_known.error();
    if (*is_known) return {};
    const Result<Place> place = place_for(wanted.to.channel, wanted.to.to, wanted.to.thread);
    if (!place) return place.error();
    Delivery delivery;
    delivery.account = {wanted.to.channel, wanted.to.account};
    delivery.place = *place;
    delivery.text = wanted.text;
    delivery.reply_to_id = wanted.reply_to;
    delivery.silent = wanted.silent;
    if (!wanted.file.empty()) {
        auto published = files_.publish(wanted.workspace, wanted.file);
        if (!published) return published.error();
        delivery.files.push_back(std::move(*published));
    }
    delivery.session = wanted.to.session;
    delivery.origin = origin;
    return outbox_.add(outbound_row(delivery, services_.now_ms()),
                       teller(wanted.to, std::move(settled)));
}

Done Channels::change(const MessageChange& wanted, const std::string& origin, Told settled) {
    const Result<bool> is_known = tell_known(wanted.where, origin, settled);
    if (!is_known) return is_known.error();
    if (*is_known) return {};
    const Result<Place> place =
        place_for(wanted.where.channel, wanted.where.to, wanted.where.thread);
    if (!place) return place.error();
    Delivery delivery;
    delivery.account = {wanted.where.channel, wanted.where.account};
    delivery.place = *place;
    delivery.session = wanted.where.session;
    delivery.origin = origin;
    OutboundRow row = outbound_row(delivery, services_.now_ms());
    hardshell::proto::ChangeMessage message;
    message.set_delivery_id(row.id);
    *message.mutable_place() = *place;
    message.set_message_id(wanted.message_id);
    message.set_remove(wanted.remove);
    message.set_text(wanted.text);
    row.message = message.SerializeAsString();
    row.is_change = true;
    return outbox_.add(std::move(row), teller(wanted.where, std::move(settled)));
}

Done Channels::react(const DeliveryWish& where, const std::string& message_id,
                     const std::string& emoji, bool remove) {
    const Result<Place> place = place_for(where.channel, where.to, where.thread);
    if (!place) return place.error();
    AgentToChannel message;
    auto& reaction = *message.mutable_reaction();
    *reaction.mutable_place() = *place;
    reaction.set_message_id(message_id);
    reaction.set_emoji(emoji);
    reaction.set_remove(remove);
    return send(ChannelAccount{where.channel, where.account}.worker(), message);
}

Result<bool> Channels::is_known(const std::string& origin) const {
    const Result<std::optional<OutboundRow>> known = services_.channels.find_outbound(origin);
    if (!known) return known.error();
    return known->has_value();
}

Outbox::Settled Channels::teller(const DeliveryWish& to, Told settled) {
    if (!settled) return nullptr;
    return [channel = to.channel, settled = std::move(settled)](const OutboundRow& row) {
        settled({state_name(row.state), row.reason, channel,
                 row.chat.substr(0, row.chat.rfind('/')), row.platform_id});
    };
}

// A second one of the same origin is the first.
Result<bool> Channels::tell_known(const DeliveryWish& to, const std::string& origin,
                                  const Told& settled) {
    const Result<std::optional<OutboundRow>> known = services_.channels.find_outbound(origin);
    if (!known) return known.error();
    if (!*known) return false;
    const Outbox::Settled tell = teller(to, settled);
    const bool waits = tell && outbox_.also_tell((*known)->id, tell);
    if (tell && !waits) tell(**known);
    return true;
}

}  // namespace agent
