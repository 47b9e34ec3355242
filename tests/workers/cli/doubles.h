// What the tests of the command line stand on: a directory of their own, a supervisor's control
// socket and a WebSocket gateway, each served by a thread until the object goes.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "proto/control.pb.h"
#include "workers/cli/context.h"
#include "workers/common/base/fd.h"

namespace cli_test {

class Directory {
  public:
    Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory();
    const std::string& path() const { return path_; }
    void write(const std::string& name, const std::string& text, int mode = 0600) const;
    std::string read(const std::string& name) const;
    bool has(const std::string& name) const;

  private:
    std::string path_;
};

// A context whose directories are in `directory` and whose planner is the double.
cli::Context context_in(const Directory& directory, const std::string& command = "status",
                        const std::vector<std::string>& words = {},
                        const std::vector<std::pair<std::string, std::string>>& variables = {});

// Answers requests on <directory>/run/control.sock.
class SupervisorDouble {
  public:
    using Replies = std::vector<hardshell::proto::ControlReply>;
    using Answer = std::function<Replies(const hardshell::proto::ControlRequest&)>;
    SupervisorDouble(const Directory& directory, Answer answer);
    SupervisorDouble(const SupervisorDouble&) = delete;
    SupervisorDouble& operator=(const SupervisorDouble&) = delete;
    ~SupervisorDouble();

  private:
    void serve();
    Answer answer_;
    Fd listener_;
    std::thread thread_;
};
hardshell::proto::ControlReply last_reply();
hardshell::proto::StatusReport healthy_report();
hardshell::proto::ControlReply status_reply(const hardshell::proto::StatusReport& report);

// One connection after another; each text of the client is given to `answer`, which returns the
// texts to send back. An answer "CLOSE 1008 reason" closes with that code.
class GatewayDouble {
  public:
    using Answer = std::function<std::vector<std::string>(const std::string& text)>;
    explicit GatewayDouble(Answer answer);
    GatewayDouble(const GatewayDouble&) = delete;
    GatewayDouble& operator=(const GatewayDouble&) = delete;
    ~GatewayDouble();
    int port() const { return port_; }
    std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }

  private:
    void serve();
    void converse(int socket);
    Answer answer_;
    Fd listener_;
    int port_ = 0;
    std::thread thread_;
};

// Runs a program with exactly these variables and an empty input.
struct Outcome {
    int exit_code = -1;
    std::string out;
    std::string err;
};
Outcome run(const std::vector<std::string>& words,
            const std::vector<std::pair<std::string, std::string>>& variables);
// build/<preset>/hardshell
std::string hardshell_program();

}  // namespace cli_test
