// POST /v1/responses in OpenAI's words: the request read, the answer and its events written. Pure.
//
// The agent keeps its conversations itself: what a request repeats of one comes as text, and
// previous_response_id goes on in the session of that answer. A function of the client's ends the
// turn with its call; what it came to begins the next one.
#pragma once

#include <string>

#include "workers/gateway/conversation_input.h"
#include "workers/gateway/response_ids.h"
#include "workers/gateway/turn_stream.h"

namespace gateway {

struct ResponsesRequest {
    std::string model;
    std::string instructions;
    Json tools;        // as they were given
    Json tool_choice;  // the same
    std::string previous;
    bool streams = false;
    TurnOrder order;  // without its id
};

// bad_message says what is wrong with the body.
Result<ResponsesRequest> read_responses_request(const Json& body, const HttpAsk& ask,
                                                const GatewaySettings& settings,
                                                const ResponseIds& ids);

class ResponsesFormat final : public TurnFormat {
  public:
    struct Names {
        std::string response;  // "resp_…"
        std::string message;   // "msg_…"
    };
    // What the answer repeats of the request.
    struct Echo {
        std::string model;
        std::string instructions = {};
        Json tools = {};
        Json tool_choice = {};
        std::string previous = {};
    };
    ResponsesFormat(Names names, Echo echo, int64_t created_s)
        : names_(std::move(names)), echo_(std::move(echo)), created_s_(created_s) {}

    std::string opening() override;
    std::string piece(std::string_view text) override;
    std::string closing(const TurnEnd& end, const std::string& streamed) override;
    HttpAnswer whole(const TurnEnd& end) override;

  private:
    Json response(const char* status) const;
    // `output`: without a failure.
    Json finished(const TurnEnd& end, Json output) const;
    Json call_item(const TurnCall& call, size_t place, const char* status) const;
    std::string call_events(const TurnCall& call, size_t place);
    Json item(const char* status, const std::string& text) const;
    static Json part(const std::string& text);
    // Events are numbered from 0 without gaps.
    std::string event(const char* type, Json members);
    // Of the one part of the one message that there is.
    std::string part_event(const char* type, Json members);

    Names names_;
    Echo echo_;
    int64_t created_s_;
    int64_t next_number_ = 0;
};

}  // namespace gateway
