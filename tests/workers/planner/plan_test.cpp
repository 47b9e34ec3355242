// From files, options and environment to who runs and what each is told.
#include "workers/planner/plan.h"

#include <sys/stat.h>

#include <filesystem>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/paths.h"
#include "workers/planner/gateway_access.h"

namespace {

using namespace std::string_literals;
using ThePlan = PlannerTest;

std::string addresses(const hardshell::proto::Plan& plan) {
    std::string text;
    for (const auto& address : plan.listeners(0).addresses())
        text += address.ip() + " " + std::to_string(address.port()) +
                (address.dual_stack() ? " dual" : "") + (address.optional() ? " optional" : "") +
                ";";
    return text;
}

TEST_F(ThePlan, TakesTheConfigurationOfTheFlyGuideUnchanged) {
    set("DISCORD_BOT_TOKEN", "the-bot's");
    const auto plan = plan_of(fixture("openclaw-fly.json"));
    EXPECT_EQ(plan.source(), "file");
    EXPECT_EQ(plan.degraded(), "");
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(warnings(plan), "");
    EXPECT_EQ(notices(plan, Notice::INFO).find("channel discord"), std::string::npos);
    EXPECT_EQ(worker(plan, "discord").settings().account(), "default");
    EXPECT_EQ(secret(plan, "discord", "channels.discord.token")->value(), "the-bot's");
    EXPECT_EQ(member_at(config_of(plan, "discord"), "channels.discord.guilds").size(), 1u);
    Json agent = config_of(plan, "agent");
    Json& defaults = agent["agents"]["defaults"];
    EXPECT_EQ(defaults["model"]["primary"], "anthropic/claude-opus-4-5");
    EXPECT_EQ(defaults["model"]["fallbacks"],
              Json::array({"anthropic/claude-sonnet-4-5", "openai/gpt-4o"}));
    EXPECT_EQ(defaults["maxConcurrent"], 4);
    EXPECT_EQ(defaults["heartbeat"]["every"], "1h");
    EXPECT_EQ(agent["agents"]["list"][0]["id"], "main");
    EXPECT_EQ(agent["auth"]["profiles"]["openai:default"]["mode"], "token");
    EXPECT_EQ(agent["bindings"][0]["match"]["channel"], "discord");
    EXPECT_EQ(agent["channels"]["discord"]["groupPolicy"], "allowlist");
    EXPECT_EQ(worker(plan, "gateway").settings().bind(), "auto");
    EXPECT_EQ(addresses(plan), "127.0.0.1 18789;::1 18789 optional;");
}

TEST_F(ThePlan, FollowsTheCommandLineOfTheFlyGuide) {
    write("openclaw.json", fixture("openclaw-fly.json"));
    set("FLY_APP_NAME", "my-app");
    set("DISCORD_BOT_TOKEN", "the-bot's");
    const auto plan = this->plan({"--allow-unconfigured", "--port", "3000", "--bind", "lan"});
    EXPECT_EQ(warnings(plan), "");
    EXPECT_EQ(addresses(plan), ":: 3000 dual;");
    EXPECT_EQ(plan.listeners(0).name(), "http");
    EXPECT_EQ(plan.listeners(0).worker(), "gateway");
    EXPECT_EQ(worker(plan, "gateway").settings().port(), 3000u);
    EXPECT_EQ(worker(plan, "gateway").settings().bind(), "lan");
    EXPECT_NE(warnings(this->plan()).find("Fly's proxy cannot reach it"), std::string::npos);
}

TEST_F(ThePlan, NamesTheWorkspacesOfAllAgents) {
    const auto workspaces = [](const auto& plan) {
        std::string text;
        for (const auto& workspace : plan.workspaces())
            text += workspace.path() + " " + workspace.setting() + "\n";
        return text;
    };
    EXPECT_EQ(workspaces(this->plan()), "workspace \n");
    const auto plan = plan_of(R"({"agents": {"list": [
        {"id": "main"}, {"id": "../Ops"}, {"id": "far", "workspace": "/srv/far"},
        {"id": "kai", "workspace": ")" +
                              path("kai/") + R"("},
        {"id": "kim", "workspace": ")" +
                              path("./kai") + R"("}]}})");
    EXPECT_EQ(workspaces(plan), "workspace \nworkspace-ops \nkai agents.list[3].workspace\n");
    EXPECT_EQ(errors(plan), "");
}

TEST_F(ThePlan, SaysWhichKeyNamesAWorkspaceThatCannotBeOne) {
    const auto plan = plan_of(R"({"agents": {"defaults": {"workspace": ")" + path("") +
                              R"("}, "list": [{"id": "main"},
        {"id": "thief", "workspace": ")" +
                              path("credentials/x") + R"("}]}})");
    EXPECT_EQ(plan.workspaces_size(), 0);
    EXPECT_NE(errors(plan).find("agents.defaults.workspace: "), std::string::npos);
    EXPECT_NE(errors(plan).find("agents.list[1].workspace: "), std::string::npos);
    EXPECT_EQ(plan.source(), "file") << "the rest is followed";
}

