#include "workers/common/channel/agent_link.h"

#include <algorithm>

#include "workers/common/log.h"

namespace channel {

using proto::AgentToChannel;
using proto::ChannelToAgent;
using proto::DeliveryReport;

namespace {

// Offered and not yet accepted: enough for the agent to write many with one commit, few enough
// for its memory.
constexpr size_t most_offered = 32;
constexpr size_t most_strangers = 64;
constexpr size_t most_moved_chats = 64;

template <typename Handler, typename... Values>
void call(const Handler& handler, const Values&... values) {
    if (handler) handler(values...);
}

}  // namespace

AgentLink::AgentLink(Loop& loop, std::unique_ptr<Link> link, Options options)
    : link_(std::move(link)), options_(std::move(options)) {
    patience_ = loop.every(options_.patience, [this] { check_patience(); });
}

AgentLink::~AgentLink() {
    *alive_ = false;
}

void AgentLink::start(Handlers handlers) {
    handlers_ = std::move(handlers);
    link_->on_message([this](std::string_view frame) { take(frame); });
    say_up(false);
    offer_more();
}

void AgentLink::say_up(bool answers) {
    ChannelToAgent message;
    message.mutable_link_up()->set_channel(options_.channel);
    message.mutable_link_up()->set_account(options_.account);
    message.mutable_link_up()->set_answers(answers);
    send(message);
}

void AgentLink::send(const ChannelToAgent& message) {
    // What does not leave is sent again after the next AgentUp, as all that got lost.
    if (const Done done = link_->send(message); !done)
        log_warn("a message did not reach the agent: {}", done.error().what);
}

void AgentLink::take(std::string_view frame) {
    AgentToChannel message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
        log_warn("a message of the agent could not be read and was dropped");
        return;
    }
    switch (message.message_case()) {
        case AgentToChannel::kLinkUp:
            return agent_up(message.link_up().answers());
        case AgentToChannel::kAccepted:
            return accepted(message.accepted().key());
        case AgentToChannel::kDeliver:
            return deliver(message.deliver());
        case AgentToChannel::kChange:
            return change(message.change());
        case AgentToChannel::kSendingNoted:
            return noted(message.sending_noted());
        case AgentToChannel::kTyping:
            return call(handlers_.typing, message.typing());
        case AgentToChannel::kReaction:
            return call(handlers_.reaction, message.reaction());
        case AgentToChannel::kDraft:
            return call(handlers_.draft, message.draft());
        case AgentToChannel::kPairingCode:
            return pairing_answered(message.pairing_code());
        case AgentToChannel::kAllowList:
            return learn_allow_list(message.allow_list());
        case AgentToChannel::kActivations:
            return learn_activations(message.activations());
        case AgentToChannel::kCommands:
            return call(handlers_.commands, message.commands());
        case AgentToChannel::kLogOut:
            return call(handlers_.log_out);
        case AgentToChannel::kProbe:
            return call(handlers_.probe, message.probe().id(),
                        std::chrono::milliseconds(message.probe().timeout_ms()));
        case AgentToChannel::kCall:
            return call(handlers_.call, message.call());
        case AgentToChannel::MESSAGE_NOT_SET:
            return;  // of a later version
    }
}

// Everything an earlier life of the agent may have taken to its grave.
void AgentLink::agent_up(bool answers) {
    if (!answers) {
        say_up(true);
        call(handlers_.agent_renewed);
    }
    if (status_) set_status(proto::AccountStatus(*status_));
    for (const auto& [from, to] : moved_chats_) say_moved(from, to);
    for (const auto& [id, stranger] : strangers_) {
        ChannelToAgent message;
        *message.mutable_pairing_wanted() = stranger.question;
        send(message);
    }
    for (const auto& [id, beginning] : beginnings_) {
        ChannelToAgent message;
        *message.mutable_report() = beginning.report;
        send(message);
    }
    offer_again();
}

bool AgentLink::has_room() const {
    return waiting_.size() < options_.most_messages && waiting_bytes_ < options_.most_bytes;
}

Done AgentLink::offer(const proto::InboundMessage& message) {
    const bool repeats = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
        return waiting.message.key() == message.key();
    });
    if (repeats) return {};
    if (!has_room()) {
        refused_one_ = true;
        return Error{Fault::busy,
                     fmt::format("{} messages wait for the agent already", waiting_.size())};
    }
    const size_t size = message.ByteSizeLong();
    waiting_.push_back({message, size});
    waiting_bytes_ += size;
    offer_more();
    return {};
}

void AgentLink::offer_more() {
    while (offered_ < waiting_.size() && offered_ < most_offered) {
        ChannelToAgent message;
        *message.mutable_inbound() = waiting_[offered_].message;
        send(message);
        ++offered_;
    }
}

void AgentLink::offer_again() {
    offered_ = 0;
    offer_more();
}

void AgentLink::accepted(const std::string& key) {
    heard_since_check_ = true;
    const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
        return waiting.message.key() == key;
    });
    if (found == waiting_.end()) return;  // accepted before: it was offered twice
    if (static_cast<size_t>(found - waiting_.begin()) < offered_) --offered_;
    waiting_bytes_ -= found->size;
    waiting_.erase(found);
    offer_more();
    const std::shared_ptr<bool> alive = alive_;
    call(handlers_.accepted, key);
    if (!*alive || !refused_one_ || !has_room()) return;
    refused_one_ = false;
    call(handlers_.room);
}

void AgentLink::check_patience() {
    if (offered_ > 0 && !heard_since_check_) offer_again();
    heard_since_check_ = false;
}

