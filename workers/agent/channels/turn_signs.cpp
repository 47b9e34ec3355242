#include "workers/agent/channels/turn_signs.h"

#include <string_view>

#include "workers/agent/channels/block_streams.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToChannel;
using hardshell::proto::Place;

namespace {

bool is_direct(const ChannelTurn& turn) {
    return turn.message.place().kind() == Place::DIRECT;
}

struct AckScope {
    std::string_view name;
    bool direct;
    bool group_when_named;
    bool group;
};
constexpr AckScope ack_scopes[] = {
    // scope, direct chats, groups where it has to be named and was, all groups
    {"group-mentions", false, true, false}, {"group-all", false, true, true},
    {"direct", true, false, false},         {"all", true, true, true},
    {"off", false, false, false},
};

bool acknowledges(std::string_view scope, const ChannelTurn& turn) {
    for (const AckScope& row : ack_scopes) {
        if (row.name != scope) continue;
        if (is_direct(turn)) return row.direct;
        const bool was_named = turn.message.was_mentioned() && !turn.message.needs_no_mention();
        return row.group || (row.group_when_named && was_named);
    }
    return false;
}

constexpr const char* usual_emoji = "👀";

}  // namespace

TypingMode typing_mode(const AgentConfig& config, const ChannelTurn& turn) {
    std::string mode = text_member(member(config.json(), "session"), "typingMode");
    if (mode.empty()) mode = text_member(member_at(config.json(), "agents.defaults"), "typingMode");
    if (mode == "never") return TypingMode::never;
    if (mode == "instant" || mode == "thinking") return TypingMode::instant;
    if (mode == "message") return TypingMode::message;
    return is_direct(turn) || turn.message.was_mentioned() ? TypingMode::instant
                                                           : TypingMode::message;
}

std::string ack_emoji(const AgentConfig& config, const ChannelTurn& turn) {
    const Json& messages = member(config.json(), "messages");
    const std::string scope = text_member(messages, "ackReactionScope", "group-mentions");
    if (!acknowledges(scope, turn) || turn.message.message_id().empty()) return {};
    const Json& configured = member(messages, "ackReaction");
    if (configured.is_string() && configured.get_ref<const std::string&>().empty()) return {};
    const AgentEntry* entry = config.agent(turn.route.agent);
    const std::string own = entry ? text_member(entry->identity, "emoji") : "";
    if (!own.empty()) return own;
    return configured.is_string() ? configured.get<std::string>() : usual_emoji;
}

bool shows_drafts(const AgentConfig& config, const ChannelTurn& turn) {
    if (turn.account.channel != "telegram" || !is_direct(turn)) return false;
    const Json& mode = channel_setting(config.json(), turn.account, "streamMode");
    return !mode.is_string() || mode != "off";
}

TurnSigns::TurnSigns(Services services) : services_(std::move(services)) {}

void TurnSigns::turn_accepted(const ChannelTurn& turn) {
    Shown& shown = shown_[turn.run_id];
    shown.turn = turn;
    shown.turn.row.message.clear();
    shown.mode = typing_mode(services_.config, turn);
    shown.emoji = ack_emoji(services_.config, turn);
    shown.draft_id = draft_id_of(turn);
    if (!shown.emoji.empty()) react(shown, false);
}

void TurnSigns::run_started(const std::string& run_id) {
    const auto found = shown_.find(run_id);
    if (found == shown_.end() || found->second.mode != TypingMode::instant) return;
    type(found->second, true);
}

void TurnSigns::run_says(const std::string& run_id, const std::string& text) {
    const auto found = shown_.find(run_id);
    if (found == shown_.end()) return;
    Shown& shown = found->second;
    const int64_t now = services_.now_ms();
    const bool is_fresh = shown.typing && now - shown.last_typing_ms < typing_again_ms;
    if (!is_fresh && shown.mode != TypingMode::never) type(shown, true);
    if (shown.draft_id.empty() || now - shown.last_draft_ms < draft_every_ms) return;
    const ChannelReply so_far = channel_reply(text);
    if (so_far.text.empty()) return;
    shown.last_draft_ms = now;
    AgentToChannel message;
    auto& draft = *message.mutable_draft();
    draft.set_draft_id(shown.draft_id);
    *draft.mutable_place() = shown.turn.message.place();
    draft.set_text(so_far.text);
    send(shown.turn, message);
}

void TurnSigns::part_arrived(const std::string& run_id) {
    const auto found = shown_.find(run_id);
    if (found != shown_.end() && found->second.typing) type(found->second, true);
}

// The same for each life of the agent that comes to the turn.
std::string TurnSigns::draft_id_of(const ChannelTurn& turn) const {
    const bool is_shown =
        shows_drafts(services_.config, turn) && !block_settings(services_.config, turn).on;
    return is_shown ? turn.run_id : std::string();
}

std::string TurnSigns::turn_ended(const ChannelTurn& turn) {
    const auto found = shown_.find(turn.run_id);
    if (found == shown_.end()) return draft_id_of(turn);
    Shown shown = std::move(found->second);
    shown_.erase(found);
    if (shown.typing) type(shown, false);
    if (!shown.emoji.empty() &&
        bool_member(member(services_.config.json(), "messages"), "removeAckAfterReply"))
        react(shown, true);
    return shown.draft_id;
}

void TurnSigns::draft_is_over(const ChannelTurn& turn, const std::string& draft_id) {
    if (draft_id.empty()) return;
    AgentToChannel message;
    message.mutable_draft()->set_draft_id(draft_id);
    *message.mutable_draft()->mutable_place() = turn.message.place();
    message.mutable_draft()->set_is_over(true);
    send(turn, message);
}

void TurnSigns::type(Shown& shown, bool on) {
    shown.typing = on;
    if (on) shown.last_typing_ms = services_.now_ms();
    AgentToChannel message;
    *message.mutable_typing()->mutable_place() = shown.turn.message.place();
    message.mutable_typing()->set_on(on);
    send(shown.turn, message);
}

void TurnSigns::react(const Shown& shown, bool remove) {
    AgentToChannel message;
    auto& reaction = *message.mutable_reaction();
    *reaction.mutable_place() = shown.turn.message.place();
    reaction.set_message_id(shown.turn.message.message_id());
    reaction.set_emoji(shown.emoji);
    reaction.set_remove(remove);
    send(shown.turn, message);
}

void TurnSigns::send(const ChannelTurn& turn, const AgentToChannel& message) {
    if (const Done done = services_.send(turn.row.worker, message); !done)
        log_debug("{} is not told what goes on: {}", turn.row.worker, done.error().what);
}

void TurnEvents::emit(const Event& event) {
    clients_.emit(event);
    const std::string_view name = event.name;
    if (blocks_ && blocks_->knows(event.run_id) && name == "agent" &&
        text_view(event.payload, "stream") == "assistant")
        blocks_->run_says(event.run_id, text_member(member(event.payload, "data"), "text"));
    if (!signs_ || !signs_->knows(event.run_id)) return;
    if (name == "agent" && text_view(event.payload, "stream") == "lifecycle" &&
        text_view(member(event.payload, "data"), "phase") == "start")
        signs_->run_started(event.run_id);
    if (name == "chat" && text_view(event.payload, "state") == "delta")
        signs_->run_says(event.run_id, message_text(member(event.payload, "message")));
}

void TurnEvents::run_turns_to_tools(const std::string& run_id, const std::string& text) {
    clients_.run_turns_to_tools(run_id, text);
    if (blocks_) blocks_->run_turns_to_tools(run_id, text);
}

}  // namespace agent
