// What runs need of the models, served by Models.
#pragma once

#include <algorithm>

#include "workers/agent/models.h"
#include "workers/agent/run.h"

namespace agent {

class ModelsAdapter final : public ModelStarter {
  public:
    explicit ModelsAdapter(Models& models) : models_(models) {}

    std::vector<ModelName> candidates(const std::string& agent_id,
                                      const std::string& wanted) const override {
        std::vector<ModelName> names = models_.candidates_for(agent_id);
        if (wanted.empty()) return names;
        const ModelName chosen = models_.resolve(wanted);
        if (chosen.provider.empty()) return names;
        names.erase(std::remove(names.begin(), names.end(), chosen), names.end());
        names.insert(names.begin(), chosen);
        return names;
    }
    Result<ModelName> choose(const std::string& text) const override {
        return models_.choose(text);
    }
    Result<std::string> profile_named(const std::string& agent, const ModelName& model,
                                      const std::string& name) const override {
        return models_.profile_named(agent, model, name);
    }
    std::string key_label(const std::string& agent, const ModelName& model,
                          const std::string& profile) const override {
        return models_.key_label(agent, model, profile);
    }
    std::optional<double> cost(const ModelName& name, const Json& usage) const override {
        return models_.cost(name, usage);
    }
    int64_t context_window(const ModelName& name) const override {
        return models_.context_window(name);
    }
    std::string default_thinking(const ModelName& name) const override {
        return models_.reasons(name) ? "low" : "off";
    }
    std::unique_ptr<ModelCall> start(ModelRequest request, Json tools,
                                     ModelListener& listener) override {
        return models_.start(std::move(request), listener, std::move(tools));
    }

  private:
    Models& models_;
};

}  // namespace agent
