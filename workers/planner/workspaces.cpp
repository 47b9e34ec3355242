#include "workers/planner/workspaces.h"

#include <set>

#include "workers/common/base/agent_list.h"
#include "workers/common/base/workspace_place.h"

namespace planner {

void add_workspaces(const Json& config, const std::string& state_dir, hardshell::proto::Plan& plan,
                    Notices& notices) {
    std::set<std::string> seen;
    // A worker's home is the state directory.
    for (const ListedAgent& agent : agents_in(config, state_dir).agents) {
        const std::string path =
            agent.workspace.starts_with('/') ? agent.workspace : state_dir + "/" + agent.workspace;
        const Result<std::string> below = workspace_below(path, state_dir);
        if (!below)
            notices.error(agent.workspace_key + ": " + below.error().what + "; the files and " +
                          "commands of agent " + agent.id + " are refused until then");
        if (!below || below->empty() || !seen.insert(*below).second) continue;
        auto& workspace = *plan.add_workspaces();
        workspace.set_path(*below);
        workspace.set_setting(agent.workspace_key);
    }
}

}  // namespace planner
