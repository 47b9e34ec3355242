// What a run needs of tools, free of who runs them: their definitions for the model, and one call.
//
// Promises exactly one outcome for each call, whatever becomes of those who run it; a call is never
// repeated by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/agent/tool_policy.h"
#include "workers/common/base/json.h"

namespace agent {

struct ToolOrder {
    std::string name;
    std::string call_id;  // the model's
    Json arguments;
    ToolCaller caller;
    std::string run_id;
};

struct ToolOutcome {
    Json content = Json::array();  // what the model is shown: text and image blocks
    Json details;                  // for clients and the transcript; null: none
    bool is_error = false;
};

// An outcome of one text.
ToolOutcome tool_text(std::string text);
ToolOutcome tool_error(std::string text);

class ToolListener {
  public:
    virtual ~ToolListener() = default;
    // What a command has written since the last time.
    virtual void tool_output(std::string_view text) = 0;
    // The last call on it; may destroy the ToolCall.
    virtual void tool_ended(ToolOutcome outcome) = 0;
};

// A call under way. Destroying it cancels, and no event follows.
class ToolCall {
  public:
    virtual ~ToolCall() = default;
};

class ToolBox {
  public:
    virtual ~ToolBox() = default;
    // [{name, description, parameters}] of what the caller may use.
    virtual Json definitions(const ToolCaller& caller) const = 0;
    // Never calls the listener from within.
    virtual std::unique_ptr<ToolCall> start(ToolOrder order, ToolListener& listener) = 0;
    // The bytes at a public address, for the agent itself: {url, maxBytes, maxRedirects, timeoutMs}
    // comes to one block {type: "media", mimeType, data}. Null: nobody is there to fetch it.
    virtual std::unique_ptr<ToolCall> fetch(Json arguments, ToolListener& listener) = 0;
    // The session is over: what it left running ends.
    virtual void end_session(const std::string& session_key) = 0;
};

}  // namespace agent
