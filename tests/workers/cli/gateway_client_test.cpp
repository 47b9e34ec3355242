#include "workers/cli/gateway_client.h"

#include <gmock/gmock.h>

#include <mutex>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/agent.h"
#include "workers/cli/commands/gateway_methods.h"

namespace cli {
namespace {

using cli_test::GatewayDouble;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using Texts = std::vector<std::string>;

constexpr const char* challenge =
    R"({"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1}})";
constexpr const char* welcome =
    R"({"type":"res","id":"connect","ok":true,"payload":{"type":"hello-ok","protocol":3,)"
    R"("server":{"version":"dev"},"policy":{"tickIntervalMs":30000}}})";

Deadline in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}
Deadline soon() {
    return in(std::chrono::seconds(20));
}

Target target_of(const GatewayDouble& gateway) {
    Target target;
    target.url = gateway.url();
    target.token = Secret("T0ken");
    target.credential_source = "--token";
    return target;
}

// A gateway that greets and answers requests with `answer`.
GatewayDouble::Answer greeting(std::function<Texts(const Json& request)> answer) {
    return [answer](const std::string& text) -> Texts {
        if (text.empty()) return {challenge};
        const Json request = *parse_json(text);
        if (text_member(request, "method") == "connect") return {welcome};
        return answer(request);
    };
}

std::string response(const Json& request, const Json& payload) {
    return print_json(
        {{"type", "res"}, {"id", text_member(request, "id")}, {"ok", true}, {"payload", payload}});
}

TEST(Url, NamesHostPortAndPath) {
    EXPECT_EQ(parse_url("ws://127.0.0.1:3000")->port, "3000");
    EXPECT_EQ(parse_url("wss://my-app.fly.dev/x?y=1#z")->path, "/x?y=1");
    EXPECT_TRUE(parse_url("wss://my-app.fly.dev")->tls);
    EXPECT_EQ(parse_url("https://my-app.fly.dev")->authority(), "my-app.fly.dev:443");
    EXPECT_EQ(parse_url("ws://[::1]:5/")->host, "::1");
    EXPECT_EQ(parse_url("ws://[::1]:5/")->authority(), "[::1]:5");
    for (const char* bad : {"", "127.0.0.1:3000", "ftp://x", "ws://", "ws://x:", "ws://x:y",
                            "ws://a b", "ws://user@host", "ws://x/a b", "ws://x:123456"})
        EXPECT_FALSE(parse_url(bad)) << bad;
}

TEST(GatewayClient, ConnectsAsTheCommandLineWithTheSharedToken) {
    Json seen;
    const GatewayDouble gateway{[&](const std::string& text) -> Texts {
        if (text.empty()) return {challenge};
        seen = *parse_json(text);
        return {welcome};
    }};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    ASSERT_TRUE(client) << client.error().what;
    EXPECT_EQ(int_member((*client)->hello(), "protocol"), 3);
    const Json& params = member(seen, "params");
    EXPECT_EQ(print_json(member(params, "auth")), R"({"token":"T0ken"})");
    EXPECT_EQ(text_member(member(params, "client"), "id"), "cli");
    EXPECT_EQ(text_member(member(params, "client"), "mode"), "cli");
    EXPECT_EQ(print_json(member(params, "scopes")),
              R"(["operator.admin","operator.approvals","operator.pairing"])");
    EXPECT_EQ(int_member(params, "minProtocol"), 3);
}

TEST(GatewayClient, SaysWhereARefusedTokenCameFrom) {
    const GatewayDouble gateway{[](const std::string& text) -> Texts {
        if (text.empty()) return {challenge};
        return {R"({"type":"res","id":"connect","ok":false,"error":{"code":"INVALID_REQUEST",)"
                R"("message":"unauthorized: gateway token mismatch"}})",
                "CLOSE 1008 unauthorized"};
    }};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().fault, Fault::bad_credentials);
    EXPECT_THAT(client.error().what, HasSubstr("token mismatch (credential from --token)"));
    EXPECT_EQ(client.error().what.find("T0ken"), std::string::npos);
}

