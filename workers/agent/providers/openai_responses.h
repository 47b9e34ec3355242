// OpenAI's Responses API. Asks the service to store nothing.
#pragma once

#include "workers/agent/providers/provider.h"

namespace agent::openai_responses {

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key);
std::unique_ptr<Interpreter> make_interpreter(const Model& model);

}  // namespace agent::openai_responses
