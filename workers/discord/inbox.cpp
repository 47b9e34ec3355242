#include "workers/discord/inbox.h"

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/channel/measure.h"
#include "workers/common/log.h"
#include "workers/discord/outbox_parts.h"

namespace discord {

using hardshell::proto::InboundMessage;
using hardshell::proto::PairingCode;
using hardshell::proto::Person;
using hardshell::proto::Place;

namespace {

constexpr size_t most_history_channels = 1'000;
constexpr size_t longest_history_line = 500;
constexpr int thread_exists = 160004;
constexpr int archive_after_minutes = 60;
// For five minutes, about, beyond what the API tries by itself.
constexpr int most_code_tries = 6;
constexpr int64_t least_code_pause_ms = 5'000;
// Reactions whose message has to be asked for, at a time.
constexpr size_t most_authors_asked = 50;

Sender sender_of(const Message& message) {
    return {message.author.id, message.author.username, message.roles};
}

Person person_of(const User& user, const std::vector<std::string>& roles) {
    Person person;
    person.set_id(user.id);
    person.set_name(user.name);
    person.set_username(user.username);
    person.set_is_bot(user.is_bot);
    for (const std::string& role : roles) person.add_role_ids(role);
    return person;
}

std::string pairing_text(const std::string& user_id, const std::string& code) {
    return "OpenClaw: access not configured.\n\nYour Discord user id: " + user_id +
           "\n\nPairing code: " + code +
           "\n\nAsk the bot owner to approve with:\nopenclaw pairing approve discord " + code;
}

// No longer than so many bytes, and no character cut in two.
std::string shortened(const std::string& text, size_t most) {
    return text.substr(0, bytes_within(text, most, Measure::bytes));
}

}  // namespace

Place place_of(const Where& where) {
    Place place;
    place.set_kind(!where.guild_id.empty()                        ? Place::CHANNEL
                   : where.channel.type == channel_type::group_dm ? Place::GROUP
                                                                  : Place::DIRECT);
    place.set_chat_id(where.channel.id);
    place.set_guild_id(where.guild_id);
    if (is_thread(where.channel.type)) place.set_parent_id(where.channel.parent_id);
    // Rules are found by it: the name of a thread is whatever its maker wrote.
    const Channel& named = is_thread(where.channel.type) ? where.parent : where.channel;
    if (!named.name.empty())
        place.set_title(where.guild_id.empty() ? named.name : "#" + named.name);
    return place;
}

Inbox::Inbox(Parts parts) : parts_(parts) {}

channel::AllowList Inbox::paired() const {
    channel::AllowList list;
    if (parts_.agent.allow_list())
        for (const std::string& id : *parts_.agent.allow_list()) list.add(id, {});
    return list;
}

void Inbox::take(const Message& message, uint64_t sequence) {
    const bool is_foreign_bot = message.author.is_bot || message.is_webhook;
    if (message.id.empty() || message.channel_id.empty()) return;
    if (message.author.id.empty() || message.author.id == parts_.bot.id) return;
    if (is_foreign_bot && !parts_.settings.allow_bots) return;
    if (!message.is_written()) return;
    if (!seen_.add(message.id)) return;
    auto item = std::make_unique<Item>();
    item->message = message;
    item->ticket = parts_.sequences.begin(sequence);
    ++unsettled_;
    Lane& lane = lanes_[message.channel_id];
    lane.items.push_back(std::move(item));
    if (lane.items.size() == 1) advance(message.channel_id);
}

void Inbox::advance(const std::string& name) {
    for (;;) {
        const auto found = lanes_.find(name);
        if (found == lanes_.end() || found->second.is_waiting) return;
        if (found->second.items.empty()) {
            lanes_.erase(found);
            return;
        }
        if (!step(name, *found->second.items.front())) return;
    }
}

bool Inbox::step(const std::string& name, Item& item) {
    if (!item.was_judged) {
        Where where;
        Lane& lane = lanes_[name];
        lane.is_waiting = true;
        const bool is_known =
            parts_.finder.find(item.message.guild_id, item.message.channel_id, where, [this, name] {
                lanes_[name].is_waiting = false;
                advance(name);
            });
        if (!is_known) return false;
        lane.is_waiting = false;
        return judge(name, item, where);
    }
    if (!item.is_ready) return fetch_files(name, item);
    if (const Done offered = parts_.agent.offer(item.offer); !offered) return false;  // room()
    last_inbound_ms_ = wall_ms();
    offered_[item.offer.key()] = item.ticket;
    lanes_[name].items.pop_front();
    return true;
}

// The item at the front is done with.
void Inbox::settle(const std::string& name) {
    Lane& lane = lanes_[name];
    parts_.sequences.finish(lane.items.front()->ticket);
    lane.items.pop_front();
    --unsettled_;
}

bool Inbox::judge(const std::string& name, Item& item, const Where& where) {
    const Message& message = item.message;
    if (!parts_.agent.allow_list()) {
        // Friends are not told from strangers yet, nor what was chosen for the channel.
        lanes_[name].is_waiting = true;
        strangers_.push_back(name);
        return false;
    }
    const PlaceRules rules =
        rules_for(parts_.settings, parts_.bot, paired(), where, sender_of(message),
                  [this](const std::string& id) { return parts_.agent.needs_mention(id); });
    Addressing addressing = addressing_of(message, parts_.bot);
    if (!where.is_direct() && !addressing.was_mentioned)
        addressing.was_mentioned = parts_.calls.match(without_invisible(addressing.text));
    channel::GateFacts facts;
    facts.in_group = !where.is_direct();
    facts.sender_id = message.author.id;
    facts.sender_name = message.author.username;
    facts.was_mentioned = addressing.was_mentioned;
    facts.mentions_others = addressing.mentions_others;
    facts.is_command = addressing.is_command;
    facts.has_content = !addressing.text.empty() || !message.files.empty();
    const channel::Ruling ruling = channel::judge(rules.gate, facts);
    switch (ruling.verdict) {
        case channel::Verdict::pass:
            begin_offer(item, where, rules, addressing, ruling);
            return !rules.auto_thread || open_thread(name, item, where, addressing.text);
        case channel::Verdict::pair:
            pair(name, where);
            return true;
        case channel::Verdict::remember:
            log_info("discord: skipping guild message channelId={} reason={}", message.channel_id,
                     ruling.reason);
            remember(item, addressing.text);
            break;
        case channel::Verdict::drop:
            log_info("discord: dropped a message channelId={} senderId={} reason={}{}",
                     message.channel_id, message.author.id, ruling.reason,
                     facts.is_command && rules.lists_nobody
                         ? " (list who may give commands in channels.discord.dm.allowFrom or the "
                           "server's users)"
                         : "");
            break;
    }
    settle(name);
    return true;
}

void Inbox::begin_offer(Item& item, const Where& where, const PlaceRules& rules,
                        const Addressing& addressing, const channel::Ruling& ruling) {
    const Message& message = item.message;
    InboundMessage& offer = item.offer;
    item.was_judged = true;
    offer.set_key(message.channel_id + ":" + message.id);
    *offer.mutable_place() = place_of(where);
    *offer.mutable_sender() = person_of(message.author, message.roles);
    offer.set_message_id(message.id);
    offer.set_sent_ms(message.sent_ms);
    offer.set_text(addressing.text);
    offer.set_reply_to_id(message.reply_to_id);
    offer.set_reply_to_text(message.reply_to_text);
    offer.set_reply_to_sender(message.reply_to_author.name);
    offer.set_was_mentioned(!where.is_direct() &&
                            (addressing.was_mentioned || !rules.gate.require_mention));
    offer.set_needs_no_mention(!rules.gate.require_mention);
    offer.set_may_command(ruling.may_command);
    offer.set_system_prompt(rules.system_prompt);
    for (const std::string& skill : rules.skills) offer.add_skills(skill);
    const auto history = history_.find(message.channel_id);
    if (history == history_.end()) return;
    for (const std::string& line : history->second) offer.add_context(line);
    history_.erase(history);
    std::erase(history_order_, message.channel_id);
}

bool Inbox::fetch_files(const std::string& name, Item& item) {
    if (item.message.files.empty()) {
        item.is_ready = true;
        return true;
    }
    Lane& lane = lanes_[name];
    lane.is_waiting = true;
    lane.fetch = parts_.media.start(item.message.files, [this, name](auto attachments) {
        Lane& then = lanes_[name];
        then.is_waiting = false;
        Item& fetched = *then.items.front();
        for (auto& attachment : attachments)
            *fetched.offer.add_attachments() = std::move(attachment);
        fetched.is_ready = true;
        const std::string lane_name = name;  // the handler goes with the call
        const auto done = std::move(then.fetch);
        advance(lane_name);
    });
    return false;
}

bool Inbox::open_thread(const std::string& name, Item& item, const Where& where,
                        const std::string& text) {
    RestRequest request;
    request.method = "POST";
    request.route = "/channels/{channel}/messages/{message}/threads";
    request.path = "/channels/" + where.channel.id + "/messages/" + item.message.id + "/threads";
    request.major = where.channel.id;
    request.body = {{"name", thread_name(text, "Thread " + item.message.id)},
                    {"auto_archive_duration", archive_after_minutes}};
    request.may_repeat = true;  // a second one is refused, with the first one's id known
    lanes_[name].is_waiting = true;
    parts_.rest.send(std::move(request), [this, name](const RestAnswer& answer) {
        Lane& lane = lanes_[name];
        Item& opened = *lane.items.front();
        std::string id = id_member(answer.body, "id");
        if (answer.code == thread_exists) id = opened.message.id;
        if (answer.is_ok()) parts_.places.learn(channel_of(answer.body));
        if (answer.is_ok() || answer.code == thread_exists) {
            opened.offer.mutable_place()->set_parent_id(opened.message.channel_id);
            opened.offer.mutable_place()->set_chat_id(id);
        } else {
            log_warn("no thread could be opened: {}", answer.error);
        }
        lane.is_waiting = false;
        advance(name);
    });
    return false;
}

// The item at the front waits for the agent's answer, the others of its lane do not.
void Inbox::pair(const std::string& name, const Where& where) {
    // Shared because a std::function has to be copyable.
    const std::shared_ptr<Item> item = std::move(lanes_[name].items.front());
    lanes_[name].items.pop_front();
    parts_.agent.want_pairing(person_of(item->message.author, {}), place_of(where),
                              [this, item](const PairingCode& code) {
                                  const std::string& user = item->message.author.id;
                                  if (paired().has_id(user)) return judge_anew(std::move(*item));
                                  tell_code(item->message, code);
                                  parts_.sequences.finish(item->ticket);
                                  --unsettled_;
                              });
}

void Inbox::judge_anew(Item item) {
    const std::string name = item.message.channel_id;
    lanes_[name].items.push_back(std::make_unique<Item>(std::move(item)));
    advance(name);
}

void Inbox::tell_code(const Message& message, const PairingCode& code) {
    if (code.code().empty() || !code.created()) return;
    say_code(message.channel_id, message.author.id, code.code(), 0);
}

// Told once only, so it has to arrive.
void Inbox::say_code(const std::string& channel_id, const std::string& user,
                     const std::string& code, int tries) {
    codes_again_.erase(user);
    RestRequest request;
    request.method = "POST";
    request.route = "/channels/{channel}/messages";
    request.path = "/channels/" + channel_id + "/messages";
    request.major = channel_id;
    request.body = body_of({pairing_text(user, code), {}},
                           nonce_of("pairing:" + user + ":" + code, 0), "", false);
    request.body["allowed_mentions"] = {{"parse", Json::array()}};
    request.may_repeat = true;
    parts_.rest.send(std::move(request), [this, channel_id, user, code,
                                          tries](const RestAnswer& answer) {
        if (answer.is_ok()) return log_info("discord: told {} a pairing code", user);
        log_warn("discord: {} was not told the pairing code: {}", user, answer.error);
        if (!answer.is_transient() || tries >= most_code_tries) return;
        const int64_t pause = std::max(answer.retry_after_ms, least_code_pause_ms << tries);
        codes_again_[user] = parts_.loop.after(
            std::chrono::milliseconds(pause), [this, channel_id, user, code, tries] {
                // Copies: what is begun again lets go of this timer.
                say_code(std::string(channel_id), std::string(user), std::string(code), tries + 1);
            });
    });
}

void Inbox::remember(const Item& item, const std::string& text) {
    if (parts_.settings.history_limit == 0 || text.empty()) return;
    const std::string& channel = item.message.channel_id;
    if (!history_.count(channel)) {
        history_order_.push_back(channel);
        if (history_order_.size() > most_history_channels) {
            history_.erase(history_order_.front());
            history_order_.pop_front();
        }
    }
    auto& lines = history_[channel];
    lines.push_back(item.message.author.name + ": " + shortened(text, longest_history_line));
    while (lines.size() > parts_.settings.history_limit) lines.pop_front();
}

void Inbox::take(const Reaction& reaction, bool removed) {
    if (reaction.user.id.empty() || reaction.user.id == parts_.bot.id) return;
    if (reaction.channel_id.empty() || reaction.message_id.empty()) return;
    Where where;
    const bool is_known =
        parts_.finder.find(reaction.guild_id, reaction.channel_id, where,
                           [this, reaction, removed] { take(reaction, removed); });
    if (!is_known) return;
    const Sender sender{reaction.user.id, reaction.user.username, reaction.roles};
    const PlaceRules rules = rules_for(parts_.settings, parts_.bot, paired(), where, sender);
    const bool is_own = reaction.author_id == parts_.bot.id;
    if (rules.reactions == ReactionNotices::off) return;
    if (rules.reactions == ReactionNotices::own && reaction.author_id.empty())
        return ask_author(reaction, removed);
    if (rules.reactions == ReactionNotices::own && !is_own) return;
    if (rules.reactions == ReactionNotices::allowlist && !rules.gate.place_has_own_list) return;
    channel::GateFacts facts;
    facts.in_group = !where.is_direct();
    facts.sender_id = sender.id;
    facts.sender_name = sender.username;
    facts.was_mentioned = true;
    if (channel::judge(rules.gate, facts).verdict != channel::Verdict::pass) return;
    hardshell::proto::InboundReaction made;
    made.set_key(reaction.channel_id + ":" + reaction.message_id + ":" + sender.id + ":" +
                 reaction.emoji + (removed ? ":removed" : ""));
    *made.mutable_place() = place_of(where);
    *made.mutable_sender() = person_of(reaction.user, reaction.roles);
    made.set_message_id(reaction.message_id);
    made.set_emoji(reaction.emoji);
    made.set_removed(removed);
    parts_.agent.reacted(made);
}

void Inbox::accepted(const std::string& key) {
    const auto found = offered_.find(key);
    if (found == offered_.end()) return;
    parts_.sequences.finish(found->second);
    offered_.erase(found);
    --unsettled_;
}

void Inbox::room() {
    std::vector<std::string> names;
    for (const auto& [name, lane] : lanes_) names.push_back(name);
    for (const std::string& name : names) advance(name);
}

void Inbox::learned_allow_list() {
    const std::vector<std::string> names = std::move(strangers_);
    strangers_.clear();
    for (const std::string& name : names) {
        const auto found = lanes_.find(name);
        if (found == lanes_.end()) continue;
        found->second.is_waiting = false;
        advance(name);
    }
}

void Inbox::shed() {
    history_.clear();
    history_order_.clear();
    parts_.finder.forget();
}

// Who wrote what was reacted to, where the event does not say it.
void Inbox::ask_author(const Reaction& reaction, bool removed) {
    if (authors_asked_ >= most_authors_asked)
        return log_debug("a reaction is passed over: too many at once");
    const std::string path =
        "/channels/" + reaction.channel_id + "/messages/" + reaction.message_id;
    ++authors_asked_;
    parts_.rest.send(rest_get("/channels/{channel}/messages/{message}", path, reaction.channel_id),
                     [this, reaction, removed](const RestAnswer& answer) {
                         --authors_asked_;
                         Reaction known = reaction;
                         known.author_id = id_member(member(answer.body, "author"), "id");
                         if (!known.author_id.empty()) take(known, removed);
                     });
}

}  // namespace discord