TEST(GatewayClient, BlamesNoCredentialForAnotherVersionOrAMissingPairing) {
    for (const auto& [error, cure] :
         {std::pair{R"({"code":"INVALID_REQUEST","message":"protocol mismatch"})",
                    "use a command line of the gateway's version"},
          std::pair{R"({"code":"NOT_PAIRED","message":"pairing required"})",
                    "give the gateway's shared token"}}) {
        const GatewayDouble gateway{[error = std::string(error)](const std::string& text) -> Texts {
            if (text.empty()) return {challenge};
            return {R"({"type":"res","id":"connect","ok":false,"error":)" + error + "}"};
        }};
        const auto client = GatewayClient::connect(target_of(gateway), soon());
        ASSERT_FALSE(client);
        EXPECT_EQ(client.error().fault, Fault::bad_config);
        EXPECT_THAT(client.error().what, HasSubstr(cure));
    }
}

TEST(GatewayClient, PassesOnWhyItWasClosed) {
    const GatewayDouble gateway{[](const std::string& text) -> Texts {
        if (text.empty()) return {challenge};
        return {"CLOSE 1012 service restart"};
    }};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().what, HasSubstr("closed the connection (service restart)"));
}

TEST(GatewayClient, SaysHowToStartAGatewayWhenNobodyListens) {
    Target target;
    {
        const GatewayDouble gone{[](const std::string&) -> Texts { return {}; }};
        target = target_of(gone);
    }
    const auto client = GatewayClient::connect(target, soon());
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().fault, Fault::unreachable);
    EXPECT_THAT(client.error().what, HasSubstr("start one with `hardshell gateway`"));
}

TEST(GatewayClient, GivesUpAtTheDeadline) {
    const GatewayDouble gateway{[](const std::string&) -> Texts { return {}; }};
    const auto client =
        GatewayClient::connect(target_of(gateway), in(std::chrono::milliseconds(50)));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().fault, Fault::timed_out);
}

TEST(GatewayClient, BringsThePayloadAndSkipsWhatIsNotMeantForIt) {
    const GatewayDouble gateway{greeting([](const Json& request) -> Texts {
        EXPECT_EQ(text_member(request, "type"), "req");
        return {"no json", "[1]", R"({"type":"event","event":"tick","payload":{"ts":1},"seq":1})",
                R"({"type":"res","id":"other","ok":true,"payload":{"ok":false}})",
                response(request, {{"ok", true}})};
    })};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    ASSERT_TRUE(client);
    std::vector<std::string> events;
    const auto payload =
        (*client)->call({"health", Json::object(), false,
                         [&](const std::string& event, const Json&) { events.push_back(event); }},
                        soon());
    ASSERT_TRUE(payload) << payload.error().what;
    EXPECT_TRUE(bool_member(*payload, "ok"));
    EXPECT_THAT(events, ElementsAre("tick"));
}

TEST(GatewayClient, TakesALargeMessage) {
    const std::string large(3u << 20, 'x');
    const GatewayDouble gateway{greeting([&](const Json& request) -> Texts {
        return {response(request, {{"text", large}})};
    })};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    const auto payload = (*client)->call({"chat.history", Json::object(), false, {}}, soon());
    ASSERT_TRUE(payload);
    EXPECT_EQ(text_member(*payload, "text"), large);
}

TEST(GatewayClient, WaitsForTheSecondResponseWhenAskedTo) {
    const GatewayDouble gateway{greeting([](const Json& request) -> Texts {
        return {response(request, {{"status", "accepted"}}), response(request, {{"status", "ok"}})};
    })};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    EXPECT_EQ(text_member(*(*client)->call({"agent", Json::object(), true, {}}, soon()), "status"),
              "ok");
    EXPECT_EQ(text_member(*(*client)->call({"agent", Json::object(), false, {}}, soon()), "status"),
              "accepted");
}

