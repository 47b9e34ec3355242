#include "workers/agent/providers/provider.h"

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
    {"high", "high"},       {"xhigh", "high"},  // few models know more than "high"
};

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

std::string reasoning_effort(const Model& model, const std::string& thinking) {
    if (!model.reasoning) return {};
    for (const Level& level : levels)
        if (level.thinking == thinking) return level.effort;
    return {};
}

}  // namespace agent
