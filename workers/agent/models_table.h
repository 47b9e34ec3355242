// The providers and models that are known without any configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "workers/agent/providers/model.h"

namespace agent {

struct ProviderRow {
    std::string_view name;
    std::string_view base_url;
    Api api;
    std::string_view key_variable;  // empty: <NAME>_API_KEY
    Compatibility compatibility;
};

struct ModelRow {
    std::string_view provider;
    std::string_view id;
    std::string_view title;
    int64_t context_window;
    int64_t max_tokens;
    bool reasoning;
    bool images;
    Price price;
};

struct AliasRow {
    std::string_view alias;
    std::string_view model;  // "provider/model"
};

// In the order in which a key is looked for when nothing is configured.
std::span<const ProviderRow> provider_rows();
// The first one of a provider is what is used when only its key is known.
std::span<const ModelRow> model_rows();
std::span<const AliasRow> alias_rows();

const ProviderRow* find_provider_row(std::string_view name);
const ModelRow* find_model_row(std::string_view provider, std::string_view id);

// The environment variable that holds the provider's key: "ANTHROPIC_API_KEY".
std::string key_variable(std::string_view provider);

}  // namespace agent
