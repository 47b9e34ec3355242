// The tools worker's end of the link to the agent.
#pragma once

#include <functional>
#include <memory>

#include "workers/common/link.h"
#include "workers/tools/tool_worker.h"

namespace tools {

class AgentLink {
  public:
    explicit AgentLink(std::unique_ptr<Link> link) : link_(std::move(link)) {}

    // Tells the agent what there is and takes its calls.
    void serve(ToolWorker& worker);
    void send(const hardshell::proto::ToolsToAgent& message);

  private:
    void take(std::string_view message);

    std::unique_ptr<Link> link_;
    ToolWorker* worker_ = nullptr;
    uint64_t agent_life_ = 0;
};

}  // namespace tools
