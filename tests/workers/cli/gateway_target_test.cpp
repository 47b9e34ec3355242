#include "workers/cli/gateway_target.h"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <functional>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/dashboard.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/clock.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using cli_test::healthy_report;
using hardshell::proto::Plan;
using hardshell::proto::StatusReport;
using testing::HasSubstr;

using Variables = std::vector<std::pair<std::string, std::string>>;

Context context_with(const Directory& directory, const std::vector<std::string>& words,
                     const Variables& variables) {
    return context_in(directory, "health", words, variables);
}

Plan plan_with(const std::string& token, const std::string& password = "", uint32_t port = 0) {
    Plan plan;
    auto& gateway = *plan.add_workers();
    gateway.set_kind("gateway");
    gateway.mutable_settings()->set_port(port);
    for (const auto& [name, value] : {std::pair{"token", token}, std::pair{"password", password}}) {
        if (value.empty()) continue;
        auto& secret = *gateway.add_secrets();
        secret.set_name(std::string("gateway.auth.") + name);
        secret.set_value(value);
        secret.set_source("the file");
    }
    return plan;
}

// The sources of a gateway that runs on 3000, or not at all; counts how often the plan is asked.
struct Fake {
    Result<Plan> plan;
    bool running = true;
    std::string bind = "lan";
    int asked = 0;

    Sources sources() {
        StatusReport report = healthy_report();
        report.set_bind(bind);
        Result<StatusReport> status = report;
        if (!running) status = Error{Fault::unreachable, "not running"};
        return {status, [this]() -> const Result<Plan>& {
                    ++asked;
                    return plan;
                }};
    }
};

const Error no_plan{Fault::system, "the planner is away"};

TEST(GatewayTarget, TakesThePortOfTheRunningGateway) {
    const Directory directory;
    Fake fake{no_plan};
    const auto target = choose_target(
        context_with(directory, {"--token", "T"}, {{"OPENCLAW_GATEWAY_PORT", "4000"}}),
        fake.sources());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->url, "ws://127.0.0.1:3000");
    EXPECT_EQ(target->token.reveal(), "T");
}

TEST(GatewayTarget, ElseTheEnvironmentElseTheConfigurationElseTheUsual) {
    const Directory directory;
    Fake configured{plan_with("", "", 5000), false};
    Fake nothing{no_plan, false};
    const auto url = [&](Fake& fake, const Variables& variables) {
        return choose_target(context_with(directory, {"--token", "T"}, variables), fake.sources())
            ->url;
    };
    EXPECT_EQ(url(configured, {{"CLAWDBOT_GATEWAY_PORT", "4000"}}), "ws://127.0.0.1:4000");
    EXPECT_EQ(url(configured, {{"OPENCLAW_GATEWAY_PORT", "none"}}), "ws://127.0.0.1:5000");
    EXPECT_EQ(url(nothing, {}), "ws://127.0.0.1:18789");
}

TEST(GatewayTarget, KnowsThatASupervisorWithoutAPlanHasNoPort) {
    const Directory directory;
    Fake fake{no_plan};
    Sources sources = fake.sources();
    sources.status.value().clear_port();
    EXPECT_EQ(
        choose_target(
            context_with(directory, {"--token", "T"}, {{"OPENCLAW_GATEWAY_PORT", "4000"}}), sources)
            ->url,
        "ws://127.0.0.1:4000");
}

TEST(GatewayTarget, AsksThePlannerForTheCredentialLast) {
    const Directory directory;
    Fake fake{plan_with("from-plan")};
    const Variables set = {{"OPENCLAW_GATEWAY_TOKEN", "from-environment"}};
    const auto token = [&](const std::vector<std::string>& words, const Variables& variables) {
        const auto target =
            choose_target(context_with(directory, words, variables), fake.sources());
        return target->token.reveal() + " / " + target->credential_source;
    };
    EXPECT_EQ(token({"--token", "given"}, set), "given / --token");
    EXPECT_EQ(token({}, set), "from-environment / environment variable OPENCLAW_GATEWAY_TOKEN");
    EXPECT_EQ(token({}, {}), "from-plan / the file");
}