TEST(GatewayClient, TurnsARefusalIntoASentence) {
    const GatewayDouble gateway{greeting([](const Json& request) -> Texts {
        return {print_json({{"type", "res"},
                            {"id", text_member(request, "id")},
                            {"ok", false},
                            {"error", {{"code", "UNAVAILABLE"}, {"message", "the agent died"}}}})};
    })};
    const auto client = GatewayClient::connect(target_of(gateway), soon());
    const auto payload = (*client)->call({"agent", Json::object(), true, {}}, soon());
    ASSERT_FALSE(payload);
    EXPECT_EQ(payload.error().what, "agent: the agent died (UNAVAILABLE)");
}

TEST(GatewayClient, MakesAnIdThatIsNew) {
    EXPECT_THAT(random_uuid(), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                            "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_NE(random_uuid(), random_uuid());
}

Result<Arguments> agent_arguments(std::vector<std::string> words) {
    const std::vector<std::string> name = {"agent"};
    return parse_arguments(*find_command(name).command, words);
}

TEST(Agent, SendsOnlyWhatWasGiven) {
    EXPECT_EQ(print_json(*agent_params(*agent_arguments({"-m", "hello"}), "id")),
              R"({"message":"hello","idempotencyKey":"id"})");
    EXPECT_EQ(print_json(*agent_params(
                  *agent_arguments({"-m", "x", "--agent", "ops", "--session-id", "s", "--to", "+1",
                                    "--thinking", "low", "--timeout", "9"}),
                  "id")),
              R"({"message":"x","idempotencyKey":"id","agentId":"ops","sessionId":"s","to":"+1",)"
              R"("thinking":"low","timeout":9})");
    EXPECT_EQ(print_json(*agent_params(
                  *agent_arguments({"-m", "x", "--deliver", "--channel", "telegram", "--reply-to",
                                    "7", "--reply-channel", "discord", "--reply-account", "ops",
                                    "--local", "--verbose", "on"}),
                  "id")),
              R"({"message":"x","idempotencyKey":"id","channel":"telegram","replyTo":"7",)"
              R"("replyChannel":"discord","replyAccountId":"ops","deliver":true})");
}

TEST(GatewayStatus, SaysWhereTheGatewayListensInStockWords) {
    Target target;
    target.url = "ws://127.0.0.1:3000";
    target.port = 3000;
    const Json unknown = gateway_status_json(target, Json(), Json());
    EXPECT_EQ(unknown["gateway"]["bindMode"], nullptr);
    EXPECT_EQ(unknown["rpc"]["url"], "ws://127.0.0.1:3000");
    target.bind = "lan";
    const Json lan = gateway_status_json(target, Json(), Json());
    EXPECT_EQ(lan["gateway"]["bindMode"], "lan");
    EXPECT_EQ(lan["gateway"]["bindHost"], "0.0.0.0");
    target.bind = "loopback";
    const Json loopback = gateway_status_json(target, Json(), Json());
    EXPECT_EQ(loopback["gateway"]["bindHost"], "127.0.0.1");
}

TEST(GatewayStatus, TellsOfTheServiceAsOpenClawDoes) {
    const Json up = service_json(cli_test::healthy_report(), "/d/openclaw.json", true);
    EXPECT_EQ(text_member(member_at(up, "service.runtime"), "status"), "running");
    EXPECT_EQ(int_member(member(up, "port"), "port"), 3000);
    EXPECT_EQ(text_member(member_at(up, "config.cli"), "path"), "/d/openclaw.json");
    EXPECT_TRUE(bool_member(member_at(up, "config.daemon"), "valid"));
    const Json down = service_json(Error{Fault::unreachable, "no gateway"}, "/d/x", false);
    EXPECT_FALSE(bool_member(member(down, "service"), "loaded", true));
    EXPECT_EQ(text_member(member_at(down, "service.runtime"), "detail"), "no gateway");
}

TEST(Agent, RefusesToSayNothing) {
    EXPECT_THAT(agent_params(*agent_arguments({}), "id").error().what,
                HasSubstr("hardshell agent -m"));
    EXPECT_FALSE(agent_params(*agent_arguments({"-m", " \n"}), "id"));
    EXPECT_FALSE(agent_params(*agent_arguments({"-m", "x", "--timeout", "soon"}), "id"));
}

TEST(Agent, JoinsTheTextsOfTheFinalPayload) {
    const Json payload = *parse_json(
        R"({"result":{"payloads":[{"text":"one"},{"text":null},{"mediaUrl":"x"},{"text":"two"}]}})");
    EXPECT_EQ(answer_text(payload), "one\n\ntwo");
    EXPECT_EQ(answer_text(Json()), "");
}

// What stands on the screen after these cumulative texts and this end.
std::string screen(const std::vector<std::string>& texts, const std::string& end,
                   bool as_it_comes = true) {
    std::string out;
    AnswerPrinter printer{"run", as_it_comes, [&](const std::string& text) { out += text; }};
    for (const std::string& text : texts)
        printer.see("agent",
                    {{"runId", "run"}, {"stream", "assistant"}, {"data", {{"text", text}}}});
    printer.finish(end);
    return out;
}

TEST(AnswerPrinter, PrintsEveryAnswerExactlyOnce) {
    EXPECT_EQ(screen({"He", "Hello"}, "Hello"), "Hello\n");
    EXPECT_EQ(screen({"He"}, "Hello"), "Hello\n");
    EXPECT_EQ(screen({}, "Hello"), "Hello\n");
    EXPECT_EQ(screen({"Hello ", "Hello \n"}, "Hello"), "Hello \n\n");
    EXPECT_EQ(screen({"Hello", "He"}, "Hello"), "Hello\n");
    EXPECT_EQ(screen({"Draft"}, "Hello"), "Draft\nHello\n");
    EXPECT_EQ(screen({"He", "Hello"}, "Hello", false), "Hello\n");
}

TEST(AnswerPrinter, LeavesOtherRunsOut) {
    std::string out;
    AnswerPrinter printer{"run", true, [&](const std::string& text) { out += text; }};
    printer.see("agent", {{"runId", "x"}, {"stream", "assistant"}, {"data", {{"text", "no"}}}});
    printer.see("chat", {{"runId", "run"}, {"stream", "assistant"}, {"data", {{"text", "no"}}}});
    printer.see("agent", {{"runId", "run"}, {"stream", "tool"}, {"data", {{"text", "no"}}}});
    printer.give_up();
    EXPECT_EQ(out, "");
}

TEST(AnswerPrinter, EndsTheLineOfAnAnswerThatBrokeOff) {
    std::string out;
    AnswerPrinter printer{"run", true, [&](const std::string& text) { out += text; }};
    printer.see("agent", {{"runId", "run"}, {"stream", "assistant"}, {"data", {{"text", "Hal"}}}});
    printer.give_up();
    EXPECT_EQ(out, "Hal\n");
}

TEST(Health, IsATableForPeople) {
    const Json payload =
        *parse_json(R"({"ok":true,"durationMs":3,"agents":[{"agentId":"main","isDefault":true,)"
                    R"("sessions":{"count":2}}],"channels":{"discord":{"configured":true}}})");
    EXPECT_EQ(health_text(payload),
              "health           ok\n"
              "answered in      3 ms\n"
              "agent main       2 sessions, the default agent\n"
              "channel discord  configured\n");
}

TEST(Health, NamesTheWorkersThatAreNotReady) {
    const Json payload = *parse_json(R"({"ok":false,"workers":[{"name":"gateway","state":"ready"},)"
                                     R"({"name":"agent","state":"waiting"}]})");
    EXPECT_THAT(health_text(payload), testing::HasSubstr("worker agent  waiting; see"));
}

}  // namespace
}  // namespace cli
