// What a person sees while the assistant works: an acknowledging reaction, "typing", a draft of the
// answer. All of it may be lost; none of it is waited for.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "workers/agent/channels/turns.h"

namespace agent {

// When "typing" is shown.
enum class TypingMode { never, instant, message };
TypingMode typing_mode(const AgentConfig& config, const ChannelTurn& turn);
// The emoji put to a message that is being answered; empty: none.
std::string ack_emoji(const AgentConfig& config, const ChannelTurn& turn);
bool shows_drafts(const AgentConfig& config, const ChannelTurn& turn);

class TurnSigns final : public TurnWatcher {
  public:
    struct Services {
        Loop& loop;
        const AgentConfig& config;
        std::function<int64_t()> now_ms;
        std::function<Done(const std::string& worker, const hardshell::proto::AgentToChannel&)>
            send;
    };
    explicit TurnSigns(Services services);

    void turn_accepted(const ChannelTurn& turn) override;
    std::string turn_ended(const ChannelTurn& turn) override;
    void draft_is_over(const ChannelTurn& turn, const std::string& draft_id) override;
    // Of any run; those of no channel are none of its business.
    void run_started(const std::string& run_id);
    void run_says(const std::string& run_id, const std::string& text);
    // A message of the turn has arrived, which ends "typing" on some platforms: it goes on.
    void part_arrived(const std::string& run_id);
    bool knows(const std::string& run_id) const { return shown_.contains(run_id); }

    // Channels end it after two minutes, so that it does not outlive what goes on; what a run says
    // lets it go on, told no more often than this.
    static constexpr int64_t typing_again_ms = 60'000;
    static constexpr int64_t draft_every_ms = 300;

  private:
    struct Shown {
        ChannelTurn turn;
        TypingMode mode = TypingMode::never;
        bool typing = false;
        int64_t last_typing_ms = 0;
        std::string emoji;
        std::string draft_id;  // empty: none is shown
        int64_t last_draft_ms = 0;
    };
    void type(Shown& shown, bool on);
    void react(const Shown& shown, bool remove);
    void send(const ChannelTurn& turn, const hardshell::proto::AgentToChannel& message);
    std::string draft_id_of(const ChannelTurn& turn) const;

    Services services_;
    std::map<std::string, Shown> shown_;  // by run id
};

class BlockStreams;

// The clients' events, on their way past the signs and the blocks of answers.
class TurnEvents final : public EventSink {
  public:
    explicit TurnEvents(EventSink& clients) : clients_(clients) {}
    // Null: nobody looks.
    void look(TurnSigns* signs, BlockStreams* blocks) {
        signs_ = signs;
        blocks_ = blocks;
    }

    void emit(const Event& event) override;
    void run_turns_to_tools(const std::string& run_id, const std::string& text) override;
    void run_ended(const std::string& run_id) override { clients_.run_ended(run_id); }

  private:
    EventSink& clients_;
    TurnSigns* signs_ = nullptr;
    BlockStreams* blocks_ = nullptr;
};

}  // namespace agent