void AgentLink::deliver(const proto::DeliverMessage& message) {
    const std::string& id = message.delivery_id();
    switch (ledger_.take(id, message.first_part())) {
        case DeliveryLedger::Verdict::in_hand:
        case DeliveryLedger::Verdict::reported:
            for (const DeliveryReport& made : ledger_.reports(id)) {
                ChannelToAgent again;
                *again.mutable_report() = made;
                send(again);
            }
            return;
        case DeliveryLedger::Verdict::again: {
            // This process put it off itself: it knows that the platform did not get it.
            proto::DeliverMessage known = message;
            known.set_first_part_is_ambiguous(false);
            return call(handlers_.deliver, known);
        }
        case DeliveryLedger::Verdict::fresh:
            if (message.first_part_is_ambiguous() && !options_.platform_drops_repetitions &&
                !(handlers_.may_repeat && handlers_.may_repeat(message)))
                return settle_unasked(message);
            return call(handlers_.deliver, message);
    }
}

void AgentLink::settle_unasked(const proto::DeliverMessage& message) {
    DeliveryReport lost;
    lost.set_delivery_id(message.delivery_id());
    lost.set_part(message.first_part());
    lost.set_outcome(DeliveryReport::LOST);
    lost.set_reason("the process ended while it gave this to " + options_.channel);
    report(lost);
}

void AgentLink::change(const proto::ChangeMessage& message) {
    const std::string& id = message.delivery_id();
    const auto verdict = ledger_.take(id, 0);
    if (verdict == DeliveryLedger::Verdict::fresh || verdict == DeliveryLedger::Verdict::again)
        return call(handlers_.change, message);
    for (const DeliveryReport& made : ledger_.reports(id)) {
        ChannelToAgent again;
        *again.mutable_report() = made;
        send(again);
    }
}

void AgentLink::begin_part(const std::string& delivery_id, uint32_t part, uint32_t parts,
                           std::function<void()> go) {
    DeliveryReport beginning;
    beginning.set_delivery_id(delivery_id);
    beginning.set_part(part);
    beginning.set_parts(parts);
    beginning.set_outcome(DeliveryReport::SENDING);
    beginnings_[delivery_id] = {beginning, std::move(go)};
    ChannelToAgent message;
    *message.mutable_report() = std::move(beginning);
    send(message);
}

void AgentLink::noted(const proto::SendingNoted& note) {
    const auto found = beginnings_.find(note.delivery_id());
    if (found == beginnings_.end() || found->second.report.part() != note.part()) return;
    const auto go = std::move(found->second.go);
    beginnings_.erase(found);
    call(go);
}

void AgentLink::report(const DeliveryReport& report) {
    beginnings_.erase(report.delivery_id());
    ledger_.note(report);
    ChannelToAgent message;
    *message.mutable_report() = report;
    send(message);
}

void AgentLink::want_pairing(const proto::Person& sender, const proto::Place& place,
                             PairingAnswer answer) {
    if (strangers_.size() >= most_strangers) {
        proto::PairingCode none;
        none.set_reason("too many strangers at once");
        return call(answer, none);
    }
    proto::PairingWanted question;
    question.set_id(++last_stranger_);
    *question.mutable_sender() = sender;
    *question.mutable_place() = place;
    strangers_[last_stranger_] = {question, std::move(answer)};
    ChannelToAgent message;
    *message.mutable_pairing_wanted() = std::move(question);
    send(message);
}

void AgentLink::pairing_answered(const proto::PairingCode& code) {
    const auto found = strangers_.find(code.id());
    if (found == strangers_.end()) return;
    const PairingAnswer answer = std::move(found->second.answer);
    strangers_.erase(found);
    call(answer, code);
}

void AgentLink::learn_allow_list(const proto::AllowList& list) {
    allow_list_.emplace(list.entries().begin(), list.entries().end());
    call(handlers_.allow_list);
}

void AgentLink::learn_activations(const proto::GroupActivations& list) {
    needs_mention_.clear();
    for (const auto& group : list.groups())
        needs_mention_[{group.chat_id(), group.thread_id()}] = group.needs_mention();
}

std::optional<bool> AgentLink::needs_mention(const std::string& chat_id,
                                             const std::string& thread_id) const {
    const auto found = needs_mention_.find({chat_id, thread_id});
    return found == needs_mention_.end() ? std::nullopt : std::optional(found->second);
}

void AgentLink::set_status(const proto::AccountStatus& status) {
    status_ = status;
    ChannelToAgent message;
    *message.mutable_status() = status;
    send(message);
}

void AgentLink::probed(uint64_t id, const std::string& result_json) {
    ChannelToAgent message;
    message.mutable_probe_answer()->set_id(id);
    message.mutable_probe_answer()->set_result_json(result_json);
    send(message);
}

void AgentLink::answer_call(const proto::WorkerAnswer& answer) {
    ChannelToAgent message;
    *message.mutable_answer() = answer;
    send(message);
}

void AgentLink::reacted(const proto::InboundReaction& reaction) {
    ChannelToAgent message;
    *message.mutable_reaction() = reaction;
    send(message);
}

void AgentLink::chat_moved(const std::string& from_chat_id, const std::string& to_chat_id) {
    if (moved_chats_.size() >= most_moved_chats) moved_chats_.erase(moved_chats_.begin());
    moved_chats_[from_chat_id] = to_chat_id;
    say_moved(from_chat_id, to_chat_id);
}

void AgentLink::say_moved(const std::string& from_chat_id, const std::string& to_chat_id) {
    ChannelToAgent message;
    message.mutable_chat_moved()->set_from_chat_id(from_chat_id);
    message.mutable_chat_moved()->set_to_chat_id(to_chat_id);
    send(message);
}

}  // namespace channel
