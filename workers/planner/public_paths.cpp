#include "workers/planner/public_paths.h"

#include <algorithm>
#include <map>

#include "workers/planner/problem.h"
#include "workers/planner/voice_plan.h"

namespace planner {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::PublicPath;
using hardshell::proto::WorkerPlan;

constexpr size_t longest_path = 200;
constexpr uint32_t telegram_body = 1u << 20;
constexpr uint32_t telegram_connections = 40;  // Telegram is told to make half as many
constexpr uint32_t telegram_answer_ms = 55'000;
constexpr uint32_t voice_body = 64u << 10;
constexpr uint32_t voice_connections = 128;
constexpr uint32_t voice_answer_ms = 15'000;
constexpr const char* voice_place = "plugins.entries.voice-call.config";

// What the gateway serves; with what is below it where that ends with a slash.
constexpr std::string_view own_paths[] = {
    "/",       "/index.html", "/favicon.ico",  "/assets/",       "/avatar/", "/healthz",
    "/health", "/startupz",   "/startup",      "/readyz",        "/ready",   "/metrics",
    "/v1/",    "/tools/",     "/__openclaw__", "/__openclaw__/",
};

// A worker that keeps a door: what is published is published there.
constexpr std::string_view door_kinds[] = {"gateway", "tunnel"};

bool is_path(std::string_view path) {
    return path.size() > 1 && path.size() <= longest_path && path.front() == '/' &&
           path.back() != '/' && path.find("//") == std::string_view::npos &&
           path.find("/.") == std::string_view::npos &&
           std::all_of(path.begin(), path.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '/' || c == '-' || c == '_' || c == '.' || c == '~';
           });
}

