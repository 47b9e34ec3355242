// Native commands: registered with Discord, answered in time, handed to the agent as messages, and
// the agent's words sent back to whoever gave them.
//
// Promises: a command that was let in is the agent's before its number counts as done, or its
// number stays open and it comes again to the next process.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "workers/common/channel/agent_link.h"
#include "workers/discord/admission.h"
#include "workers/discord/inbox.h"
#include "workers/discord/place_finder.h"
#include "workers/discord/rest.h"
#include "workers/discord/seen_ids.h"

namespace discord {

class Interactions {
  public:
    struct Parts {
        Loop& loop;
        const Settings& settings;
        const Bot& bot;
        Rest& rest;
        channel::AgentLink& agent;
        SequenceLedger& sequences;
        PlaceFinder& finder;
        const Inbox& inbox;
        // What Discord was last told, and that it was told something else.
        std::function<std::string()> digest;
        std::function<void(const std::string&)> keep_digest;
    };
    static constexpr size_t most_commands = 100;
    static constexpr size_t most_open = 500;

    explicit Interactions(Parts parts);
    Interactions(const Interactions&) = delete;
    Interactions& operator=(const Interactions&) = delete;

    // All there are; Discord is told when they differ from what it knows.
    void learn(const hardshell::proto::CommandList& list);
    void take(const Interaction& interaction, uint64_t sequence);
    // From the agent's link.
    void accepted(const std::string& key);

    // `message_id` is that of an interaction, of whatever process.
    static bool is_command(std::string_view message_id);
    // It is one which can still be answered.
    bool knows(const std::string& message_id) const;
    void answer(const std::string& message_id, const std::string& text, Rest::Handler handler);
    // Discord takes no answer to it any more.
    void forget(const std::string& message_id) { open_.erase(message_id); }

  private:
    struct Open {
        std::string application;
        std::string token;
        int64_t until_ms = 0;  // on the clock that runs on while the machine sleeps
    };
    using Ticket = SequenceLedger::Ticket;

    void respond(const Interaction& interaction, int type, Json data, Rest::Handler handler);
    void deferred(const Interaction& interaction, Ticket ticket, const RestAnswer& answer);
    void offer(const Interaction& interaction, Ticket ticket);
    std::string open(const Interaction& interaction);
    void say(const Interaction& interaction, const std::string& text);
    void tidy();

    Parts parts_;
    std::map<std::string, Open> open_;       // by message id
    std::map<std::string, Ticket> offered_;  // by key
    SeenIds seen_;
    Loop::Registration learn_again_;
};

// The list as the API takes it.
Json commands_body(const hardshell::proto::CommandList& list);

}  // namespace discord
