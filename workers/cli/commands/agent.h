// `hardshell agent`: one message to an agent, one answer.
#pragma once

#include <functional>
#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// The parameters of the method `agent`; bad_message when there is nothing to say.
Result<Json> agent_params(const Arguments& arguments, const std::string& run_id);

// The answer's text from the final payload: its payloads' texts, an empty line between two.
std::string answer_text(const Json& final_payload);

// Prints an answer as it comes and makes sure that the whole text stands there exactly once.
class AnswerPrinter {
  public:
    using Write = std::function<void(const std::string&)>;
    AnswerPrinter(std::string run_id, bool as_it_comes, Write write)
        : run_id_(std::move(run_id)), as_it_comes_(as_it_comes), write_(std::move(write)) {}

    // An event of the gateway; those of other runs are ignored.
    void see(const std::string& event, const Json& payload);
    // What of the text is not printed yet, and the line break after it.
    void finish(const std::string& text);
    // After a failure: ends a line that was begun.
    void give_up();

  private:
    std::string run_id_;
    bool as_it_comes_;
    Write write_;
    std::string printed_;
};

int run_agent(const Context& context);

}  // namespace cli
