#include "workers/gateway/hub.h"

#include <optional>

#include "workers/gateway/reports.h"

namespace gateway {

void Hub::add(Client& client) {
    clients_[client.id()] = &client;
}

void Hub::remove(const Client& client) {
    clients_.erase(client.id());
}

Client* Hub::find(uint64_t client_id) {
    const auto found = clients_.find(client_id);
    return found == clients_.end() ? nullptr : found->second;
}

void Hub::for_each(const std::function<void(Client&)>& visit) {
    for (const auto& [id, client] : clients_) visit(*client);
}

bool Hub::broadcast(std::string_view name, std::string_view payload_json, How how) {
    const Event* event = find_event(name);
    if (!event || event->targeted) return false;
    ++sequence_;
    SharedFrame frame;
    for (const auto& [id, client] : clients_) {
        if (client->is_closing()) continue;
        const Admission& who = client->admission();
        switch (delivery_of(*event, how.droppable, who.role, who.scopes, client->unsent_events())) {
            case Delivery::skip:
                break;
            case Delivery::close:
                client->drop(close_policy, "slow consumer");
                break;
            case Delivery::send:
                if (!frame)
                    frame = std::make_shared<OutFrame>(
                        event_text(name, payload_json, sequence_,
                                   how.with_version ? std::optional(version_) : std::nullopt));
                client->send_event(frame);
        }
    }
    return true;
}

void Hub::entered(const Client& client, int64_t now_ms) {
    const std::string key = client.presence_key();
    if (key.empty()) return;
    presence_.touch(key, presence_facts(client.admission(), client.source()), now_ms);
    ++version_.presence;
}

void Hub::left(const Client& client, int64_t now_ms) {
    const std::string key = client.presence_key();
    if (!key.empty()) reported(key, {{"reason", "disconnect"}}, now_ms);
}

bool Hub::reported(const std::string& key, const Json& facts, int64_t now_ms) {
    const bool changed = presence_.touch(key, facts, now_ms);
    ++version_.presence;
    broadcast("presence", R"({"presence":)" + presence_.list(now_ms) + "}",
              {.droppable = true, .with_version = true});
    return changed;
}

}  // namespace gateway
