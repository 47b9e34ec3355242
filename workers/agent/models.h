// The models this agent can call: the catalogue, the keys, and one call over a list of candidates.
//
// Promises that a call ends: with a reply, with a failure that says what to do, or by being
// destroyed. Never logs or returns a key.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/secret.h"

namespace agent {

class Models {
  public:
    struct Options {
        Json config;  // the resolved openclaw.json
        // API keys by provider name ("anthropic"), and where each was found, for messages.
        std::map<std::string, Secret> keys;
        // Where agents/<id>/agent/auth-profiles.json are; empty: there are none.
        std::string state_dir = {};
        std::string default_agent = "main";
        // PEM file with certificate authorities to trust beside the system's; empty: none.
        std::string certificate_file;
        std::chrono::milliseconds connect_timeout{10'000};
        // No byte from a provider for so long ends the attempt.
        std::chrono::milliseconds idle_timeout{90'000};
        // Before the second pass over failed candidates; twice that before the third.
        std::chrono::milliseconds retry_pause{2'000};
    };

    Models(Loop& loop, Options options);
    ~Models();

    // What agent `id` uses: its own model and fallbacks, else agents.defaults.model, else
    // anthropic/claude-opus-4-5; aliases resolved. When no model is configured and the default's
    // provider has no key: the first known provider with a key, else demo/demo.
    std::vector<ModelName> candidates_for(const std::string& agent_id) const;
    // "provider/model", "model" or an alias. Empty provider when it cannot be read.
    ModelName resolve(const std::string& text) const;

    // The same, but an error when the model is not known or not allowed.
    Result<ModelName> choose(const std::string& text) const;

    // The key that a person means by that name, of the model's provider; bad_message when there is
    // none.
    Result<std::string> profile_named(const std::string& agent, const ModelName& model,
                                      const std::string& name) const;
    // What a call would use now: "api-key (anthropic:work)", "api-key"; empty: no key.
    std::string key_label(const std::string& agent, const ModelName& model,
                          const std::string& profile) const;

    // Dollars for so much usage; nothing when no price is known.
    std::optional<double> cost(const ModelName& name, const Json& usage) const;

    // Starts a call, which must not outlive this. Never calls the listener from within start().
    // Passes over a candidate that is overloaded, failing, unreachable or without a key; a request
    // that a model refuses as such fails at once.
    // `tools`: {name, description, parameters} each.
    std::unique_ptr<ModelCall> start(ModelRequest request, ModelListener& listener,
                                     Json tools = Json::array());

    // Payload of the method models.list.
    Json list() const;
    // Context window in tokens; 200000 when unknown.
    int64_t context_window(const ModelName& name) const;
    // Whether it can think before it answers.
    bool reasons(const ModelName& name) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace agent
