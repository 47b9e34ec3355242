#include "workers/common/channel/inbound_gate.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace channel {

namespace {

template <typename Policy>
struct Name {
    std::string_view text;
    Policy policy;
};
constexpr Name<DmPolicy> dm_names[] = {
    {"open", DmPolicy::open},
    {"pairing", DmPolicy::pairing},
    {"allowlist", DmPolicy::allowlist},
    {"disabled", DmPolicy::disabled},
};
constexpr Name<GroupPolicy> group_names[] = {
    {"open", GroupPolicy::open},
    {"allowlist", GroupPolicy::allowlist},
    {"disabled", GroupPolicy::disabled},
};

template <typename Policy, size_t Count>
Policy find(const Name<Policy> (&names)[Count], std::string_view text, Policy fallback) {
    for (const auto& name : names)
        if (name.text == text) return name.policy;
    return fallback;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
        text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.remove_suffix(1);
    return text;
}

bool is_id(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool holds(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

// A message with its rules, and what both together say.
struct Case {
    const GateRules& rules;
    const GateFacts& facts;

    bool on(const AllowList& list) const {
        if (list.has_everyone()) return true;
        if (list.has_id(facts.sender_id)) return true;
        return rules.names_match && list.has_name(facts.sender_name);
    }
    bool on_dm_list() const { return on(rules.dm_allowed) || rules.paired.has_id(facts.sender_id); }
    bool is_listed() const { return facts.in_group ? on(rules.group_allowed) : on_dm_list(); }
    bool may_command() const { return !rules.commands_need_list || is_listed(); }
    bool is_for_us() const {
        if (!rules.require_mention || facts.was_mentioned) return true;
        return facts.is_command && may_command() && !facts.mentions_others;
    }
    // Where everybody may listen, and the assistant was not meant.
    bool is_talk_of_the_place() const {
        const bool is_served = rules.place_listed && rules.group == GroupPolicy::open;
        return is_served && facts.has_content && !facts.is_command && !is_for_us();
    }
};

struct Row {
    bool (*fits)(const Case& c);
    Verdict verdict;
    std::string_view reason;
};

// Read from the top; the first row that fits decides.
constexpr Row rows[] = {
    {[](const Case& c) { return c.facts.is_own; }, Verdict::drop, "own-message"},
    {[](const Case& c) { return c.facts.in_group && !c.rules.place_enabled; }, Verdict::drop,
     "place-disabled"},
    {[](const Case& c) { return c.facts.in_group && c.rules.group == GroupPolicy::disabled; },
     Verdict::drop, "groups-disabled"},
    {[](const Case& c) {
         return c.facts.in_group && c.rules.strangers_are_context && c.is_talk_of_the_place();
     },
     Verdict::remember, "no-mention"},
    {[](const Case& c) { return c.facts.in_group && c.rules.place_has_own_list && !c.is_listed(); },
     Verdict::drop, "sender-not-allowed-here"},
    {[](const Case& c) {
         return c.facts.in_group && c.rules.group == GroupPolicy::allowlist && !c.is_listed();
     },
     Verdict::drop, "sender-not-allowed"},
    {[](const Case& c) { return c.facts.in_group && !c.rules.place_listed; }, Verdict::drop,
     "not-allowed"},
    {[](const Case& c) { return !c.facts.in_group && c.rules.dm == DmPolicy::disabled; },
     Verdict::drop, "dm-disabled"},
    {[](const Case& c) {
         return !c.facts.in_group && c.rules.dm == DmPolicy::allowlist && !c.is_listed();
     },
     Verdict::drop, "sender-not-allowed"},
    {[](const Case& c) {
         return !c.facts.in_group && c.rules.dm == DmPolicy::pairing && !c.is_listed();
     },
     Verdict::pair, "unknown-sender"},
    // An open direct chat still names whom it is open to: "*" is what the owner writes for all.
    {[](const Case& c) {
         return !c.facts.in_group && c.rules.dm == DmPolicy::open && !c.rules.dm_allowed.empty() &&
                !c.is_listed();
     },
     Verdict::drop, "sender-not-allowed"},
    {[](const Case& c) { return c.facts.in_group && c.facts.is_command && !c.may_command(); },
     Verdict::drop, "command-not-allowed"},
    {[](const Case& c) { return !c.facts.has_content; }, Verdict::drop, "empty"},
    {[](const Case& c) { return c.facts.in_group && !c.is_for_us(); }, Verdict::remember,
     "no-mention"},
};

}  // namespace

DmPolicy dm_policy(std::string_view text, DmPolicy fallback) {
    return find(dm_names, text, fallback);
}

GroupPolicy group_policy(std::string_view text, GroupPolicy fallback) {
    return find(group_names, text, fallback);
}

AllowList::AllowList(const Json& entries, std::initializer_list<std::string_view> prefixes) {
    if (!entries.is_array()) return;
    for (const Json& entry : entries) {
        if (entry.is_string())
            add(entry.get_ref<const std::string&>(), prefixes);
        else if (entry.is_number_integer())
            add(entry.dump(), prefixes);
    }
}

void AllowList::add(std::string_view entry, std::initializer_list<std::string_view> prefixes) {
    std::string text = lower(trimmed(entry));
    for (const std::string_view prefix : prefixes)
        if (text.starts_with(prefix)) {
            text = trimmed(std::string_view(text).substr(prefix.size()));
            break;
        }
    if (text == "*") {
        everyone_ = true;
    } else if (is_id(text)) {
        if (!holds(ids_, text)) ids_.push_back(std::move(text));
    } else {
        if (text.starts_with('@')) text.erase(0, 1);
        if (!text.empty() && !holds(names_, text)) names_.push_back(std::move(text));
    }
}

bool AllowList::has_id(std::string_view id) const {
    return !id.empty() && holds(ids_, id);
}

bool AllowList::has_name(std::string_view name) const {
    if (name.starts_with('@')) name.remove_prefix(1);
    return !name.empty() && holds(names_, lower(name));
}

Ruling judge(const GateRules& rules, const GateFacts& facts) {
    const Case c{rules, facts};
    for (const Row& row : rows)
        if (row.fits(c)) return {row.verdict, row.reason, false};
    return {Verdict::pass, "allowed", c.may_command()};
}

}  // namespace channel
