#include "workers/gateway/presence.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace gateway {

namespace {

std::string lower(std::string text) {
    for (char& letter : text)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return text;
}

}  // namespace

Presence::Presence(std::string host, std::string version) : own_key_(lower(host)) {
    entries_[own_key_] = {
        {"host", host},        {"version", version},
        {"platform", "linux"}, {"mode", "gateway"},
        {"reason", "self"},    {"text", "Gateway: " + host + " · hardshell " + version}};
}

bool Presence::touch(const std::string& key, const Json& facts, int64_t now_ms) {
    forget_faded(now_ms);
    const std::string name = lower(key);
    if (!entries_.count(name) && entries_.size() >= most_entries) {
        const auto oldest = std::min_element(
            entries_.begin(), entries_.end(), [&](const auto& one, const auto& other) {
                if (one.first == own_key_ || other.first == own_key_)
                    return other.first == own_key_ && one.first != own_key_;
                return int_member(one.second, "ts") < int_member(other.second, "ts");
            });
        entries_.erase(oldest);
    }
    Json& entry = entries_[name];
    bool changed = false;
    for (const auto& [member_name, value] : facts.items()) {
        const bool counts = member_name != "text" && member_name != "lastInputSeconds";
        changed = changed || (counts && member(entry, member_name) != value);
        entry[member_name] = value;
    }
    entry["ts"] = now_ms;
    return changed;
}

void Presence::forget_faded(int64_t now_ms) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const bool faded =
            entry->first != own_key_ && now_ms - int_member(entry->second, "ts") > entry_life_ms;
        entry = faded ? entries_.erase(entry) : std::next(entry);
    }
}

Json Presence::list(int64_t now_ms) {
    forget_faded(now_ms);
    entries_[own_key_]["ts"] = now_ms;
    std::vector<Json> newest;
    for (const auto& [key, entry] : entries_) newest.push_back(entry);
    std::stable_sort(newest.begin(), newest.end(), [](const Json& one, const Json& other) {
        return int_member(one, "ts") > int_member(other, "ts");
    });
    return Json(newest);
}

}  // namespace gateway