TEST_F(ThePlan, LinksGatewayAndAgent) {
    const auto plan = this->plan();
    ASSERT_EQ(plan.workers_size(), 3);
    EXPECT_EQ(worker(plan, "gateway").kind(), "gateway");
    EXPECT_EQ(worker(plan, "agent").kind(), "agent");
    ASSERT_EQ(plan.links_size(), 2);
    EXPECT_EQ(plan.links(0).name(), "gateway-agent");
    EXPECT_EQ(plan.links(0).binder(), "agent");
    EXPECT_EQ(plan.links(0).connector(), "gateway");
}

TEST_F(ThePlan, GivesTheToolsWorkerNoSecretAndNothingOfModels) {
    write("openclaw.json",
          R"({"models": {"providers": {"p": {"baseUrl": "http://x", "apiKey": "sk-hidden",
        "models": []}}}, "tools": {"exec": {"host": "gateway"}, "web": {"search": {"apiKey": "sk-hidden"}}},
        "agents": {"list": [{"id": "main", "model": "p/m", "tools": {"deny": ["exec"]}}]}})");
    write("exec-approvals.json",
          R"({"version": 1, "socket": {"path": "/x", "token": "sk-hidden"},
              "defaults": {"security": "allowlist"}})");
    const auto plan = this->plan();
    const auto& tools = worker(plan, "tools");
    EXPECT_EQ(tools.secrets_size(), 0);
    EXPECT_EQ(tools.SerializeAsString().find("sk-hidden"), std::string::npos);
    const Json config = config_of(plan, "tools");
    EXPECT_EQ(text_member(member_at(config, "tools.exec"), "host"), "gateway");
    const Json approvals = *parse_json(tools.settings().exec_approvals_json());
    EXPECT_EQ(text_member(member(approvals, "defaults"), "security"), "allowlist");
    EXPECT_TRUE(member(config, "models").is_null());
    EXPECT_TRUE(member(member_at(config, "agents.list").at(0), "model").is_null());
    bool found = false;
    for (const auto& secret : worker(plan, "agent").secrets())
        found = found || secret.name() == "tools.web.search.apiKey";
    EXPECT_TRUE(found) << "the agent searches";
}

struct SearchCase {
    const char* config;    // tools.web.search
    const char* variable;  // and its value, which names it again
    const char* key;       // empty: none
    const char* value;
    const char* url;  // of Perplexity
};

TEST_F(ThePlan, GivesTheAgentTheOneKeyOfTheSearchServiceThatIsChosen) {
    constexpr const char* brave = "tools.web.search.apiKey";
    constexpr const char* perplexity = "tools.web.search.perplexity.apiKey";
    constexpr const char* itself = "https://api.perplexity.ai";
    constexpr const char* openrouter = "https://openrouter.ai/api/v1";
    const SearchCase cases[] = {
        {"{}", "", "", "", ""},
        {"{}", "PERPLEXITY_API_KEY", "", "", ""},
        {"{}", "BRAVE_API_KEY", brave, "of BRAVE_API_KEY", ""},
        {"{apiKey:'b'}", "BRAVE_API_KEY", brave, "b", ""},
        {"{enabled:false,apiKey:'b'}", "BRAVE_API_KEY", "", "", ""},
        {"{provider:'perplexity',apiKey:'b'}", "BRAVE_API_KEY", "", "", ""},
        {"{provider:'perplexity'}", "PERPLEXITY_API_KEY", perplexity, "of PERPLEXITY_API_KEY",
         itself},
        {"{provider:'Perplexity'}", "OPENROUTER_API_KEY", perplexity, "of OPENROUTER_API_KEY",
         openrouter},
        {"{provider:'perplexity',perplexity:{apiKey:'pplx-1'}}", "OPENROUTER_API_KEY", perplexity,
         "pplx-1", itself},
        {"{provider:'perplexity',perplexity:{apiKey:'sk-or-1'}}", "PERPLEXITY_API_KEY", perplexity,
         "sk-or-1", openrouter},
        {"{provider:'perplexity',perplexity:{baseUrl:'http://own/'}}", "PERPLEXITY_API_KEY",
         perplexity, "of PERPLEXITY_API_KEY", "http://own/"},
        {"{provider:'google',apiKey:'g'}", "BRAVE_API_KEY", "", "", ""},
    };
    for (const SearchCase& test : cases) {
        environment = {};
        if (*test.variable) set(test.variable, std::string("of ") + test.variable);
        const auto plan = plan_of(std::string("{tools:{web:{search:") + test.config + "}}}");
        const auto& agent = worker(plan, "agent");
        std::vector<std::string> found;
        for (const auto& given : agent.secrets())
            if (given.name().rfind("tools.", 0) == 0)
                found.push_back(given.name() + "=" + given.value());
        std::vector<std::string> expected;
        if (*test.key) expected.push_back(std::string(test.key) + "=" + test.value);
        EXPECT_EQ(found, expected) << test.config << " " << test.variable;
        const Json search = member_at(config_of(plan, "agent"), "tools.web.search");
        EXPECT_EQ(text_member(member(search, "perplexity"), "baseUrl"), test.url) << test.config;
        EXPECT_EQ(agent.settings().config_json().find("apiKey"), std::string::npos) << test.config;
        for (const char* other : {"gateway", "tools"})
            for (const auto& given : worker(plan, other).secrets())
                EXPECT_NE(given.value(), test.value) << other << " " << test.config;
    }
}

