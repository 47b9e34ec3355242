// Receives plain HTTP requests and says what becomes of each: the dispatch order of the public
// port, the checks on a request's head, and the endpoints that have the agent answer.
//
//   first   health endpoints, which answer whatever else is served
//   then    the paths of routes_table.h, in their order
//   last    the Control UI, or 404
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/gateway/agent_turns.h"
#include "workers/gateway/hook_desk.h"
#include "workers/gateway/http_reply.h"
#include "workers/gateway/log_budget.h"
#include "workers/gateway/media_gatherer.h"
#include "workers/gateway/page_desk.h"
#include "workers/gateway/response_ids.h"
#include "workers/gateway/routes_table.h"
#include "workers/gateway/turn_reply.h"

namespace gateway {

class HttpDesk {
  public:
    struct Parts {
        Loop& loop;
        const GatewaySettings& settings;
        HttpSecrets secrets;
        AttemptLimiter& limiter;
        AgentGate& agent;
        std::function<HttpFacts()> facts;
        std::span<const PageFile> page;
        BodyBudget& bodies;
        const ResponseIds& ids;
    };

    explicit HttpDesk(Parts parts);

    HttpVerdict receive(const HttpAsk& ask);
    // An event of any run.
    void saw(const hardshell::proto::ClientEvent& event) { turns_.saw(event); }

  private:
    using SharedReply = std::shared_ptr<HttpReply>;
    using Handler = void (HttpDesk::*)(const HttpAsk& ask, std::string body,
                                       const SharedReply& reply);
    struct Endpoint {
        Serves serves;
        Handler handler;
    };
    static const Endpoint endpoints[];

    HttpVerdict without_credential(const HttpAsk& ask);
    void hooks(const HttpAsk& ask, std::string body, const SharedReply& reply);
    void tools(const HttpAsk& ask, std::string body, const SharedReply& reply);
    void chat_completions(const HttpAsk& ask, std::string body, const SharedReply& reply);
    void responses(const HttpAsk& ask, std::string body, const SharedReply& reply);
    void start_turn(TurnOrder order, const SharedReply& reply, std::unique_ptr<TurnFormat> format,
                    bool streams);
    void begin_turn(TurnOrder order, const SharedReply& reply, std::unique_ptr<TurnFormat> format,
                    bool streams);
    void log_refusal(const HttpAsk& ask, int status);

    Parts parts_;
    AgentTurns turns_;
    MediaGatherer media_;
    HookDesk hooks_;
    PageDesk page_;
    LogBudget stranger_log_{LogBudget::of_strangers};
};

}  // namespace gateway
