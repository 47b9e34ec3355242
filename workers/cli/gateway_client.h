// A client of the gateway's WebSocket protocol, version 3: connect, call methods, see events.
//
// The shared token or password admits it; it identifies no device. One call at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/cli/gateway_target.h"
#include "workers/cli/websocket.h"
#include "workers/common/base/json.h"

namespace cli {

class GatewayClient {
  public:
    using EventHandler = std::function<void(const std::string& event, const Json& payload)>;

    struct Call {
        std::string method;
        Json params;
        // Skip the first response when it only says "accepted".
        bool expect_final = false;
        EventHandler on_event;
    };

    // Connects and is greeted. bad_credentials when the gateway refuses the token or password,
    // bad_config when it refuses this client for another reason that the owner can change; the text
    // says where the credential came from, and what to do.
    static Result<std::unique_ptr<GatewayClient>> connect(const Target& target, Deadline deadline);
    ~GatewayClient();

    // The payload. A refusal by the gateway is an error with its code and message.
    Result<Json> call(const Call& call, Deadline deadline);
    // What the gateway said in hello-ok.
    const Json& hello() const { return hello_; }

  private:
    GatewayClient(std::unique_ptr<WebSocket> socket, std::string peer);
    Done greet(const Target& target, Deadline deadline);
    Result<std::string> await_challenge(Deadline deadline);
    Done request(const std::string& id, const std::string& method, const Json& params,
                 Deadline deadline);
    // The next frame that parses; the others are skipped. A gateway without a tick for two
    // intervals is gone.
    Result<Json> next_frame(Deadline deadline);
    Result<Json> await_response(const std::string& id, const Call& call, Deadline deadline);

    std::unique_ptr<WebSocket> socket_;
    std::string peer_;
    Json hello_;
    int next_id_ = 1;
    std::chrono::milliseconds longest_silence_{60'000};
};

// Parameters of `connect`; a table of facts that tests compare with the protocol.
Json connect_params(const Target& target, const std::string& instance_id);
std::string random_uuid();

}  // namespace cli
