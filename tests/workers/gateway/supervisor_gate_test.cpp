#include "workers/gateway/supervisor_gate.h"

#include <gmock/gmock.h>

namespace gateway {
namespace {

using hardshell::proto::SupervisorAnswer;
using hardshell::proto::SupervisorCall;

TEST(SupervisorGate, AnswersEachQuestionOnce) {
    const auto loop = make_epoll_loop();
    std::vector<SupervisorCall> sent;
    Done outcome;
    SupervisorGate gate(*loop, [&](const SupervisorCall& call) {
        sent.push_back(call);
        return outcome;
    });
    std::vector<std::string> answers;
    const auto ask = [&] {
        gate.ask("restart", "agent", [&](const Result<SupervisorAnswer>& answer) {
            answers.push_back(answer ? "done" : answer.error().what);
        });
    };
    ask();
    ask();
    EXPECT_EQ(sent[0].verb(), "restart");
    EXPECT_EQ(sent[0].worker(), "agent");
    SupervisorAnswer answer;
    answer.set_id(sent[1].id());
    answer.set_error("there is no worker called agent");
    gate.take(answer);
    gate.take(answer);
    answer.set_id(sent[0].id());
    answer.clear_error();
    gate.take(answer);
    outcome = Error{Fault::unreachable, "nobody is there"};
    ask();
    EXPECT_THAT(answers,
                testing::ElementsAre("there is no worker called agent", "done", "nobody is there"));
}

}  // namespace
}  // namespace gateway
