// Takes updates, lets through what may pass, and offers it to the agent, in the order of each chat.
//
// Promises: every update is settled exactly once: at once when nothing is to be done about it, else
// when the agent has it on its disk. Whatever is under way dies with the process and comes again
// from Telegram.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "workers/common/channel/agent_link.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/gatherer.h"
#include "workers/telegram/group_history.h"
#include "workers/telegram/inbound.h"
#include "workers/telegram/media_fetch.h"
#include "workers/telegram/sent_messages.h"

namespace telegram {

class Inbox {
  public:
    struct Parts {
        Loop& loop;
        BotApi& api;
        Pace& pace;
        channel::AgentLink& agent;
        const Settings& settings;
        const Bot& bot;
        const SentMessages& sent;
        Naming named;
        channel::MediaPlace media;
        std::function<void(int64_t update_id)> settle;
        std::function<void()> took_one;  // for the account's status
        // A group has another id now; `done` when nobody needs to be told again.
        std::function<void(const std::string& from, const std::string& to,
                           std::function<void()> done)>
            moved;
    };
    explicit Inbox(Parts parts);

    void take(const Update& update);
    // From the link: the agent has it.
    void accepted(const std::string& key);
    // From the link: it has room again.
    void room();
    // From the link: who was approved by pairing.
    void approved(const std::vector<std::string>& ids);
    void release_memory() { history_.clear(); }
    size_t waiting() const { return offered_.size(); }

  private:
    struct Entry {
        hardshell::proto::InboundMessage message;
        std::vector<int64_t> updates;
        size_t files_left = 0;
    };
    using EntryOf = std::shared_ptr<Entry>;  // shared with the files being fetched

    Judged judged(const Message& message) const;
    void take_message(Gathered gathered);
    void take_edit(const Update& update);
    void take_reaction(const Update& update);
    void take_callback(const Update& update);
    void take_member(const Update& update);
    void decide(const Gathered& gathered, Judged judged);
    void pair(const Gathered& gathered);
    void tell_code(const Message& message, const hardshell::proto::PairingCode& code);
    void say_code(const Json& params, int tries);
    void pass(const Gathered& gathered, const Judged& judged);
    void fetch_files(const std::string& chat, const EntryOf& entry, const Message& message);
    void enqueue(const std::string& chat, const EntryOf& entry);
    void offer(const std::string& chat);
    bool offer_one(Entry& entry);
    void settle_all(const std::vector<int64_t>& updates);

    Parts parts_;
    Gatherer gatherer_;
    MediaFetch media_;
    GroupHistory history_;
    channel::AllowList paired_;
    std::map<std::string, std::deque<EntryOf>> chats_;
    std::map<std::string, std::vector<int64_t>> offered_;    // by key
    std::map<std::string, Loop::Registration> codes_again_;  // by chat
};

}  // namespace telegram
