// `hardshell voicecall`: telephone calls through the running gateway, as OpenClaw's command of that
// name.
#pragma once

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "workers/cli/context.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"

namespace cli {

int run_voicecall_call(const Context& context);
int run_voicecall_start(const Context& context);
int run_voicecall_continue(const Context& context);
int run_voicecall_speak(const Context& context);
int run_voicecall_end(const Context& context);
int run_voicecall_status(const Context& context);
int run_voicecall_tail(const Context& context);
int run_voicecall_expose(const Context& context);

// Parameters of that method ("voicecall.speak"); bad_message names what is missing.
Result<Json> voicecall_params(const std::string& method, const Arguments& given);

// What is to be set instead: tunnels are the running gateway's. `mode`: off, serve or funnel.
Error instead_of_expose(const std::string& mode);

// The calls on disk as they change: a file that grows, and is made anew when it has grown much.
class CallLog {
  public:
    explicit CallLog(std::string path) : path_(std::move(path)) {}

    // The lines that have come since the last time; at first, all. What a new file has taken over
    // is not told again. system: it cannot be read.
    Result<std::vector<std::string>> more();

  private:
    Done open();
    bool was_made_anew() const;
    std::vector<std::string> read_on();

    std::string path_;
    Fd file_;
    std::string begun_;                // a line whose end has not come
    std::unordered_set<size_t> told_;  // hashes of the lines of this file
};

}  // namespace cli
