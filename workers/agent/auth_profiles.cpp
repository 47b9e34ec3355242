#include "workers/agent/auth_profiles.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "workers/agent/providers/failures.h"

namespace agent {

namespace {

using std::chrono::milliseconds;
using Reason = ModelFailure::Reason;

constexpr int64_t minute_ms = 60'000;
constexpr int64_t hour_ms = 60 * minute_ms;
// After the first, second, … failure in a row.
constexpr int64_t rests_ms[] = {minute_ms, 5 * minute_ms, 25 * minute_ms, 60 * minute_ms};
constexpr int64_t longest_rest_ms = 24 * hour_ms;

struct TypeRow {
    std::string_view type;
    const char* secret;  // member
};
constexpr TypeRow types[] = {
    // type, where its secret is; the first is tried first
    {"oauth", "access"},
    {"token", "token"},
    {"api_key", "key"},
};

size_t rank_of(std::string_view type) {
    for (size_t i = 0; i < std::size(types); ++i)
        if (types[i].type == type) return i;
    return std::size(types);
}

const Json& stats_of(const Json& file, const std::string& id) {
    return member(member(file, "usageStats"), id);
}

Json& stats_in(Json& file, const std::string& id) {
    Json& all = file["usageStats"];
    if (!all.is_object()) all = Json::object();
    Json& stats = all[id];
    if (!stats.is_object()) stats = Json::object();
    return stats;
}

std::vector<std::string> texts_in(const Json& list) {
    std::vector<std::string> texts;
    if (list.is_array())
        for (const Json& one : list)
            if (one.is_string()) texts.push_back(one.get<std::string>());
    return texts;
}

struct Order {
    std::vector<std::string> ids;
    bool is_explicit = false;
};
Order order_of(const Json& file, const Json& config, const std::string& provider) {
    for (const Json* orders : {&member(file, "order"), &member_at(config, "auth.order")})
        if (std::vector<std::string> ids = texts_in(member(*orders, provider)); !ids.empty())
            return {std::move(ids), true};
    Order order;
    const Json& configured = member_at(config, "auth.profiles");
    if (configured.is_object())
        for (const auto& [id, facts] : configured.items())
            if (text_view(facts, "provider") == provider && member(file, "profiles").contains(id))
                order.ids.push_back(id);
    if (!order.ids.empty()) return order;
    for (const auto& [id, profile] : member(file, "profiles").items())
        if (text_view(profile, "provider") == provider) order.ids.push_back(id);
    return order;
}

std::optional<AuthProfile> usable(const Json& file, const std::string& provider,
                                  const std::string& id, int64_t now_ms) {
    const Json& stored = member(member(file, "profiles"), id);
    if (text_view(stored, "provider") != provider) return {};
    const std::string type = text_member(stored, "type");
    const size_t rank = rank_of(type);
    if (rank == std::size(types)) return {};
    const int64_t expires = int_member(stored, "expires");
    if (expires > 0 && expires <= now_ms) return {};
    AuthProfile profile{id, type, Secret(text_member(stored, types[rank].secret)), 0, ""};
    if (profile.secret.empty()) return {};
    const Json& stats = stats_of(file, id);
    const int64_t cooling = int_member(stats, "cooldownUntil");
    const int64_t disabled = int_member(stats, "disabledUntil");
    // A clock that was wrong must not put a key away for years.
    profile.rests_until_ms = std::min(std::max(cooling, disabled), now_ms + longest_rest_ms);
    profile.rests_for =
        disabled > cooling ? text_member(stats, "disabledReason", "billing") : "cooldown";
    return profile;
}

int64_t hours_ms(const Json& config, const char* key, double otherwise,
                 const std::string& of = "") {
    const Json& cooldowns = member_at(config, "auth.cooldowns");
    const Json& own = member(member(cooldowns, "billingBackoffHoursByProvider"), of);
    const Json& value = !of.empty() && own.is_number() ? own : member(cooldowns, key);
    const double hours = value.is_number() ? value.get<double>() : otherwise;
    if (!std::isfinite(hours) || hours <= 0) return static_cast<int64_t>(otherwise * hour_ms);
    return static_cast<int64_t>(std::min(hours, 24.0 * 365) * static_cast<double>(hour_ms));
}

int64_t billing_rest_ms(const Json& config, const std::string& provider, int64_t times) {
    const int64_t first = hours_ms(config, "billingBackoffHours", 5, provider);
    const int64_t most = hours_ms(config, "billingMaxHours", 24);
    int64_t rest = first;
    for (int64_t i = 1; i < times && rest < most; ++i) rest *= 2;
    return std::min(rest, most);
}

}  // namespace

std::vector<AuthProfile> profiles_in(const Json& file, const Json& config,
                                     const std::string& provider, int64_t now_ms) {
    const Order order = order_of(file, config, provider);
    std::vector<AuthProfile> profiles;
    for (const std::string& id : order.ids) {
        const auto is_it = [&](const AuthProfile& profile) { return profile.id == id; };
        if (std::any_of(profiles.begin(), profiles.end(), is_it)) continue;
        if (auto profile = usable(file, provider, id, now_ms))
            profiles.push_back(std::move(*profile));
    }
    if (!order.is_explicit)
        std::stable_sort(
            profiles.begin(), profiles.end(), [&](const AuthProfile& a, const AuthProfile& b) {
                const auto key = [&](const AuthProfile& profile) {
                    return std::pair(rank_of(profile.type),
                                     int_member(stats_of(file, profile.id), "lastUsed"));
                };
                return key(a) < key(b);
            });
    const auto wakes = [now_ms](const AuthProfile& profile) {
        return profile.rests_until_ms > now_ms ? profile.rests_until_ms : 0;
    };
    std::stable_sort(
        profiles.begin(), profiles.end(),
        [&](const AuthProfile& a, const AuthProfile& b) { return wakes(a) < wakes(b); });
    return profiles;
}

std::optional<std::string> profile_named(const Json& file, const std::string& provider,
                                         const std::string& name) {
    for (const std::string& id : {name, provider + ":" + name})
        if (text_view(member(member(file, "profiles"), id), "provider") == provider) return id;
    return {};
}

bool is_about_the_key(Reason reason) {
    switch (reason) {
        case Reason::rate_limit:
        case Reason::auth:
        case Reason::billing:
        case Reason::timed_out:
            return true;
        case Reason::format:            // the request or the conversation
        case Reason::context_overflow:  // the conversation
        case Reason::unreachable:       // the network, for all keys alike
        case Reason::provider:          // the provider, for all keys alike
            return false;
    }
    return false;
}

void note_failure(Json& file, const Json& config, const std::string& id,
                  const ModelFailure& failure, int64_t now_ms) {
    if (!is_about_the_key(failure.reason)) return;
    const std::string provider = text_member(member(member(file, "profiles"), id), "provider");
    if (provider.empty()) return;
    Json& stats = stats_in(file, id);
    const int64_t window = hours_ms(config, "failureWindowHours", 24);
    if (now_ms - int_member(stats, "lastFailureAt") > window) {
        stats.erase("errorCount");
        stats.erase("failureCounts");
    }
    const int64_t times = std::clamp<int64_t>(int_member(stats, "errorCount"), 0, 1'000) + 1;
    stats["errorCount"] = times;
    stats["lastFailureAt"] = now_ms;
    Json& counts = stats["failureCounts"];
    if (!counts.is_object()) counts = Json::object();
    const std::string reason = reason_name(failure.reason);
    const int64_t same = std::clamp<int64_t>(int_member(counts, reason), 0, 1'000) + 1;
    counts[reason] = same;
    if (failure.reason == Reason::billing) {
        stats["disabledUntil"] = now_ms + billing_rest_ms(config, provider, same);
        stats["disabledReason"] = "billing";
        return;
    }
    const auto row = static_cast<size_t>(std::min<int64_t>(times, std::ssize(rests_ms)) - 1);
    const int64_t told = failure.retry_after.count();
    stats["cooldownUntil"] = now_ms + (told > 0 ? std::min(told, longest_rest_ms) : rests_ms[row]);
}

void note_success(Json& file, const std::string& id, int64_t now_ms) {
    const std::string provider = text_member(member(member(file, "profiles"), id), "provider");
    if (provider.empty()) return;
    Json& stats = stats_in(file, id);
    for (const char* gone : {"cooldownUntil", "disabledUntil", "disabledReason", "failureCounts"})
        stats.erase(gone);
    stats["errorCount"] = 0;
    stats["lastUsed"] = now_ms;
    Json& last = file["lastGood"];
    if (!last.is_object()) last = Json::object();
    last[provider] = id;
}

}  // namespace agent
