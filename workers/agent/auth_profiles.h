// Keys of providers as OpenClaw keeps them (agents/<id>/agent/auth-profiles.json): which of them is
// used next, and how long one rests that was refused. Pure: the file's content goes in and out.
//
// What is wrong with a request or a conversation never counts against a key.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/common/base/secret.h"

namespace agent {

struct AuthProfile {
    std::string id;    // "anthropic:default"
    std::string type;  // api_key, token, oauth
    Secret secret;
    int64_t rests_until_ms = 0;  // in the past: it does not
    std::string rests_for;       // "rate_limit"
};

// Those of a provider that have a secret and are not expired, in the order to try: the file's
// order, else auth.order, as they stand; else those of auth.profiles, else all, oauth before token
// before api_key, the least recently used first. Those that rest come last, the first to wake
// before the others.
std::vector<AuthProfile> profiles_in(const Json& file, const Json& config,
                                     const std::string& provider, int64_t now_ms);
// "work" and "openai:work" mean the same of openai; nothing: there is none of that name.
std::optional<std::string> profile_named(const Json& file, const std::string& provider,
                                         const std::string& name);

// Whether a failure says something about the key that was used.
bool is_about_the_key(ModelFailure::Reason reason);
// Writes down that one failed: it rests, longer each time, or as long as the provider said.
void note_failure(Json& file, const Json& config, const std::string& id,
                  const ModelFailure& failure, int64_t now_ms);
void note_success(Json& file, const std::string& id, int64_t now_ms);

}  // namespace agent
