// The table of what can run: one row per kind of worker. What runs is the plan's decision; how it
// runs is decided here. The rows are in roster_table.cpp, so that a test can bring its own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace supervisor {

// Sockets that a kind may make. Those it is handed (listeners, accepted connections) it may use.
enum class Network { none, links, internet };

// What few kinds have: named where it is given, so that no row is counted off.
struct KindExtra {
    // Whether it may ask about the configuration and change it, for the clients it has let in.
    bool may_configure = false;
    // Whether it may read what all workers log, for the clients it has let in.
    bool may_read_log = false;
    // Others may read a file in its directories whose name they are told (0711): the files that
    // people sent.
    bool shows_files = false;
    // Whether it shuts others in: it keeps the rights for that (users, mounts, namespaces) and is
    // not confined to its directories, for what is confined may not mount. Gives them up itself.
    bool may_isolate = false;
    // Whether it reads and writes what the workspace group does.
    bool in_workspace_group = false;
    // Those of its directories that the workspace group writes in, too.
    std::vector<std::string_view> workspaces = {};
    // Whether it may ask how the whole stands and restart workers, for the clients it has let in.
    bool may_control = false;
    // Whether it says under which address the internet reaches this machine, see public_address.h.
    bool may_publish = false;
    // The one question about the configuration that it may ask, where it may not ask all of them.
    std::string_view config_method = {};
};

struct KindOfWorker {
    std::string_view kind;
    std::string_view program;  // in libexec/hardshell
    // Every kind has a user of its own, see user_of().
    int user_offset;
    // Without it the machine does not serve: its state decides /readyz, its failure is escalated.
    bool critical;
    // Told the state of every worker, not only of those it has a link to.
    bool sees_all;
    // Who stops first: 0 before 1. Inside a phase all stop together.
    int stop_phase;
    Network network;
    // From exec to Ready.
    std::chrono::milliseconds start_deadline;
    // Raised only, never lowered: the kernel takes the highest first when the machine is full.
    int oom_score;
    // Memory: at least this many MiB, and this share of what the minimums leave. See
    // memory_budget.h.
    int least_mib;
    int memory_weight;
    // Processes and threads, its children's included.
    int most_tasks;
    // Whether it may execute another program once it runs.
    bool may_execute;
    // Below the state directory; created for this kind's user, who is the only writer.
    std::vector<std::string_view> directories;
    KindExtra extra = {};
};

bool may_ask_config(const KindOfWorker& row, std::string_view method);

// The user of that kind's workers, when the supervisor is root.
unsigned user_of(const KindOfWorker& row);

// Null for a kind that this build does not know.
const KindOfWorker* find_kind(std::string_view kind);
const std::vector<KindOfWorker>& roster();

}  // namespace supervisor
