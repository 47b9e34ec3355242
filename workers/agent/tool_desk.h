// All tools of an agent: its own and those of the tools worker, cut down to what the owner's policy
// lets the caller use.
//
// A name that is not offered and arguments that do not fit are answered with an error the model can
// read; they reach nobody.
#pragma once

#include "workers/agent/own_tools.h"
#include "workers/agent/tool_box.h"
#include "workers/agent/tools_link.h"
#include "workers/agent/web_search.h"

namespace agent {

class ToolDesk final : public ToolBox {
  public:
    ToolDesk(Loop& loop, const AgentConfig& config, OwnTools& own, ToolsLink& remote,
             WebSearch& search)
        : loop_(loop), config_(config), own_(own), remote_(remote), search_(search) {}

    Json definitions(const ToolCaller& caller) const override;
    std::unique_ptr<ToolCall> start(ToolOrder order, ToolListener& listener) override;
    std::unique_ptr<ToolCall> fetch(Json arguments, ToolListener& listener) override;
    // The owner has telephone calls.
    void offer_voice(bool has_voice) { has_voice_ = has_voice; }
    void end_session(const std::string& session_key) override { remote_.end_session(session_key); }

  private:
    bool allows(const ToolCaller& caller, std::string_view tool) const;

    Loop& loop_;
    const AgentConfig& config_;
    OwnTools& own_;
    ToolsLink& remote_;
    WebSearch& search_;
    bool has_voice_ = false;
};

}  // namespace agent
