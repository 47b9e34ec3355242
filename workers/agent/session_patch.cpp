#include "workers/agent/session_patch.h"

#include <algorithm>
#include <span>

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr const char* thinking_levels[] = {"off", "minimal", "low", "medium", "high", "xhigh"};
constexpr const char* verbose_levels[] = {"on", "off", "full"};
constexpr const char* reasoning_levels[] = {"on", "off", "stream"};
constexpr const char* usage_modes[] = {"off", "tokens", "full"};
constexpr const char* elevated_levels[] = {"on", "off", "ask", "full"};
constexpr const char* exec_hosts[] = {"sandbox", "gateway", "node"};
constexpr const char* exec_securities[] = {"deny", "allowlist", "full"};
constexpr const char* exec_asks[] = {"off", "on-miss", "always"};
constexpr const char* send_policies[] = {"allow", "deny"};
constexpr const char* activations[] = {"mention", "always"};

struct Row {
    const char* name;
    std::span<const char* const> values;
    bool off_clears = false;  // "off" is the same as to say nothing
};
constexpr Row rows[] = {
    // member, values, off clears
    {"thinkingLevel", thinking_levels},
    {"verboseLevel", verbose_levels},
    {"reasoningLevel", reasoning_levels, true},
    {"responseUsage", usage_modes, true},
    {"elevatedLevel", elevated_levels},
    {"execHost", exec_hosts},
    {"execSecurity", exec_securities},
    {"execAsk", exec_asks},
    {"sendPolicy", send_policies},
    {"groupActivation", activations},
};

Error refusal(std::string text) {
    return {Fault::bad_message, std::move(text)};
}

std::string listed(std::span<const char* const> values) {
    std::string text;
    for (size_t i = 0; i < values.size(); ++i) {
        if (i > 0) text += i + 1 == values.size() ? " or " : ", ";
        text += values[i];
    }
    return text;
}

Done set_choice(Json& entry, const Row& row, const Json& value) {
    if (value.is_null()) return entry.erase(row.name), Done();
    const std::string chosen = lower_case(trimmed(value.get_ref<const std::string&>()));
    if (std::none_of(row.values.begin(), row.values.end(),
                     [&](const char* known) { return chosen == known; }))
        return refusal("invalid " + std::string(row.name) + ": use " + listed(row.values));
    if (row.off_clears && chosen == "off") return entry.erase(row.name), Done();
    entry[row.name] = chosen;
    return {};
}

Done set_label(Json& entry, const Json& value, const PatchContext& context) {
    if (value.is_null()) return entry.erase("label"), Done();
    const std::string label(trimmed(value.get_ref<const std::string&>()));
    if (label.empty()) return refusal("invalid label: it is empty");
    const Result<std::string> owner = context.label_owner(label);
    if (!owner) return owner.error();
    if (!owner->empty())
        return refusal("the label \"" + label + "\" is in use by session " + *owner);
    entry["label"] = label;
    return {};
}

Done set_exec_node(Json& entry, const Json& value) {
    if (value.is_null()) return entry.erase("execNode"), Done();
    const std::string node(trimmed(value.get_ref<const std::string&>()));
    if (node.empty()) return refusal("invalid execNode: it is empty");
    entry["execNode"] = node;
    return {};
}

Done set_spawned_by(Json& entry, const Json& value, const SessionKey& session) {
    const std::string before = text_member(entry, "spawnedBy");
    const std::string parent =
        value.is_null() ? "" : std::string(trimmed(value.get_ref<const std::string&>()));
    if (parent == before) return {};
    if (!before.empty())
        return refusal("spawnedBy is \"" + before + "\" and stays so once it is set");
    if (session.key.find(":subagent:") == std::string::npos)
        return refusal("spawnedBy can be set for subagent sessions only");
    entry["spawnedBy"] = parent;
    return {};
}

Done set_model(Json& entry, const Json& value, const PatchContext& context) {
    ModelName chosen = context.default_model;
    if (!value.is_null()) {
        const Result<ModelName> found = context.choose_model(value.get_ref<const std::string&>());
        if (!found) return refusal("invalid model: " + found.error().what);
        chosen = *found;
    }
    // A profile belongs to the provider of the model that was chosen with it.
    for (const char* name : {"providerOverride", "modelOverride", "authProfileOverride",
                             "authProfileOverrideSource", "authProfileOverrideCompactionCount"})
        entry.erase(name);
    if (chosen == context.default_model) return {};
    entry["providerOverride"] = chosen.provider;
    entry["modelOverride"] = chosen.model;
    return {};
}

}  // namespace

Result<Json> patched_entry(const Session& session, const Json& params,
                           const PatchContext& context) {
    Json entry = session.entry;
    const auto given = [&](const char* name, const auto& set) -> Done {
        return params.contains(name) ? set(params[name]) : Done();
    };
    for (const Row& row : rows)
        if (const Done done =
                given(row.name, [&](const Json& value) { return set_choice(entry, row, value); });
            !done)
            return done.error();
    for (const Done& done :
         {given("label", [&](const Json& value) { return set_label(entry, value, context); }),
          given("execNode", [&](const Json& value) { return set_exec_node(entry, value); }),
          given("spawnedBy",
                [&](const Json& value) { return set_spawned_by(entry, value, session.key); }),
          given("model", [&](const Json& value) { return set_model(entry, value, context); })})
        if (!done) return done.error();
    return entry;
}

}  // namespace agent
