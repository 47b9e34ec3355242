#include "workers/cli/commands/findings_machine.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <thread>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/doctor.h"
#include "workers/common/base/fd.h"

namespace cli {
namespace {

using cli_test::Directory;
using hardshell::proto::Plan;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* with_volume =
    "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "30 21 254:16 / /data rw,relatime - ext4 /dev/vdb rw\n";
constexpr const char* without_volume = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";

// A port of the loopback interface that is ours; until it listens it refuses.
class BoundPort {
  public:
    BoundPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(socket_.get(), generic, size), 0);
        EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
        number_ = ntohs(address.sin_port);
    }
    void listen() const { EXPECT_EQ(::listen(socket_.get(), 1), 0); }
    std::string number() const { return std::to_string(number_); }
    int descriptor() const { return socket_.get(); }

  private:
    Fd socket_;
    int number_ = 0;
};

paths::Environment environment_of(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
    };
}

std::string text_of(const Findings& findings) {
    return findings_text(findings, Style{});
}

Plan plan_that_binds(const std::string& address) {
    Plan plan;
    auto& listener = *plan.add_listeners();
    listener.set_name("http");
    listener.add_addresses()->set_ip(address);
    return plan;
}

std::string judged(std::map<std::string, std::string> variables, const char* mounts,
                   const std::string& address, bool asked_for = false) {
    return text_of(judge_fly({environment_of(std::move(variables)), "/data", mounts, asked_for},
                             plan_that_binds(address)));
}

TEST(FlyFindings, AreGoodAboutAGoodMachine) {
    const std::string text = judged({{"FLY_MACHINE_ID", "1"},
                                     {"FLY_VM_MEMORY_MB", "256"},
                                     {"HARDSHELL_STOP_BUDGET_MS", "25000"}},
                                    with_volume, "::");
    EXPECT_THAT(text, HasSubstr("No problems found."));
    EXPECT_THAT(text, HasSubstr("the volume /data"));
}

TEST(FlyFindings, NameEachTrap) {
    const std::string text =
        judged({{"FLY_MACHINE_ID", "1"}, {"FLY_VM_MEMORY_MB", "128"}, {"RELEASE_COMMAND", "1"}},
               without_volume, "127.0.0.1");
    EXPECT_THAT(text, HasSubstr("a deploy replaces"));
    EXPECT_THAT(text, HasSubstr("fly scale memory 256"));
    EXPECT_THAT(text, HasSubstr("--bind lan"));
    EXPECT_THAT(text, HasSubstr("remove release_command"));
    EXPECT_THAT(text, HasSubstr("HARDSHELL_STOP_BUDGET_MS"));
}

TEST(FlyFindings, AreSilentElsewhereUnlessAskedFor) {
    EXPECT_THAT(judge_fly({environment_of({}), "/data", without_volume, false}, Plan()), IsEmpty());
    EXPECT_THAT(judged({}, without_volume, "::", true), HasSubstr("no machine of Fly.io"));
}

TEST(FlyFindings, NameABudgetThatCannotBeUsed) {
    const auto with_budget = [](const char* budget) {
        return judged({{"FLY_MACHINE_ID", "1"}, {"HARDSHELL_STOP_BUDGET_MS", budget}}, with_volume,
                      "::");
    };
    EXPECT_THAT(with_budget("299999"), HasSubstr("No problems found."));
    for (const char* budget : {"soon", "25s", "99", "-1", "300000"})
        EXPECT_THAT(with_budget(budget),
                    HasSubstr("HARDSHELL_STOP_BUDGET_MS is \"" + std::string(budget) + "\""));
}

