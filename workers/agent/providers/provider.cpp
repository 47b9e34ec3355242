#include "workers/agent/providers/provider.h"

#include <algorithm>

#include "workers/agent/providers/anthropic.h"
#include "workers/agent/providers/chat_completions.h"
#include "workers/agent/providers/openai_responses.h"

namespace agent {

namespace {

struct Row {
    Api api;
    const char* name;
    WireRequest (*encode)(const Model&, const Prompt&, const std::string& key);
    std::unique_ptr<Interpreter> (*make_interpreter)(const Model&);
};

constexpr Row rows[] = {
    {Api::anthropic_messages, "anthropic-messages", anthropic::encode, anthropic::make_interpreter},
    {Api::openai_responses, "openai-responses", openai_responses::encode,
     openai_responses::make_interpreter},
    {Api::chat_completions, "openai-completions", chat_completions::encode,
     chat_completions::make_interpreter},
    {Api::demo, "demo", nullptr, nullptr},
};

const Row* find(Api api) {
    for (const Row& row : rows)
        if (row.api == api) return &row;
    return nullptr;
}

struct Level {
    std::string_view thinking;
    const char* effort;
};

constexpr Level levels[] = {
    {"minimal", "minimal"}, {"low", "low"},    {"medium", "medium"},
    {"high", "high"},       {"xhigh", "high"},  // unless the model is one of those below
};

constexpr std::string_view models_with_xhigh[] = {"gpt-5.1-codex-max", "gpt-5.2", "gpt-5.2-codex"};

// Services that pass requests on put the maker before the name: "openai/gpt-5.2".
bool knows_xhigh(const Model& model) {
    const std::string_view id = model.name.model;
    const size_t slash = id.rfind('/');
    const std::string_view own = slash == std::string_view::npos ? id : id.substr(slash + 1);
    return std::find(std::begin(models_with_xhigh), std::end(models_with_xhigh), own) !=
           std::end(models_with_xhigh);
}

}  // namespace

const char* api_name(Api api) {
    const Row* row = find(api);
    return row ? row->name : "unknown";
}

Api api_from_name(std::string_view name) {
    for (const Row& row : rows)
        if (name == row.name) return row.api;
    return Api::unknown;
}

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key) {
    WireRequest request = find(model.api)->encode(model, prompt, key);
    for (const auto& [name, value] : model.headers) request.headers.push_back(name + ": " + value);
    return request;
}

std::unique_ptr<Interpreter> make_interpreter(const Model& model) {
    return find(model.api)->make_interpreter(model);
}

int64_t longest_answer(const Model& model) {
    if (model.asked_tokens > 0) return model.asked_tokens;
    return model.max_tokens_configured ? model.max_tokens : 0;
}

std::string reasoning_effort(const Model& model, const std::string& thinking) {
    if (!model.reasoning) return {};
    if (thinking == "xhigh" && knows_xhigh(model)) return thinking;
    for (const Level& level : levels)
        if (level.thinking == thinking) return level.effort;
    return {};
}

}  // namespace agent