TEST_F(ThePlan, WarnsOfASearchServiceThatCannotBeAsked) {
    EXPECT_EQ(warnings(plan_of("{gateway:{mode:'local'}}")), "");
    EXPECT_NE(warnings(plan_of("{tools:{web:{search:{provider:'perplexity'}}}}"))
                  .find("tools.web.search.provider: perplexity has no key: set "
                        "PERPLEXITY_API_KEY or OPENROUTER_API_KEY or "
                        "tools.web.search.perplexity.apiKey"),
              std::string::npos);
    EXPECT_NE(warnings(plan_of("{tools:{web:{search:{provider:'bing'}}}}"))
                  .find("tools.web.search.provider: \"bing\" is not known"),
              std::string::npos);
}

TEST_F(ThePlan, NeedsNoConfiguration) {
    const auto plan = this->plan();
    EXPECT_EQ(plan.source(), "none");
    EXPECT_EQ(plan.degraded(), "");
    EXPECT_EQ(warnings(plan), "");
    EXPECT_NE(warnings(this->plan({})).find("there is no configuration at " + path()),
              std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ThePlan, ReportsAModeThatIsNotLocal) {
    write("openclaw.json", "{gateway:{mode:'remote'}}");
    EXPECT_EQ(warnings(plan()), "");
    EXPECT_NE(warnings(plan({})).find("gateway.mode is \"remote\""), std::string::npos);
    write("openclaw.json", "{}");
    EXPECT_NE(warnings(plan({})).find("gateway.mode is not set"), std::string::npos);
}

TEST_F(ThePlan, TakesThePortFromTheFirstPlaceThatHasOne) {
    const auto port = [&](const std::vector<std::string>& arguments = {}) {
        return worker(plan(arguments), "gateway").settings().port();
    };
    EXPECT_EQ(port(), planner::default_gateway_port);
    write("openclaw.json", "{gateway:{port:4001}}");
    EXPECT_EQ(port(), 4001u);
    set("CLAWDBOT_GATEWAY_PORT", "4002");
    EXPECT_EQ(port(), 4002u);
    set("OPENCLAW_GATEWAY_PORT", "4003");
    EXPECT_EQ(port(), 4003u);
    EXPECT_EQ(port({"--port", "4004"}), 4004u);
    EXPECT_EQ(port({"--port=4005"}), 4005u);
    EXPECT_EQ(port({"--port", "70000"}), 4003u);
    EXPECT_NE(warnings(plan({"--port", "12x"})).find("option --port: expected a number from 1"),
              std::string::npos);
}

TEST_F(ThePlan, TakesTheBindModeFromTheFirstPlaceThatHasOne) {
    const auto bind = [&](const std::vector<std::string>& arguments = {}) {
        return worker(plan(arguments), "gateway").settings().bind();
    };
    EXPECT_EQ(bind(), "loopback");
    write("openclaw.json", "{gateway:{bind:'lan'}}");
    EXPECT_EQ(bind(), "lan");
    EXPECT_EQ(bind({"--bind=custom"}), "custom");
    EXPECT_EQ(bind({"--bind", "nowhere"}), "lan");
}

TEST_F(ThePlan, ListensWhereTheBindModeSays) {
    planner::Notices notices;
    const auto of = [&](const std::string& bind, const Json& config, const std::string& tailnet) {
        hardshell::proto::Plan plan;
        auto& listener = *plan.add_listeners();
        for (const auto& address : planner::gateway_addresses(bind, 80, config, tailnet, notices))
            *listener.add_addresses() = address;
        return addresses(plan);
    };
    const Json host{{"gateway", {{"customBindHost", "192.0.2.1"}}}};
    EXPECT_EQ(of("loopback", {}, ""), "127.0.0.1 80;::1 80 optional;");
    EXPECT_EQ(of("auto", {}, ""), "127.0.0.1 80;::1 80 optional;");
    EXPECT_EQ(of("lan", {}, ""), ":: 80 dual;");
    EXPECT_EQ(of("tailnet", {}, "100.64.0.7"), "100.64.0.7 80;");
    EXPECT_EQ(of("custom", host, ""), "192.0.2.1 80;");
    EXPECT_TRUE(notices.all().empty());
    EXPECT_EQ(of("tailnet", {}, ""), "127.0.0.1 80;::1 80 optional;");
    EXPECT_EQ(of("custom", {}, ""), "0.0.0.0 80;");
    EXPECT_EQ(notices.all().size(), 2u);
}

TEST_F(ThePlan, ReportsOptionsItDoesNotKnowWithoutTheirValue) {
    const auto plan = this->plan({"--frobnicate=hunter2", "--ws-log", "full", "--compact",
                                  "--verbose", "--allow-unconfigured"});
    EXPECT_EQ(warnings(plan), "option --frobnicate is not known; it is ignored\n");
    EXPECT_EQ(config_of(plan, "gateway")["logging"]["level"], "debug");
}

TEST_F(ThePlan, TakesTheTokenFromTheFirstPlaceThatHasOne) {
    const auto token = [&](const std::vector<std::string>& arguments = {}) {
        const auto plan = this->plan(arguments);
        const auto* found = secret(plan, "gateway", "gateway.auth.token");
        return found ? found->value() + "|" + found->source() : "none";
    };
    set("CLAWDBOT_GATEWAY_TOKEN", "legacy");
    EXPECT_EQ(token(), "legacy|environment variable CLAWDBOT_GATEWAY_TOKEN");
    set("OPENCLAW_GATEWAY_TOKEN", " from-env\n");
    EXPECT_EQ(token(), "from-env|environment variable OPENCLAW_GATEWAY_TOKEN");
    write("openclaw.json", "{gateway:{auth:{token:'from-file'}}}");
    EXPECT_EQ(token(), "from-file|gateway.auth.token in " + path());
    // As the command line hands it on: an argument could be read by anybody.
    set("HARDSHELL_TOKEN_OPTION", "carried");
    EXPECT_EQ(token(), "carried|option --token");
    EXPECT_EQ(token({"--token", "typed"}), "typed|option --token");
    EXPECT_FALSE(std::filesystem::exists(paths::generated_token_file(directory)));
}

TEST_F(ThePlan, MakesATokenOnceWhenThereIsNone) {
    const auto first = plan();
    const auto* token = secret(first, "gateway", "gateway.auth.token");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->value().size(), 48u);
    EXPECT_EQ(token->value().find_first_not_of("0123456789abcdef"), std::string::npos);
    const std::string file = paths::generated_token_file(directory);
    EXPECT_EQ(slurp(file), token->value() + "\n");
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_NE(notices(first, Notice::INFO).find("one was made and is kept in " + file),
              std::string::npos);
    for (const Notice& notice : first.notices())
        EXPECT_EQ(notice.text().find(token->value()), std::string::npos);
    const auto second = plan();
    EXPECT_EQ(secret(second, "gateway", "gateway.auth.token")->value(), token->value());
    EXPECT_EQ(second.notices_size(), 0);
    write("hardshell/planner/gateway-token", "torn");
    EXPECT_EQ(secret(plan(), "gateway", "gateway.auth.token")->value().size(), 48u);
}

