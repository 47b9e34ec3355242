// Receives clients and their requests: greets, lets in or turns away, then answers each request
// itself or has the agent answer it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/board_page.h"
#include "workers/common/base/loop.h"
#include "workers/gateway/agent_gate.h"
#include "workers/gateway/client.h"
#include "workers/gateway/config_gate.h"
#include "workers/gateway/exec_approvals.h"
#include "workers/gateway/handshake.h"
#include "workers/gateway/health_keeper.h"
#include "workers/gateway/hub.h"
#include "workers/gateway/kept_answers.h"
#include "workers/gateway/log_gate.h"
#include "workers/gateway/node_registry.h"
#include "workers/gateway/pairing_methods.h"
#include "workers/gateway/supervisor_gate.h"
#include "workers/gateway/tailscale_identity.h"
#include "workers/gateway/voice_wake.h"
#include "workers/gateway/worker_board.h"

namespace gateway {

class FrontDesk {
  public:
    // Requests of one client that may wait for the agent at a time.
    static constexpr size_t most_open_requests = 64;

    struct Parts {
        Loop& loop;
        const GatewaySettings& settings;
        const SharedAuth& auth;
        AttemptLimiter& limiter;
        PairingStore& pairing;
        NodeStore& nodes;
        TailscaleIdentity& tailscale;
        Hub& hub;
        AgentGate& agent;
        KeptAnswers& kept;
        ConfigGate& config;
        LogGate& log;
        VoiceWake& voice_wake;
        HealthKeeper& health;
        BoardPage& board;
        HealthKeeper::Workers workers;
        SupervisorGate& supervisor;
        WorkerBoard& worker_board;
    };

    explicit FrontDesk(Parts parts);

    // A client has connected: it is challenged.
    void greet(Client& client);
    // A whole message of the client.
    void take(Client& client, std::string_view text);
    // A request of the owner, who came over the control socket; answered once.
    using OwnerAnswer = std::function<void(const PairingMethods::Outcome&)>;
    void take_from_owner(const std::string& method, const Json& params, const OwnerAnswer& answer);
    // What the workers' states are part of is made anew.
    void states_changed() { status_.text.clear(); }
    // The connection has ended. The client may be destroyed afterwards.
    void farewell(Client& client, int code, std::string_view reason);

  private:
    // Where the answer to one request goes, now or later; the client may be gone by then.
    struct Reply {
        FrontDesk* desk;
        uint64_t client_id;
        std::string request_id;
        std::string method;
        int64_t asked_ms;  // monotonic

        void ok(std::string_view payload_json) const;
        // `rest`: of response_rest().
        void ok(const SharedFrame& rest) const;
        void failed(const Failure& failure, std::string_view payload_json = {}) const;
        // The client, with the answer it gets counted; null when it is gone.
        Client* noted() const;
    };
    using OwnMethod = void (FrontDesk::*)(const Json& params, const Reply& reply);
    struct OwnRow;
    static const OwnRow own_methods[];

    void challenge(Client& client);
    void identify(Client& client, const std::string& address);
    void take_connect(Client& client, std::string_view text);
    void turn_away(Client& client, const FrameReading& frame, const Refusal& refusal);
    void let_in(Client& client, const std::string& request_id, Admission admission);
    void take_request(Client& client, std::string_view text);
    void dispatch(Client& client, RequestFrame& request, const Reply& reply);
    void serve(const RequestFrame& request, const Reply& reply);
    void forward(Client& client, const Method& method, RequestFrame& request, const Reply& reply);
    void relay(const AgentGate::RpcResult& result, const Reply& reply,
               const std::string& session_key);
    void log_answer(const Reply& reply, Client& client, const Failure* failure) const;

    std::string usual_or_only(const Json& params) const;
    void health(const Json& params, const Reply& reply);
    void status(const Json& params, const Reply& reply);
    void ask_status(std::chrono::milliseconds deadline,
                    const std::function<void(const std::string& text)>& tell);
    // The report with that part of the agent's; printed once for all who ask.
    const std::string& status_with(const AgentGate::RpcResult& part);
    void system_presence(const Json& params, const Reply& reply);
    void system_event(const Json& params, const Reply& reply);
    void node_list(const Json& params, const Reply& reply);
    void node_describe(const Json& params, const Reply& reply);
    void node_invoke(const Json& params, const Reply& reply);
    void node_invoke_result(const Json& params, const Reply& reply);
    void node_event(const Json& params, const Reply& reply);
    void exec_approval_request(const Json& params, const Reply& reply);
    void exec_approval_resolve(const Json& params, const Reply& reply);
    void agent_wants_approval(uint64_t id, const std::string& params_json);
    void remember_always(const Json& request);
    void exec_approvals_of_node(const Json& params, const Reply& reply);
    std::vector<Json> paired_nodes() const;
    void say_for_node(const Client& client, const std::string& text, const Json& payload);

    void serve_pairing(const RequestFrame& request, const Reply& reply);
    void end_sessions(const std::string& device_id, const std::string& role,
                      PairingMethods::End how);
    void configuration(const Json& params, const Reply& reply);
    // owner_methods.cpp
    void logs_tail(const Json& params, const Reply& reply);
    void channels_status(const Json& params, const Reply& reply);
    void channels_logout(const Json& params, const Reply& reply);
    void send_message(const Json& params, const Reply& reply);
    void voicewake_get(const Json& params, const Reply& reply);
    void voicewake_set(const Json& params, const Reply& reply);
    void talk_mode(const Json& params, const Reply& reply);
    // hardshell_methods.cpp
    void workers(const Json& params, const Reply& reply);
    void worker_history(const Json& params, const Reply& reply);
    void worker_verb(const Json& params, const Reply& reply);
    void doctor_findings(const Json& params, const Reply& reply);

    Parts parts_;
    Handshake handshake_;
    PairingMethods pairing_methods_;
    NodeRegistry node_registry_;
    ExecApprovals exec_approvals_;
    // Not yet challenged: tailscaled is being asked who they are.
    std::unordered_map<uint64_t, Client*> being_identified_;
    uint64_t asking_client_ = 0;  // while a pairing method runs
    int64_t started_ms_;
    // The status report made of the agent's answer of that number.
    struct {
        uint64_t part_id = 0;
        std::string text;
    } status_;
    LogBudget stranger_log_{LogBudget::of_strangers};
    // Requests with the agent, per client.
    std::unordered_map<uint64_t, size_t> open_requests_;
};

}  // namespace gateway
