#include "workers/agent/channels/deliveries.h"

namespace agent {

std::string new_delivery_id() {
    return new_entry_id() + new_entry_id();
}

std::string chat_of(const hardshell::proto::Place& place) {
    return place.chat_id() + "/" + place.thread_id();
}

OutboundRow outbound_row(const Delivery& delivery, int64_t now_ms) {
    OutboundRow row;
    row.id = new_delivery_id();
    row.worker = delivery.account.worker();
    row.chat = chat_of(delivery.place);
    row.agent = delivery.session.agent;
    row.session = delivery.session.key;
    row.origin = delivery.origin;
    row.created_ms = now_ms;
    hardshell::proto::DeliverMessage message;
    message.set_delivery_id(row.id);
    *message.mutable_place() = delivery.place;
    message.set_reply_to_id(delivery.reply_to_id);
    message.set_text(delivery.text);
    message.set_draft_id(delivery.draft_id);
    message.set_is_notice(delivery.is_notice);
    message.set_silent(delivery.silent);
    message.set_made_ms(now_ms);
    for (const auto& file : delivery.files) *message.add_attachments() = file;
    row.message = message.SerializeAsString();
    return row;
}

}  // namespace agent