TEST(GatewayTarget, SpeaksToTheGatewayElsewhereWithItsOwnCredentialOnly) {
    const Directory directory;
    Plan plan = plan_with("from-plan");
    plan.mutable_remote()->set_url("wss://far.example");
    plan.mutable_remote()->set_token("of-far");
    Fake fake{plan};
    const Variables set = {{"OPENCLAW_GATEWAY_TOKEN", "from-environment"}};
    const auto chosen = [&](const std::vector<std::string>& words) {
        const auto target = choose_target(context_with(directory, words, set), fake.sources());
        return target ? target->url + " " + target->token.reveal() : target.error().what;
    };
    EXPECT_EQ(chosen({}), "wss://far.example of-far");
    EXPECT_EQ(chosen({"--token", "given"}), "wss://far.example given");
    EXPECT_EQ(chosen({"--url", "ws://127.0.0.1:1"}), "ws://127.0.0.1:1 from-environment");
    fake.plan->mutable_remote()->clear_token();
    EXPECT_THAT(chosen({}), HasSubstr("set gateway.remote.token"));
    fake.plan->mutable_remote()->set_password("word of far");
    const auto target = choose_target(context_with(directory, {}, set), fake.sources());
    EXPECT_EQ(target->password.reveal(), "word of far");
    EXPECT_TRUE(target->token.empty());
}