TEST_F(ThePlan, ServesWithATokenThatCannotBeKept) {
    write("hardshell", "in the way");
    const auto plan = this->plan();
    EXPECT_EQ(secret(plan, "gateway", "gateway.auth.token")->value().size(), 48u);
    EXPECT_NE(warnings(plan).find("cannot be kept, so it changes with every start"),
              std::string::npos);
}

TEST_F(ThePlan, AsksForThePasswordWhereOneIsKnown) {
    const auto auth = [&](const std::vector<std::string>& arguments = {}) {
        const auto plan = this->plan(arguments);
        std::string text = config_of(plan, "gateway")["gateway"]["auth"]["mode"];
        for (const auto& secret : worker(plan, "gateway").secrets())
            text += " " + secret.name().substr(13) + "=" + secret.value().substr(0, 8);
        return text;
    };
    set("OPENCLAW_GATEWAY_TOKEN", "tok");
    EXPECT_EQ(auth(), "token token=tok");
    set("OPENCLAW_GATEWAY_PASSWORD", "pass");
    EXPECT_EQ(auth(), "password password=pass token=tok");
    EXPECT_EQ(auth({"--auth", "token"}), "token token=tok");
    EXPECT_EQ(auth({"--auth", "password"}), "password password=pass");
    EXPECT_EQ(auth({"--password", "typed"}), "password password=typed token=tok");
    write("openclaw.json", "{gateway:{auth:{mode:'token',password:'file'}}}");
    EXPECT_EQ(auth(), "token token=tok");
}

TEST_F(ThePlan, FallsBackToTheTokenWhenThePasswordIsMissing) {
    set("OPENCLAW_GATEWAY_TOKEN", "tok");
    const auto plan = plan_of("{gateway:{auth:{mode:'password'}}}");
    EXPECT_EQ(config_of(plan, "gateway")["gateway"]["auth"]["mode"], "token");
    EXPECT_TRUE(secret(plan, "gateway", "gateway.auth.token"));
    EXPECT_NE(warnings(plan).find("there is no password"), std::string::npos);
}

