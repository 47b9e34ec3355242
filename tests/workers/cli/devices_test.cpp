#include "workers/cli/commands/devices.h"

#include <gmock/gmock.h>

#include <mutex>

#include "tests/workers/cli/doubles.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using cli_test::SupervisorDouble;
using hardshell::proto::ControlReply;
using hardshell::proto::ControlRequest;
using testing::HasSubstr;
using testing::Not;

constexpr const char* two_requests =
    R"({"pending":[{"requestId":"r-old","deviceId":"d1","displayName":"Old\u001b[2J","role":"operator",)"
    R"("scopes":["operator.read"],"remoteIp":"203.0.113.9","isRepair":true,"ts":1000},)"
    R"({"requestId":"r-new","deviceId":"d2","clientId":"cli","roles":["operator","node"],"ts":61000}],)"
    R"("paired":[{"deviceId":"d3","displayName":"Laptop","roles":["operator"],)"
    R"("scopes":["operator.admin"],"tokens":[{"role":"operator","revokedAtMs":5}]}]})";

// What a command asked of the supervisor, and what it printed.
class Devices : public testing::Test {
  protected:
    int run(int (*command)(const Context&), const std::string& name,
            const std::vector<std::string>& words) {
        const Context context = context_in(directory_, name, words);
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = command(context);
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        return code;
    }
    SupervisorDouble::Replies answer(const ControlRequest& request) {
        const std::lock_guard<std::mutex> lock(mutex_);
        asked_.push_back(request.verb() + " " + request.arguments(0) + " " + request.arguments(1));
        ControlReply reply;
        reply.set_last(true);
        if (request.arguments(0) == "device.pair.list")
            reply.set_payload_json(list_);
        else if (!refusal_.empty())
            reply.set_error(refusal_);
        else
            reply.set_payload_json(payload_);
        return {reply};
    }

    Directory directory_;
    std::mutex mutex_;
    std::string list_ = two_requests;
    std::string payload_ =
        R"({"requestId":"r-new","device":{"deviceId":"d2","displayName":"Phone"}})";
    std::string refusal_;
    std::vector<std::string> asked_;
    std::string out_, err_;
    const SupervisorDouble supervisor_{
        directory_, [this](const ControlRequest& request) { return answer(request); }};
};

TEST_F(Devices, AreApprovedOverTheControlSocketWithoutAnyToken) {
    EXPECT_EQ(run(run_devices_approve, "devices approve", {"r-new"}), 0) << err_;
    EXPECT_EQ(asked_, std::vector<std::string>{
                          R"(gateway-call device.pair.approve {"requestId":"r-new"})"});
    EXPECT_EQ(out_, "Approved Phone (d2); it may connect again now.\n");
    EXPECT_EQ(run(run_devices_approve, "devices approve", {"r-new", "--json"}), 0);
    EXPECT_EQ(*parse_json(out_), *parse_json(payload_));
}

TEST_F(Devices, AreNotApprovedByGuess) {
    EXPECT_EQ(run(run_devices_approve, "devices approve", {}), 1);
    EXPECT_THAT(err_, HasSubstr("hardshell devices approve r-new"));
    EXPECT_EQ(asked_.size(), 1u);
    EXPECT_EQ(run(run_devices_approve, "devices approve", {"--latest"}), 0);
    EXPECT_EQ(asked_.back(), R"(gateway-call device.pair.approve {"requestId":"r-new"})");
    list_ = R"({"pending":[],"paired":[]})";
    EXPECT_EQ(run(run_devices_approve, "devices approve", {"--latest"}), 1);
    EXPECT_THAT(err_, HasSubstr("no device waits"));
}

TEST_F(Devices, AreListedForPeopleAndPrograms) {
    EXPECT_EQ(run(run_devices_list, "devices list", {"--json"}), 0);
    EXPECT_EQ(*parse_json(out_), *parse_json(list_));
    const std::string text = devices_text(*parse_json(list_), Style{}, 62'000);
    EXPECT_THAT(text, HasSubstr("Waiting for approval (2)"));
    EXPECT_THAT(text, HasSubstr("203.0.113.9"));
    EXPECT_THAT(text, HasSubstr("paired before"));
    EXPECT_THAT(text, HasSubstr("operator, node"));
    EXPECT_THAT(text, HasSubstr("operator (revoked)"));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_EQ(devices_text({}, Style{}, 0), "No device is paired, and none asks to be.\n");
}

TEST_F(Devices, SayWhatToDoAboutARequestThatIsGone) {
    refusal_ = "unknown requestId";
    EXPECT_EQ(run(run_devices_approve, "devices approve", {"r-x"}), 1);
    EXPECT_THAT(err_, HasSubstr("no request r-x waits"));
    EXPECT_EQ(run(run_devices_reject, "devices reject", {"r-x"}), 1);
    EXPECT_THAT(err_, HasSubstr("hardshell devices list"));
}

TEST_F(Devices, GetNewTokensWithTheScopesGiven) {
    payload_ = R"({"deviceId":"d3","role":"operator","token":"t"})";
    EXPECT_EQ(run(run_devices_rotate, "devices rotate",
                  {"--device", "d3", "--role", "operator", "--scope", "operator.read",
                   "operator.write", "--scope", "operator.pairing"}),
              0)
        << err_;
    EXPECT_EQ(asked_.back(),
              R"(gateway-call device.token.rotate {"deviceId":"d3","role":"operator",)"
              R"("scopes":["operator.read","operator.write","operator.pairing"]})");
    EXPECT_EQ(*parse_json(out_), *parse_json(payload_));
    EXPECT_EQ(run(run_devices_revoke, "devices revoke", {"--device", "d3"}), 1);
    EXPECT_THAT(err_, HasSubstr("--role is missing"));
    EXPECT_EQ(run(run_devices_revoke, "devices revoke", {"--device", "d3", "--role", "node"}), 0);
    EXPECT_EQ(asked_.back(), R"(gateway-call device.token.revoke {"deviceId":"d3","role":"node"})");
}

TEST_F(Devices, OfAGatewayThatIsNamedAreAskedForThere) {
    EXPECT_EQ(run(run_devices_list, "devices list",
                  {"--url", "ws://127.0.0.1:1", "--token", "t", "--timeout", "2000"}),
              1);
    EXPECT_THAT(err_, HasSubstr("127.0.0.1:1"));
    EXPECT_TRUE(asked_.empty());
}

}  // namespace
}  // namespace cli
