// Delivers the agent's replies: part by part, in each chat's order, at Telegram's pace.
//
// Promises: a part is given to Telegram at most once, after the agent has noted it, and what came
// of it is reported. What may have arrived and was not confirmed is reported lost, never repeated.
// Edits are the exception: they can be repeated without harm, and are.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/channel/agent_link.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/drafts.h"
#include "workers/telegram/pace.h"
#include "workers/telegram/parts.h"
#include "workers/telegram/sent_messages.h"
#include "workers/telegram/typing.h"

namespace telegram {

class Outbox {
  public:
    struct Parts {
        Loop& loop;
        BotApi& api;
        Pace& pace;
        channel::AgentLink& agent;
        const Settings& settings;
        Drafts& drafts;
        Typing& typing;
        SentMessages& sent;
        std::string state_dir;
        std::function<void()> sent_one;           // for the account's status
        std::function<void(const Error&)> fatal;  // the token was refused
        std::function<void(const std::string& from, const std::string& to)> moved;  // a group
    };
    explicit Outbox(Parts parts);

    void deliver(const hardshell::proto::DeliverMessage& message);
    void change(const hardshell::proto::ChangeMessage& message);
    void react(const hardshell::proto::SetReaction& reaction);
    // Nothing is begun any more; `done` when what was begun has ended.
    void stop(std::function<void()> done);

  private:
    struct Job {
        hardshell::proto::DeliverMessage message;
        std::vector<Part> parts;
        uint32_t at = 0;            // the part that is next
        std::string chat_id;        // changes when the group becomes another
        std::string draft_message;  // the message that shows the draft, to be edited
        bool asked_for_draft = false;
        bool as_plain = false;      // this part's HTML was refused
        bool as_file = false;       // this part's voice was refused
        bool as_document = false;   // this part's picture, video or sound was refused
        bool without_file = false;  // and as a document, too
        int tries = 0;              // of an edit
    };
    using JobOf = std::shared_ptr<Job>;  // shared with the call that is under way for it
    struct Chat {
        std::deque<JobOf> jobs;
        bool is_busy = false;
        Loop::Registration timer;
    };

    void step(const std::string& chat);
    void begin(const std::string& chat, const JobOf& job);
    void send(const std::string& chat, const JobOf& job);
    void send_text(const std::string& chat, const JobOf& job, Json frame);
    void send_edit(const std::string& chat, const JobOf& job);
    void send_file(const std::string& chat, const JobOf& job, Json frame);
    void send_without_file(const std::string& chat, const JobOf& job, Json frame);
    BotApi::Handler answer_for(const std::string& chat, const JobOf& job);
    void answered(const std::string& chat, const JobOf& job, const ApiAnswer& answer);
    void part_sent(const std::string& chat, const JobOf& job, const std::string& message_id);
    bool recovers(const std::string& chat, const JobOf& job, const ApiFailure& failure);
    void without_draft(Job& job);
    void part_failed(const std::string& chat, const JobOf& job, const ApiFailure& failure);
    void put_off(const std::string& chat, std::chrono::milliseconds wait,
                 const std::string& reason);
    void leave(const std::string& chat);
    void report(const Job& job, hardshell::proto::DeliveryReport::Outcome outcome,
                const std::string& reason, std::chrono::milliseconds wait = {});
    void change_answered(const hardshell::proto::ChangeMessage& message, const ApiAnswer& answer,
                         int tries);
    void ask_change(const hardshell::proto::ChangeMessage& message, int tries);
    void check_stopped();
    void react_next();

    Parts parts_;
    std::map<std::string, Chat> chats_;
    std::deque<hardshell::proto::SetReaction> reactions_;  // that wait for their turn
    Loop::Registration next_reaction_;
    std::function<void()> stopped_;
};

// What of Telegram's refusals has another way out. Pure.
bool is_parse_failure(const ApiFailure& failure);
bool is_empty_text(const ApiFailure& failure);
bool is_file_failure(const ApiFailure& failure);
// For people: with the likely causes where there are some.
std::string refusal_text(const ApiFailure& failure);

}  // namespace telegram