TEST_F(ThePlan, GivesModelKeysToTheAgentOnly) {
    set("ANTHROPIC_API_KEY", "key-a");
    set("OPENAI_API_KEY", "key-o");
    const auto plan = plan_of(
        "{models:{providers:{openai:{baseUrl:'x',models:[],apiKey:'in-file'},own:{baseUrl:'x',"
        "models:[{id:'m',name:'m',headers:{'X-Model':'m-secret'}}],apiKey:'own-key',"
        "headers:{'X-Api-Key':'h-secret'}}}}}");
    EXPECT_EQ(secret(plan, "agent", "models.providers.anthropic.apiKey")->value(), "key-a");
    const auto* openai = secret(plan, "agent", "models.providers.openai.apiKey");
    EXPECT_EQ(openai->value(), "key-o");
    EXPECT_EQ(openai->source(), "environment variable OPENAI_API_KEY");
    const auto* own = secret(plan, "agent", "models.providers.own.apiKey");
    EXPECT_EQ(own->value(), "own-key");
    EXPECT_EQ(own->source(), "models.providers.own.apiKey in " + path());
    EXPECT_EQ(secret(plan, "agent", "models.providers.own.headers.X-Api-Key")->value(), "h-secret");
    EXPECT_EQ(secret(plan, "agent", "models.providers.own.models.0.headers.X-Model")->value(),
              "m-secret");
    EXPECT_EQ(config_of(plan, "agent")["models"]["providers"]["own"]["headers"]["X-Api-Key"], "");
    for (const auto& given : worker(plan, "gateway").secrets())
        EXPECT_EQ(given.name(), "gateway.auth.token");
    for (const auto& given : worker(plan, "agent").secrets())
        EXPECT_EQ(given.name().compare(0, 17, "models.providers."), 0);
}

TEST_F(ThePlan, PrefersTheFirstKeyOfAProvider) {
    set("ANTHROPIC_API_KEY", "key");
    set("ANTHROPIC_OAUTH_TOKEN", "oauth");
    EXPECT_EQ(secret(plan(), "agent", "models.providers.anthropic.apiKey")->value(), "oauth");
    set("GOOGLE_API_KEY", "not-read");
    EXPECT_FALSE(secret(plan(), "agent", "models.providers.google.apiKey"));
    write(".env", "GEMINI_API_KEY=gem\n");
    EXPECT_EQ(secret(plan(), "agent", "models.providers.google.apiKey")->source(),
              "GEMINI_API_KEY in " + path(".env"));
}

TEST_F(ThePlan, TakesTheVariablesOfTheDirectoryItWasStartedInFromTheOwnerOnly) {
    write("here/.env", "GEMINI_API_KEY=here\n");
    write(".env", "GEMINI_API_KEY=there\nGROQ_API_KEY=groq\n");
    ASSERT_EQ(chmod(path("here").c_str(), 0755), 0);
    ASSERT_EQ(chmod(path("here/.env").c_str(), 0600), 0);
    const auto source = [&](const std::string& working_dir, const char* provider = "google") {
        hardshell::proto::PlanRequest asked = request({"--allow-unconfigured"});
        asked.set_working_dir(working_dir);
        return secret(planner::answer(asked, environment).plan(), "agent",
                      std::string("models.providers.") + provider + ".apiKey")
            ->source();
    };
    EXPECT_EQ(source(path("here")), "GEMINI_API_KEY in " + path("here/.env"));
    EXPECT_EQ(source(path("here"), "groq"), "GROQ_API_KEY in " + path(".env"));
    EXPECT_EQ(source(""), "GEMINI_API_KEY in " + path(".env"));
    ASSERT_EQ(chmod(path("here/.env").c_str(), 0666), 0);
    EXPECT_EQ(source(path("here")), "GEMINI_API_KEY in " + path(".env"));
    ASSERT_EQ(chmod(path("here/.env").c_str(), 0600), 0);
    ASSERT_EQ(chmod(path("here").c_str(), 0777), 0);
    EXPECT_EQ(source(path("here")), "GEMINI_API_KEY in " + path(".env"));
    ASSERT_EQ(chmod(path("here").c_str(), 01777), 0);
    EXPECT_EQ(source(path("here")), "GEMINI_API_KEY in " + path("here/.env"));
}

TEST_F(ThePlan, NamesTheGatewayElsewhereToACommandLineOnly) {
    write("openclaw.json", R"({gateway: {mode: "remote",
        remote: {url: "wss://far.example", token: "s3cret-rt", password: "s3cret-rp"}}})");
    EXPECT_FALSE(plan().has_remote());
    EXPECT_TRUE(plan().mode_is_remote());
    hardshell::proto::PlanRequest asked = request();
    asked.set_takes_effect(false);
    const auto remote = planner::answer(asked, environment).plan().remote();
    EXPECT_EQ(remote.url() + " " + remote.token() + " " + remote.password(),
              "wss://far.example s3cret-rt s3cret-rp");
    write("openclaw.json", R"({gateway: {mode: "local", remote: {url: "wss://far.example"}}})");
    EXPECT_FALSE(planner::answer(asked, environment).plan().has_remote());
    EXPECT_FALSE(plan().mode_is_remote());
}

