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
    // Whether it may ask about the configuration and change it, for the clients it has let in.
    bool may_configure = false;
    // Whether it may read what all workers log, for the clients it has let in.
    bool may_read_log = false;
};

// The user of that kind's workers, when the supervisor is root.
unsigned user_of(const KindOfWorker& row);

// Null for a kind that this build does not know.
const KindOfWorker* find_kind(std::string_view kind);
const std::vector<KindOfWorker>& roster();

}  // namespace supervisor
