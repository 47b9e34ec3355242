// The agent's end of the link to the tools worker: what it offers, calls out, results in.
//
// Promises one outcome for each call: the worker's, or an error when the worker is gone. A call is
// sent once in its life.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/agent/agent_config.h"
#include "workers/agent/tool_box.h"
#include "workers/common/base/loop.h"
#include "workers/common/link.h"

namespace hardshell::proto {
class ToolsToAgent;
class ToolResult;
}  // namespace hardshell::proto

namespace agent {

class ToolsLink {
  public:
    // `link` may be null: no tools worker in the plan.
    ToolsLink(Loop& loop, std::unique_ptr<Link> link, const AgentConfig& config,
              std::string state_dir);
    ~ToolsLink();

    struct Offer {
        std::string name;
        std::string description;
        Json parameters;
    };
    const std::vector<Offer>& offers() const { return offers_; }
    const Offer* find(std::string_view name) const;
    bool is_there() const { return link_ && life_ != 0; }

    std::unique_ptr<ToolCall> start(const ToolOrder& order, ToolListener& listener);
    void end_session(const std::string& session_key);
    // What the supervisor says about the other end: the life that is, and whether it runs.
    void peer_is(uint64_t incarnation, bool runs);

    // A command waits for its owner's word; the answer goes to answer_approval().
    using ApprovalWanted = std::function<void(uint64_t call, const Json& request)>;
    void on_approval_wanted(ApprovalWanted handler) { on_approval_ = std::move(handler); }
    void answer_approval(uint64_t call, const std::string& decision);
    // A background process has ended by itself.
    using ProcessEnded =
        std::function<void(const std::string& session_key, const std::string& summary)>;
    void on_process_ended(ProcessEnded handler) { on_process_ = std::move(handler); }

  private:
    struct Open {
        ToolListener* listener = nullptr;
        uint64_t life = 0;  // of the worker it was sent to
    };
    class Call;
    void take(std::string_view text);
    void take_offers(const hardshell::proto::ToolsToAgent& message);
    void prepare_workspaces();
    void take_result(const hardshell::proto::ToolResult& result);
    void cancel(uint64_t id);
    void fail_calls_before(uint64_t life);
    std::string workspace_of(const std::string& agent) const;

    Loop& loop_;
    std::unique_ptr<Link> link_;
    const AgentConfig& config_;
    std::string state_dir_;
    std::vector<Offer> offers_;
    uint64_t prepared_life_ = 0;  // of the tools worker, that was told of the workspaces
    std::map<uint64_t, Open> open_;
    uint64_t next_id_ = 1;
    uint64_t life_ = 0;
    ApprovalWanted on_approval_;
    ProcessEnded on_process_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls under way
};

}  // namespace agent