bool is_below(std::string_view path, std::string_view folder) {
    while (!folder.empty() && folder.back() == '/') folder.remove_suffix(1);
    return !folder.empty() && path.starts_with(folder) &&
           (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string with_slash(const std::string& path) {
    return path.empty() || path.front() == '/' ? path : "/" + path;
}

// Who of the gateway serves that path; empty: nobody.
std::string owner_in_gateway(std::string_view path, const Json& config) {
    for (const std::string_view own : own_paths)
        if (path == own || (own.size() > 1 && own.back() == '/' && path.starts_with(own)))
            return "the gateway itself";
    const Json& hooks = member(config, "hooks");
    if (bool_member(hooks, "enabled") &&
        is_below(path, with_slash(text_member(hooks, "path", "/hooks"))))
        return "hooks.path";
    const Json& page = member_at(config, "gateway.controlUi");
    if (bool_member(page, "enabled", true) &&
        is_below(path, with_slash(text_member(page, "basePath"))))
        return "gateway.controlUi.basePath";
    return {};
}

// The path of "https://host/path?query"; empty without one.
std::string path_in(const std::string& url) {
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    const size_t slash = url.find('/', scheme + 3);
    if (slash == std::string::npos) return {};
    std::string path = url.substr(slash, url.find_first_of("?#", slash) - slash);
    return path == "/" ? "" : path;
}

Path below(Path place, std::initializer_list<const char*> steps) {
    place.insert(place.end(), steps.begin(), steps.end());
    return place;
}

Path voice_key(std::initializer_list<const char*> steps) {
    return below({"plugins", "entries", "voice-call", "config"}, steps);
}

struct VoiceKey {
    std::string_view provider;
    const char* secret;  // below voice_place: what the provider signs with
};
// A mock has none, and no public path.
constexpr VoiceKey voice_keys[] = {
    {"twilio", ".twilio.authToken"},
    {"telnyx", ".telnyx.publicKey"},
    {"plivo", ".plivo.authToken"},
};

// As many as calls, two that follow on others, and strangers: those that the worker keeps until
// their time is over, and those that it is just refusing.
uint32_t streams_of(const Json& config) {
    constexpr uint32_t following = 2, strangers = 16;
    constexpr int64_t most = 1'000;
    const Json& calls = member(config, "maxConcurrentCalls");
    const int64_t wanted = calls.is_number_integer() ? calls.get<int64_t>() : 1;
    return static_cast<uint32_t>(std::clamp<int64_t>(wanted, 1, most)) + following + strangers;
}

std::vector<PathWish> all_wishes(const Json& config) {
    std::vector<PathWish> wishes = voice_paths(config);
    const Json& telegram = member_at(config, "channels.telegram");
    const auto add = [&](const Json& section, const Path& place) {
        for (PathWish& wish : telegram_paths("telegram", section, place))
            wishes.push_back(std::move(wish));
    };
    if (bool_member(telegram, "enabled", true)) add(telegram, {"channels", "telegram"});
    for (const auto& [id, account] : member(telegram, "accounts").items())
        if (account.is_object() && account.contains("webhookUrl"))
            add(account, {"channels", "telegram", "accounts", id});
    return wishes;
}

WorkerPlan* find_worker(Plan& plan, const std::string& name) {
    for (WorkerPlan& worker : *plan.mutable_workers())
        if (worker.name() == name) return &worker;
    return nullptr;
}

bool has_secret(const WorkerPlan& worker, const std::string& name) {
    return std::any_of(worker.secrets().begin(), worker.secrets().end(), [&](const auto& secret) {
        return secret.name() == name && !secret.value().empty();
    });
}

void give_doors(WorkerPlan& owner, const PublicPath& path, Plan& plan) {
    const bool is_first = owner.settings().doors().empty();
    for (WorkerPlan& door : *plan.mutable_workers()) {
        if (std::find(std::begin(door_kinds), std::end(door_kinds), door.kind()) ==
            std::end(door_kinds))
            continue;
        *door.mutable_settings()->add_public_paths() = path;
        if (is_first) owner.mutable_settings()->add_doors(door.name());
    }
}

}  // namespace

std::vector<PathWish> telegram_paths(const std::string& worker, const Json& section,
                                     const Path& place) {
    const std::string url = text_member(section, "webhookUrl");
    if (url.empty()) return {};
    PathWish wish;
    std::string path = text_member(section, "webhookPath");
    const bool is_own = !path.empty();
    if (!is_own) path = path_in(url);
    if (path.empty()) path = "/telegram-webhook";
    wish.place = below(place, {is_own ? "webhookPath" : "webhookUrl"});
    wish.secret = "channels.telegram.webhookSecret";
    wish.needs_tunnel = url == "tunnel";
    wish.path.set_path(path);
    wish.path.set_worker(worker);
    wish.path.set_largest_body(telegram_body);
    wish.path.set_most_connections(telegram_connections);
    wish.path.set_answer_ms(telegram_answer_ms);
    wish.path.set_setting(dotted(wish.place));
    return {std::move(wish)};
}

std::vector<PathWish> voice_paths(const Json& config) {
    if (!wants_voice(config)) return {};
    const Json& voice =
        member(member(member_at(config, "plugins.entries"), "voice-call"), "config");
    const std::string provider = text_member(voice, "provider");
    const auto key = std::find_if(std::begin(voice_keys), std::end(voice_keys),
                                  [&](const VoiceKey& row) { return row.provider == provider; });
    if (key == std::end(voice_keys)) return {};
    PathWish webhook;
    webhook.place = voice_key({"serve", "path"});
    webhook.secret = std::string(voice_place) + key->secret;
    webhook.path.set_path(text_member(member(voice, "serve"), "path", "/voice/webhook"));
    webhook.path.set_worker("voice");
    webhook.path.set_largest_body(voice_body);
    webhook.path.set_most_connections(voice_connections);
    webhook.path.set_answer_ms(voice_answer_ms);
    webhook.path.set_setting(dotted(webhook.place));
    const Json& streaming = member(voice, "streaming");
    if (provider != "twilio" || !bool_member(streaming, "enabled")) return {std::move(webhook)};
    PathWish stream = webhook;
    stream.place = voice_key({"streaming", "streamPath"});
    stream.path.set_path(text_member(streaming, "streamPath", "/voice/stream"));
    stream.path.set_websocket(true);
    stream.path.set_largest_body(0);
    stream.path.set_most_connections(streams_of(voice));
    stream.path.set_setting(dotted(stream.place));
    return {std::move(webhook), std::move(stream)};
}

void check_public_paths(const Json& config, std::vector<RuleFinding>& findings) {
    std::map<std::string, std::string> seen;
    for (const PathWish& wish : all_wishes(config)) {
        const std::string& path = wish.path.path();
        if (!is_path(path)) {
            findings.push_back({true, wish.place,
                                "\"" + path + "\" is no path that can be published",
                                "use one such as \"/telegram-webhook\": letters, digits, and - _ . "
                                "~ between single slashes"});
            continue;
        }
        const std::string owner = owner_in_gateway(path, config);
        const auto [first, is_new] = seen.try_emplace(path, dotted(wish.place));
        if (!owner.empty())
            findings.push_back(
                {true, wish.place, path + " is served by " + owner, "choose another path"});
        else if (!is_new)
            findings.push_back({true, wish.place, path + " is also that of " + first->second,
                                "choose another path for one of them"});
    }
}

void add_public_paths(const std::vector<PathWish>& wishes, Plan& plan, Notices& notices) {
    std::map<std::string, std::string> owners;
    for (const PathWish& wish : wishes) {
        WorkerPlan* owner = find_worker(plan, wish.path.worker());
        if (!owner) continue;  // why it does not run is said elsewhere
        if (wish.needs_tunnel && !find_worker(plan, "tunnel")) {
            notices.error(wish.path.worker() +
                          " is not reached by webhook: webhookUrl is \"tunnel\", and no tunnel is "
                          "started; set plugins.entries.voice-call.config.tunnel or "
                          "gateway.tailscale.mode, or webhookUrl to an address");
            continue;
        }
        const auto [first, is_new] = owners.try_emplace(wish.path.path(), wish.path.worker());
        if (!is_new) {
            notices.error(wish.path.setting() + ": " + wish.path.path() + " belongs to " +
                          first->second + " already, so " + wish.path.worker() +
                          " is not reached there; choose another path");
            continue;
        }
        if (!has_secret(*owner, wish.secret)) {
            owners.erase(first);
            notices.error(wish.path.path() + " is not published: without " + wish.secret +
                          " anybody could send " + wish.path.worker() +
                          " what looks genuine; set it");
            continue;
        }
        give_doors(*owner, wish.path, plan);
    }
}

}  // namespace planner
