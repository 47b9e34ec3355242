#include "workers/discord/interactions.h"

#include <openssl/evp.h>

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/channel/measure.h"
#include "workers/common/log.h"
#include "workers/discord/outbox_parts.h"

namespace discord {

using hardshell::proto::CommandList;

namespace {

constexpr int64_t token_lifetime_ms = 14 * 60'000;  // of fifteen minutes
constexpr std::chrono::milliseconds response_timeout{2'800};
constexpr int64_t least_learn_again_ms = 5'000;
constexpr size_t longest_description = 100;
constexpr int ephemeral = 64;
constexpr int unknown_interaction = 10062;
constexpr int answered_already = 40060;  // by the process before this one
constexpr const char* id_prefix = "interaction:";
constexpr const char* busy = "The assistant is busy; please try again in a moment.";
constexpr const char* not_authorized = "You are not authorized to use this command.";

// Kinds of responses.
constexpr int deferred_message = 5;
constexpr int deferred_update = 6;
constexpr int choices = 8;

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::string id_of(const Interaction& interaction) {
    return id_prefix + interaction.id;
}

hardshell::proto::InboundMessage message_of(const Interaction& interaction, const Where& where) {
    hardshell::proto::InboundMessage message;
    message.set_key(id_of(interaction));
    *message.mutable_place() = place_of(where);
    message.mutable_sender()->set_id(interaction.user.id);
    message.mutable_sender()->set_name(interaction.user.name);
    message.mutable_sender()->set_username(interaction.user.username);
    for (const std::string& role : interaction.roles) message.mutable_sender()->add_role_ids(role);
    message.set_message_id(id_of(interaction));
    message.set_sent_ms(snowflake_ms(interaction.id));
    message.set_text(interaction.text());
    message.set_was_mentioned(true);
    message.set_may_command(true);
    message.set_is_native_command(true);
    return message;
}

std::string digest_of(const std::string& text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (size_t i = 0; i < 16; ++i) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

}  // namespace

Json commands_body(const CommandList& list) {
    Json body = Json::array();
    for (const auto& command : list.commands()) {
        if (!is_name(command.name()) || body.size() >= Interactions::most_commands) continue;
        std::string description = command.description().substr(
            0, bytes_within(command.description(), longest_description, Measure::bytes));
        if (description.empty()) description = command.name();
        Json entry = {{"name", command.name()}, {"description", description}, {"type", 1}};
        if (command.takes_text())
            entry["options"] = {{{"type", 3},
                                 {"name", "text"},
                                 {"description", "What the command is about"},
                                 {"required", false}}};
        body.push_back(std::move(entry));
    }
    return body;
}

Interactions::Interactions(Parts parts) : parts_(std::move(parts)) {}

void Interactions::learn(const CommandList& list) {
    learn_again_.reset();
    if (!parts_.settings.native_commands && !parts_.settings.clears_commands) return;
    const Json body = parts_.settings.native_commands ? commands_body(list) : Json::array();
    if (static_cast<size_t>(list.commands_size()) > most_commands)
        log_warn("discord: {} commands exceeds limit; the first {} are registered",
                 list.commands_size(), body.size());
    const std::string digest = digest_of(print_json(body));
    if (parts_.digest() == digest || parts_.bot.application_id.empty()) return;
    RestRequest request;
    request.method = "PUT";
    request.route = "/applications/{application}/commands";
    request.path = "/applications/" + parts_.bot.application_id + "/commands";
    request.major = parts_.bot.application_id;
    request.body = body;
    const size_t count = body.size();
    parts_.rest.send(std::move(request), [this, list, digest, count](const RestAnswer& answer) {
        if (answer.is_ok()) {
            log_info("discord: {} commands are registered", count);
            return parts_.keep_digest(digest);
        }
        log_warn("commands were not registered: {}", answer.error);
        if (!answer.is_transient()) return;
        const std::chrono::milliseconds wait(std::max(answer.retry_after_ms, least_learn_again_ms));
        // A copy: who learns anew lets go of this timer.
        learn_again_ = parts_.loop.after(wait, [this, list] { learn(CommandList(list)); });
    });
}

void Interactions::respond(const Interaction& interaction, int type, Json data,
                           Rest::Handler handler) {
    RestRequest request;
    request.method = "POST";
    request.route = "/interactions/{interaction}/{token}/callback";
    request.path = "/interactions/" + interaction.id + "/" + interaction.token + "/callback";
    request.major = interaction.id;
    request.body = {{"type", type}};
    if (!data.is_null()) request.body["data"] = std::move(data);
    request.is_interaction = true;
    request.with_token = false;
    request.timeout = response_timeout;
    parts_.rest.send(std::move(request), std::move(handler));
}

void Interactions::take(const Interaction& interaction, uint64_t sequence) {
    if (interaction.id.empty() || interaction.token.empty()) return;
    if (!seen_.add(interaction.id)) return;  // repeated after a resume
    switch (interaction.type) {
        case Interaction::autocomplete:
            return respond(interaction, choices, {{"choices", Json::array()}}, {});
        case Interaction::component:
            return respond(interaction, deferred_update, {}, {});
        case Interaction::command:
            if (!interaction.channel_id.empty()) break;
            return log_warn("the command /{} comes from no channel and is passed over",
                            interaction.name);
        default:
            return;
    }
    // At once: Discord waits three seconds, the agent may take longer.
    const Ticket ticket = parts_.sequences.begin(sequence);
    respond(interaction, deferred_message, {{"flags", ephemeral}},
            [this, interaction, ticket](const RestAnswer& answer) {
                deferred(interaction, ticket, answer);
            });
}

void Interactions::deferred(const Interaction& interaction, Ticket ticket,
                            const RestAnswer& answer) {
    if (answer.is_ok() || answer.code == answered_already) return offer(interaction, ticket);
    parts_.sequences.finish(ticket);
    if (answer.code != unknown_interaction)
        log_warn("the command /{} could not be answered: {}", interaction.name, answer.error);
}

void Interactions::offer(const Interaction& interaction, Ticket ticket) {
    Where where;
    const bool is_known =
        parts_.finder.find(interaction.guild_id, interaction.channel_id, where,
                           [this, interaction, ticket] { offer(interaction, ticket); });
    if (!is_known) return;
    if (where.is_direct() && !parts_.agent.allow_list()) {
        // Friends are not told from strangers yet.
        say(interaction, busy);
        return parts_.sequences.finish(ticket);
    }
    const Sender sender{interaction.user.id, interaction.user.username, interaction.roles};
    const PlaceRules rules =
        rules_for(parts_.settings, parts_.bot, parts_.inbox.paired(), where, sender);
    channel::GateFacts facts;
    facts.in_group = !where.is_direct();
    facts.sender_id = sender.id;
    facts.sender_name = sender.username;
    facts.was_mentioned = true;
    facts.is_command = true;
    const channel::Ruling ruling = channel::judge(rules.gate, facts);
    const bool is_welcome = ruling.verdict == channel::Verdict::pass && ruling.may_command;
    if (!is_welcome) {
        log_info("discord: refused the command /{} of {}: {}", interaction.name, sender.id,
                 ruling.reason);
        say(interaction, not_authorized);
        return parts_.sequences.finish(ticket);
    }
    hardshell::proto::InboundMessage message = message_of(interaction, where);
    open(interaction);
    offered_[message.key()] = ticket;
    if (parts_.agent.offer(message)) return;
    say(interaction, busy);
    accepted(message.key());
}

void Interactions::accepted(const std::string& key) {
    const auto found = offered_.find(key);
    if (found == offered_.end()) return;
    parts_.sequences.finish(found->second);
    offered_.erase(found);
}

std::string Interactions::open(const Interaction& interaction) {
    tidy();
    const std::string id = id_of(interaction);
    open_[id] = {
        interaction.application_id.empty() ? parts_.bot.application_id : interaction.application_id,
        interaction.token, boottime_ms() + token_lifetime_ms};
    return id;
}

void Interactions::say(const Interaction& interaction, const std::string& text) {
    const std::string id = open(interaction);
    answer(id, text, [this, id](const RestAnswer&) { forget(id); });
}

bool Interactions::is_command(std::string_view message_id) {
    return message_id.starts_with(id_prefix);
}

bool Interactions::knows(const std::string& message_id) const {
    const auto found = open_.find(message_id);
    return found != open_.end() && found->second.until_ms > boottime_ms();
}

void Interactions::answer(const std::string& message_id, const std::string& text,
                          Rest::Handler handler) {
    const Open& open = open_.at(message_id);
    RestRequest request;
    request.method = "POST";
    request.route = "/webhooks/{application}/{token}";
    request.path = "/webhooks/" + open.application + "/" + open.token;
    request.major = open.application + "/" + open.token;
    request.body = {
        {"content", text}, {"flags", ephemeral}, {"allowed_mentions", allowed_mentions()}};
    request.with_token = false;
    parts_.rest.send(std::move(request), std::move(handler));
}

void Interactions::tidy() {
    const int64_t now = boottime_ms();
    std::erase_if(open_, [&](const auto& entry) { return entry.second.until_ms < now; });
    while (open_.size() >= most_open) open_.erase(open_.begin());
}

}  // namespace discord
