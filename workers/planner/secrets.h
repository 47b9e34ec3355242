// Finds the secrets that workers are given, and removes every secret from what they are told.
//
// Never logs, never puts a secret into a message.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"

namespace planner {

struct FoundSecret {
    std::string name;  // "models.providers.anthropic.apiKey"
    std::string value;
    std::string source;  // for messages: "environment variable ANTHROPIC_API_KEY"
};

// A key per model provider that has one, and the values of headers sent to it (which may be keys):
// "models.providers.<provider>.apiKey", "models.providers.<provider>.headers.<Name>". Of the keys
// the environment's comes first.
std::vector<FoundSecret> model_secrets(const Json& config, const std::string& config_path,
                                       const Environment& environment);

// Removes the values of the table of secret paths in secrets.cpp. The keys of headers stay, with
// an empty value: their reader learns that a secret belongs there.
void remove_secrets(Json& config);

// Whether the table says that the value at this path is a secret.
bool is_secret_at(const std::vector<std::string>& path);
bool is_secret_key(std::string_view key);

// Whether a variable of that name holds a secret, by its name.
bool names_a_secret(std::string_view variable);

}  // namespace planner
