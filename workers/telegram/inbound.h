// From what Telegram says to what the agent is offered. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/channel_agent.pb.h"
#include "workers/telegram/addressing.h"
#include "workers/telegram/settings.h"
#include "workers/telegram/update.h"

namespace telegram {

hardshell::proto::Place place_of(const Chat& chat, const std::string& thread_id);
hardshell::proto::Person person_of(const User& user);

using Naming = std::function<bool(std::string_view text)>;

// Whether it gets through, to whom it speaks, and what the owner says about its place.
struct Judged {
    channel::Ruling ruling;
    Addressing addressing;
    PlaceRules rules;
};
// `named` tells whether a text calls the assistant by another of its names; null: it has none.
// `needs_mention` is what was chosen for the group by command, and goes before its settings.
Judged judge_message(const Settings& settings, const channel::AllowList& paired, const Bot& bot,
                     const Message& message, const Naming& named = {},
                     std::optional<bool> needs_mention = {});

// Everything but attachments and context. Keys are the same however often Telegram repeats itself,
// and differ from those of another bot's messages.
hardshell::proto::InboundMessage inbound_of(const Message& message, const Judged& judged,
                                            const Bot& bot);
// An edit changes what was offered before; its key is of the update, as there may be many.
void mark_edited(hardshell::proto::InboundMessage& inbound, const Bot& bot, int64_t update_id);
// A pressed button speaks as its presser would have, with the button's text.
Message message_of(const Callback& callback);

// "Ann: hello [id:77]", for the history of a group.
std::string history_line(const Message& message, const Addressing& addressing);
// What a stranger is told, once.
std::string pairing_text(const std::string& user_id, const std::string& code);

}  // namespace telegram
