// A whole conversation, as clients of OpenAI's APIs send it with every request, turned into one
// message for an agent that keeps its conversations itself. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/http_request.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/request_media.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

class ConversationInput {
  public:
    // Instructions: for this request only.
    void add_system(std::string_view text);
    // `speaker`: "User", "Assistant", "Tool", "Tool weather".
    void add(std::string speaker, std::string text, bool is_current_candidate, Json attachments);
    // A function of the client's was called, and what came of it.
    void add_call(const std::string& call_id, const std::string& name,
                  const std::string& arguments);
    void add_result(const std::string& call_id, const std::string& output);

    // The last message of a user or tool, beneath what came before it. Empty when there is none.
    std::string message() const;
    // Of that message and of those before it. A session that lasts has those before the last
    // answer already. The last to be asked for: they are given away.
    Json take_attachments(bool session_lasts);
    const std::string& system() const { return system_; }

  private:
    struct Line {
        std::string speaker;
        std::string text;
        bool may_be_current;
        Json attachments;
    };
    size_t current() const;

    std::string system_;
    std::map<std::string, std::string> calls_;  // names, by id
    std::vector<Line> lines_;
};

// What one message says: a text, or parts of several kinds. bad_message names the part that cannot
// be taken.
struct Spoken {
    std::string text;
    Json attachments = Json::array();  // as TurnOrder has them
};
// Content of chat completions: parts text, input_text, image_url.
Result<Spoken> read_chat_content(const Json& content, const std::string& where,
                                 const MediaLimits& images);

// The agent and the session that a request asks for: by headers, by its model's name, by its user.
// `prefix` is "openai" or "openresponses". False: none is named, so one was made up for this
// request.
bool choose_session(TurnOrder& order, const HttpAsk& ask, const std::string& model,
                    const std::string& user, const std::string& prefix,
                    const std::string& default_agent);

}  // namespace gateway
