// The methods about who is paired: devices, their tokens, and nodes. For clients of the public port
// and for the owner at the machine's own command line alike.
//
// Nobody can give more than he holds: who is no administrator approves no wider scopes than his
// own, and manages the tokens of his own device only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "workers/gateway/frames.h"
#include "workers/gateway/node_store.h"
#include "workers/gateway/pairing_store.h"

namespace gateway {

struct Manager {
    std::vector<std::string> scopes;
    std::string device_id;  // empty: no device

    bool is_administrator() const;
};

// The owner, who has shown who he is by being able to open the control socket.
Manager owner_at_the_machine();

class PairingMethods {
  public:
    using Outcome = std::variant<Json, Failure>;
    enum class End { rotated, revoked };
    // A token is valid no more: whoever came in with it has to leave.
    using TokenEnded =
        std::function<void(const std::string& device_id, const std::string& role, End how)>;

    PairingMethods(PairingStore& devices, NodeStore& nodes) : devices_(devices), nodes_(nodes) {}

    void on_token_ended(TokenEnded handler) { on_token_ended_ = std::move(handler); }

    static bool serves(std::string_view method);
    // Only of a method that is served.
    Outcome call(std::string_view method, const Json& params, const Manager& manager,
                 int64_t now_ms);

  private:
    struct Row;
    struct Asked {
        const Json& params;
        const Manager& manager;
        int64_t now_ms;
    };
    static const Row rows[];
    static const Row* find(std::string_view method);

    Outcome device_list(const Asked& asked);
    Outcome device_approve(const Asked& asked);
    Outcome device_reject(const Asked& asked);
    Outcome token_rotate(const Asked& asked);
    Outcome token_revoke(const Asked& asked);
    Outcome node_request(const Asked& asked);
    Outcome node_list(const Asked& asked);
    Outcome node_approve(const Asked& asked);
    Outcome node_reject(const Asked& asked);
    Outcome node_verify(const Asked& asked);
    Outcome node_rename(const Asked& asked);

    PairingStore& devices_;
    NodeStore& nodes_;
    TokenEnded on_token_ended_;
};

}  // namespace gateway
