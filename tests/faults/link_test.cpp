// Workers that break the rules of their link to the supervisor.

#include "tests/faults/fault_test.h"

using namespace std::chrono_literals;

namespace {

class LinkFault : public FaultTest {};

struct Breach {
    const char* name;
    const char* command;
    const char* cause;
};
const Breach breaches[] = {
    {"garbage", "send 00000004ffffffff", "sent a message that cannot be read"},
    {"oversized", "send 7fffffff0a00", "sent a frame that is too large"},
    // A frame that asks for config.get, which is not for its kind.
    {"curious", "send 0000000e1a0c120a636f6e6669672e676574",
     "asked for config.get, which it may not"},
    {"twice", "ready", "said a second time that it is ready"},
    {"flooding", "readies 100000", "said a second time that it is ready"},
};

TEST_P(LinkFault, BreachOfTheProtocolEndsOnlyWhoCommitsIt) {
    covers("46");
    std::string plan = usual_plan;
    for (const Breach& row : breaches) plan += std::string("worker ") + row.name + " stub\n";
    start(plan);
    for (const Breach& row : breaches) {
        SCOPED_TRACE(row.name);
        const uint64_t life = supervisor->status(row.name).incarnation();
        ASSERT_TRUE(supervisor->order(row.name, row.command));
        EXPECT_TRUE(supervisor->wait_ready_after(row.name, life));
        const Status status = supervisor->status(row.name);
        EXPECT_EQ(status.last_cause(), "protocol");
        EXPECT_NE(status.last_end().find(row.cause), std::string::npos) << status.last_end();
        EXPECT_TRUE(supervisor->wait_line(std::string(row.name) + " " + row.cause));
    }
    expect_others_untouched({"garbage", "oversized", "curious", "twice", "flooding"});
}

TEST_P(LinkFault, HalfAMessageHarmsNobody) {
    covers("46");
    start();
    ASSERT_TRUE(supervisor->tell("one", "send 0000ffff0a00"));
    ASSERT_TRUE(supervisor->tell("one", "print still there"));
    ASSERT_TRUE(supervisor->wait_line("[one] still there"));
    expect_others_untouched({});
}

TEST_P(LinkFault, ClosedByAWorkerThatLivesOnEndsIt) {
    covers("46");
    start();
    ASSERT_TRUE(supervisor->order("one", "close-link"));
    expect_recovered("one", "closed its link");
    EXPECT_EQ(supervisor->status("one").last_cause(), "protocol");
}

TEST_P(LinkFault, BeforeReadyHoldsTheSameRules) {
    covers("46");
    start_unready(std::string(usual_plan) + "worker early stub STUB_DO=send+00000004ffffffff\n");
    ASSERT_TRUE(supervisor->wait_line("early sent a message that cannot be read"));
    ASSERT_TRUE(supervisor->wait_status(
        "early", [](const Status& status) { return status.last_cause() == "protocol"; }));
    ASSERT_TRUE(supervisor->wait_line("started again in")) << "back-off applies";
    wait_all_ready_but({"early"});
    may_hold_more_descriptors = true;
}

AT_BOTH_PLACES(LinkFault);

}  // namespace
