#include "workers/agent/models_table.h"

namespace agent {

namespace {

// store, developer role, reasoning effort, new limit, short ids, named results, documents
constexpr Compatibility openai_itself{true, true, true, true, false, false, true};
constexpr Compatibility plain{false, false, false, false};
constexpr Compatibility mistral{false, false, false, false, true, true};
constexpr Compatibility with_effort{false, false, true, false};
constexpr Compatibility openrouter{false, false, true, false, false, false, true};
constexpr Compatibility with_effort_and_new_limit{false, false, true, true};

constexpr Api messages = Api::anthropic_messages;
constexpr Api responses = Api::openai_responses;
constexpr Api chat = Api::chat_completions;

constexpr ProviderRow providers[] = {
    // name, address, API, variable of the key, differences
    {"anthropic", "https://api.anthropic.com", messages, "", {}},
    {"openai", "https://api.openai.com/v1", responses, "", openai_itself},
    {"google", "https://generativelanguage.googleapis.com/v1beta/openai", chat, "GEMINI_API_KEY",
     with_effort},
    {"openrouter", "https://openrouter.ai/api/v1", chat, "", openrouter},
    {"groq", "https://api.groq.com/openai/v1", chat, "", with_effort_and_new_limit},
    {"xai", "https://api.x.ai/v1", chat, "", plain},
    {"mistral", "https://api.mistral.ai/v1", chat, "", mistral},
    {"cerebras", "https://api.cerebras.ai/v1", chat, "", with_effort_and_new_limit},
    {"moonshot", "https://api.moonshot.ai/v1", chat, "", plain},
    {"minimax", "https://api.minimax.io/anthropic", messages, "", {}},
    {"zai", "https://api.z.ai/api/coding/paas/v4", chat, "", plain},
    {"venice", "https://api.venice.ai/api/v1", chat, "", plain},
    {"vercel-ai-gateway", "https://ai-gateway.vercel.sh", messages, "AI_GATEWAY_API_KEY", {}},
    {"ollama", "http://127.0.0.1:11434/v1", chat, "", plain},
};

constexpr ModelRow models[] = {
    // provider, id, title, context, longest answer, reasons, sees, $/M in, out, cache read, write
    {"anthropic",
     "claude-opus-4-5",
     "Claude Opus 4.5",
     200'000,
     64'000,
     true,
     true,
     {5, 25, 0.5, 6.25}},
    {"anthropic",
     "claude-sonnet-4-5",
     "Claude Sonnet 4.5",
     200'000,
     64'000,
     true,
     true,
     {3, 15, 0.3, 3.75}},
    {"anthropic",
     "claude-haiku-4-5",
     "Claude Haiku 4.5",
     200'000,
     64'000,
     true,
     true,
     {1, 5, 0.1, 1.25}},
    {"anthropic",
     "claude-opus-4-1",
     "Claude Opus 4.1",
     200'000,
     32'000,
     true,
     true,
     {15, 75, 1.5, 18.75}},
    {"anthropic",
     "claude-sonnet-4-0",
     "Claude Sonnet 4",
     200'000,
     64'000,
     true,
     true,
     {3, 15, 0.3, 3.75}},
    {"openai", "gpt-5.2", "GPT-5.2", 400'000, 128'000, true, true, {1.75, 14, 0.175, 0}},
    {"openai", "gpt-5.1", "GPT-5.1", 400'000, 128'000, true, true, {1.25, 10, 0.125, 0}},
    {"openai", "gpt-5", "GPT-5", 400'000, 128'000, true, true, {1.25, 10, 0.125, 0}},
    {"openai", "gpt-5-mini", "GPT-5 Mini", 400'000, 128'000, true, true, {0.25, 2, 0.025, 0}},
    {"openai", "gpt-5-nano", "GPT-5 Nano", 400'000, 128'000, true, true, {0.05, 0.4, 0.005, 0}},
    {"openai", "gpt-4.1", "GPT-4.1", 1'047'576, 32'768, false, true, {2, 8, 0.5, 0}},
    {"openai", "gpt-4.1-mini", "GPT-4.1 Mini", 1'047'576, 32'768, false, true, {0.4, 1.6, 0.1, 0}},
    {"openai", "gpt-4o", "GPT-4o", 128'000, 16'384, false, true, {2.5, 10, 1.25, 0}},
    {"openai", "gpt-4o-mini", "GPT-4o Mini", 128'000, 16'384, false, true, {0.15, 0.6, 0.075, 0}},
    {"openai", "o3", "o3", 200'000, 100'000, true, true, {2, 8, 0.5, 0}},
    {"openai", "o4-mini", "o4-mini", 200'000, 100'000, true, true, {1.1, 4.4, 0.275, 0}},
    {"google",
     "gemini-3-pro-preview",
     "Gemini 3 Pro",
     1'048'576,
     65'536,
     true,
     true,
     {2, 12, 0.2, 0}},
    {"google",
     "gemini-3-flash-preview",
     "Gemini 3 Flash",
     1'048'576,
     65'536,
     true,
     true,
     {0.5, 3, 0.05, 0}},
    {"google",
     "gemini-2.5-pro",
     "Gemini 2.5 Pro",
     1'048'576,
     65'536,
     true,
     true,
     {1.25, 10, 0.125, 0}},
    {"google",
     "gemini-2.5-flash",
     "Gemini 2.5 Flash",
     1'048'576,
     65'536,
     true,
     true,
     {0.3, 2.5, 0.03, 0}},
    {"openrouter", "auto", "OpenRouter Auto", 200'000, 8'192, false, true, {}},
    {"openrouter",
     "anthropic/claude-opus-4.5",
     "Claude Opus 4.5",
     200'000,
     64'000,
     true,
     true,
     {5, 25, 0.5, 6.25}},
    {"openrouter",
     "anthropic/claude-sonnet-4.5",
     "Claude Sonnet 4.5",
     200'000,
     64'000,
     true,
     true,
     {3, 15, 0.3, 3.75}},
    {"openrouter", "openai/gpt-5.2", "GPT-5.2", 400'000, 128'000, true, true, {1.75, 14, 0.175, 0}},
    {"groq",
     "llama-3.3-70b-versatile",
     "Llama 3.3 70B",
     131'072,
     32'768,
     false,
     false,
     {0.59, 0.79, 0, 0}},
    {"groq",
     "openai/gpt-oss-120b",
     "GPT OSS 120B",
     131'072,
     65'536,
     true,
     false,
     {0.15, 0.6, 0, 0}},
    {"xai", "grok-4", "Grok 4", 256'000, 64'000, true, true, {3, 15, 0.75, 0}},
    {"xai", "grok-4-fast", "Grok 4 Fast", 2'000'000, 30'000, true, true, {0.2, 0.5, 0.05, 0}},
    {"xai",
     "grok-code-fast-1",
     "Grok Code Fast 1",
     256'000,
     10'000,
     true,
     false,
     {0.2, 1.5, 0.02, 0}},
    {"mistral",
     "mistral-large-latest",
     "Mistral Large",
     262'144,
     32'768,
     false,
     true,
     {0.5, 1.5, 0, 0}},
    {"mistral",
     "mistral-medium-latest",
     "Mistral Medium",
     131'072,
     32'768,
     false,
     true,
     {0.4, 2, 0, 0}},
    {"mistral", "codestral-latest", "Codestral", 256'000, 32'768, false, false, {0.3, 0.9, 0, 0}},
    {"cerebras", "gpt-oss-120b", "GPT OSS 120B", 131'072, 32'768, true, false, {0.35, 0.75, 0, 0}},
};

constexpr AliasRow aliases[] = {
    {"opus", "anthropic/claude-opus-4-5"},
    {"sonnet", "anthropic/claude-sonnet-4-5"},
    {"haiku", "anthropic/claude-haiku-4-5"},
    {"gpt", "openai/gpt-5.2"},
    {"gpt-mini", "openai/gpt-5-mini"},
    {"gemini", "google/gemini-3-pro-preview"},
    {"gemini-flash", "google/gemini-3-flash-preview"},
};

}  // namespace

std::span<const ProviderRow> provider_rows() {
    return providers;
}
std::span<const ModelRow> model_rows() {
    return models;
}
std::span<const AliasRow> alias_rows() {
    return aliases;
}

const ProviderRow* find_provider_row(std::string_view name) {
    for (const ProviderRow& row : providers)
        if (row.name == name) return &row;
    return nullptr;
}

const ModelRow* find_model_row(std::string_view provider, std::string_view id) {
    for (const ModelRow& row : models)
        if (row.provider == provider && row.id == id) return &row;
    return nullptr;
}

std::string key_variable(std::string_view provider) {
    const ProviderRow* row = find_provider_row(provider);
    if (row && !row->key_variable.empty()) return std::string(row->key_variable);
    std::string name;
    for (const char c : provider) {
        const bool letter = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += letter ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return name + "_API_KEY";
}

}  // namespace agent