TEST_F(ThePlan, TellsWhetherTheFileAloneDecidesTheMode) {
    EXPECT_TRUE(plan_of("{}").mode_is_of_the_file());
    EXPECT_TRUE(plan_of(R"({gateway: {mode: "local"}})").mode_is_of_the_file());
    set("MODE", "local");
    EXPECT_FALSE(plan_of(R"({gateway: {mode: "${MODE}"}})").mode_is_of_the_file());
    EXPECT_TRUE(plan_of(R"({agents: {defaults: {workspace: "/${MODE}"}}})").mode_is_of_the_file());
    write("gateway.json", R"({mode: "local"})");
    EXPECT_FALSE(plan_of(R"({gateway: {$include: "gateway.json"}})").mode_is_of_the_file());
    EXPECT_FALSE(plan_of("{").mode_is_of_the_file()) << "of the last good one";
    std::filesystem::remove(path("openclaw.json"));
    EXPECT_TRUE(plan().mode_is_of_the_file());
}

TEST_F(ThePlan, TellsWhenItsFilesWereRead) {
    const int64_t before = wall_ms();
    const int64_t made = plan().made_ms();
    EXPECT_GE(made, before);
    EXPECT_LE(made, wall_ms());
}

// Every place of a configuration that can hold a secret.
constexpr auto full_of_secrets = R"({
  env: {vars: {SOME_KEY: "s3cret-env"}, OTHER: "s3cret-direct"},
  gateway: {auth: {token: "s3cret-gw", password: "s3cret-pw"},
            remote: {token: "s3cret-rt", password: "s3cret-rp", url: "ws://h"}},
  models: {providers: {p: {baseUrl: "http://h", apiKey: "s3cret-key",
      headers: {Authorization: "s3cret-header"},
      models: [{id: "m", name: "m", headers: {k: "s3cret-mh"}}]}}},
  channels: {
    telegram: {botToken: "s3cret-tg", webhookSecret: "s3cret-wh",
               accounts: {b: {botToken: "s3cret-tg2"}}},
    discord: {token: "s3cret-dc"},
    slack: {botToken: "s3cret-sb", appToken: "s3cret-sa", userToken: "s3cret-su",
            signingSecret: "s3cret-ss"},
    line: {channelAccessToken: "s3cret-la", channelSecret: "s3cret-ls"},
    nostr: {privateKey: "s3cret-no"}, matrix: {password: "s3cret-mx", accessToken: "s3cret-ma"}},
  hooks: {enabled: true, token: "s3cret-hk", gmail: {pushToken: "s3cret-gp"}},
  talk: {apiKey: "s3cret-tk"},
  tools: {web: {search: {apiKey: "s3cret-ws"}}, exec: {env: {X: "s3cret-xe"}}},
  skills: {entries: {a: {apiKey: "s3cret-sk", env: {Y: "s3cret-se"}}}},
  messages: {tts: {elevenlabs: {apiKey: "s3cret-el"}}},
  agents: {defaults: {memorySearch: {remote: {apiKey: "s3cret-me", headers: {a: "s3cret-mb"}}},
                      sandbox: {docker: {env: {Z: "s3cret-de"}}}}},
  diagnostics: {otel: {headers: {h: "s3cret-ot"}}},
  plugins: {entries: {"voice-call": {config: {twilio: {authToken: "s3cret-tw"},
      tunnel: {ngrokAuthToken: "s3cret-ng"}, telnyx: {apiKey: "s3cret-tx"},
      streaming: {openaiApiKey: "s3cret-oa"}}}}},
})";

TEST_F(ThePlan, KeepsSecretsOutOfEverythingButSecrets) {
    set("HARDSHELL_TOKEN", "s3cret-ht");
    set("DISCORD_BOT_TOKEN", "s3cret-db");
    auto plan = plan_of(full_of_secrets);
    ASSERT_EQ(plan.degraded(), "");
    ASSERT_EQ(warnings(plan), "");
    EXPECT_EQ(secret(plan, "gateway", "gateway.auth.password")->value(), "s3cret-pw");
    EXPECT_EQ(secret(plan, "agent", "models.providers.p.apiKey")->value(), "s3cret-key");
    for (auto& worker : *plan.mutable_workers()) worker.clear_secrets();
    const std::string bytes = plan.SerializeAsString();
    const size_t leak = bytes.find("s3cret");
    EXPECT_EQ(leak, std::string::npos) << bytes.substr(leak, 12);
    EXPECT_TRUE(config_of(plan, "agent")["gateway"].is_null()) << "how it is reached is not its";
}

TEST_F(ThePlan, TellsTheGatewayOnlyItsSections) {
    Json config = config_of(
        plan_of("{agents:{defaults:{model:{primary:'a/b'},workspace:'/w'},list:[{id:'x',"
                "default:true,name:'X',identity:{emoji:'e'},model:'c/d',tools:{}}]},models:{},"
                "tools:{},channels:{discord:{}},ui:{seamColor:'ff0000'},meta:{},canvasHost:{},"
                "logging:{},session:{scope:'global'}}"),
        "gateway");
    std::string keys;
    for (const auto& [key, value] : config.items()) keys += key + " ";
    EXPECT_EQ(keys, "agents ui canvasHost logging session gateway ");
    EXPECT_EQ(print_json(config["agents"]), R"({"list":[{"id":"x","default":true}]})");
}

