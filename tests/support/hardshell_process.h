// A real Hardshell in a temporary state directory, on a port of its own.
//
// Waits for what the program says or does, never for a time. Leaves no process behind: whatever
// still runs when the object goes is killed, by the ids seen below the supervisor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/line_log.h"
#include "tests/support/process_tree.h"

class HardshellProcess {
  public:
    struct Options {
        // Written to openclaw.json before the start unless empty.
        std::string config;
        // Added to the few variables a start needs.
        std::map<std::string, std::string> environment;
        // Arguments of `hardshell gateway` in place of the usual ones.
        std::vector<std::string> arguments;
        // Programs of the build's tests to run in the place of ours, by the name of those:
        // {"agent", "tests/support/break_out"}.
        std::map<std::string, std::string> programs;
        // Another place for the state than the temporary directory, for example a file system of
        // the test's own.
        std::string state_dir;
    };
    static constexpr const char* token = "journey-gateway-token-0123456789";

    HardshellProcess() : HardshellProcess(Options{}) {}
    explicit HardshellProcess(Options options);
    ~HardshellProcess();
    HardshellProcess(const HardshellProcess&) = delete;
    HardshellProcess& operator=(const HardshellProcess&) = delete;

    // Once, or again after it has ended, on the same state directory and port.
    void start();
    // Until /startupz answers 200. False when it ended or the time was over.
    bool wait_started(std::chrono::milliseconds limit = patience) {
        return wait_for_200("/startupz", limit);
    }
    // Until every worker serves: /readyz.
    bool wait_ready(std::chrono::milliseconds limit = patience) {
        return wait_for_200("/readyz", limit);
    }
    bool start_and_wait() {
        start();
        return wait_started();
    }

    pid_t pid() const { return pid_; }
    uint16_t port() const { return port_; }
    const std::string& state_dir() const { return state_dir_; }
    std::string config_path() const { return state_dir_ + "/openclaw.json"; }
    void write_config(const std::string& text) const;
    // The command line program, run to its end in the same environment.
    struct CommandResult {
        int exit_code = -1;
        std::string output;  // stdout, then stderr
    };
    CommandResult command(const std::vector<std::string>& arguments) const;

    // Workers are known by their process name; 0 when it does not run.
    pid_t worker(const std::string& name) const;
    std::vector<ProcessEntry> descendants() const { return descendants_of(pid_); }
    // Another life of the worker, that is: a process of that name that is not `former`.
    pid_t wait_worker_replaced(const std::string& name, pid_t former,
                               std::chrono::milliseconds limit = patience) const;

    // Lines of the log so far.
    std::vector<std::string> lines() const { return log_.lines(); }
    std::string log() const { return log_.text(); }
    size_t line_count() const { return log_.count(); }
    // The first line at or after `from` that contains the text.
    std::optional<std::string> wait_line(const std::string& text, size_t from = 0,
                                         std::chrono::milliseconds limit = patience) const {
        return log_.wait(text, from, limit);
    }

    void signal(int number) const;
    // Until it has ended; its exit code, 128 + n when signal n ended it, nothing when it still
    // runs.
    std::optional<int> wait_exit(std::chrono::milliseconds limit = patience);
    // SIGTERM, then wait_exit().
    std::optional<int> stop();
    // SIGKILL to the supervisor and everything below it, at once.
    void kill_all();
    // The processes of `before` that still run when the time is over.
    static std::vector<ProcessEntry> still_running(const std::vector<ProcessEntry>& before,
                                                   std::chrono::milliseconds limit);

  private:
    bool wait_for_200(const char* path, std::chrono::milliseconds limit);
    std::vector<std::string> environment() const;
    std::string executable() const;
    void replace_programs() const;

    Options options_;
    std::string root_;
    std::string state_dir_;
    uint16_t port_ = 0;
    pid_t pid_ = 0;
    bool ended_ = true;
    std::vector<ProcessEntry> seen_;  // below the supervisor, before it was told to end
    LineLog log_;
};
