// Anthropic's Messages API.
#pragma once

#include "workers/agent/providers/provider.h"

namespace agent::anthropic {

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key);
std::unique_ptr<Interpreter> make_interpreter(const Model& model);

}  // namespace agent::anthropic
