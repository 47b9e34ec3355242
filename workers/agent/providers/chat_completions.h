// The chat completions API, as OpenAI made it and many servers speak it.
#pragma once

#include "workers/agent/providers/provider.h"

namespace agent::chat_completions {

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key);
std::unique_ptr<Interpreter> make_interpreter(const Model& model);

}  // namespace agent::chat_completions
