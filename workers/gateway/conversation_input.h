// A whole conversation, as clients of OpenAI's APIs send it with every request, turned into one
// message for an agent that keeps its conversations itself. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/http_request.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

class ConversationInput {
  public:
    // Instructions: for this request only.
    void add_system(std::string_view text);
    // `speaker`: "User", "Assistant", "Tool", "Tool weather".
    void add(std::string speaker, std::string text, bool is_current_candidate, Json images);

    // The last message of a user or tool, beneath what came before it. Empty when there is none.
    std::string message() const;
    // Of that message.
    Json images() const;
    const std::string& system() const { return system_; }

  private:
    struct Line {
        std::string speaker;
        std::string text;
        bool may_be_current;
        Json images;
    };
    size_t current() const;

    std::string system_;
    std::vector<Line> lines_;
};

// On a line of its own.
void add_text(std::string& to, std::string_view text);

// What one message says: a text, or parts of several kinds. bad_message names the part that cannot
// be taken.
struct Spoken {
    std::string text;
    Json images = Json::array();  // as the agent takes attachments
};
// Content of chat completions: parts text, input_text, image_url.
Result<Spoken> read_chat_content(const Json& content, const std::string& where,
                                 const MediaLimits& images);

// An attachment of "data:image/png;base64,…"; bad_message when it is none of these.
Result<Json> image_of_url(const std::string& url, const std::string& where,
                          const MediaLimits& limits);
Result<Json> image_of(const std::string& type, const std::string& base64, const std::string& where,
                      const MediaLimits& limits);
// How many bytes so much base64 stands for.
size_t decoded_size(std::string_view base64);

// The agent and the session that a request asks for: by headers, by its model's name, by its user.
// `prefix` is "openai" or "openresponses".
void choose_session(TurnOrder& order, const HttpAsk& ask, const std::string& model,
                    const std::string& user, const std::string& prefix,
                    const std::string& default_agent);

}  // namespace gateway
