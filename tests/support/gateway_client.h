// A client of the gateway, protocol 3, as a test needs it: every step ends at a deadline, and what
// arrives out of turn is kept.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/device_key.h"
#include "tests/support/web_socket.h"
#include "workers/common/base/json.h"

class GatewayClient {
  public:
    struct Options {
        std::string token;
        std::string password;
        std::string client_id = "cli";
        std::string client_mode = "cli";
        std::string role = "operator";
        std::vector<std::string> scopes = {"operator.admin"};
        const DeviceKey* device = nullptr;
        std::string headers;  // further lines of the upgrade request
        std::string host;
    };
    using Predicate = std::function<bool(const Json& payload)>;

    // Opens the socket and waits for the challenge.
    bool open(uint16_t port, const Options& options);
    // The params of `connect` as they would be sent; a test may spoil them.
    Json connect_params(const Options& options) const;
    // open() and connect in one; the response frame, or null when none came.
    Json connect(uint16_t port, const Options& options);
    // connect() that must be admitted.
    bool admitted(uint16_t port, const Options& options);

    // The response frame; null when the socket closed or the time was over.
    Json request(const std::string& method, const Json& params = Json::object(),
                 std::chrono::milliseconds limit = patience);
    // In two steps; a method may answer more than once.
    std::string send(const std::string& method, const Json& params);
    Json response(const std::string& id, std::chrono::milliseconds limit = patience);
    // The first event of that name, not yet returned, whose payload fits; the whole frame.
    Json wait_event(const std::string& name, const Predicate& fits = nullptr,
                    std::chrono::milliseconds limit = patience);
    // Until the server closes; false when it did not in time.
    bool wait_closed(std::chrono::milliseconds limit = patience);
    // Reads what has already arrived.
    void read_waiting();

    // Every event frame in the order of arrival, the challenge included.
    const std::vector<Json>& events() const { return events_; }
    // Lets go of all of them, returned or not; for long conversations.
    void forget_events();
    // events() of one name, payloads only.
    std::vector<Json> payloads(const std::string& name) const;
    WebSocket& socket() { return socket_; }
    const std::string& nonce() const { return nonce_; }

  private:
    bool read_frame(const Deadline& deadline);

    WebSocket socket_;
    std::string nonce_;
    uint64_t next_id_ = 1;
    std::vector<Json> events_;
    std::deque<size_t> unclaimed_;  // indexes into events_
    std::map<std::string, std::deque<Json>> responses_;
};

// The text of a chat event's or transcript entry's message.
std::string message_text(const Json& message);
// Sends one chat message and waits for the run's last chat event, whatever its state.
struct Turn {
    std::string run_id;
    std::string state;  // "final", "error", "aborted"; empty: none in time
    std::string text;
    std::string error;
    std::vector<std::string> deltas;
};
Turn chat_turn(GatewayClient& client, const std::string& text,
               const std::string& session_key = "main", std::chrono::milliseconds limit = patience);