TEST_F(ThePlan, LetsOnlyListedVariablesThrough) {
    for (const char* name : {"TZ", "HTTPS_PROXY", "FLY_APP_NAME", "HARDSHELL_LOG", "PATH",
                             "HARDSHELL_API_KEY", "OPENAI_API_KEY"})
        set(name, "v");
    const auto plan = this->plan();
    const auto names = [&](const std::string& name) {
        std::set<std::string> set;
        for (const auto& [key, value] : worker(plan, name).settings().environment())
            set.insert(key);
        return set;
    };
    EXPECT_EQ(names("gateway"), (std::set<std::string>{"FLY_APP_NAME", "HARDSHELL_LOG", "TZ"}));
    EXPECT_EQ(names("agent"),
              (std::set<std::string>{"FLY_APP_NAME", "HARDSHELL_LOG", "HTTPS_PROXY", "TZ"}));
}

TEST_F(ThePlan, SaysWhatThisBuildDoesNotDoYet) {
    const auto plan = plan_of(
        "{channels:{slack:{botToken:'x'},signal:{enabled:false,account:'x'}},hooks:{enabled:true,"
        "token:'t'},plugins:{entries:{'voice-call':{}}},gateway:{tailscale:{mode:'serve'}}}");
    const std::string said = notices(plan, Notice::INFO);
    EXPECT_NE(said.find("channel slack is configured; this build has no slack worker yet"),
              std::string::npos);
    EXPECT_EQ(said.find("channel signal"), std::string::npos);
    for (const auto& planned : plan.workers())
        EXPECT_NE(planned.name(), "voice") << "it is off unless it is enabled";
}

TEST_F(ThePlan, SaysWhichSwitchesSwitchNothing) {
    const std::string said =
        warnings(plan_of("{gateway:{tls:{enabled:true}},env:{shellEnv:{enabled:true}}}"));
    EXPECT_NE(said.find("gateway.tls.enabled: this build speaks no TLS"), std::string::npos);
    EXPECT_NE(said.find("env.shellEnv.enabled: no login shell"), std::string::npos);
    const auto off = plan_of("{gateway:{tls:{enabled:false}},env:{shellEnv:{enabled:false}}}");
    EXPECT_EQ(warnings(off), "");
}

TEST_F(ThePlan, GivesHooksToTheGatewayAlone) {
    const auto plan = plan_of(
        "{hooks:{enabled:true,token:'hook-token',path:'/',transformsDir:'/x',gmail:{account:'a@b',"
        "model:'m'},mappings:[{match:{path:'a'},messageTemplate:'x'},"
        "{match:{path:'b'},transform:{module:'t.js'}}]}}");
    EXPECT_EQ(secret(plan, "gateway", "hooks.token")->value(), "hook-token");
    EXPECT_EQ(secret(plan, "agent", "hooks.token"), nullptr);
    const Json given = config_of(plan, "gateway");
    EXPECT_EQ(print_json(member(given, "hooks")),
              R"({"enabled":true,"path":"/","mappings":[{"match":{"path":"a"},)"
              R"("messageTemplate":"x"},{"match":{"path":"b"},"transform":{"module":"t.js"}}],)"
              R"("gmail":{"model":"m"}})");
    EXPECT_FALSE(config_of(plan, "agent").contains("hooks"));
    EXPECT_NE(warnings(plan).find("hooks.mappings[1].transform.module: JavaScript"),
              std::string::npos);
    EXPECT_NE(warnings(plan).find("hooks.path: must name"), std::string::npos);
    EXPECT_NE(notices(plan, Notice::INFO).find("hooks.gmail:"), std::string::npos);
    // Off, they are nobody's.
    const auto off = plan_of("{hooks:{enabled:false,token:'hook-token',path:'/x'}}");
    EXPECT_EQ(secret(off, "gateway", "hooks.token"), nullptr);
    EXPECT_FALSE(config_of(off, "gateway").contains("hooks"));
}

TEST_F(ThePlan, ServesWithTheLastGoodConfiguration) {
    set("SECRET_VALUE", "s3cret");
    write("part.json", "{responsePrefix:'${SECRET_VALUE}'}");
    plan_of("{gateway:{port:4001},messages:{$include:'part.json'}}");
    EXPECT_EQ(
        read("hardshell/planner/last-good.json"),
        "{\"gateway\":{\"port\":4001},\"messages\":{\"responsePrefix\":\"${SECRET_VALUE}\"}}\n");
    std::filesystem::remove(path("part.json"));
    const auto plan = plan_of("{gateway:{\n  port: 40x }}");
    EXPECT_EQ(plan.source(), "last good");
    EXPECT_EQ(plan.degraded(), path() +
                                   ":2:11: expected the number to end, found 'x'; text needs "
                                   "quotes; serving with the last good configuration");
    EXPECT_EQ(worker(plan, "gateway").settings().port(), 4001u);
    EXPECT_EQ(config_of(plan, "agent")["messages"]["responsePrefix"], "s3cret");
}

