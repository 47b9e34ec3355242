#include "workers/gateway/presence.h"

#include <algorithm>
#include <vector>

#include "workers/common/base/text.h"

namespace gateway {

Presence::Presence(std::string host, std::string version) : own_key_(lower_case(host)) {
    entries_[own_key_].facts = {
        {"host", host},        {"version", version},
        {"platform", "linux"}, {"mode", "gateway"},
        {"reason", "self"},    {"text", "Gateway: " + host + " · hardshell " + version}};
}

bool Presence::touch(const std::string& key, const Json& facts, int64_t now_ms) {
    forget_faded(now_ms);
    const std::string name = lower_case(key);
    if (entries_.size() >= most_entries && !entries_.contains(name)) entries_.erase(oldest());
    Entry& entry = entries_[name];
    bool changed = false;
    for (const auto& [member_name, value] : facts.items()) {
        const bool counts = member_name != "text" && member_name != "lastInputSeconds";
        changed = changed || (counts && member(entry.facts, member_name) != value);
        entry.facts[member_name] = value;
    }
    entry.touched_ms = now_ms;
    entry.text.clear();
    others_known_ = false;
    if (name != own_key_) next_fades_ms_ = std::min(next_fades_ms_, now_ms + entry_life_ms);
    return changed;
}

// Of those that may go.
Presence::Entries::iterator Presence::oldest() {
    auto found = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->first == own_key_) continue;
        if (found == entries_.end() || entry->second.touched_ms < found->second.touched_ms)
            found = entry;
    }
    return found;
}

void Presence::forget_faded(int64_t now_ms) {
    if (now_ms <= next_fades_ms_) return;
    std::erase_if(entries_, [&](const auto& entry) {
        return entry.first != own_key_ && now_ms - entry.second.touched_ms > entry_life_ms;
    });
    others_known_ = false;
    next_fades_ms_ = INT64_MAX;
    if (const auto first = oldest(); first != entries_.end())
        next_fades_ms_ = first->second.touched_ms + entry_life_ms;
}

void Presence::print_others() {
    std::vector<Entry*> newest;
    for (auto& [key, entry] : entries_)
        if (key != own_key_) newest.push_back(&entry);
    std::stable_sort(newest.begin(), newest.end(), [](const Entry* one, const Entry* other) {
        return one->touched_ms > other->touched_ms;
    });
    others_.clear();
    for (Entry* entry : newest) {
        if (entry->text.empty()) {
            entry->facts["ts"] = entry->touched_ms;
            entry->text = print_json(entry->facts);
        }
        others_.append(",").append(entry->text);
    }
    others_known_ = true;
}

std::string Presence::list(int64_t now_ms) {
    forget_faded(now_ms);
    if (!others_known_) print_others();
    // Our own is always new: its time goes in last.
    Entry& own = entries_[own_key_];
    if (own.text.empty()) {
        own.facts.erase("ts");
        own.text = print_json(own.facts);
        own.text.back() = ',';
    }
    return "[" + own.text + R"("ts":)" + std::to_string(now_ms) + "}" + others_ + "]";
}

}  // namespace gateway
