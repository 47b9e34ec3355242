#include "workers/telegram/inbox.h"

#include <algorithm>

#include "workers/common/log.h"
#include "workers/telegram/parts.h"

namespace telegram {

namespace {

using hardshell::proto::InboundMessage;
using hardshell::proto::InboundReaction;
using hardshell::proto::PairingCode;

// For five minutes, about.
constexpr int most_code_tries = 6;
constexpr std::chrono::milliseconds least_code_pause{5'000};

std::string place_key(const Message& message) {
    return message.chat.id + ":" + message.thread_id;
}

// What an owner asks first is why nobody is answered.
void tell_skipped(const Message& message, const Judged& judged) {
    const std::string_view reason = judged.ruling.reason;
    if (reason == "own-message") return;
    if (reason == "not-allowed")
        return log_info(
            "skipping group message from {} \"{}\": reason not-allowed; add it to "
            "channels.telegram.groups to serve it",
            message.chat.id, message.chat.title);
    log_info("skipping {} message chatId={} senderId={} reason={}{}",
             message.chat.is_private() ? "direct" : "group", message.chat.id, message.from.id,
             reason,
             reason == "command-not-allowed"
                 ? " (list who may give commands in channels.telegram.allowFrom, or in a group in "
                   "groupAllowFrom)"
                 : "");
}

// Told apart by the text alone, so that it overtakes what waits for a picture.
bool is_stop(const InboundMessage& message) {
    return message.text() == "/stop" || message.text() == "/abort";
}

}  // namespace

Inbox::Inbox(Parts parts)
    : parts_(std::move(parts)),
      gatherer_(parts_.loop, [this](Gathered gathered) { take_message(std::move(gathered)); }),
      media_(parts_.loop, parts_.api, parts_.pace, {parts_.media, parts_.settings.most_tries}),
      history_(parts_.settings.history_limit) {}

void Inbox::take(const Update& update) {
    switch (update.kind) {
        case Update::Kind::message:
            return gatherer_.take(update.id, update.message);
        case Update::Kind::edited:
            // Not before the message itself.
            return gatherer_.after(update.message, [this, update] { take_edit(update); });
        case Update::Kind::reaction:
            return take_reaction(update);
        case Update::Kind::callback:
            return take_callback(update);
        case Update::Kind::member:
            return take_member(update);
        case Update::Kind::other:
            return parts_.settle(update.id);
    }
}

Judged Inbox::judged(const Message& message) const {
    return judge_message(parts_.settings, paired_, parts_.bot, message, parts_.named,
                         parts_.agent.needs_mention(message.chat.id, message.thread_id));
}

void Inbox::take_message(Gathered gathered) {
    const Message& message = gathered.message;
    const auto settled = [this, updates = gathered.updates] { settle_all(updates); };
    // Told twice, in the group that is gone and in the one that came: either will do.
    if (!message.migrated_to.empty()) {
        log_info("the group {} is the supergroup {} now", message.chat.id, message.migrated_to);
        return parts_.moved(message.chat.id, message.migrated_to, settled);
    }
    if (!message.migrated_from.empty())
        return parts_.moved(message.migrated_from, message.chat.id, settled);
    decide(gathered, judged(message));
}

void Inbox::decide(const Gathered& gathered, Judged judged) {
    const Message& message = gathered.message;
    switch (judged.ruling.verdict) {
        case channel::Verdict::pass:
            return pass(gathered, judged);
        case channel::Verdict::pair:
            return pair(gathered);
        case channel::Verdict::remember:
            history_.remember(place_key(message), history_line(message, judged.addressing));
            break;
        case channel::Verdict::drop:
            break;
    }
    tell_skipped(message, judged);
    settle_all(gathered.updates);
}

void Inbox::pair(const Gathered& gathered) {
    const Message& message = gathered.message;
    log_info("telegram pairing request from {}", message.from.id);
    parts_.agent.want_pairing(person_of(message.from), place_of(message.chat, message.thread_id),
                              [this, gathered](const PairingCode& code) {
                                  if (paired_.has_id(gathered.message.from.id))
                                      return decide(gathered, judged(gathered.message));
                                  tell_code(gathered.message, code);
                                  settle_all(gathered.updates);
                              });
}

void Inbox::tell_code(const Message& message, const PairingCode& code) {
    if (code.code().empty() || !code.created()) return;
    say_code({{"chat_id", chat_of(message.chat.id)},
              {"text", pairing_text(message.from.id, code.code())}},
             0);
}

// Told once only, so it has to arrive.
void Inbox::say_code(const Json& params, int tries) {
    const std::string chat = print_json(member(params, "chat_id"));
    codes_again_.erase(chat);
    parts_.api.call("sendMessage", params, [this, params, chat, tries](const ApiAnswer& answer) {
        if (answer) return;
        const ApiFailure& failure = *answer.failure;
        log_warn("a stranger could not be told a pairing code: {}", failure.description);
        const bool was_not_done = failure.kind == ApiFailure::Kind::too_many ||
                                  failure.kind == ApiFailure::Kind::unavailable;
        if (!was_not_done || tries >= most_code_tries) return;
        const std::chrono::milliseconds wait =
            std::max(failure.retry_after, least_code_pause * (1 << tries));
        codes_again_[chat] =
            parts_.loop.after(wait, [this, params, tries] { say_code(Json(params), tries + 1); });
    });
}

void Inbox::pass(const Gathered& gathered, const Judged& judged) {
    const Message& message = gathered.message;
    const EntryOf entry = std::make_shared<Entry>();
    entry->message = inbound_of(message, judged, parts_.bot);
    entry->updates = gathered.updates;
    for (std::string& line : history_.take(place_key(message)))
        entry->message.add_context(std::move(line));
    fetch_files(message.chat.id, entry, message);
    enqueue(message.chat.id, entry);
}

void Inbox::fetch_files(const std::string& chat, const EntryOf& entry, const Message& message) {
    entry->files_left = message.files.size();
    for (size_t i = 0; i < message.files.size(); ++i) entry->message.add_attachments();
    for (size_t i = 0; i < message.files.size(); ++i)
        media_.fetch(
            message.files[i], [this, chat, entry, i](hardshell::proto::Attachment attachment) {
                *entry->message.mutable_attachments(static_cast<int>(i)) = std::move(attachment);
                if (--entry->files_left == 0) offer(chat);
            });
}

void Inbox::enqueue(const std::string& chat, const EntryOf& entry) {
    parts_.took_one();
    if (is_stop(entry->message))
        chats_[chat].push_front(entry);
    else
        chats_[chat].push_back(entry);
    offer(chat);
}

// What is behind a message whose files are being fetched waits for it.
void Inbox::offer(const std::string& chat) {
    const auto found = chats_.find(chat);
    if (found == chats_.end()) return;
    std::deque<EntryOf>& entries = found->second;
    while (!entries.empty() && entries.front()->files_left == 0 && offer_one(*entries.front()))
        entries.pop_front();
    if (entries.empty()) chats_.erase(found);
}

// False: no room. The link says when there is.
bool Inbox::offer_one(Entry& entry) {
    const std::string& key = entry.message.key();
    if (const Done taken = parts_.agent.offer(entry.message); !taken) return false;
    std::vector<int64_t>& updates = offered_[key];
    updates.insert(updates.end(), entry.updates.begin(), entry.updates.end());
    return true;
}

void Inbox::accepted(const std::string& key) {
    const auto found = offered_.find(key);
    if (found == offered_.end()) return;
    const std::vector<int64_t> updates = std::move(found->second);
    offered_.erase(found);
    settle_all(updates);
}

void Inbox::room() {
    std::vector<std::string> chats;
    for (const auto& [chat, entries] : chats_) chats.push_back(chat);
    for (const std::string& chat : chats) offer(chat);
}

void Inbox::approved(const std::vector<std::string>& ids) {
    channel::AllowList list;
    for (const std::string& id : ids) list.add(id, {"telegram:", "tg:"});
    paired_ = std::move(list);
}

void Inbox::settle_all(const std::vector<int64_t>& updates) {
    for (const int64_t update : updates) parts_.settle(update);
}

void Inbox::take_edit(const Update& update) {
    const Judged ruled = judged(update.message);
    // Strangers are not answered for correcting themselves.
    if (ruled.ruling.verdict != channel::Verdict::pass) return parts_.settle(update.id);
    const EntryOf entry = std::make_shared<Entry>();
    entry->message = inbound_of(update.message, ruled, parts_.bot);
    mark_edited(entry->message, parts_.bot, update.id);
    entry->updates = {update.id};
    enqueue(update.message.chat.id, entry);
}

// Nothing waits for a reaction: it is told once, and settled.
void Inbox::take_reaction(const Update& update) {
    const Reaction& reaction = update.reaction;
    const auto notices = parts_.settings.reaction_notices;
    const bool is_wanted = notices == ReactionNotices::all ||
                           (notices == ReactionNotices::own &&
                            parts_.sent.contains(reaction.chat.id, reaction.message_id));
    Message as_message;
    as_message.chat = reaction.chat;
    as_message.from = reaction.from;
    as_message.text = "reaction";
    const Judged ruled = judged(as_message);
    const auto verdict = ruled.ruling.verdict;
    const bool may = verdict == channel::Verdict::pass || verdict == channel::Verdict::remember;
    if (is_wanted && may && !ruled.addressing.is_own) {
        InboundReaction told;
        *told.mutable_place() = place_of(reaction.chat, "");
        *told.mutable_sender() = person_of(reaction.from);
        told.set_message_id(reaction.message_id);
        size_t number = 0;
        const auto tell = [&](const std::string& emoji, bool removed) {
            told.set_key(parts_.bot.id + ":reaction:" + std::to_string(update.id) + ":" +
                         std::to_string(number++));
            told.set_emoji(emoji);
            told.set_removed(removed);
            parts_.agent.reacted(told);
        };
        for (const std::string& emoji : reaction.added) tell(emoji, false);
        for (const std::string& emoji : reaction.removed) tell(emoji, true);
    }
    parts_.settle(update.id);
}

void Inbox::take_callback(const Update& update) {
    parts_.api.call("answerCallbackQuery", {{"callback_query_id", update.callback.id}},
                    [](const ApiAnswer&) {});  // only stops the button's spinner
    Gathered gathered{message_of(update.callback), {update.id}};
    Judged ruled = judged(gathered.message);
    // Whoever presses a button of the bot's speaks to the bot.
    if (ruled.ruling.verdict == channel::Verdict::remember)
        ruled.ruling.verdict = channel::Verdict::pass;
    if (ruled.ruling.verdict != channel::Verdict::pass) return parts_.settle(update.id);
    pass(gathered, ruled);
}

void Inbox::take_member(const Update& update) {
    const MemberChange& change = update.member;
    log_info("the bot is \"{}\" in {} \"{}\" now", change.status, change.chat.id,
             change.chat.title);
    parts_.settle(update.id);
}

}  // namespace telegram
