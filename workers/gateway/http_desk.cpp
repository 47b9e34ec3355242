#include "workers/gateway/http_desk.h"

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/chat_completions.h"
#include "workers/gateway/device_identity.h"
#include "workers/gateway/log_text.h"
#include "workers/gateway/responses.h"
#include "workers/gateway/tools_invoke.h"

namespace gateway {

namespace {

constexpr std::chrono::milliseconds tool_deadline{120'000};

HttpAnswer bad_request(std::string_view what) {
    return openai_failure(400, "invalid_request_error", what);
}

// Why what a request names by address is not there.
HttpAnswer gathering_failure(const Error& error) {
    if (error.fault == Fault::bad_message) return bad_request(error.what);
    if (error.fault == Fault::timed_out) return openai_failure(504, "api_error", error.what);
    return openai_failure(503, "api_error", error.what, "\r\nRetry-After: 2");
}

// Answers when it is none. The text is given back: a large one is not kept twice.
Result<Json> parsed_body(std::string& body, const std::shared_ptr<HttpReply>& reply) {
    Result<Json> parsed = parse_json(body);
    body = {};
    if (!parsed) reply->answer(bad_request("the body is no JSON: " + parsed.error().what));
    return parsed;
}

}  // namespace

const HttpDesk::Endpoint HttpDesk::endpoints[] = {
    {Serves::hooks, &HttpDesk::hooks},
    {Serves::tools, &HttpDesk::tools},
    {Serves::responses, &HttpDesk::responses},
    {Serves::chat_completions, &HttpDesk::chat_completions},
};

HttpDesk::HttpDesk(Parts parts)
    : parts_(std::move(parts)),
      turns_(parts_.agent),
      media_(parts_.loop, parts_.agent, parts_.settings.http, parts_.bodies),
      hooks_(parts_.settings.http.hooks, parts_.agent, turns_),
      page_(parts_.settings, parts_.agent, parts_.page) {}

HttpVerdict HttpDesk::receive(const HttpAsk& ask) {
    const Route* route = find_route(ask.path, parts_.settings);
    if (!route || probe_answer(ask, parts_.facts())) return without_credential(ask);
    if (auto refusal = refusal_of(ask, *route, parts_.settings, parts_.secrets, parts_.limiter,
                                  monotonic_ms())) {
        if (route->proof != Proof::none) log_refusal(ask, refusal->status);
        return std::move(*refusal);
    }
    const auto row =
        std::find_if(std::begin(endpoints), std::end(endpoints),
                     [&](const Endpoint& endpoint) { return endpoint.serves == route->serves; });
    if (row == std::end(endpoints)) std::abort();  // the table of routes promises it
    HttpAsk kept = ask;
    // The credential has done its work.
    kept.bearer = kept.openclaw_token = kept.query_token = {};
    return HttpLater{route,
                     [this, row, kept = std::move(kept)](std::string body, SharedReply reply) {
                         (this->*row->handler)(kept, std::move(body), reply);
                     }};
}

HttpVerdict HttpDesk::without_credential(const HttpAsk& ask) {
    if (auto refused = refused_outright(ask)) return std::move(*refused);
    HttpVerdict verdict = text_answer(404, "Not Found");
    if (auto probe = probe_answer(ask, parts_.facts()))
        verdict = std::move(*probe);
    else
        verdict = page_.receive(ask);
    if (!ask.has_body) return verdict;
    // Nobody has shown a credential, so nobody reads it.
    if (std::holds_alternative<HttpLater>(verdict))
        verdict = text_answer(400, "A GET request takes no body here");
    end_connection(std::get<HttpAnswer>(verdict));
    return verdict;
}

void HttpDesk::log_refusal(const HttpAsk& ask, int status) {
    if (!stranger_log_.allows(monotonic_ms())) return;
    log_warn("[http] refused {} {} from {}: {}{}", log_safe(ask.method, 16),
             log_safe(ask.path, 100), log_safe(ask.source.address), status, stranger_log_.remark());
}

// What is named by an address comes first: without it the request is not what it was meant to be.
void HttpDesk::start_turn(TurnOrder order, const SharedReply& reply,
                          std::unique_ptr<TurnFormat> format, bool streams) {
    // Shared with the callback, which must be copyable.
    auto kept = std::make_shared<std::unique_ptr<TurnFormat>>(std::move(format));
    media_.gather(
        std::move(order), [reply] { return reply->is_gone(); },
        [this, reply, kept, streams](Result<TurnOrder> gathered) {
            if (!gathered) return reply->answer(gathering_failure(gathered.error()));
            begin_turn(std::move(*gathered), reply, std::move(*kept), streams);
        });
}

void HttpDesk::begin_turn(TurnOrder order, const SharedReply& reply,
                          std::unique_ptr<TurnFormat> format, bool streams) {
    log_info("[http] run {} begins", order.run_id);
    turns_.start(std::move(order),
                 std::make_shared<TurnReply>(parts_.loop, reply, std::move(format), streams));
}

void HttpDesk::chat_completions(const HttpAsk& ask, std::string body, const SharedReply& reply) {
    Result<Json> parsed = parsed_body(body, reply);
    if (!parsed) return;
    Result<ChatRequest> request = read_chat_request(*parsed, ask, parts_.settings);
    *parsed = nullptr;  // its images are in the request
    if (!request) return reply->answer(bad_request(request.error().what));
    const std::string id = "chatcmpl_" + random_uuid();
    request->order.run_id = id;
    auto format =
        std::make_unique<ChatFormat>(id, request->model, request->wants_usage, wall_ms() / 1000);
    start_turn(std::move(request->order), reply, std::move(format), request->streams);
}

void HttpDesk::responses(const HttpAsk& ask, std::string body, const SharedReply& reply) {
    Result<Json> parsed = parsed_body(body, reply);
    if (!parsed) return;
    Result<ResponsesRequest> request =
        read_responses_request(*parsed, ask, parts_.settings, parts_.ids);
    *parsed = nullptr;
    if (!request) return reply->answer(bad_request(request.error().what));
    request->order.run_id = ResponseIds::new_run();
    const std::string id = parts_.ids.id_of(request->order.run_id, request->order.session_key);
    auto format = std::make_unique<ResponsesFormat>(
        ResponsesFormat::Names{id, "msg_" + random_uuid()},
        ResponsesFormat::Echo{request->model, request->instructions, std::move(request->tools),
                              std::move(request->tool_choice), request->previous},
        wall_ms() / 1000);
    start_turn(std::move(request->order), reply, std::move(format), request->streams);
}

void HttpDesk::hooks(const HttpAsk& ask, std::string body, const SharedReply& reply) {
    hooks_.take(ask, std::move(body), reply);
}

// The agent knows which tools there are and who may use them.
void HttpDesk::tools(const HttpAsk& ask, std::string body, const SharedReply& reply) {
    Result<Json> parsed = parsed_body(body, reply);
    if (!parsed) return;
    const Result<Json> params = read_tool_request(*parsed, ask);
    if (!params) return reply->answer(bad_request(params.error().what));
    AgentGate::Question question;
    question.method = "internal.tool";
    question.params_json = print_json(*params);
    question.deadline = tool_deadline;
    parts_.agent.ask(std::move(question), [reply](const AgentGate::RpcResult& result) {
        reply->answer(tool_answer(result));
    });
}

}  // namespace gateway