TEST(FlyFindings, TellASuspendedMachineAndThatAStopCannotBeSeen) {
    FlyEvidence evidence{environment_of({{"FLY_MACHINE_ID", "1"}}), "/data", with_volume};
    EXPECT_THAT(text_of(judge_fly(evidence, Plan())), Not(HasSubstr("autostop")));
    evidence.asked_for = true;
    EXPECT_THAT(text_of(judge_fly(evidence, Plan())), HasSubstr("note    fly autostop: "));
    evidence.asked_for = false;
    evidence.stood_still_ms = 90'000;
    EXPECT_THAT(text_of(judge_fly(evidence, Plan())),
                HasSubstr("PROBLEM fly autostop: the machine was suspended for 90 s"));
}

// Started 100 s after the boot, at 1'000'000 of the wall clock; ran for 50 s.
TEST(FlyFindings, KnowHowLongTheMachineStoodStill) {
    const std::string stat = "7 (super) visor) S 1 7 7 0 -1 4 1 0 0 0 1 1 0 0 20 0 1 0 " +
                             std::to_string(100 * sysconf(_SC_CLK_TCK)) + " 1000 2";
    EXPECT_EQ(stood_still_ms(stat, 1'000'000, {150'000, 150'000, 1'050'000}), 0);
    EXPECT_EQ(stood_still_ms(stat, 1'000'000, {150'000, 150'000, 1'350'000}), 300'000);
    EXPECT_EQ(stood_still_ms(stat, 1'000'000, {150'000, 450'000, 1'350'000}), 300'000);
    EXPECT_EQ(stood_still_ms(stat, 1'000'000, {150'000, 150'000, 900'000}), 0);
    EXPECT_EQ(stood_still_ms("", 1'000'000, {150'000, 150'000, 1'350'000}), 0);
    EXPECT_EQ(stood_still_ms("7 (x) S 1", 1'000'000, {150'000, 150'000, 1'350'000}), 0);
}

TEST(FlyFindings, TakeADirectoryBesideTheVolumeForTheMachinesOwn) {
    const Findings found = judge_fly(
        {environment_of({{"FLY_MACHINE_ID", "1"}}), "/database", with_volume, false}, Plan());
    EXPECT_THAT(text_of(found), HasSubstr("a deploy replaces"));
}

TEST(ClockFindings, CompareWithWhatWasWritten) {
    const Directory directory;
    const std::string file = directory.path() + "/openclaw.json";
    std::ofstream(file) << "{}";
    struct stat info {};
    ASSERT_EQ(stat(file.c_str(), &info), 0);
    EXPECT_THAT(judge_clock(directory.path(), info.st_mtime - 60), IsEmpty());
    EXPECT_THAT(text_of(judge_clock(directory.path(), info.st_mtime - 3600)),
                HasSubstr("60 minutes before"));
    EXPECT_THAT(judge_clock("/nonexistent", 0), IsEmpty());
}

Plan plan_with_providers(const std::string& config) {
    Plan plan;
    auto& agent = *plan.add_workers();
    agent.set_kind("agent");
    agent.mutable_settings()->set_config_json(config);
    agent.add_secrets()->set_name("models.providers.anthropic.apiKey");
    plan.add_workers()->set_kind("telegram");
    return plan;
}

TEST(NetworkFindings, KnowWhoWillBeCalled) {
    const std::vector<Place> places = places_of(plan_with_providers(
        R"({"models": {"providers": {"own": {"baseUrl": "http://[::1]:8080/v1"},
            "odd": {"baseUrl": "nothing"}, "far": {"baseUrl": "https://models.example/v1"}}}})"));
    std::vector<std::string> shown;
    for (const Place& place : places)
        shown.push_back(place.subject + " " + place.host + " " + place.port);
    EXPECT_THAT(shown,
                ElementsAre("own ::1 8080", "far models.example 443",
                            "anthropic api.anthropic.com 443", "telegram api.telegram.org 443"));
}

TEST(NetworkFindings, KnowTheCompanyOfTelephoneCallsAndOtherAddresses) {
    Plan plan;
    auto& voice = *plan.add_workers();
    voice.set_kind("voice");
    voice.mutable_settings()->set_config_json(
        R"({"plugins":{"entries":{"voice-call":{"config":{"provider":"telnyx"}}}}})");
    auto& discord = *plan.add_workers();
    discord.set_kind("discord");
    (*discord.mutable_settings()->mutable_environment())["HARDSHELL_DISCORD_API_URL"] =
        "http://10.0.0.1:81/api";
    std::vector<std::string> shown;
    for (const Place& place : places_of(plan))
        shown.push_back(place.subject + " " + place.host + " " + place.port);
    EXPECT_THAT(shown, ElementsAre("telnyx api.telnyx.com 443", "discord 10.0.0.1 81"));
    const std::string text =
        text_of(judge_places({{"discord", "10.0.0.1", "81"}}, environment_of({}),
                             [](const Place&) { return "it is down"; }));
    EXPECT_THAT(text, HasSubstr("HARDSHELL_DISCORD_API_URL"));
}

TEST(NetworkFindings, NameHostCauseAndCure) {
    const std::string text = text_of(judge_places(
        {{"own", "models.example", "443"}, {"good", "other.example", "443"}}, environment_of({}),
        [](const Place& place) { return place.subject == "own" ? "it is down" : ""; }));
    EXPECT_THAT(text, HasSubstr("models.example (own): it is down"));
    EXPECT_THAT(text, HasSubstr("models.providers.own.baseUrl"));
    EXPECT_THAT(text, HasSubstr("other.example can be reached"));
}

TEST(NetworkFindings, LeaveTheAskingToAProxy) {
    const Findings found =
        judge_places({{"own", "models.example", "443"}},
                     environment_of({{"https_proxy", "http://proxy:3128"}}), [](const Place&) {
                         ADD_FAILURE() << "asked past the proxy";
                         return "";
                     });
    EXPECT_THAT(text_of(found), HasSubstr("https_proxy"));
}

TEST(NetworkFindings, ComeFromRealConnections) {
    const BoundPort bound;
    EXPECT_THAT(reach({"own", "127.0.0.1", bound.number()}), HasSubstr("Connection refused"));
    bound.listen();
    EXPECT_EQ(reach({"own", "127.0.0.1", bound.number()}), "");
    EXPECT_THAT(reach({"own", "name.invalid", "443"}), testing::Not(IsEmpty()));
}

TEST(CheckPathFindings, TellAStartedGatewayFromOneThatIsNot) {
    const Place place{"check path", "127.0.0.1", "3000"};
    EXPECT_EQ(judge_check_path(place, std::string("HTTP/1.1 200 OK"))[0].weight, Weight::good);
    EXPECT_THAT(text_of(judge_check_path(place, std::string("HTTP/1.1 503 Service Unavailable"))),
                HasSubstr("/startupz on port 3000: answered \"HTTP/1.1 503"));
    EXPECT_THAT(text_of(judge_check_path(place, Error{Fault::unreachable, "no connection"})),
                HasSubstr("PROBLEM check path: /startupz on port 3000: no connection"));
}

TEST(CheckPathFindings, ComeFromARealConnection) {
    const BoundPort bound;
    const Place place{"check path", "127.0.0.1", bound.number()};
    EXPECT_THAT(ask_check_path(place).error().what, HasSubstr("no connection"));
    bound.listen();
    std::string asked(64, '\0');
    std::thread server([&] {
        const Fd client(accept4(bound.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
        (void)!recv(client.get(), asked.data(), asked.size(), 0);
        (void)!send(client.get(), "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL);
    });
    const Result<std::string> line = ask_check_path(place);
    server.join();
    ASSERT_TRUE(line) << line.error().what;
    EXPECT_EQ(*line, "HTTP/1.1 200 OK");
    EXPECT_THAT(asked, testing::StartsWith("GET /startupz HTTP/1.1\r\n"));
    // Nobody accepts the next one.
    EXPECT_EQ(ask_check_path(place, std::chrono::milliseconds(20)).error().what,
              "no answer within 20 ms");
}

}  // namespace
}  // namespace cli
