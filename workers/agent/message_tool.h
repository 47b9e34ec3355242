// The tool by which a model sends messages to people, here or elsewhere, and changes or marks those
// that are there.
//
// Promises that a message is written down before it is said to be on its way, and that the same
// call sends it once, in whatever process. A conversation on one channel reaches nobody on another,
// but for the main one: whoever writes there could make the model carry things over. A spawned one
// reaches nobody (`tool_policy`): it tells its result to the conversation that spawned it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "workers/agent/agent_config.h"
#include "workers/agent/channels/channels.h"
#include "workers/agent/tool_box.h"

namespace agent {

class MessageTool {
  public:
    MessageTool(Loop& loop, SessionStore& store, const AgentConfig& config, Channels& channels,
                std::string state_dir)
        : loop_(loop),
          store_(store),
          config_(config),
          channels_(channels),
          state_dir_(std::move(state_dir)) {}

    using Ended = std::function<void(ToolOutcome)>;
    void run(const ToolOrder& order, const Ended& ended);
    bool is_offered() const { return channels_.has_accounts(); }

    static const char* schema();
    // After so long it is said that the message is on its way.
    static constexpr std::chrono::milliseconds patience{15'000};

  private:
    Result<DeliveryWish> where(const ToolOrder& order) const;
    Done allowed(const ToolOrder& order, const DeliveryWish& wish) const;
    void send(const ToolOrder& order, const DeliveryWish& to, const Ended& ended);
    void change(const ToolOrder& order, const DeliveryWish& where, const Ended& ended);
    void react(const ToolOrder& order, const DeliveryWish& where, const Ended& ended);
    Channels::Told teller(const DeliveryWish& to, const std::string& text, const Ended& ended);

    Loop& loop_;
    SessionStore& store_;
    const AgentConfig& config_;
    Channels& channels_;
    std::string state_dir_;
};

// Whether a run has said that very text in that place already, by this tool; `sent` is what a run's
// record has of it.
bool was_said(const Json& sent, const DeliveryWish& place, std::string_view text);

}  // namespace agent
