// POST /v1/chat/completions in OpenAI's words: the request read, the answer written. Pure.
//
// The agent decides by itself how it thinks and for how long: sampling settings are accepted and
// have no effect, as its own configuration has them. What would change the shape of the answer and
// cannot be done is refused by name.
#pragma once

#include <string>

#include "workers/gateway/conversation_input.h"
#include "workers/gateway/turn_stream.h"

namespace gateway {

struct ChatRequest {
    std::string model;
    bool streams = false;
    bool wants_usage = false;  // in the stream
    TurnOrder order;           // without its id
};

// bad_message says what is wrong with the body.
Result<ChatRequest> read_chat_request(const Json& body, const HttpAsk& ask,
                                      const GatewaySettings& settings);

class ChatFormat final : public TurnFormat {
  public:
    // `id` is the run's as well.
    ChatFormat(std::string id, std::string model, bool wants_usage, int64_t created_s)
        : id_(std::move(id)),
          model_(std::move(model)),
          wants_usage_(wants_usage),
          created_s_(created_s) {}

    std::string opening() override;
    std::string piece(std::string_view text) override;
    std::string closing(const TurnEnd& end, const std::string& streamed) override;
    HttpAnswer whole(const TurnEnd& end) override;

  private:
    std::string chunk(Json delta, const char* finish_reason) const;
    Json frame(const char* object) const;

    std::string id_;
    std::string model_;
    bool wants_usage_;
    int64_t created_s_;
};

}  // namespace gateway
