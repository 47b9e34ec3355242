#include "workers/agent/models.h"

#include "workers/agent/models_call.h"
#include "workers/agent/models_table.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

const ModelName default_model{"anthropic", "claude-opus-4-5"};
const ModelName demo_model{"demo", "demo"};

}  // namespace

struct Models::State {
    State(Loop& loop, Options given)
        : options(std::move(given)),
          resources{
              loop,
              HttpClient(loop, {options.certificate_file}),
              Catalogue(options.config),
              options.keys,
              {options.connect_timeout, options.idle_timeout},
              options.retry_pause,
              AuthStore({loop, options.config, options.state_dir, options.default_agent, wall_ms}),
              {}} {}

    bool has_key(const std::string& provider) {
        const auto found = options.keys.find(provider);
        return (found != options.keys.end() && !found->second.empty()) ||
               !resources.profiles.profiles({}, provider).empty();
    }

    // Nothing is configured: the default, else whatever can be called, else the demonstration.
    ModelName unconfigured() {
        if (has_key(default_model.provider)) return default_model;
        for (const ModelRow& row : model_rows())
            if (has_key(std::string(row.provider)))
                return {std::string(row.provider), std::string(row.id)};
        for (const Model& model : resources.catalogue.all())
            if (has_key(model.name.provider)) return model.name;
        const std::vector<ModelName> local = resources.catalogue.local_models();
        return local.empty() ? demo_model : local.front();
    }

    Options options;
    CallResources resources;
};

Models::Models(Loop& loop, Options options)
    : state_(std::make_unique<State>(loop, std::move(options))) {}

Models::~Models() = default;

std::vector<ModelName> Models::candidates_for(const std::string& agent_id) const {
    std::vector<ModelName> configured = state_->resources.catalogue.configured_for(agent_id);
    if (configured.empty()) configured.push_back(state_->unconfigured());
    return configured;
}

ModelName Models::resolve(const std::string& text) const {
    return state_->resources.catalogue.resolve(text);
}

Result<ModelName> Models::choose(const std::string& text) const {
    const ModelName name = resolve(text);
    if (name.provider.empty())
        return Error{Fault::bad_message, "\"" + text + "\" names no model; write provider/model"};
    if (const Result<Model> known = state_->resources.catalogue.find(name); !known)
        return known.error();
    if (!state_->resources.catalogue.is_allowed(name))
        return Error{Fault::bad_message,
                     name.full() + " is not among the allowed ones (agents.defaults.models)"};
    return name;
}

Result<std::string> Models::profile_named(const std::string& agent, const ModelName& model,
                                          const std::string& name) const {
    if (auto id = state_->resources.profiles.named(agent, model.provider, name); id) return *id;
    return Error{Fault::bad_message, "there is no key \"" + name + "\" of " + model.provider +
                                         " in auth-profiles.json"};
}

std::string Models::key_label(const std::string& agent, const ModelName& model,
                              const std::string& profile) const {
    for (const AuthProfile& one : state_->resources.profiles.profiles(agent, model.provider))
        if (profile.empty() || one.id == profile)
            return (one.type == "api_key" ? "api-key" : one.type) + " (" + one.id + ")";
    const auto key = state_->options.keys.find(model.provider);
    return key != state_->options.keys.end() && !key->second.empty() ? "api-key" : "";
}

std::optional<double> Models::cost(const ModelName& name, const Json& usage) const {
    const Result<Model> model = state_->resources.catalogue.find(name);
    if (!model) return {};
    const Price& price = model->price;
    if (price.input + price.output + price.cache_read + price.cache_write == 0) return {};
    const auto dollars = [&](const char* tokens, double per_million) {
        return static_cast<double>(int_member(usage, tokens)) * per_million / 1e6;
    };
    return dollars("input", price.input) + dollars("output", price.output) +
           dollars("cacheRead", price.cache_read) + dollars("cacheWrite", price.cache_write);
}

std::unique_ptr<ModelCall> Models::start(ModelRequest request, ModelListener& listener,
                                         Json tools) {
    return std::make_unique<FailoverCall>(state_->resources, std::move(request), listener,
                                          std::move(tools));
}

Json Models::list() const {
    Json models = Json::array();
    const auto add = [&](const Model& model) {
        Json input = Json::array({"text"});
        if (model.images) input.push_back("image");
        models.push_back({{"id", model.name.model},
                          {"name", model.title},
                          {"provider", model.name.provider},
                          {"contextWindow", model.context_window},
                          {"reasoning", model.reasoning},
                          {"input", std::move(input)}});
    };
    for (const Model& model : state_->resources.catalogue.all()) add(model);
    if (state_->resources.catalogue.configured_for({}).empty() &&
        state_->unconfigured() == demo_model)
        if (const Result<Model> demo = state_->resources.catalogue.find(demo_model)) add(*demo);
    return {{"models", std::move(models)}};
}

int64_t Models::context_window(const ModelName& name) const {
    const Result<Model> model = state_->resources.catalogue.find(name);
    return model ? model->context_window : Model().context_window;
}

bool Models::reasons(const ModelName& name) const {
    const Result<Model> model = state_->resources.catalogue.find(name);
    return model && model->reasoning;
}

}  // namespace agent
