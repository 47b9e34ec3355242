// Who may talk to the assistant, and where: the policies of a chat channel.
//
// Pure: knows no platform, no clock and no file. A channel says what it knows about a message; the
// table in inbound_gate.cpp decides. People are known by the platform's ids. A name in an allow
// list lets nobody in unless the owner asks for that: names change hands.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace channel {

enum class DmPolicy { open, pairing, allowlist, disabled };
enum class GroupPolicy { open, allowlist, disabled };

// Unknown text reads as `fallback`.
DmPolicy dm_policy(std::string_view text, DmPolicy fallback = DmPolicy::pairing);
GroupPolicy group_policy(std::string_view text, GroupPolicy fallback = GroupPolicy::allowlist);

// The people of one list: ids, names and "*".
class AllowList {
  public:
    AllowList() = default;
    // Numbers and texts of a JSON array; anything else is an empty list. `prefixes` are what the
    // platform's owners write before an id ("telegram:", "tg:"), in lower case.
    AllowList(const Json& entries, std::initializer_list<std::string_view> prefixes);
    void add(std::string_view entry, std::initializer_list<std::string_view> prefixes);

    bool empty() const { return !everyone_ && ids_.empty() && names_.empty(); }
    bool has_everyone() const { return everyone_; }
    bool has_id(std::string_view id) const;
    // Without regard to case or a leading @.
    bool has_name(std::string_view name) const;
    const std::vector<std::string>& ids() const { return ids_; }
    // Entries that are no ids, in lower case, without @.
    const std::vector<std::string>& names() const { return names_; }

  private:
    bool everyone_ = false;
    std::vector<std::string> ids_;
    std::vector<std::string> names_;
};

// What the owner's configuration says about the place a message was written in.
struct GateRules {
    DmPolicy dm = DmPolicy::pairing;
    GroupPolicy group = GroupPolicy::allowlist;
    AllowList dm_allowed;
    AllowList group_allowed;  // the channel has merged what the place itself says
    AllowList paired;         // approved by pairing: counts in direct chats only
    bool place_enabled = true;
    // False: the owner lists the groups that are served, and this is none of them.
    bool place_listed = true;
    // True: the place has a list of people of its own, which stands in for group_allowed; it holds
    // under every group policy, and an empty one lets nobody in.
    bool place_has_own_list = false;
    // What those write who are not on that list is context all the same, when it is not for us.
    bool strangers_are_context = false;
    bool require_mention = true;
    // commands.useAccessGroups: who passes the gate may not give commands by that alone.
    bool commands_need_list = true;
    bool names_match = false;
};

// What the channel knows about a message.
struct GateFacts {
    bool in_group = false;
    bool is_own = false;  // written by the bot itself
    std::string_view sender_id;
    std::string_view sender_name;  // as in allow lists: without @
    bool was_mentioned = false;    // named, or its own message replied to
    bool mentions_others = false;
    bool is_command = false;  // a command or a directive, not only text
    bool has_content = true;
};

enum class Verdict {
    pass,
    drop,
    pair,      // a stranger who may ask to be let in
    remember,  // not for the assistant, but context of what it is asked later
};

struct Ruling {
    Verdict verdict = Verdict::drop;
    std::string_view reason;  // "not-allowed"; for the log
    // The sender may give commands and directives here.
    bool may_command = false;
};

Ruling judge(const GateRules& rules, const GateFacts& facts);

}  // namespace channel