TEST_F(ThePlan, LastGoodIsPrivateAndWrittenOnlyWhenItChanges) {
    plan_of("{gateway:{port:4001}}");
    const std::string file = path("hardshell/planner/last-good.json");
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(file.c_str(), &before), 0);
    EXPECT_EQ(before.st_mode & 0777, 0600u);
    plan_of("{gateway:{port:4001}} // the same");
    ASSERT_EQ(::stat(file.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    plan_of("{gateway:{port:'wrong'}}");
    ASSERT_EQ(::stat(file.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(ThePlan, LastGoodLosesOnlyWhatAMissingVariableStoodFor) {
    {
        planner::Environment complete = environment;
        complete.add("BOT", "b", "test");
        write("openclaw.json", "{gateway:{port:4001},channels:{discord:{token:'${BOT}'}}}");
        planner::answer(request(), complete);
    }
    const auto plan = this->plan();
    EXPECT_EQ(plan.source(), "last good");
    EXPECT_NE(plan.degraded().find("channels.discord.token: the environment variable BOT is not "
                                   "set"),
              std::string::npos);
    EXPECT_EQ(worker(plan, "gateway").settings().port(), 4001u);
}

TEST_F(ThePlan, LastGoodThatIsTornIsNotUsed) {
    for (const char* text : {"", "{\"gateway\":{", "[]", "{\"gateway\":{\"port\":\"x\"}}"}) {
        write("hardshell/planner/last-good.json", text);
        const auto plan = plan_of("{");
        EXPECT_EQ(plan.source(), "none") << text;
        EXPECT_EQ(plan.workers_size(), 3);
    }
}

TEST_F(ThePlan, MakesDoWithAFileItCannotRead) {
    std::filesystem::create_directory(path());
    const auto plan = this->plan();
    EXPECT_NE(plan.degraded().find("openclaw.json is not a regular file"), std::string::npos);
    std::filesystem::remove(path());
    write("openclaw.json", "//" + std::string(1u << 20, 'x'));
    EXPECT_NE(this->plan().degraded().find("is larger than 1024 KiB"), std::string::npos);
}

TEST_F(ThePlan, FitsIntoOneMessage) {
    // A control character takes six bytes in JSON.
    write("big.json", "{messages:{responsePrefix:'" + std::string(1'000'000, '\x01') + "'}}");
    const auto plan = plan_of("{$include:'big.json'}");
    EXPECT_NE(plan.degraded().find("too large to be handed to the workers"), std::string::npos);
    EXPECT_LT(plan.ByteSizeLong(), 4u << 20);
    EXPECT_EQ(plan.workers_size(), 3);
}

TEST_F(ThePlan, SurvivesTextThatIsNoUtf8) {
    set("OPENAI_API_KEY", "k\xFF\xC3");
    set("HARDSHELL_\xFF", "x");
    const auto plan = plan_of("{'\xFF\xFF':1,gateway:{bind:'\xE9'}}//\xFF");
    hardshell::proto::Plan again;
    EXPECT_TRUE(again.ParseFromString(plan.SerializeAsString()));
    EXPECT_NE(errors(plan).find("gateway.bind"), std::string::npos);
}

// A deterministic sequence: the same mutations on every machine.
struct Random {
    uint32_t state;
    uint32_t below(size_t limit) {
        state = state * 1664525u + 1013904223u;
        return static_cast<uint32_t>((uint64_t{state >> 8} * limit) >> 24);
    }
};

std::string mutated(std::string text, Random& random) {
    constexpr std::string_view pieces[] = {"{",    "}",  "[",  "]",   ",",    ":",
                                           "\"",   "'",  "0x", "-",   "null", "1e99",
                                           "${X}", "/*", "//", "\\u", "\xFF", "\n"};
    for (uint32_t count = 1 + random.below(4); count > 0; --count) {
        const size_t at = random.below(text.size());
        switch (random.below(4)) {
            case 0:
                text.erase(at, 1 + random.below(8));
                break;
            case 1:
                text.insert(at, pieces[random.below(std::size(pieces))]);
                break;
            case 2:
                text[at] = static_cast<char>(random.below(256));
                break;
            default:
                text.insert(at, text.substr(random.below(text.size()), random.below(40)));
        }
        if (text.empty()) text = "{";
    }
    return text;
}

TEST_F(ThePlan, ComesFromAnyMutationOfAConfiguration) {
    const std::string seeds[] = {fixture("openclaw-fly.json"), full_of_secrets};
    Random random{20260129};
    int degraded = 0;
    for (int round = 0; round < 1000; ++round) {
        const std::string text = mutated(seeds[round % 2], random);
        auto plan = plan_of(text);
        ASSERT_GE(plan.workers_size(), 3) << text;
        ASSERT_EQ(plan.degraded().empty(), errors(plan).empty()) << text;
        ASSERT_EQ(plan.degraded().empty(), plan.source() == "file") << text;
        for (const auto& worker : plan.workers())
            ASSERT_TRUE(parse_json(worker.settings().config_json()));
        hardshell::proto::Plan again;
        ASSERT_TRUE(again.ParseFromString(plan.SerializeAsString())) << text;
        degraded += plan.degraded().empty() ? 0 : 1;
    }
    EXPECT_GT(degraded, 300);  // the mutations do reach the parser
    EXPECT_LT(degraded, 1000);
}

}  // namespace
