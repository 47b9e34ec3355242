// Speaks to the running supervisor over the control socket in the run directory: one request, then
// replies until the last.
//
// Never starts anything. When nobody listens the error is `unreachable` and says how to start a
// gateway.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "proto/control.pb.h"
#include "workers/cli/context.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace cli {

class ControlClient {
  public:
    using Reply = hardshell::proto::ControlReply;
    // Sees each reply; false ends the conversation.
    using Handler = std::function<bool(const Reply&)>;

    static Result<ControlClient> connect(const Context& context);

    // `patience` is how long each reply may take; zero waits for ever. A refusal by the supervisor
    // is an error with its text.
    Done ask(const std::string& verb, const std::vector<std::string>& arguments,
             std::chrono::milliseconds patience, const Handler& handler);

  private:
    explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}
    Result<Reply> next_reply(std::chrono::milliseconds patience);

    Fd socket_;
};

inline constexpr std::chrono::milliseconds control_patience{5000};

// One connection, the verb "status".
Result<hardshell::proto::StatusReport> ask_status(const Context& context);
// One connection: a method of the gateway of this machine, asked as its owner, without a token.
Result<Json> ask_gateway_as_owner(const Context& context, const std::string& method,
                                  const Json& params);
// One connection, a verb that answers with nothing but success.
Done tell(const Context& context, const std::string& verb,
          const std::vector<std::string>& arguments = {});

}  // namespace cli
