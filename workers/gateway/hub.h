// The admitted clients and everything that is sent to all of them.
//
// One sequence for all broadcasts, without gaps for a client that may see everything and keeps up.
// A broadcast is written once and shared.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "workers/common/base/json.h"
#include "workers/gateway/client.h"
#include "workers/gateway/events_table.h"
#include "workers/gateway/presence.h"

namespace gateway {

class Hub {
  public:
    struct How {
        bool droppable = false;     // beyond what the event's row says
        bool with_version = false;  // carries the state version
    };

    Hub(std::string host, std::string version) : presence_(std::move(host), std::move(version)) {}

    // The clients must outlive their stay.
    void add(Client& client);
    void remove(const Client& client);
    // Null when it has left.
    Client* find(uint64_t client_id);
    size_t size() const { return clients_.size(); }
    void for_each(const std::function<void(Client&)>& visit);

    // False when there is no such event in the table.
    bool broadcast(std::string_view event, std::string_view payload_json, How how);
    bool broadcast(std::string_view event, std::string_view payload_json) {
        return broadcast(event, payload_json, How{});
    }
    uint64_t sequence() const { return sequence_; }

    void entered(const Client& client, int64_t now_ms);
    // Tells the others.
    void left(const Client& client, int64_t now_ms);
    // A client reports somebody, itself or another. Tells all; true when a fact changed.
    bool reported(const std::string& key, const Json& facts, int64_t now_ms);
    // As JSON text.
    std::string presence(int64_t now_ms) { return presence_.list(now_ms); }

    StateVersion version() const { return version_; }
    void health_refreshed() { ++version_.health; }

  private:
    std::unordered_map<uint64_t, Client*> clients_;
    Presence presence_;
    StateVersion version_;
    uint64_t sequence_ = 0;
};

}  // namespace gateway
