// What the assistant says, from the agent to Discord: in order per channel, part by part.
//
// Promises: a part is given to Discord only after the agent has noted it, with a nonce that makes a
// repetition harmless; what Discord does not take now is tried again for a while and then put off;
// each part ends in one report. What is said to a forum itself opens a post of its own there.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/channel/agent_link.h"
#include "workers/discord/interactions.h"
#include "workers/discord/outbox_parts.h"
#include "workers/discord/places.h"
#include "workers/discord/rest.h"
#include "workers/discord/seen_ids.h"

namespace discord {

class Outbox {
  public:
    struct Parts {
        Loop& loop;
        const Settings& settings;
        const std::string& bot_id;
        Rest& rest;
        Places& places;
        Interactions& interactions;
        channel::AgentLink& agent;
        std::string state_dir;  // "." for the current one
    };

    explicit Outbox(Parts parts);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    void deliver(const hardshell::proto::DeliverMessage& message);
    void change(const hardshell::proto::ChangeMessage& message);
    void react(const hardshell::proto::SetReaction& reaction);
    // Told of each delivery that is whole with Discord, by its channel.
    void on_delivered(std::function<void(const std::string& channel_id)> handler) {
        on_delivered_ = std::move(handler);
    }
    int64_t last_outbound_ms() const { return last_outbound_ms_; }
    // This process has sent that message, lately.
    bool has_sent(const std::string& message_id) const { return sent_.has(message_id); }
    size_t waiting() const;

  private:
    struct Delivery {
        hardshell::proto::DeliverMessage message;
        std::vector<Part> parts;
        uint32_t next = 0;
        int64_t first_try_ms = 0;  // of the part, on the wall clock
        int64_t begun_ms = 0;      // with it in hand; 0: the agent has not noted it yet
        bool may_be_there = false;
        bool is_for_forum = false;  // Discord says so
        std::string post_id;        // the post of a forum that it has opened
        int failures = 0;
    };
    struct Lane {
        std::deque<std::unique_ptr<Delivery>> deliveries;
        Loop::Registration retry;
        bool is_busy = false;
    };

    void advance(const std::string& lane);
    void begin(const std::string& lane);
    void attempt(const std::string& lane);
    void open_direct_chat(const std::string& lane, const std::string& user_id);
    void look_for(const std::string& lane);
    void send(const std::string& lane);
    void sent(const std::string& lane, const RestAnswer& answer);
    void succeed(const std::string& lane, const std::string& platform_id);
    void retry(const std::string& lane, const RestAnswer& answer);
    void without_file(Delivery& delivery, const std::string& why);
    bool is_to_forum(const Delivery& delivery) const;
    bool opens_post(const Delivery& delivery) const;
    void find_post(Delivery& delivery) const;
    static bool is_follow_up(const Delivery& delivery);
    std::string reply_to(const Delivery& delivery) const;
    std::string channel_of(const Delivery& delivery) const;
    void report(const Delivery& delivery, hardshell::proto::DeliveryReport::Outcome outcome,
                const std::string& platform_id, const std::string& reason,
                uint32_t retry_after_ms = 0);
    void finish(const std::string& lane);

    Parts parts_;
    std::map<std::string, Lane> lanes_;
    std::map<std::string, std::string> direct_chats_;  // channel by user
    // When the part at hand of a delivery that was put off was first tried, if it may have arrived.
    std::map<std::string, int64_t> doubtful_;
    SeenIds sent_;  // messages
    std::function<void(const std::string&)> on_delivered_;
    int64_t last_outbound_ms_ = 0;
};

}  // namespace discord
