// What people write, from the gateway to the agent.
//
// Each channel has a lane: its messages are looked at, their files fetched, and offered to the
// agent one after the other. Promises: a message that passes the gate is the agent's before its
// number counts as done, or its number stays open; nothing is offered twice by one process.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/channel/agent_link.h"
#include "workers/common/channel/mention_patterns.h"
#include "workers/common/https_client.h"
#include "workers/discord/admission.h"
#include "workers/discord/media_fetch.h"
#include "workers/discord/place_finder.h"
#include "workers/discord/places.h"
#include "workers/discord/rest.h"
#include "workers/discord/seen_ids.h"
#include "workers/discord/sequence_ledger.h"

namespace discord {

// As the agent is told it.
hardshell::proto::Place place_of(const Where& where);

class Inbox {
  public:
    // Beyond so many that are not the agent's yet, Discord has to keep what comes.
    static constexpr size_t most_unsettled = 1'500;

    struct Parts {
        Loop& loop;
        const Settings& settings;
        const Bot& bot;
        Rest& rest;
        Places& places;
        PlaceFinder& finder;
        MediaFetch& media;
        channel::AgentLink& agent;
        SequenceLedger& sequences;
        const channel::MentionPatterns& calls;  // besides the bot's own name
    };

    explicit Inbox(Parts parts);
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    void take(const Message& message, uint64_t sequence);
    void take(const Reaction& reaction, bool removed);

    // From the agent's link.
    void accepted(const std::string& key);
    void room();                // more may be offered
    void learned_allow_list();  // strangers can be told from friends

    // Offered to the agent, not accepted yet.
    bool waits_for_agent() const { return !offered_.empty(); }
    size_t unsettled() const { return unsettled_; }
    bool is_full() const { return unsettled_ >= most_unsettled; }
    int64_t last_inbound_ms() const { return last_inbound_ms_; }
    // What can be told again is let go of.
    void shed();

    channel::AllowList paired() const;

  private:
    struct Item {
        Message message;
        SequenceLedger::Ticket ticket = 0;
        bool was_judged = false;
        hardshell::proto::InboundMessage offer;
        bool is_ready = false;
    };
    struct Lane {
        std::deque<std::unique_ptr<Item>> items;
        std::unique_ptr<MediaFetch::Call> fetch;
        bool is_waiting = false;  // for an answer of Discord's
    };

    void advance(const std::string& lane);
    // False: it waits for something.
    bool step(const std::string& lane, Item& item);
    bool judge(const std::string& lane, Item& item, const Where& where);
    void pair(const std::string& lane, const Where& where);
    void judge_anew(Item item);
    void tell_code(const Message& message, const hardshell::proto::PairingCode& code);
    void say_code(const std::string& channel_id, const std::string& user, const std::string& code,
                  int tries);
    void remember(const Item& item, const std::string& text);
    void begin_offer(Item& item, const Where& where, const PlaceRules& rules,
                     const Addressing& addressing, const channel::Ruling& ruling);
    bool fetch_files(const std::string& lane, Item& item);
    bool open_thread(const std::string& lane, Item& item, const Where& where,
                     const std::string& text);
    void settle(const std::string& lane);
    void ask_author(const Reaction& reaction, bool removed);

    Parts parts_;
    SeenIds seen_;
    std::map<std::string, Lane> lanes_;
    std::map<std::string, SequenceLedger::Ticket> offered_;   // by key
    std::map<std::string, std::deque<std::string>> history_;  // by channel
    std::deque<std::string> history_order_;
    std::vector<std::string> strangers_;                     // lanes that wait for the allow list
    std::map<std::string, Loop::Registration> codes_again_;  // by person
    size_t unsettled_ = 0;
    int64_t last_inbound_ms_ = 0;
    size_t authors_asked_ = 0;  // of messages that were reacted to
};

}  // namespace discord
