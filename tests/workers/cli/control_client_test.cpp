#include "workers/cli/control_client.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/workers/cli/doubles.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using cli_test::healthy_report;
using cli_test::last_reply;
using cli_test::status_reply;
using cli_test::SupervisorDouble;
using hardshell::proto::ControlReply;
using hardshell::proto::ControlRequest;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ControlClient, SaysHowToStartAGatewayWhenNoneRuns) {
    const Directory directory;
    const auto report = ask_status(context_in(directory));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::unreachable);
    EXPECT_THAT(report.error().what, HasSubstr(directory.path() + "/state"));
    EXPECT_THAT(report.error().what, HasSubstr("`hardshell gateway`"));
}

TEST(ControlClient, TakesASocketNobodyServesForNoGateway) {
    const Directory directory;
    {
        const SupervisorDouble gone{directory,
                                    [](const auto&) { return SupervisorDouble::Replies{}; }};
    }
    ASSERT_TRUE(directory.has("run/control.sock"));
    EXPECT_EQ(ask_status(context_in(directory)).error().fault, Fault::unreachable);
}

TEST(ControlClient, NamesAPathThatIsTooLong) {
    const Directory directory;
    Context context = context_in(directory);
    context.run_dir = "/" + std::string(200, 'x');
    EXPECT_THAT(ask_status(context).error().what, HasSubstr("HARDSHELL_RUN_DIR"));
}

TEST(ControlClient, BringsTheStatus) {
    const Directory directory;
    const SupervisorDouble supervisor{
        directory, [](const ControlRequest& request) {
            EXPECT_EQ(request.verb(), "status");
            return SupervisorDouble::Replies{status_reply(healthy_report())};
        }};
    const auto report = ask_status(context_in(directory));
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_EQ(report->port(), 3000u);
    EXPECT_EQ(report->workers_size(), 2);
}

TEST(ControlClient, GivesTheSupervisorsReasonForARefusal) {
    const Directory directory;
    const SupervisorDouble supervisor{directory, [](const ControlRequest&) {
                                          ControlReply reply = last_reply();
                                          reply.set_error("there is no worker \"x\"");
                                          return SupervisorDouble::Replies{reply};
                                      }};
    EXPECT_EQ(tell(context_in(directory), "restart", {"x"}).error().what,
              "there is no worker \"x\"");
}

TEST(ControlClient, ReadsRepliesUntilTheLast) {
    const Directory directory;
    const SupervisorDouble supervisor{directory, [](const ControlRequest& request) {
                                          EXPECT_THAT(request.arguments(),
                                                      ElementsAre("agent", "5", "follow"));
                                          SupervisorDouble::Replies replies(3);
                                          for (size_t i = 0; i < 3; ++i)
                                              replies[i].add_lines()->set_sequence(i + 1);
                                          replies[2].set_last(true);
                                          replies.push_back(last_reply());  // must not be read
                                          return replies;
                                      }};
    auto client = ControlClient::connect(context_in(directory));
    ASSERT_TRUE(client);
    std::vector<uint64_t> seen;
    ASSERT_TRUE(client->ask("logs", {"agent", "5", "follow"}, control_patience,
                            [&](const ControlReply& reply) {
                                for (const auto& line : reply.lines())
                                    seen.push_back(line.sequence());
                                return true;
                            }));
    EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST(ControlClient, EndsWhenTheReaderHasEnough) {
    const Directory directory;
    const SupervisorDouble supervisor{
        directory, [](const ControlRequest&) { return SupervisorDouble::Replies(5); }};
    auto client = ControlClient::connect(context_in(directory));
    int replies = 0;
    EXPECT_TRUE(client->ask("logs", {}, control_patience,
                            [&](const ControlReply&) { return ++replies < 2; }));
    EXPECT_EQ(replies, 2);
}

TEST(ControlClient, NoticesASupervisorThatEndsHalfWay) {
    const Directory directory;
    const SupervisorDouble supervisor{
        directory, [](const ControlRequest&) { return SupervisorDouble::Replies(1); }};
    const auto report = ask_status(context_in(directory));
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().what, HasSubstr("closed the connection"));
}

}  // namespace
}  // namespace cli
