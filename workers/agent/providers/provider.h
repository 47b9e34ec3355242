// Between the transcript's form and a provider's wire format, in both directions.
//
// Pure: makes the bytes of a request, reads the bytes of an answer, never touches a socket. One
// table row per API.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workers/agent/providers/interpreter.h"
#include "workers/agent/providers/model.h"

namespace agent {

struct Prompt {
    std::string session_id;
    std::string system;
    std::vector<Message> messages;  // transcript form
    std::string thinking;           // "off" … "xhigh"; empty: the provider's default
    Json tools = Json::array();     // {name, description, parameters}
};

struct WireRequest {
    std::string url;
    std::vector<std::string> headers;  // holds the key
    std::string body;
};

// `key` may be empty for a server that wants none. Not for Api::demo and Api::unknown.
WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key);
std::unique_ptr<Interpreter> make_interpreter(const Model& model);

// Tokens, where the owner said how long an answer may be; else 0.
int64_t longest_answer(const Model& model);

// The level as one that the model knows: "minimal", "low", "medium", "high", few "xhigh"; empty for
// "off", for what is no level, and for a model that does not reason.
std::string reasoning_effort(const Model& model, const std::string& thinking);

}  // namespace agent
