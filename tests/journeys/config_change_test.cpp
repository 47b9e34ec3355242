// The configuration changes while Hardshell runs: through the gateway, by the command line, by
// hand. Who is not concerned goes on; what is wrong changes nothing.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/journeys/journey.h"
#include "workers/common/base/file_state.h"

namespace {

class ConfigChange : public Journey {
  protected:
    static constexpr const char* secret = "s3cret-channel-token-000111";
    static constexpr const char* owned = R"({
  // An owner's own words.
  gateway: { mode: 'local' },
  agents: { list: [{ id: 'main', default: true, identity: { name: '${AGENT_NAME}' } }] },
  channels: { discord: { enabled: false, token: 's3cret-channel-token-000111' } },
  messages: { ackReaction: 'ok' }, // short
}
)";

    void begin(const std::string& config = owned) {
        HardshellProcess::Options options;
        options.config = config;
        options.environment["AGENT_NAME"] = "Crab";
        start(options);
        agent = hardshell->worker("agent");
        gateway = hardshell->worker("gateway");
    }
    std::string file(const std::string& suffix = "") const {
        std::ifstream stream(hardshell->config_path() + suffix, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static std::string with(std::string text, const std::string& old, const std::string& next) {
        const size_t at = text.find(old);
        EXPECT_NE(at, std::string::npos) << old;
        return at == std::string::npos ? text : text.replace(at, old.size(), next);
    }
    // Every answer is looked through: none may hold the secret.
    Json ask(GatewayClient& client, const std::string& method,
             const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_EQ(print_json(answer).find("s3cret"), std::string::npos) << method;
        return answer;
    }
    Json get(GatewayClient& client) { return member(ask(client, "config.get"), "payload"); }
    static bool is_settled(const std::string& path) {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        const auto state = FileState::of(path);
        return !state || state->is_settled(now.tv_sec * 1'000'000'000 + now.tv_nsec);
    }
    static std::string message(const Json& answer) {
        return text_member(member(answer, "error"), "message");
    }
    static std::string agent_name(GatewayClient& client) {
        const Json answer = client.request("agent.identity.get", {{"sessionKey", "main"}});
        return text_member(member(answer, "payload"), "name");
    }
    bool only_agent_is_replaced() {
        const pid_t next = hardshell->wait_worker_replaced("agent", agent);
        const bool is_alone = next > 0 && hardshell->worker("gateway") == gateway;
        agent = next;
        return is_alone;
    }

    pid_t agent = 0;
    pid_t gateway = 0;
};

TEST_F(ConfigChange, ByAClientRestartsOnlyTheWorkerItConcerns) {
    begin();
    GatewayClient client = connect();
    ASSERT_EQ(agent_name(client), "Crab");
    const Json shown = get(client);
    const std::string raw =
        with(text_member(shown, "raw"), "'${AGENT_NAME}'", "'Lobster of ${AGENT_NAME}'");
    const Json done =
        ask(client, "config.set", {{"raw", raw}, {"baseHash", text_member(shown, "hash")}});
    ASSERT_TRUE(bool_member(done, "ok")) << print_json(done);
    ASSERT_TRUE(only_agent_is_replaced());
    EXPECT_EQ(agent_name(client), "Lobster of Crab") << "the connection outlived the change";
    EXPECT_EQ(file(), with(with(owned, "'${AGENT_NAME}'", "'Lobster of ${AGENT_NAME}'"),
                           "'" + std::string(secret) + "'", "\"" + std::string(secret) + "\""));
    EXPECT_EQ(file(".bak"), owned);
    EXPECT_TRUE(hardshell->wait_line("agents.list")) << "the log names the key";
    EXPECT_EQ(hardshell->log().find(secret), std::string::npos);
}

TEST_F(ConfigChange, ByAPatchOfTheGatewayLeavesTheAgentAlone) {
    begin();
    GatewayClient client = connect();
    const Json done = ask(client, "config.patch",
                          {{"raw", R"({"gateway":{"trustedProxies":["10.0.0.1"]}})"},
                           {"baseHash", text_member(get(client), "hash")},
                           {"note", "behind a proxy"},
                           {"restartDelayMs", 0}});
    ASSERT_TRUE(bool_member(done, "ok")) << print_json(done);
    EXPECT_EQ(member_at(done, "payload.restart.delayMs"), 0);
    EXPECT_EQ(text_member(member_at(done, "payload.sentinel.payload"), "kind"), "config-apply");
    ASSERT_GT(hardshell->wait_worker_replaced("gateway", gateway), 0);
    EXPECT_TRUE(client.wait_closed());
    ASSERT_TRUE(hardshell->wait_started());
    EXPECT_EQ(hardshell->worker("agent"), agent);
    EXPECT_TRUE(hardshell->wait_line("behind a proxy"));
    EXPECT_FALSE(std::filesystem::exists(hardshell->state_dir() + "/restart-sentinel.json"));
    EXPECT_EQ(file(), with(owned, "{ mode: 'local' }",
                           "{ mode: 'local', trustedProxies: [\n    \"10.0.0.1\"\n  ] }"));
}

TEST_F(ConfigChange, IsInForceOnlyAfterTheDelayThatWasAskedFor) {
    begin();
    GatewayClient client = connect();
    const std::string raw = with(owned, "'ok'", "'fine'");
    const Json done = ask(
        client, "config.apply",
        {{"raw", raw}, {"baseHash", text_member(get(client), "hash")}, {"restartDelayMs", 60'000}});
    ASSERT_TRUE(bool_member(done, "ok")) << print_json(done);
    EXPECT_EQ(file(), raw);
    // A change by hand would be in force long before.
    EXPECT_EQ(hardshell->wait_worker_replaced("agent", agent, std::chrono::milliseconds(2'000)), 0);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    EXPECT_TRUE(only_agent_is_replaced());
}

TEST_F(ConfigChange, OfTwoClientsTheSecondHasToReadAgain) {
    begin();
    GatewayClient first = connect(), second = connect();
    const Json hash = member(get(first), "hash");
    EXPECT_TRUE(bool_member(
        ask(first, "config.set", {{"raw", with(owned, "'ok'", "'one'")}, {"baseHash", hash}}),
        "ok"));
    const Json late =
        ask(second, "config.set", {{"raw", with(owned, "'ok'", "'two'")}, {"baseHash", hash}});
    EXPECT_NE(message(late).find("config changed"), std::string::npos) << print_json(late);
    EXPECT_NE(file().find("'one'"), std::string::npos);
    const Json known = member(get(second), "hash");
    hardshell->write_config(with(owned, "'ok'", "'by hand'"));
    const Json over_a_hand = ask(second, "config.set", {{"raw", owned}, {"baseHash", known}});
    EXPECT_FALSE(bool_member(over_a_hand, "ok"));
    EXPECT_NE(file().find("'by hand'"), std::string::npos);
}

TEST_F(ConfigChange, ThatWouldBeInvalidIsRefusedAndNamesTheKey) {
    begin();
    GatewayClient client = connect();
    const Json hash = member(get(client), "hash");
    const Json wrong =
        ask(client, "config.set", {{"raw", "{gateway: {port: 'many'}}"}, {"baseHash", hash}});
    EXPECT_NE(message(wrong).find("gateway.port"), std::string::npos) << print_json(wrong);
    EXPECT_EQ(member_at(wrong, "error.details.issues")[0]["path"], "gateway.port");
    const Json unknown = ask(client, "config.patch", {{"raw", "{nope: 1}"}, {"baseHash", hash}});
    EXPECT_NE(message(unknown).find("\"nope\""), std::string::npos) << print_json(unknown);
    const Json without = ask(client, "config.apply", {{"raw", owned}});
    EXPECT_NE(message(without).find("config hash required"), std::string::npos);
    EXPECT_EQ(file(), owned);
    EXPECT_FALSE(std::filesystem::exists(hardshell->config_path() + ".bak"));
    EXPECT_EQ(hardshell->worker("agent"), agent);
}

TEST_F(ConfigChange, IsForAdministratorsOnly) {
    begin();
    GatewayClient::Options options = owner();
    options.scopes = {"operator.read", "operator.write"};
    GatewayClient client = connect(options);
    for (const char* method : {"config.get", "config.set", "config.schema"})
        EXPECT_EQ(message(ask(client, method)), "missing scope: operator.admin") << method;
}

TEST_F(ConfigChange, IsOfferedWithASchemaThatHasHints) {
    begin();
    GatewayClient client = connect();
    const Json schema = member(ask(client, "config.schema"), "payload");
    EXPECT_EQ(member_at(schema, "schema.properties.gateway.properties.port")["default"], 18789);
    EXPECT_EQ(schema["uiHints"]["channels.discord.token"]["sensitive"], true);
}

TEST_F(ConfigChange, ByHandIsNoticed) {
    begin();
    GatewayClient client = connect();
    hardshell->write_config(with(owned, "${AGENT_NAME}", "Prawn"));
    ASSERT_TRUE(only_agent_is_replaced());
    EXPECT_EQ(agent_name(client), "Prawn");
}

TEST_F(ConfigChange, ByHandThatConcernsNobodyRestartsNobody) {
    begin();
    const size_t from = hardshell->line_count();
    hardshell->write_config(with(owned, "gateway:", "meta: {lastTouchedAt: 'now'}, gateway:"));
    EXPECT_TRUE(hardshell->wait_line("no worker is concerned", from));
    EXPECT_EQ(hardshell->worker("agent"), agent);
    EXPECT_EQ(hardshell->worker("gateway"), gateway);
}

TEST_F(ConfigChange, ByHandThatIsBrokenShowsAndStopsNothing) {
    begin();
    hardshell->write_config("{ gateway: { mode: 42 }");
    ASSERT_TRUE(hardshell->wait_line("the plan in force stays"));
    const auto status = hardshell->command({"status"});
    EXPECT_EQ(status.exit_code, 2);
    EXPECT_NE(status.output.find("openclaw.json:1:"), std::string::npos) << status.output;
    EXPECT_NE(hardshell->command({"doctor"}).output.find("openclaw.json:1:"), std::string::npos);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 1);
    GatewayClient client = connect();
    const Json shown = get(client);
    EXPECT_EQ(member(shown, "valid"), false);
    // It can be mended through the gateway.
    const Json mended =
        ask(client, "config.set", {{"raw", owned}, {"baseHash", member(shown, "hash")}});
    EXPECT_TRUE(bool_member(mended, "ok")) << print_json(mended);
    EXPECT_TRUE(hardshell->wait_line("can be used again"));
    EXPECT_EQ(hardshell->worker("agent"), agent);
    EXPECT_EQ(hardshell->worker("gateway"), gateway);
}

TEST_F(ConfigChange, ThatTakesTheFileAwayLeavesThePlanInForce) {
    begin();
    std::filesystem::remove(hardshell->config_path());
    ASSERT_TRUE(hardshell->wait_line("is gone; the plan in force stays"));
    EXPECT_EQ(hardshell->worker("agent"), agent);
}

TEST_F(ConfigChange, WaitsWhereReloadingIsOff) {
    const std::string off = with(owned, "mode: 'local'", "mode: 'local', reload: {mode: 'off'}");
    begin(off);
    const size_t from = hardshell->line_count();
    hardshell->write_config(with(off, "'ok'", "'fine'"));
    ASSERT_TRUE(hardshell->wait_line("gateway.reload.mode is off", from));
    EXPECT_EQ(hardshell->worker("agent"), agent);
    EXPECT_NE(hardshell->command({"status"}).output.find("messages.ackReaction"),
              std::string::npos);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    EXPECT_TRUE(only_agent_is_replaced());
}

TEST_F(ConfigChange, RestartsEveryoneWhereTheOwnerWantsThat) {
    const std::string all =
        with(owned, "mode: 'local'", "mode: 'local', reload: {mode: 'restart', debounceMs: 0}");
    begin(all);
    hardshell->write_config(with(all, "'ok'", "'fine'"));
    EXPECT_GT(hardshell->wait_worker_replaced("agent", agent), 0);
    EXPECT_GT(hardshell->wait_worker_replaced("gateway", gateway), 0);
}

TEST_F(ConfigChange, ByTheCommandLineGoesTheSameWay) {
    begin();
    const auto set = hardshell->command({"config", "set", "messages.ackReaction", "fine"});
    EXPECT_EQ(set.exit_code, 0) << set.output;
    EXPECT_NE(set.output.find("the running gateway takes it over"), std::string::npos);
    ASSERT_TRUE(only_agent_is_replaced());
    EXPECT_EQ(file(), with(owned, "'ok'", "\"fine\""));
    EXPECT_EQ(hardshell->command({"config", "get", "messages.ackReaction"}).output, "fine\n");
}

TEST_F(ConfigChange, ShowsWhatTheFileSaysNowWhoeverWroteIt) {
    begin();
    GatewayClient one = connect();
    GatewayClient other = connect();
    const auto reaction = [&](GatewayClient& client) {
        return text_member(member_at(get(client), "config.messages"), "ackReaction");
    };
    for (int round = 0; round < 8; ++round) {
        // Of one length, in place: nothing but its time tells the next file from the last.
        const std::string by_hand = "h" + std::to_string(round);
        std::ofstream(hardshell->config_path(), std::ios::binary)
            << with(owned, "'ok'", "'" + by_hand + "'");
        EXPECT_EQ(reaction(one), by_hand);
        EXPECT_EQ(reaction(other), by_hand);
        // In every other round until the answer is one that is kept.
        while (round % 2 == 0 && !is_settled(hardshell->config_path()))
            EXPECT_EQ(reaction(one), by_hand);
        for (GatewayClient* client : {&one, &other}) EXPECT_EQ(reaction(*client), by_hand);
    }
    const Json shown = get(other);
    const Json changed = ask(one, "config.patch",
                             {{"raw", "{messages: {ackReaction: 'wave'}}"},
                              {"baseHash", text_member(shown, "hash")},
                              {"restartDelayMs", 60'000}});
    ASSERT_TRUE(bool_member(changed, "ok")) << print_json(changed);
    EXPECT_EQ(reaction(other), "wave");
    std::filesystem::remove(hardshell->config_path());
    EXPECT_FALSE(bool_member(get(other), "exists", true));
}

}  // namespace
