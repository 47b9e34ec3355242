// A channel's end of the link to the agent: what both channels would otherwise write twice.
//
// Promises: a message that offer() took is offered until the agent has it on its disk, across any
// number of lives of the agent; a delivery is handed over once, however often the agent repeats
// it; a part is given to the platform only after the agent has noted that it may be. Does not
// survive its own process: what a channel was not told to be accepted, the platform must be asked
// for again.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/common/channel/delivery_ledger.h"
#include "workers/common/link.h"

namespace channel {

namespace proto = hardshell::proto;

class AgentLink {
  public:
    struct Options {
        std::string channel;  // "telegram"
        std::string account;  // "default", "ops"
        // Discord's nonce. Without it a delivery of which nobody knows whether it arrived is
        // reported lost, and not handed over again.
        bool platform_drops_repetitions = false;
        size_t most_messages = 1'000;
        size_t most_bytes = 8u << 20;
        // After so long without an acceptance everything is offered again.
        std::chrono::milliseconds patience{15'000};
    };
    // What the channel does about it. All optional, but what is not handled is lost.
    struct Handlers {
        std::function<void(const std::string& key)> accepted;  // the platform may be told
        std::function<void()> room;  // offer() refused before; now it would not
        std::function<void(const proto::DeliverMessage&)> deliver;
        // Whether this one, of which nobody knows whether it arrived, can be given to the platform
        // again without harm.
        std::function<bool(const proto::DeliverMessage&)> may_repeat;
        std::function<void(const proto::ChangeMessage&)> change;
        std::function<void(const proto::ShowTyping&)> typing;
        std::function<void(const proto::SetReaction&)> reaction;
        std::function<void(const proto::ShowDraft&)> draft;
        std::function<void()> allow_list;
        std::function<void(const proto::CommandList&)> commands;
        // Answer with probed().
        std::function<void(uint64_t id, std::chrono::milliseconds timeout)> probe;
        std::function<void()> log_out;
        // Answer with answer_call().
        std::function<void(const proto::WorkerCall&)> call;
        // The agent has begun a new life: what an earlier one had called is not waited for.
        std::function<void()> agent_renewed;
    };
    using PairingAnswer = std::function<void(const proto::PairingCode&)>;

    AgentLink(Loop& loop, std::unique_ptr<Link> link, Options options);
    ~AgentLink();
    AgentLink(const AgentLink&) = delete;
    AgentLink& operator=(const AgentLink&) = delete;

    // From here on the agent is spoken to.
    void start(Handlers handlers);

    // Takes a message, to be offered in this order; one with a key that still waits is taken as
    // that one. busy when there is no room: ask the platform again later, see Handlers::room.
    Done offer(const proto::InboundMessage& message);
    bool has_room() const;
    size_t unaccepted() const { return waiting_.size(); }

    // Calls `go` once the agent has noted that the part may be with the platform from now on; give
    // it to the platform then and not before. Never called for a delivery settled meanwhile.
    void begin_part(const std::string& delivery_id, uint32_t part, uint32_t parts,
                    std::function<void()> go);
    // What came of the part: SENT, LATER, REFUSED or LOST. The last part sent, REFUSED and LOST
    // settle the delivery; after LATER the agent hands it over again, from that part on.
    void report(const proto::DeliveryReport& report);

    // Asks for the code of a stranger; an empty one: say nothing.
    void want_pairing(const proto::Person& sender, const proto::Place& place, PairingAnswer answer);
    // Who was approved by pairing. Not known before the agent has said it once: judge no stranger
    // so long.
    const std::optional<std::vector<std::string>>& allow_list() const { return allow_list_; }
    // Whether the bot has to be named there, as it was chosen by command; nothing: as the owner's
    // configuration has it. Known as soon as the allow list is.
    std::optional<bool> needs_mention(const std::string& chat_id,
                                      const std::string& thread_id = {}) const;

    // Kept, and told again to each life of the agent.
    void set_status(const proto::AccountStatus& status);
    void probed(uint64_t id, const std::string& result_json);
    void answer_call(const proto::WorkerAnswer& answer);
    void reacted(const proto::InboundReaction& reaction);
    // Kept, too: an agent may end before it has heard of it.
    void chat_moved(const std::string& from_chat_id, const std::string& to_chat_id);

    const Link& link() const { return *link_; }

  private:
    struct Waiting {
        proto::InboundMessage message;
        size_t size;
    };
    struct Beginning {
        proto::DeliveryReport report;
        std::function<void()> go;
    };
    struct Stranger {
        proto::PairingWanted question;
        PairingAnswer answer;
    };

    void take(std::string_view frame);
    void say_up(bool answers);
    void agent_up(bool answers);
    void accepted(const std::string& key);
    void offer_more();
    void offer_again();
    void deliver(const proto::DeliverMessage& message);
    void change(const proto::ChangeMessage& message);
    void settle_unasked(const proto::DeliverMessage& message);
    void noted(const proto::SendingNoted& note);
    void pairing_answered(const proto::PairingCode& code);
    void learn_allow_list(const proto::AllowList& list);
    void learn_activations(const proto::GroupActivations& list);
    void check_patience();
    void say_moved(const std::string& from_chat_id, const std::string& to_chat_id);
    void send(const proto::ChannelToAgent& message);

    std::unique_ptr<Link> link_;
    Options options_;
    Handlers handlers_;
    std::deque<Waiting> waiting_;
    size_t waiting_bytes_ = 0;
    size_t offered_ = 0;  // of waiting_, from its front
    bool refused_one_ = false;
    bool heard_since_check_ = false;
    DeliveryLedger ledger_;
    std::map<std::string, Beginning> beginnings_;  // by delivery
    std::map<uint64_t, Stranger> strangers_;
    uint64_t last_stranger_ = 0;
    std::optional<std::vector<std::string>> allow_list_;
    // By chat and thread.
    std::map<std::pair<std::string, std::string>, bool> needs_mention_;
    std::optional<proto::AccountStatus> status_;
    std::map<std::string, std::string> moved_chats_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls in progress
    Loop::Registration patience_;
};

}  // namespace channel
