// The supervisor under test with its scripted planner and workers, in a directory of its own.
//
// The real supervisor, linked with the suite's roster. Runs as a plain child of the test or as the
// first process of a pid namespace. Whatever it starts carries FAULT_ID in its environment, so that
// a process that was left behind is found wherever it hides.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/control.pb.h"
#include "tests/support/line_log.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

enum class Place { plain_child, first_process };

class Supervised {
  public:
    struct Options {
        Place place = Place::plain_child;
        std::map<std::string, std::string> environment;
        // Called in the child before it becomes the supervisor; system calls only.
        std::function<void()> before_exec;
        // Called in the test, with the child's pid.
        std::function<void(pid_t)> after_fork;
        // False: the test reads output() itself, or does not.
        bool read_output = true;
        std::string state_dir;  // in place of the one below root()
        std::string run_dir;
        std::string libexec;  // in place of the suite's
    };

    explicit Supervised(Options options);
    // Ends what still runs, by the ids found.
    ~Supervised();
    Supervised(const Supervised&) = delete;
    Supervised& operator=(const Supervised&) = delete;

    // The planner's script; see stub_planner.cpp. Takes effect at the start or at a reload.
    void set_plan(const std::string& script) const;
    // Once, or again after it has ended.
    void start();

    pid_t pid() const { return pid_; }  // as this test sees it
    bool is_running() const { return !ended_; }
    const Options& options() const { return options_; }
    const std::string& root() const { return root_; }
    const std::string& state_dir() const { return state_dir_; }
    std::string control_socket() const { return run_dir_ + "/control.sock"; }
    std::string config_path() const { return state_dir_ + "/openclaw.json"; }

    LineLog& log() { return log_; }
    std::optional<std::string> wait_line(const std::string& text, size_t from = 0,
                                         std::chrono::milliseconds limit = patience) const {
        return log_.wait(text, from, limit);
    }
    // The read end of its output, when the test did not want it read.
    Fd& output() { return output_; }

    // One request through the control socket; all replies as one.
    Result<hardshell::proto::ControlReply> ask(const std::string& verb,
                                               const std::vector<std::string>& arguments = {},
                                               std::chrono::milliseconds limit = patience) const;
    hardshell::proto::WorkerStatus status(const std::string& worker) const;
    using Condition = std::function<bool(const hardshell::proto::WorkerStatus&)>;
    bool wait_status(const std::string& worker, const Condition& condition,
                     std::chrono::milliseconds limit = patience) const;
    bool wait_ready(const std::string& worker, std::chrono::milliseconds limit = patience) const;
    // Ready in another life than that one.
    bool wait_ready_after(const std::string& worker, uint64_t incarnation,
                          std::chrono::milliseconds limit = patience) const;

    // The worker's process as this test sees it; 0 when it does not run.
    pid_t worker(const std::string& name) const;
    // Children of the supervisor.
    std::vector<pid_t> children() const;
    // Gives a command to a worker and waits until it has been obeyed.
    bool tell(const std::string& worker, const std::string& command,
              std::chrono::milliseconds limit = patience) const;
    // Without waiting: the command may be the worker's last.
    bool order(const std::string& worker, const std::string& command) const;

    // What a worker noted, "what value… microseconds" on the monotonic clock, lines split in words.
    using Notes = std::vector<std::vector<std::string>>;
    Notes notes(const std::string& worker, const std::string& what) const;
    size_t lives(const std::string& worker) const { return notes(worker, "life").size(); }
    // Until there are so many of them.
    bool wait_notes(const std::string& worker, const std::string& what, size_t count,
                    std::chrono::milliseconds limit = patience) const;
    // Kills its process with SIGKILL; from there to the first instruction of the next, in
    // microseconds; -1 when none came.
    int64_t kill_to_next_life(const std::string& worker) const;

    size_t descriptors() const;       // open in the supervisor
    size_t resident_kib() const;      // of the supervisor
    double processor_seconds() const;  // of the supervisor, user and system

    void signal(int number) const;
    // Its exit code, 128 + n when signal n ended it, nothing when it still runs.
    std::optional<int> wait_exit(std::chrono::milliseconds limit = patience);
    // Processes that carry this one's FAULT_ID, the supervisor itself included.
    std::vector<pid_t> everybody() const;
    // The same without the supervisor's own, when the time is over or none is left.
    std::vector<pid_t> left_behind(std::chrono::milliseconds limit) const;

    // The kind a worker of the script has, for its files.
    std::string kind_of(const std::string& worker) const;

  private:
    std::vector<std::string> environment() const;
    std::string notes_file(const std::string& worker) const;

    Options options_;
    std::string id_;
    std::string root_;
    std::string state_dir_;
    std::string run_dir_;
    pid_t pid_ = 0;
    Fd handle_;
    Fd orders_;
    bool ended_ = true;
    Fd output_;
    LineLog log_;
};

int64_t monotonic_us();
// Waits for what sends no event.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience,
                std::chrono::microseconds between = std::chrono::milliseconds(2));