TEST(GatewayTarget, AsksNoPlannerWhereTheRunningGatewayHasReadTheFile) {
    const Directory directory;
    directory.write("state/openclaw.json", "{}");
    const Context context = context_with(directory, {"--token", "T"}, {});
    Plan plan = plan_with("");
    plan.mutable_remote()->set_url("wss://far.example");
    Fake fake{plan};
    Sources sources = fake.sources();
    StatusReport& status = sources.status.value();
    status.set_config_path(context.config_path);
    status.set_plan_made_ms(wall_ms() + 60'000);
    status.set_mode_is_of_the_file(true);
    EXPECT_EQ(choose_target(context, sources)->url, "ws://127.0.0.1:3000");
    EXPECT_EQ(fake.asked, 0);
    // Without a file, too.
    std::filesystem::remove(context.config_path);
    EXPECT_EQ(choose_target(context, sources)->url, "ws://127.0.0.1:3000");
    EXPECT_EQ(fake.asked, 0);
}

TEST(GatewayTarget, AsksThePlannerWhereTheRunningGatewayMayNotKnowTheMode) {
    const Directory directory;
    directory.write("state/openclaw.json", "{}");
    const Context context = context_with(directory, {"--token", "T"}, {});
    Plan plan = plan_with("");
    plan.mutable_remote()->set_url("wss://far.example");
    Fake fake{plan};
    const auto url_when = [&](const std::function<void(StatusReport&)>& differs) {
        Sources sources = fake.sources();
        StatusReport& status = sources.status.value();
        status.set_config_path(context.config_path);
        status.set_plan_made_ms(wall_ms() + 60'000);
        status.set_mode_is_of_the_file(true);
        differs(status);
        return choose_target(context, sources)->url;
    };
    EXPECT_EQ(url_when([](StatusReport& status) { status.set_mode_is_remote(true); }),
              "wss://far.example");
    EXPECT_EQ(url_when([](StatusReport& status) { status.set_plan_made_ms(wall_ms() - 60'000); }),
              "wss://far.example");
    EXPECT_EQ(url_when([](StatusReport& status) { status.set_config_path("/other.json"); }),
              "wss://far.example");
    EXPECT_EQ(url_when([](StatusReport& status) { status.set_mode_is_of_the_file(false); }),
              "wss://far.example")
        << "a file that it includes may have changed";
}

TEST(GatewayTarget, AsksThePlannerWhereALinkLeadsToAnotherFileNow) {
    const Directory directory;
    directory.write("state/old.json", "{}");
    const std::string file = directory.path() + "/state/old.json";
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    const auto of_the_file = [&] {
        return info.st_ctim.tv_sec * 1000 + info.st_ctim.tv_nsec / 1'000'000;
    };
    // The clock of a file system goes in steps.
    const std::string link = directory.path() + "/state/openclaw.json";
    struct stat linked {};
    int64_t link_ms = 0;
    do {
        std::filesystem::remove(link);
        std::filesystem::create_symlink(file, link);
        ASSERT_EQ(::lstat(link.c_str(), &linked), 0);
        link_ms = linked.st_ctim.tv_sec * 1000 + linked.st_ctim.tv_nsec / 1'000'000;
    } while (link_ms < of_the_file() + 2);
    const Context context = context_with(directory, {"--token", "T"}, {});
    Plan plan = plan_with("");
    plan.mutable_remote()->set_url("wss://far.example");
    Fake fake{plan};
    Sources sources = fake.sources();
    sources.status->set_config_path(context.config_path);
    sources.status->set_mode_is_of_the_file(true);
    sources.status->set_plan_made_ms(link_ms - 1);
    EXPECT_EQ(choose_target(context, sources)->url, "wss://far.example");
    sources.status->set_plan_made_ms(link_ms + 1);
    EXPECT_EQ(choose_target(context, sources)->url, "ws://127.0.0.1:3000");
}

TEST(GatewayTarget, KnowsPasswordsToo) {
    const Directory directory;
    Fake fake{plan_with("", "secret word")};
    const auto target = choose_target(context_with(directory, {}, {}), fake.sources());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->password.reveal(), "secret word");
    EXPECT_TRUE(target->token.empty());
}

TEST(GatewayTarget, NeverSendsTheConfiguredSecretElsewhere) {
    const Directory directory;
    Fake fake{plan_with("from-plan")};
    const auto target = choose_target(
        context_with(directory, {"--url", "wss://elsewhere.example"}, {}), fake.sources());
    ASSERT_FALSE(target);
    EXPECT_THAT(target.error().what, HasSubstr("not sent to wss://elsewhere.example"));
    EXPECT_EQ(fake.asked, 0);
    EXPECT_TRUE(
        choose_target(context_with(directory, {"--url", "ws://127.0.0.1:1"}, {}), fake.sources()));
}

TEST(GatewayTarget, SaysWhyNoCredentialIsKnown) {
    const Directory directory;
    Fake fake{no_plan};
    const auto target = choose_target(context_with(directory, {}, {}), fake.sources());
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().fault, Fault::bad_credentials);
    EXPECT_THAT(target.error().what, HasSubstr("the planner is away"));
    Fake never{plan_with(""), false};
    EXPECT_THAT(choose_target(context_with(directory, {}, {}), never.sources()).error().what,
                HasSubstr("`hardshell gateway`"));
}

TEST(GatewayTarget, FindsAGatewayThatIsNotOnLoopback) {
    const Directory directory;
    Plan plan = plan_with("T");
    auto& listener = *plan.add_listeners();
    listener.set_name("http");
    listener.add_addresses()->set_ip("100.64.0.7");
    Fake fake{plan, true, "tailnet"};
    EXPECT_EQ(choose_target(context_with(directory, {}, {}), fake.sources())->url,
              "ws://100.64.0.7:3000");
    listener.add_addresses()->set_ip("127.0.0.1");
    fake.plan = plan;
    EXPECT_EQ(choose_target(context_with(directory, {}, {}), fake.sources())->url,
              "ws://127.0.0.1:3000");
}

TEST(GatewayTarget, TellsThisMachineFromOthers) {
    for (const char* here : {"ws://127.0.0.1:1", "ws://localhost/", "wss://[::1]:9/x"})
        EXPECT_TRUE(is_loopback_url(here)) << here;
    for (const char* there : {"ws://127.0.0.1.example", "ws://localhost.example:1",
                              "ws://127.0.0.1@example", "wss://my-app.fly.dev"})
        EXPECT_FALSE(is_loopback_url(there)) << there;
}

TEST(PlanQuery, BringsTheSecretsOfTheConfiguration) {
    const Directory directory;
    directory.write("state/openclaw.json", "token abc\nkey anthropic k\nport 1234\n");
    const auto plan = ask_planner(context_in(directory));
    ASSERT_TRUE(plan) << plan.error().what;
    EXPECT_EQ(gateway_secret(*plan, "gateway.auth.token")->value(), "abc");
    EXPECT_EQ(gateway_secret(*plan, "gateway.auth.password"), nullptr);
    EXPECT_EQ(worker_of_kind(*plan, "gateway")->settings().port(), 1234u);
    EXPECT_EQ(worker_of_kind(*plan, "agent")->secrets(0).value(), "k");
    EXPECT_EQ(worker_of_kind(*plan, "discord"), nullptr);
}

TEST(PlanQuery, LeavesAStateDirectoryAloneWhereNoGatewayHasRun) {
    const Directory directory;
    const auto plan = ask_planner(context_in(directory));
    ASSERT_TRUE(plan) << plan.error().what;
    EXPECT_TRUE(std::filesystem::is_empty(directory.path() + "/state"));
    EXPECT_EQ(gateway_secret(*plan, "gateway.auth.token"), nullptr);
    EXPECT_EQ(plan->notices_size(), 0);
}

TEST(PlanQuery, KnowsTheTokenThatThePlannerMade) {
    const Directory directory;
    directory.write("state/hardshell/planner/gateway-token", "");
    const auto plan = ask_planner(context_in(directory));
    ASSERT_TRUE(plan);
    EXPECT_EQ(gateway_secret(*plan, "gateway.auth.token")->value(), "made-by-the-planner");
}

TEST(PlanQuery, PassesOnARefusal) {
    const Directory directory;
    directory.write("state/openclaw.json", "refuse openclaw.json:3: expected a value\n");
    const auto plan = ask_planner(context_in(directory));
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().fault, Fault::bad_config);
    EXPECT_EQ(plan.error().what, "openclaw.json:3: expected a value");
}

TEST(PlanQuery, NamesAPlannerThatDiesOrIsMissing) {
    const Directory directory;
    directory.write("state/openclaw.json", "silent\n");
    Context context = context_in(directory);
    EXPECT_THAT(ask_planner(context).error().what, HasSubstr("ended without an answer"));
    context.libexec_dir = directory.path() + "/nowhere";
    EXPECT_THAT(ask_planner(context).error().what, HasSubstr("installation is incomplete"));
}

TEST(PlanQuery, EndsNothingButItsOwnPlanner) {
    // Many askings in a row: each collects exactly the child it made.
    const Directory directory;
    directory.write("state/openclaw.json", "token abc\n");
    const Context context = context_in(directory);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(ask_planner(context));
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Dashboard, PutsTheTokenInTheFragment) {
    Page page;
    page.port = 3000;
    page.token = "a/b c";
    EXPECT_EQ(page_address(page), "http://127.0.0.1:3000/#token=a%2Fb%20c");
    page.base_path = "/ui/";
    EXPECT_EQ(page_address(page), "http://127.0.0.1:3000/ui/#token=a%2Fb%20c");
    page.fly_app = "my-app";
    EXPECT_EQ(page_address(page), "https://my-app.fly.dev/ui/#token=a%2Fb%20c");
    page.is_owners_build = true;
    EXPECT_EQ(page_address(page), "https://my-app.fly.dev/ui/?token=a%2Fb%20c");
    page.gateway_url = "wss://far.example:8443/x";
    EXPECT_EQ(page_address(page), "https://far.example:8443/ui/?token=a%2Fb%20c");
    page.gateway_url.clear();
    page.token.clear();
    page.base_path = "/";
    EXPECT_EQ(page_address(page), "https://my-app.fly.dev/");
}

}  // namespace
}  // namespace cli
