// POST /v1/responses in OpenAI's words: the request read, the answer and its events written. Pure.
//
// The agent keeps its conversations itself, so what a request repeats of one comes as text, and
// nothing can be fetched from an address or called back at the client: such a request is refused by
// the name of the member that asks for it.
#pragma once

#include <string>

#include "workers/gateway/conversation_input.h"
#include "workers/gateway/turn_stream.h"

namespace gateway {

struct ResponsesRequest {
    std::string model;
    std::string instructions;
    bool streams = false;
    TurnOrder order;  // without its id
};

// bad_message says what is wrong with the body.
Result<ResponsesRequest> read_responses_request(const Json& body, const HttpAsk& ask,
                                                const GatewaySettings& settings);

class ResponsesFormat final : public TurnFormat {
  public:
    struct Names {
        std::string response;  // "resp_…"
        std::string message;   // "msg_…"
    };
    ResponsesFormat(Names names, std::string model, std::string instructions, int64_t created_s)
        : names_(std::move(names)),
          model_(std::move(model)),
          instructions_(std::move(instructions)),
          created_s_(created_s) {}

    std::string opening() override;
    std::string piece(std::string_view text) override;
    std::string closing(const TurnEnd& end, const std::string& streamed) override;
    HttpAnswer whole(const TurnEnd& end) override;

  private:
    Json response(const char* status) const;
    Json finished(const TurnEnd& end, const std::string& text) const;
    Json item(const char* status, const std::string& text) const;
    static Json part(const std::string& text);
    // Events are numbered from 0 without gaps.
    std::string event(const char* type, Json members);
    // Of the one part of the one message that there is.
    std::string part_event(const char* type, Json members);

    Names names_;
    std::string model_;
    std::string instructions_;
    int64_t created_s_;
    int64_t next_number_ = 0;
};

}  // namespace gateway
