#include "workers/gateway/hook_settings.h"

#include <algorithm>

namespace gateway {

namespace {

std::string without_slashes(std::string_view text) {
    while (!text.empty() && text.front() == '/') text.remove_prefix(1);
    while (!text.empty() && text.back() == '/') text.remove_suffix(1);
    return std::string(text);
}

HookTemplate template_of(const Json& mapping, std::string_view key) {
    return HookTemplate(text_view(mapping, key));
}

HookMapping read_mapping(const Json& row, std::string key) {
    HookMapping mapping;
    mapping.key = std::move(key);
    mapping.path = without_slashes(text_view(member(row, "match"), "path"));
    mapping.source = text_member(member(row, "match"), "source");
    mapping.wakes = text_member(row, "action") == "wake";
    mapping.wake_now = text_member(row, "wakeMode") != "next-heartbeat";
    mapping.name = template_of(row, "name");
    mapping.session_key = template_of(row, "sessionKey");
    mapping.message = template_of(row, "messageTemplate");
    mapping.text = template_of(row, "textTemplate");
    mapping.to = template_of(row, "to");
    mapping.model = template_of(row, "model");
    mapping.thinking = template_of(row, "thinking");
    mapping.channel = text_member(row, "channel", "last");
    if (member(row, "deliver").is_boolean()) mapping.deliver = bool_member(row, "deliver");
    mapping.timeout_s = int_member(row, "timeoutSeconds");
    mapping.is_trusted = bool_member(row, "allowUnsafeExternalContent");
    mapping.transform = text_member(member(row, "transform"), "module");
    return mapping;
}

// New mail, as Google's push notifications are passed on.
HookMapping gmail(const Json& hooks) {
    const Json& settings = member(hooks, "gmail");
    HookMapping mapping;
    mapping.key = "hooks.presets (gmail)";
    mapping.path = "gmail";
    mapping.name = HookTemplate("Gmail");
    mapping.session_key = HookTemplate("hook:gmail:{{messages[0].id}}");
    mapping.message = HookTemplate(
        "New email from {{messages[0].from}}\nSubject: {{messages[0].subject}}\n"
        "{{messages[0].snippet}}\n{{messages[0].body}}");
    mapping.model = template_of(settings, "model");
    mapping.thinking = template_of(settings, "thinking");
    mapping.is_trusted = bool_member(settings, "allowUnsafeExternalContent");
    return mapping;
}

// "/" would take every other path away from those that serve it.
std::string read_path(const Json& hooks) {
    const std::string path = without_slashes(text_view(hooks, "path"));
    return path.empty() ? "/hooks" : "/" + path;
}

}  // namespace

std::vector<std::string> HookSettings::headers() const {
    std::vector<std::string> names;
    for (const HookMapping& mapping : mappings)
        for (const HookTemplate* text :
             {&mapping.name, &mapping.session_key, &mapping.message, &mapping.text, &mapping.to,
              &mapping.model, &mapping.thinking})
            for (std::string& name : text->headers()) names.push_back(std::move(name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

HookSettings read_hook_settings(const Json& hooks) {
    HookSettings settings;
    settings.enabled = bool_member(hooks, "enabled");
    settings.path = read_path(hooks);
    const int64_t body = int_member(hooks, "maxBodyBytes");
    if (body > 0) settings.body = static_cast<size_t>(body);
    size_t index = 0;
    for (const Json& row : member(hooks, "mappings"))
        settings.mappings.push_back(
            read_mapping(row, "hooks.mappings[" + std::to_string(index++) + "]"));
    for (const Json& preset : member(hooks, "presets"))
        if (preset == "gmail") settings.mappings.push_back(gmail(hooks));
    return settings;
}

}  // namespace gateway
