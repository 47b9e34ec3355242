// The desk of the tools worker: takes a call, finds its row in the catalogue, answers once.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/agent_tools.pb.h"
#include "workers/tools/exec_policy.h"
#include "workers/tools/mcp_server.h"
#include "workers/tools/media_fetch.h"
#include "workers/tools/processes.h"
#include "workers/tools/settings.h"
#include "workers/tools/web_fetch.h"
#include "workers/tools/workspace.h"

namespace tools {

// Whether a command may be given a variable of that name: it must not load code into programs, nor
// change what is run.
bool may_set(std::string_view name);

struct Call {
    uint64_t id = 0;
    Json arguments;
    std::string agent;
    std::string session;
    std::string workspace;
    ExecChoice exec;
};

class ToolWorker {
  public:
    struct Services {
        Loop& loop;
        Cells& cells;
        const Json& config;
        Variable variable;
        std::string state_dir;
        std::vector<std::string> hidden;  // what commands must not see
        std::string certificate_file;
        std::function<int64_t()> now_ms;
        std::function<void(const hardshell::proto::ToolsToAgent&)> send;
    };
    explicit ToolWorker(Services services);

    struct Row {
        std::string_view name;
        const char* description;
        const char* parameters;  // JSON Schema
        void (ToolWorker::*handler)(const Call& call);
        bool (*is_offered)(const ToolWorker& worker);  // null: always
        bool for_model = true;                         // else the agent calls it for itself
    };
    static std::span<const Row> catalogue();

    // Starts what is to be there before the first call.
    void begin();
    // Tells the agent what is offered.
    void announce();
    void take(const hardshell::proto::AgentToTools& message);
    // Which commands may run: the content of exec-approvals.json, or null.
    void approvals_are(Json approvals) { policy_.replace(std::move(approvals)); }
    // The agent is another, or gone: what it waited for ends.
    void agent_gone();
    size_t running() const { return processes_.running(); }

  private:
    using Outcomes = Outcome (*)(const Workspace& workspace, const Json& arguments);
    void take_call(const hardshell::proto::CallTool& message);
    void prepare(const hardshell::proto::PrepareWorkspace& wanted);
    Result<Workspace> workspace_of(const Call& call) const;
    void in_workspace(const Call& call, Outcomes tool);
    void read(const Call& call);
    void write(const Call& call);
    void edit(const Call& call);
    void patch(const Call& call);
    void memory_search(const Call& call);
    void memory_get(const Call& call);
    void exec(const Call& call);
    void process(const Call& call);
    void fetch(const Call& call);
    void fetch_media(const Call& call);
    Result<Processes::Order> order_for(const Call& call, const ExecSettings& settings) const;
    void run(Processes::Order order);
    void ask(const Call& call, Processes::Order order, const Decision& decision);
    void approval_answered(uint64_t call, const std::string& decision);
    bool call_server(const std::string& tool, const Call& call);
    hardshell::proto::StartCell cell_of_server(const Json& server) const;
    static bool offers_patch(const ToolWorker& worker);
    static bool offers_fetch(const ToolWorker& worker);
    void answer(uint64_t call, const Outcome& outcome);

    struct Waiting {
        Processes::Order order;
        Decision decision;
        std::string agent;
        Loop::Registration deadline;
    };
    Services services_;
    Processes processes_;
    ExecPolicy policy_;
    WebFetch web_fetch_;
    MediaFetch media_fetch_;
    std::vector<std::unique_ptr<McpServer>> servers_;
    std::map<uint64_t, Waiting> waiting_;      // for their owner's word, by call
    std::map<std::string, std::string> keys_;  // of the configuration that name workspaces, by path
};

}  // namespace tools
