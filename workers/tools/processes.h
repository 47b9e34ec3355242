// Commands under way and those that ended not long ago: the ones a call waits for, and the ones in
// the background that the tool `process` speaks to.
//
// Promises one result for each call. A background process belongs to its session: no other one
// sees it, and it ends with the session.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "workers/tools/command.h"
#include "workers/tools/outcome.h"

namespace tools {

class Processes {
  public:
    static constexpr size_t most_running = 24;
    static constexpr size_t most_kept = 48;  // the ended ones included

    struct Services {
        Loop& loop;
        Cells& cells;
        std::function<int64_t()> now_ms;
        // What a call's command writes.
        std::function<void(uint64_t call, std::string_view text)> output;
        std::function<void(uint64_t call, Outcome outcome)> result;
        // A background process has ended by itself.
        std::function<void(const std::string& session, const std::string& process,
                           const std::string& summary)>
            ended;
    };
    explicit Processes(Services services) : services_(std::move(services)) {}

    struct Order {
        uint64_t call = 0;
        std::string session;
        std::string text;  // the command, as the model wrote it
        hardshell::proto::StartCell cell;
        std::chrono::milliseconds timeout{1'800'000};
        // After so long the call is answered and the command goes on in the background.
        std::chrono::milliseconds yield{10'000};
    };
    void run(Order order);
    // The call is wanted no more: its command ends.
    void cancel(uint64_t call);
    // Tool `process`.
    Outcome speak(const std::string& session, const Json& arguments);
    void end_session(const std::string& session);
    // Nobody waits for results any more: ends what calls wait for.
    void end_calls();
    size_t running() const;

  private:
    struct Process {
        std::string id;
        std::string session;
        std::string text;
        int64_t started_ms = 0;
        uint64_t call = 0;  // 0: in the background
        size_t polled = 0;  // bytes of its output that the model has been told
        std::chrono::milliseconds timeout{0};
        std::unique_ptr<Command> command;
        Loop::Registration yield;
    };
    struct Action;
    static const Action actions[];

    void yield(Process& process);
    void command_ended(Process& process);
    Outcome outcome_of(const Process& process) const;
    std::string status_of(const Process& process) const;
    Json details_of(const Process& process) const;
    std::string told_output(const Process& process) const;
    Process* find(const std::string& session, const std::string& id);
    void forget(const Process& process);
    void make_room();

    Outcome poll(Process& process, const Json& arguments);
    Outcome log(Process& process, const Json& arguments);
    Outcome write(Process& process, const Json& arguments);
    Outcome submit(Process& process, const Json& arguments);
    Outcome kill(Process& process, const Json& arguments);
    Outcome clear(Process& process, const Json& arguments);
    Outcome list(const std::string& session) const;

    Services services_;
    std::list<Process> processes_;  // oldest first
};

}  // namespace tools
