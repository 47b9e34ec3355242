#include "workers/agent/models_catalogue.h"

#include <algorithm>

#include "workers/agent/models_table.h"

namespace agent {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

struct Spelling {
    std::string_view written;
    std::string_view meant;
};

constexpr Spelling provider_spellings[] = {{"z.ai", "zai"},
                                           {"z-ai", "zai"},
                                           {"x.ai", "xai"},
                                           {"gemini", "google"},
                                           {"claude", "anthropic"}};

constexpr Spelling model_spellings[] = {{"opus-4.5", "claude-opus-4-5"},
                                        {"sonnet-4.5", "claude-sonnet-4-5"},
                                        {"haiku-4.5", "claude-haiku-4-5"}};

template <size_t size>
std::string spelled(const Spelling (&table)[size], std::string_view text) {
    for (const Spelling& row : table)
        if (row.written == text) return std::string(row.meant);
    return std::string(text);
}

const Json& find_model_config(const Json& provider, const std::string& id) {
    for (const Json& entry : member(provider, "models"))
        if (text_member(entry, "id") == id) return entry;
    return member(Json(), "");
}

void take_number(const Json& object, const char* key, double& value) {
    const Json& found = member(object, key);
    if (found.is_number()) value = std::max(0.0, found.get<double>());
}

void take_headers(const Json& object, Model& model) {
    const Json& headers = member(object, "headers");
    if (!headers.is_object()) return;
    for (const auto& [name, value] : headers.items())
        if (value.is_string()) model.headers.emplace_back(name, value.get<std::string>());
}

void take_compatibility(const Json& entry, Compatibility& can) {
    const Json& compat = member(entry, "compat");
    can.store = bool_member(compat, "supportsStore", can.store);
    can.developer_role = bool_member(compat, "supportsDeveloperRole", can.developer_role);
    can.reasoning_effort = bool_member(compat, "supportsReasoningEffort", can.reasoning_effort);
    const std::string field = text_member(compat, "maxTokensField");
    if (!field.empty()) can.max_completion_tokens = field == "max_completion_tokens";
}

void take_row(const ModelRow& row, Model& model) {
    model.title = row.title;
    model.context_window = row.context_window;
    model.max_tokens = row.max_tokens;
    model.reasoning = row.reasoning;
    model.images = row.images;
    model.price = row.price;
}

void take_lengths(const Json& entry, Model& model) {
    const int64_t window = int_member(entry, "contextWindow");
    if (window > 0) model.context_window = window;
    const int64_t longest = int_member(entry, "maxTokens");
    if (longest <= 0) return;
    model.max_tokens = longest;
    model.max_tokens_configured = longest < model.context_window;
}

void take_model_config(const Json& entry, Model& model) {
    model.title = text_member(entry, "name", model.title);
    model.reasoning = bool_member(entry, "reasoning", model.reasoning);
    const Json& input = member(entry, "input");
    if (input.is_array())
        model.images = std::find(input.begin(), input.end(), "image") != input.end();
    const Json& cost = member(entry, "cost");
    take_number(cost, "input", model.price.input);
    take_number(cost, "output", model.price.output);
    take_number(cost, "cacheRead", model.price.cache_read);
    take_number(cost, "cacheWrite", model.price.cache_write);
    take_lengths(entry, model);
    take_headers(entry, model);
    take_compatibility(entry, model.compatibility);
}

// What the owner set for it in the list of allowed ones.
void take_params(const Json& params, Model& model) {
    const Json& temperature = member(params, "temperature");
    if (temperature.is_number()) model.temperature = temperature.get<double>();
    model.asked_tokens = std::max<int64_t>(int_member(params, "maxTokens"), 0);
    const std::string ttl = text_member(params, "cacheControlTtl");
    if (ttl != "5m" && ttl != "1h") return;
    model.cache_ttl = ttl;
    // Anthropic asks twice the price of the input for what it keeps an hour.
    if (ttl == "1h") model.price.cache_write = 2 * model.price.input;
}

std::string without_slash(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

bool is_private_host(const std::string& host) {
    if (host.find('.') == std::string::npos)
        return true;  // localhost, a name in the network, [::1]
    for (const char* ending : {".local", ".internal", ".flycast", ".lan"})
        if (host.ends_with(ending)) return true;
    for (const char* beginning : {"127.", "10.", "192.168.", "169.254."})
        if (host.starts_with(beginning)) return true;
    for (int second = 16; second < 32; ++second)
        if (host.starts_with("172." + std::to_string(second) + ".")) return true;
    return false;
}

std::string host_of(std::string_view url) {
    if (const size_t scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find('/'));
    if (url.starts_with('[')) return lower(url.substr(0, url.find(']') + 1));
    return lower(url.substr(0, url.find(':')));
}

void add_once(std::vector<ModelName>& list, const ModelName& name) {
    if (name.provider.empty()) return;
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
}

// "provider/model", with the spellings that people use; empty when a part is missing.
ModelName split(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return {};
    const std::string provider = spelled(provider_spellings, lower(text.substr(0, slash)));
    const std::string model(text.substr(slash + 1));
    return {provider, provider == "anthropic" ? spelled(model_spellings, model) : model};
}

// "model" as a text or as {primary, fallbacks}.
std::string primary_of(const Json& model) {
    return model.is_string() ? model.get<std::string>() : text_member(model, "primary");
}

}  // namespace

const Json& Catalogue::provider_config(const std::string& provider) const {
    const Json& providers = member_at(config_, "models.providers");
    if (providers.is_object())
        for (const auto& [name, value] : providers.items())
            if (spelled(provider_spellings, lower(name)) == provider) return value;
    return member(Json(), "");
}

const Json& Catalogue::params_of(const ModelName& name) const {
    const Json& allowed = member_at(config_, "agents.defaults.models");
    if (allowed.is_object())
        for (const auto& [text, value] : allowed.items())
            if (split(text) == name) return member(value, "params");
    return member(Json(), "");
}

bool Catalogue::uses_tables() const {
    return text_member(member(config_, "models"), "mode") != "replace";
}

Result<Model> Catalogue::find(const ModelName& name) const {
    Model model;
    model.name = name;
    model.title = name.model;
    if (name.provider == "demo") {
        model.api = Api::demo;
        model.title = "Built-in demonstration";
        return model;
    }
    const ProviderRow* row = uses_tables() ? find_provider_row(name.provider) : nullptr;
    const Json& provider = provider_config(name.provider);
    if (!row && !provider.is_object())
        return Error{Fault::bad_config, "no provider \"" + name.provider +
                                            "\" is known; describe it in models.providers." +
                                            name.provider};
    const Json& entry = find_model_config(provider, name.model);
    if (row) {
        model.base_url = row->base_url;
        model.compatibility = row->compatibility;
        if (const ModelRow* known = find_model_row(name.provider, name.model))
            take_row(*known, model);
    }
    model.base_url = without_slash(text_member(provider, "baseUrl", model.base_url));
    const std::string fallback = api_name(row ? row->api : Api::chat_completions);
    model.api_text = text_member(entry, "api", text_member(provider, "api", fallback));
    model.api = api_from_name(model.api_text);
    model.bearer_header = bool_member(provider, "authHeader");
    take_headers(provider, model);
    take_model_config(entry, model);
    take_params(params_of(name), model);
    if (model.api == Api::unknown || model.api == Api::demo)
        return Error{Fault::bad_config,
                     "the API \"" + model.api_text + "\" of provider \"" + name.provider +
                         "\" is not spoken here; use anthropic-messages, openai-responses or "
                         "openai-completions"};
    if (model.base_url.empty())
        return Error{Fault::bad_config,
                     "models.providers." + name.provider + ".baseUrl is missing"};
    return model;
}

ModelName Catalogue::resolve(const std::string& text) const {
    const std::string wanted(trimmed(text));
    if (wanted.empty() || wanted.find_first_of(" \t\r\n") != std::string::npos) return {};
    const std::string alias = lower(wanted);
    const Json& configured = member_at(config_, "agents.defaults.models");
    if (configured.is_object())
        for (const auto& [name, value] : configured.items())
            if (lower(text_member(value, "alias")) == alias) return without_alias(name);
    for (const AliasRow& row : alias_rows())
        if (row.alias == alias) return split(row.model);
    return without_alias(wanted);
}

ModelName Catalogue::without_alias(const std::string& text) const {
    if (text.find('/') != std::string::npos) return split(text);
    for (const Model& model : all())
        if (model.name.model == text) return model.name;
    return {"anthropic", spelled(model_spellings, text)};
}

bool Catalogue::is_allowed(const ModelName& name) const {
    const Json& allowed = member_at(config_, "agents.defaults.models");
    if (!allowed.is_object() || allowed.empty()) return true;
    for (const auto& [text, value] : allowed.items())
        if (split(text) == name) return true;
    return false;
}

std::vector<ModelName> Catalogue::configured_for(const std::string& agent_id) const {
    const Json& defaults = member_at(config_, "agents.defaults.model");
    const Json* own = nullptr;
    for (const Json& agent : member_at(config_, "agents.list"))
        if (lower(text_member(agent, "id")) == lower(agent_id)) own = &member(agent, "model");
    std::vector<ModelName> list;
    if (own) add_once(list, resolve(primary_of(*own)));
    if (list.empty()) add_once(list, resolve(primary_of(defaults)));
    // An agent's own list of fallbacks replaces the common one, even when it is empty.
    const bool has_own = own && member(*own, "fallbacks").is_array();
    for (const Json& fallback : member(has_own ? *own : defaults, "fallbacks")) {
        if (!fallback.is_string()) continue;
        const ModelName name = resolve(fallback.get<std::string>());
        if (is_allowed(name)) add_once(list, name);
    }
    add_once(list, resolve(primary_of(defaults)));
    return list;
}

std::vector<Model> Catalogue::all() const {
    std::vector<Model> models;
    const auto add = [&](const ModelName& name) {
        if (!is_allowed(name)) return;
        for (const Model& known : models)
            if (known.name == name) return;
        if (Result<Model> model = find(name)) models.push_back(std::move(*model));
    };
    const Json& providers = member_at(config_, "models.providers");
    if (providers.is_object())
        for (const auto& [provider, value] : providers.items())
            for (const Json& entry : member(value, "models"))
                if (const std::string id = text_member(entry, "id"); !id.empty())
                    add({spelled(provider_spellings, lower(provider)), id});
    if (uses_tables())
        for (const ModelRow& row : model_rows())
            add({std::string(row.provider), std::string(row.id)});
    return models;
}

std::vector<ModelName> Catalogue::local_models() const {
    std::vector<ModelName> names;
    for (const Model& model : all())
        if (provider_config(model.name.provider).is_object() && !needs_key(model))
            names.push_back(model.name);
    return names;
}

bool Catalogue::needs_key(const Model& model) {
    return model.api != Api::demo && !is_private_host(host_of(model.base_url));
}

}  // namespace agent
