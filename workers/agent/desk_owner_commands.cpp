// The commands by which an owner decides about others: what may run, and who may write.

#include "workers/agent/channels/account.h"
#include "workers/agent/channels/pairing.h"
#include "workers/agent/command_approvals.h"
#include "workers/agent/front_desk.h"

namespace agent {

namespace {

struct ListWish {
    std::string verb = "list";
    std::string scope;  // "dm", "group", "all"
    std::string entry;
    std::string channel;  // empty: where it was written
};

Result<ListWish> list_wish(std::string_view argument) {
    const Error usage{Fault::bad_message,
                      "Usage: /allowlist list | add dm <id> | remove dm <id> "
                      "[--channel <channel>]"};
    ListWish wish;
    std::vector<std::string> words;
    for (std::string_view rest = trimmed(argument); !rest.empty();) {
        const size_t end = std::min(rest.find_first_of(" \n\t"), rest.size());
        words.emplace_back(rest.substr(0, end));
        rest = trimmed(rest.substr(end));
    }
    std::vector<std::string> plain;
    for (size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--channel" || words[i] == "--account") {
            if (i + 1 == words.size()) return usage;
            if (words[i] == "--channel") wish.channel = lower_case(words[i + 1]);
            ++i;
        } else if (!words[i].starts_with("--")) {
            plain.push_back(words[i]);
        }
    }
    if (plain.empty()) return wish;
    wish.verb = lower_case(plain[0]);
    if (wish.verb == "list") return plain.size() > 2 ? Result<ListWish>(usage) : wish;
    if (wish.verb != "add" && wish.verb != "remove") return usage;
    if (plain.size() != 3) return usage;
    wish.scope = lower_case(plain[1]);
    wish.entry = plain[2];
    if (wish.scope != "dm" && wish.scope != "group" && wish.scope != "all") return usage;
    return wish;
}

std::string entries_text(const Json& list) {
    std::string text;
    for (const Json& entry : list)
        text += (text.empty() ? "" : ", ") +
                (entry.is_string() ? entry.get<std::string>() : print_json(entry));
    return text.empty() ? "(none)" : text;
}

std::string lists_text(const Json& config, const std::string& channel,
                       const std::vector<std::string>& let_in) {
    const ChannelAccount account{channel, "default"};
    const Json& dm = channel_setting(config, account, "dm");
    const Json& own = channel_setting(config, account, "allowFrom");
    const Json& named = channel_setting(config, account, "dmPolicy");
    const std::string policy =
        text_member(dm, "policy", named.is_string() ? named.get<std::string>() : "pairing");
    std::string text =
        "🧾 Allowlist\nChannel: " + channel + "\nDM policy: " + policy +
        "\nDM allowFrom (config): " + entries_text(own.is_array() ? own : member(dm, "allowFrom")) +
        "\nPaired allowFrom (store): " + entries_text(Json(let_in));
    const Json& group = channel_setting(config, account, "groupAllowFrom");
    if (group.is_array()) text += "\nGroup allowFrom (config): " + entries_text(group);
    return text;
}

}  // namespace

FrontDesk::Text FrontDesk::approve(const Request& request) {
    const Said& said = request.said;
    if (!said.may_approve)
        return Error{Fault::bad_message, "/approve requires the scope operator.approvals"};
    if (!services_.approvals)
        return Error{Fault::bad_message, "no command waits for approval here"};
    const std::string who =
        said.sender_id.empty() ? said.channel : said.channel + ":" + said.sender_id;
    return services_.approvals->decide(request.argument, who,
                                       said.channel == "webchat" ? "" : request.session.key);
}

// What stands in openclaw.json is its owner's to change; the store of pairing is changed here.
void FrontDesk::allowlist(const Request& request) {
    const auto say = [reply = request.reply](std::string text) {
        reply(Taken{Taken::As::answered, std::move(text), {}});
    };
    const Result<ListWish> wish = list_wish(request.argument);
    if (!wish) return say("⚠️ " + wish.error().what);
    const Json& config = services_.config.json();
    const std::string channel = wish->channel.empty() ? request.said.channel : wish->channel;
    if (!pairing_ || !member(member(config, "channels"), channel).is_object())
        return say("⚠️ The channel " + channel +
                   " has no list; name one: /allowlist list --channel <channel>");
    if (!request.said.may_administer)
        return say("⚠️ /allowlist requires the scope operator.admin");
    if (wish->verb == "list") return say(lists_text(config, channel, pairing_->allowed(channel)));
    if (!bool_member(member(config, "commands"), "config"))
        return say("⚠️ /allowlist edits are disabled. Set commands.config=true to enable.");
    if (wish->scope != "dm")
        return say(
            "⚠️ Lists of groups are in openclaw.json: change them with `hardshell config`.");
    const bool adds = wish->verb == "add";
    pairing_->change_allowed(
        channel, wish->entry, adds, [say, adds, entry = wish->entry](const Result<bool>& changed) {
            if (!changed) return say("⚠️ The list was not changed: " + changed.error().what);
            if (!*changed)
                return say(adds ? "✅ Already allowlisted."
                                : "⚠️ " + entry + " is not in the pairing store.");
            say(std::string("✅ DM allowlist ") + (adds ? "added" : "removed") + ": pairing store.");
        });
}

}  // namespace agent
