// What a configuration file may be and what its owner is told about it.
#include "workers/planner/config.h"

#include "tests/workers/planner/planner_fixture.h"

namespace {

using Config = PlannerTest;

struct Wrong {
    const char* name;
    const char* text;
    const char* message;  // follows "<file>:"
};

const Wrong wrong[] = {
    {"NoJson5", "{\n gateway: {port 1}\n}", "2:17: expected ':' after the key \"port\""},
    {"NoObject", "[1]", "1:1: <root>: expected an object, received a list"},
    {"TextForANumber", "{gateway:{\n  port: '3000'}}",
     "2:9: gateway.port: expected a whole number, received a text; write the number without"},
    {"AFraction", "{gateway:{port:1.5}}",
     "1:16: gateway.port: expected a whole number, received 1.5"},
    {"ANumberTooSmall", "{gateway:{port:0}}",
     "gateway.port: expected a number of at least 1, received 0"},
    {"ANumberTooLarge", "{gateway:{port:70000}}", "of at most 65535, received 70000"},
    {"NotAboveZero", "{agents:{defaults:{mediaMaxMb:0}}}", "expected a number above 0, received 0"},
    {"AnUnknownWord", "{gateway:{bind:'everywhere'}}",
     "1:16: gateway.bind: expected \"auto\", \"lan\", \"loopback\", \"custom\" or \"tailnet\", "
     "received \"everywhere\""},
    {"AModelAsText", "{agents:{defaults:{model:'openai/gpt-4o'}}}",
     "1:26: agents.defaults.model: expected an object, received a text; write {\"primary\": "
     "\"provider/model\"}"},
    {"NeitherOfTwoTypes", "{agents:{list:[{id:'a',model:3}]}}",
     "agents.list.0.model: expected a text or an object, received 3"},
    {"TheChosenTypeIsWrongInside", "{agents:{list:[{id:'a',model:{primary:3}}]}}",
     "agents.list.0.model.primary: expected a text, received 3"},
    {"AMissingKey", "{bindings:[\n {match:{channel:'x'}}]}",
     "2:2: bindings.0: the key \"agentId\" is missing"},
    {"AnEmptyText", "{agents:{list:[{id:''}]}}",
     "agents.list.0.id: expected a text that is not empty"},
    {"ATextTooLong",
     "{ui:{assistant:{name:'012345678901234567890123456789012345678901234567890'}}}",
     "ui.assistant.name: expected at most 50 characters, received 51"},
    {"ADuration", "{agents:{defaults:{heartbeat:{every:'soon'}}}}", "expected a duration such as"},
    {"ATimeOfDay", "{agents:{defaults:{heartbeat:{activeHours:{start:'25:00'}}}}}",
     "expected a time of day"},
    {"AColour", "{ui:{seamColor:'red'}}", "expected a colour of six hexadecimal digits"},
    {"ACommandName", "{channels:{telegram:{customCommands:[{command:'A B',description:''}]}}}",
     "channels.telegram.customCommands.0.command: expected 1 to 32 of a-z, 0-9 and _"},
    {"AnIdAsANumber", "{bindings:[{agentId:'a',match:{channel:'discord',guildId:123}}]}",
     "bindings.0.match.guildId: expected a text, received 123; put the number in quotes"},
    {"AMissingVariable", "{gateway:{auth:{token:\n'${NOT_THERE}'}}}",
     "2:1: gateway.auth.token: the environment variable NOT_THERE is not set or empty; set it"},
    {"AnOpenPolicyForNobody", "{channels:{telegram:{dmPolicy:'open',allowFrom:['1']}}}",
     "1:31: channels.telegram.dmPolicy: \"open\" lets everyone in only together with allowFrom; "
     "add allowFrom: [\"*\"]"},
    {"AnOpenPolicyInAnAccount", "{channels:{discord:{accounts:{b:{dm:{policy:'open'}}}}}}",
     "channels.discord.accounts.b.dm.policy: \"open\" lets everyone in"},
    {"SlackWithoutASigningSecret", "{channels:{slack:{mode:'http'}}}",
     "channels.slack.mode: \"http\" needs signingSecret"},
    {"AgentsOfTheSameName", "{agents:{list:[{id:'a'},{id:'a'}]}}",
     "1:29: agents.list.1.id: two agents cannot have the same id; it is also that of "
     "agents.list.0.id"},
    {"AgentsInTheSameFolder", "{agents:{list:[{id:'a',agentDir:'/x'},{id:'b',agentDir:'/x'}]}}",
     "agents.list.1.agentDir: two agents cannot have the same agentDir"},
    {"ABroadcastToNobody", "{agents:{list:[{id:'a'}]},broadcast:{x:['b']}}",
     "broadcast.x: agents.list has no agent \"b\""},
    {"AHeartbeatToNowhere", "{agents:{defaults:{heartbeat:{target:'moon'}}}}",
     "agents.defaults.heartbeat.target: expected \"last\", \"none\" or the id of a channel"},
    {"HooksWithoutAToken", "{hooks:{enabled:true}}", "hooks.enabled: hooks need hooks.token"},
    {"AnIncludeOfNothing", "{\n$include:'nothing.json'}",
     "2:10: $include: cannot include it: reading"},
    {"AnIncludeOfItself", "{a:{$include:'./openclaw.json'}}",
     "1:14: $include: the file includes itself"},
    {"AnIncludeOfANumber", "{$include:3}", "$include: expected a path or a list of paths"},
};

class AWrongFile : public PlannerTest, public testing::WithParamInterface<Wrong> {};

TEST_P(AWrongFile, IsNamedWithPlaceAndCureAndDoesNotStopTheGateway) {
    const auto plan = plan_of(GetParam().text);
    EXPECT_NE(errors(plan).find(path() + ":"), std::string::npos) << errors(plan);
    EXPECT_NE(errors(plan).find(GetParam().message), std::string::npos) << errors(plan);
    EXPECT_NE(plan.degraded().find("; serving without a configuration"), std::string::npos);
    EXPECT_EQ(plan.source(), "none");
    EXPECT_EQ(plan.workers_size(), 3);
    EXPECT_EQ(worker(plan, "gateway").settings().degraded(), plan.degraded());
}
INSTANTIATE_TEST_SUITE_P(Config, AWrongFile, testing::ValuesIn(wrong),
                         [](const auto& row) { return std::string(row.param.name); });

struct Odd {
    const char* name;
    const char* text;
    const char* message;
};

const Odd odd[] = {
    {"AnUnknownKey", "{gateway:{\n  prot: 3000}}",
     "2:3: gateway.prot: this key is not known; did you mean \"port\"?; it is ignored"},
    {"AnUnknownSection", "{bogus:{a:1}}", "1:2: bogus: this key is not known; it is ignored"},
    {"ASectionOfAnOlderVersion", "{telegram:{botToken:'x'}}",
     "telegram: this key is no longer read; move it to channels.telegram"},
    {"ATokenInItsOldPlace", "{gateway:{token:'x'}}", "gateway.token: this key is no longer read"},
    {"AnUnknownChannel", "{channels:{webchat:{a:1}}}",
     "channels.webchat: this channel is not known"},
    {"AnotherMainKey", "{session:{mainKey:'x'}}", "session.mainKey: the main session is always"},
    {"AFileOfANewerVersion", "{meta:{lastTouchedVersion:'2026.5.12'}}", "by a newer OpenClaw"},
    {"ABindingToAnUnknownAgent",
     "{agents:{list:[{id:'a'}]},bindings:[{agentId:'b',match:{channel:'x'}}]}",
     "bindings.0.agentId: agents.list has no such agent"},
};

class AnOddFile : public PlannerTest, public testing::WithParamInterface<Odd> {};

TEST_P(AnOddFile, IsUsedWithAWarning) {
    const auto plan = plan_of(GetParam().text);
    EXPECT_EQ(errors(plan), "");
    EXPECT_EQ(plan.source(), "file");
    EXPECT_EQ(plan.degraded(), "");
    EXPECT_NE(warnings(plan).find(GetParam().message), std::string::npos) << warnings(plan);
}
INSTANTIATE_TEST_SUITE_P(Config, AnOddFile, testing::ValuesIn(odd),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(Config, TellsNobodyAboutUnknownKeys) {
    const auto plan = plan_of("{bogus:{a:1},agents:{list:[{id:'a',tokenz:'hunter2hunter2'}]}}");
    EXPECT_EQ(plan.SerializeAsString().find("hunter2"), std::string::npos);
    EXPECT_TRUE(config_of(plan, "agent")["bogus"].is_null());
    EXPECT_EQ(warnings(plan), path() + ":1:2: bogus: this key is not known; it is ignored\n" +
                                  path() +
                                  ":1:36: agents.list.0.tokenz: this key is not known; "
                                  "it is ignored\n");
}

TEST_F(Config, StillFindsWhatIsWrongBehindManyUnknownKeys) {
    std::string text = "{";
    for (int index = 0; index < 300; ++index) text += "x" + std::to_string(index) + ":1,";
    const auto plan = plan_of(text + "gateway:{port:'x'}}");
    EXPECT_NE(errors(plan).find("gateway.port"), std::string::npos);
}

TEST_F(Config, LimitsHowManyProblemsItTells) {
    std::string text = "{agents:{list:[";
    for (int index = 0; index < 3000; ++index) text += "1,";
    const auto plan = plan_of(text + "]}}");
    EXPECT_EQ(plan.notices_size(), 52);  // fifty, the count, and the new token
    EXPECT_NE(errors(plan).find("and 50 more like these"), std::string::npos);
}

TEST_F(Config, NeverPrintsATextValueThatIsWrong) {
    const auto plan = plan_of("{gateway:{auth:{token:{x:'hunter2'}},controlUi:'hunter2'}}");
    EXPECT_NE(errors(plan), "");
    EXPECT_EQ(plan.SerializeAsString().find("hunter2"), std::string::npos);
}

TEST_F(Config, NeverPrintsANumberThatIsASecret) {
    const auto plan = plan_of("{gateway:{auth:{password:4711471147}}}");
    EXPECT_NE(errors(plan).find("gateway.auth.password: expected a text, received a number"),
              std::string::npos)
        << errors(plan);
    EXPECT_EQ(plan.SerializeAsString().find("4711471147"), std::string::npos);
}

TEST_F(Config, PutsVariablesIn) {
    set("PREFIX", "[bot]");
    const auto plan = plan_of(
        "{messages:{responsePrefix:'${PREFIX} $${PREFIX} $PREFIX ${lower} $ ${} ${PREFIX'}}");
    EXPECT_EQ(config_of(plan, "agent")["messages"]["responsePrefix"],
              "[bot] ${PREFIX} $PREFIX ${lower} $ ${} ${PREFIX");
}

TEST_F(Config, AVariableSetToNothingIsMissing) {
    set("EMPTY", "");
    EXPECT_NE(errors(plan_of("{messages:{responsePrefix:'${EMPTY}'}}")).find("EMPTY is not set"),
              std::string::npos);
}

TEST_F(Config, SetsVariablesThatTheProcessDoesNotHave) {
    set("FROM_PROCESS", "process");
    write(".env", "# comment\nexport FROM_FILE=\"a b\" # no\nFROM_PROCESS=file\nBARE= x # y\n");
    const auto plan = plan_of(
        "{env:{vars:{FROM_VARS:'vars',FROM_FILE:'vars'},DIRECT:'direct'},messages:"
        "{responsePrefix:'${FROM_PROCESS} ${FROM_FILE} ${FROM_VARS} ${DIRECT} ${BARE}'}}");
    EXPECT_EQ(config_of(plan, "agent")["messages"]["responsePrefix"], "process a b vars direct x");
    EXPECT_TRUE(config_of(plan, "agent")["env"].is_null());
}

TEST_F(Config, DoesNotReplaceInKeys) {
    const auto plan = plan_of("{session:{identityLinks:{'${A}':['x:1']}}}");
    EXPECT_EQ(plan.degraded(), "");
    EXPECT_TRUE(config_of(plan, "agent")["session"]["identityLinks"].contains("${A}"));
}

TEST_F(Config, RefusesToGrowWithoutBound) {
    set("LONG", std::string(100'000, 'x'));
    std::string text = "{messages:{responsePrefix:'";
    for (int index = 0; index < 100; ++index) text += "${LONG}";
    EXPECT_NE(errors(plan_of(text + "'}}")).find("larger than 1.5 MiB"), std::string::npos);
}

TEST_F(Config, ExpandsTheHomeDirectoryInPaths) {
    const auto plan = plan_of(
        "{agents:{defaults:{workspace:'~/work'}},messages:{responsePrefix:'~/x'},"
        "logging:{file:'~'},plugins:{load:{paths:['~/p','/q']}}}");
    Json config = config_of(plan, "agent");
    EXPECT_EQ(config["agents"]["defaults"]["workspace"], "/home/owner/work");
    EXPECT_EQ(config["logging"]["file"], "/home/owner");
    EXPECT_EQ(config["plugins"]["load"]["paths"], Json::array({"/home/owner/p", "/q"}));
    EXPECT_EQ(config["messages"]["responsePrefix"], "~/x");
}

TEST_F(Config, IncludesFilesAndMergesThem) {
    write("parts/agents.json5", "{defaults:{maxConcurrent:2,timeoutSeconds:9},list:[{id:'a'}]}");
    write("parts/more.json", "{defaults:{maxConcurrent:3},list:[{id:'b'}]}");
    write("parts/deep.json", "{$include:'../names.json'}");
    write("names.json", "{messagePrefix:'x'}");
    const auto plan = plan_of(
        "{agents:{$include:['parts/agents.json5','./parts/more.json'],list:[{id:'c'}],"
        "defaults:{mediaMaxMb:5}},messages:{$include:'" +
        directory + "/parts/deep.json'}}");
    EXPECT_EQ(errors(plan), "");
    Json config = config_of(plan, "agent");
    EXPECT_EQ(config["agents"]["defaults"]["maxConcurrent"], 3);
    EXPECT_EQ(config["agents"]["defaults"]["timeoutSeconds"], 9);
    EXPECT_EQ(config["agents"]["defaults"]["mediaMaxMb"], 5);
    ASSERT_EQ(config["agents"]["list"].size(), 3u);
    EXPECT_EQ(config["agents"]["list"][2]["id"], "c");
    EXPECT_EQ(config["messages"]["messagePrefix"], "x");
}

TEST_F(Config, NamesTheIncludedFileThatIsWrong) {
    write("part.json", "{\n\n port: 'x'}");
    EXPECT_NE(errors(plan_of("{gateway:{$include:'part.json'}}"))
                  .find(path("part.json") + ":3:8: gateway.port: expected a whole number"),
              std::string::npos);
    write("part.json", "{\n port 1}");
    EXPECT_NE(errors(plan()).find(path("part.json") + ":2:7: expected ':'"), std::string::npos);
}

TEST_F(Config, AnIncludedListCannotStandBesideKeys) {
    write("list.json", "[1]");
    EXPECT_NE(errors(plan_of("{agents:{$include:'list.json',defaults:{}}}"))
                  .find("expected an object in the included file"),
              std::string::npos);
    const auto plan = plan_of("{agents:{list:{$include:'agents.json'}}}");
    write("agents.json", "[{id:'z'}]");
    EXPECT_EQ(config_of(this->plan(), "agent")["agents"]["list"][0]["id"], "z");
}

TEST_F(Config, LimitsIncludes) {
    for (int index = 0; index < 12; ++index)
        write("n" + std::to_string(index), "{$include:'n" + std::to_string(index + 1) + "'}");
    write("n12", "{}");
    EXPECT_NE(errors(plan_of("{$include:'n0'}")).find("more than 10 files deep"),
              std::string::npos);
    EXPECT_EQ(errors(plan_of("{$include:'n3'}")), "");
    // Each file includes the next one four times: 4^9 readings if nobody counted.
    for (int index = 0; index < 9; ++index) {
        const std::string next = "'n" + std::to_string(index + 1) + "',";
        write("n" + std::to_string(index), "{$include:[" + next + next + next + next + "]}");
    }
    write("n9", "{}");
    EXPECT_NE(errors(plan_of("{$include:'n0'}")).find("more than 64 files"), std::string::npos);
}

TEST_F(Config, FindsACycleOfIncludes) {
    write("a", "{$include:'b'}");
    write("b", "{$include:'./x/../a'}");
    EXPECT_NE(errors(plan_of("{$include:'a'}"))
                  .find("itself: " + path("a") + " -> " + path("b") + " -> " + path("a")),
              std::string::npos);
}

TEST_F(Config, LimitsTheDepthOfWhatIncludesMake) {
    const auto nest = [](int levels, const std::string& inside) {
        std::string text;
        for (int level = 0; level < levels; ++level) text += "{a:";
        return text + inside + std::string(static_cast<size_t>(levels), '}');
    };
    write("deep", nest(60, "1"));
    const auto plan = plan_of("{tools:" + nest(10, "{$include:'deep'}") + "}");
    EXPECT_NE(errors(plan).find("more than 64 levels deep after $include"), std::string::npos);
}

TEST_F(Config, FillsInDefaults) {
    Json config = config_of(plan_of("{logging:{}}"), "agent");
    EXPECT_EQ(config["agents"]["defaults"]["maxConcurrent"], 4);
    EXPECT_EQ(config["agents"]["defaults"]["subagents"]["maxConcurrent"], 8);
    EXPECT_EQ(config["agents"]["defaults"]["heartbeat"]["every"], "30m");
    EXPECT_EQ(config["agents"]["defaults"]["compaction"]["mode"], "safeguard");
    EXPECT_TRUE(config["agents"]["defaults"]["contextPruning"].is_null());
    EXPECT_TRUE(config["agents"]["defaults"]["model"].is_null());
    EXPECT_EQ(config["messages"]["ackReactionScope"], "group-mentions");
    EXPECT_EQ(config["logging"]["redactSensitive"], "tools");
    EXPECT_EQ(config["session"]["mainKey"], "main");
    EXPECT_EQ(config["commands"]["native"], "auto");
}

TEST_F(Config, FillsInModels) {
    Json config =
        config_of(plan_of("{models:{providers:{own:{baseUrl:'http://h/v1',models:[{id:'m',name:'M',"
                          "maxTokens:100,cost:{input:2}}]}}},agents:{defaults:{models:"
                          "{'anthropic/claude-opus-4-5':{},'x/y':{}}}}}"),
                  "agent");
    Json& model = config["models"]["providers"]["own"]["models"][0];
    EXPECT_EQ(print_json(model),
              R"({"id":"m","name":"M","maxTokens":100,"cost":{"input":2,"output":0,"cacheRead":0,)"
              R"("cacheWrite":0},"reasoning":false,"input":["text"],"contextWindow":200000})");
    EXPECT_EQ(config["agents"]["defaults"]["models"]["anthropic/claude-opus-4-5"]["alias"], "opus");
    EXPECT_TRUE(config["agents"]["defaults"]["models"]["x/y"].empty());
}

TEST_F(Config, PrunesWhenAnthropicIsUsed) {
    set("ANTHROPIC_API_KEY", "sk-ant-test-key");
    Json with_key = config_of(plan_of("{}"), "agent")["agents"]["defaults"];
    EXPECT_EQ(with_key["contextPruning"]["mode"], "cache-ttl");
    EXPECT_EQ(with_key["heartbeat"]["every"], "30m");
    set("ANTHROPIC_OAUTH_TOKEN", "sk-ant-oat-test");
    Json with_token = config_of(plan_of("{}"), "agent")["agents"]["defaults"];
    EXPECT_EQ(with_token["heartbeat"]["every"], "1h");
}

}  // namespace
