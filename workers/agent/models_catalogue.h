// What the owner's configuration and the built-in tables together say about models: which exist,
// what their names mean, which an agent may use. Reads only; knows no keys.
#pragma once

#include <string>
#include <vector>

#include "workers/agent/providers/model.h"

namespace agent {

class Catalogue {
  public:
    // `config`: the resolved openclaw.json; must outlive the catalogue.
    explicit Catalogue(const Json& config) : config_(config) {}

    // bad_config with what to correct when the provider is not known or its API is not spoken. A
    // model that only its provider knows gets careful assumptions.
    Result<Model> find(const ModelName& name) const;
    // See Models::resolve.
    ModelName resolve(const std::string& text) const;
    // agents.defaults.models, when not empty, lists what may be used.
    bool is_allowed(const ModelName& name) const;
    // The configured model and fallbacks of an agent, in order; empty: nothing is configured.
    std::vector<ModelName> configured_for(const std::string& agent_id) const;
    // Everything known and allowed.
    std::vector<Model> all() const;
    // Models of configured providers that work without a key, in the file's order.
    std::vector<ModelName> local_models() const;

    // Does the server want a key? Not one in this machine or its private network.
    static bool needs_key(const Model& model);

  private:
    const Json& provider_config(const std::string& provider) const;
    const Json& params_of(const ModelName& name) const;
    ModelName without_alias(const std::string& text) const;
    bool uses_tables() const;

    const Json& config_;
};

}  // namespace agent
