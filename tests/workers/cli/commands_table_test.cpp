#include "workers/cli/commands_table.h"

#include <gmock/gmock.h>

#include <set>

#include "workers/cli/arguments.h"
#include "workers/cli/context.h"
#include "workers/cli/program.h"

namespace cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Found find(std::vector<std::string> words) {
    return find_command(words);
}

Result<Arguments> parse(std::vector<std::string> words) {
    const Found found = find_command(words);
    return parse_arguments(*found.command, std::span(words).subspan(found.words));
}

TEST(CommandsTable, GivesEveryCommandAFunctionInItsProgram) {
    for (const Command& command : commands()) {
        const auto handlers =
            command.program == Program::client ? client_handlers() : hardshell_handlers();
        const auto serves = [&](const Handler& handler) {
            return std::string(handler.command) == command.name;
        };
        EXPECT_EQ(std::count_if(handlers.begin(), handlers.end(), serves), 1) << command.name;
    }
    // `logs` is served by both: by the client where it names a gateway.
    EXPECT_EQ(hardshell_handlers().size() + client_handlers().size(), commands().size() + 1);
}

TEST(CommandsTable, GivesEveryOptionALongNameOfItsOwn) {
    for (const Command& command : commands()) {
        std::set<std::string> keys;
        for (const Option& option : command.options) {
            EXPECT_THAT(option.names, HasSubstr("--"));
            EXPECT_TRUE(keys.insert(option_key(option)).second) << option.names;
        }
    }
}

TEST(CommandsTable, PrefersTheLongerName) {
    EXPECT_STREQ(find({"gateway", "call", "health"}).command->name, "gateway call");
    EXPECT_EQ(find({"gateway", "call", "health"}).words, 2u);
    EXPECT_STREQ(find({"gateway", "run", "--port", "1"}).command->name, "gateway");
    EXPECT_EQ(find({"gateway", "run"}).words, 2u);
    EXPECT_EQ(find({"gateway", "--port", "1"}).words, 1u);
    EXPECT_EQ(find({"gate"}).command, nullptr);
    EXPECT_EQ(find({}).command, nullptr);
}

TEST(CommandsTable, SuggestsTheNearestName) {
    EXPECT_EQ(nearest_command("statsu"), "status");
    EXPECT_EQ(nearest_command("gatway"), "gateway");
    EXPECT_EQ(nearest_command("log"), "logs");
    EXPECT_EQ(nearest_command("xyzzy"), "");
    EXPECT_EQ(nearest_command(std::string(10'000, 'a')), "");
}

TEST(CommandsTable, PrintsEveryCommandAndOptionInItsHelp) {
    for (const Command& command : commands()) {
        EXPECT_THAT(overview(), HasSubstr(command.help));
        for (const Option& option : command.options)
            EXPECT_THAT(help_for(command), HasSubstr(option.help));
    }
}

TEST(Arguments, TakesOptionsOperandsAndFlagsInAnyOrder) {
    const Result<Arguments> given = parse({"logs", "-n", "5", "agent", "--follow"});
    ASSERT_TRUE(given) << given.error().what;
    EXPECT_EQ(given->text("lines"), "5");
    EXPECT_TRUE(given->has("follow"));
    EXPECT_FALSE(given->has("json"));
    EXPECT_THAT(given->operands(), ElementsAre("agent"));
}

TEST(Arguments, KnowsAnOptionByAllItsNames) {
    EXPECT_EQ(parse({"logs", "--limit=7"})->text("lines"), "7");
    EXPECT_EQ(parse({"logs", "--lines", "8"})->text("lines"), "8");
}

TEST(Arguments, KeepsTheLastOfARepeatedOption) {
    EXPECT_EQ(parse({"gateway", "--port", "1", "--port", "2"})->text("port"), "2");
}

TEST(Arguments, TakesAMessageThatLooksLikeAnOption) {
    EXPECT_EQ(parse({"agent", "-m", "--help me"})->text("message"), "--help me");
    EXPECT_EQ(parse({"agent", "-m", "- a list"})->text("message"), "- a list");
}

TEST(Arguments, KeepsTextWithSpacesQuotesAndLineBreaks) {
    const std::string text = "say \"hi\", it's\n[1,2] %{x}";
    EXPECT_EQ(parse({"agent", "-m", text})->text("message"), text);
}

TEST(Arguments, TakesTheFlagsOfStockScripts) {
    const std::vector<std::vector<std::string>> lines = {
        {"doctor", "--fix", "--yes", "--non-interactive", "--deep"},
        {"doctor", "--repair", "--force", "--generate-gateway-token"},
        {"gateway", "status", "--no-probe", "--deep", "--json"},
        {"agent", "-m", "x", "--local", "--deliver", "--verbose", "on"},
        {"status", "--all", "--debug"},
    };
    for (const std::vector<std::string>& words : lines) {
        const Result<Arguments> given = parse(words);
        EXPECT_TRUE(given) << given.error().what;
    }
}

TEST(Arguments, NamesWhatItDoesNotKnow) {
    EXPECT_THAT(parse({"logs", "--loud"}).error().what, HasSubstr("\"--loud\" is not known"));
    EXPECT_THAT(parse({"doctor", "now"}).error().what, HasSubstr("\"now\" is not known"));
    EXPECT_THAT(parse({"restart"}).error().what, HasSubstr("<worker> is missing"));
    EXPECT_THAT(parse({"restart", "a", "b"}).error().what, HasSubstr("one word too many"));
    EXPECT_FALSE(parse({"gateway", "--port"}));
}

TEST(Arguments, RefusesWhatIsNoNumber) {
    for (const char* bad : {"0", "-1", "1x", "100001", "99999999999999999999"})
        EXPECT_FALSE(parse({"logs", std::string("--lines=") + bad})->number("lines", 1, 100'000))
            << bad;
    EXPECT_FALSE(parse({"logs", "--lines="}));
    EXPECT_EQ(*parse({"logs", "-n", "100000"})->number("lines", 1, 100'000), 100'000);
    EXPECT_EQ(*parse({"logs"})->number("lines", 200, 100'000), 200);
}

TEST(Globals, AreReadUpToTheCommand) {
    const std::vector<std::string> words = {"--no-color", "--profile", "work", "gateway", "--dev"};
    const Result<Globals> globals = parse_globals(words);
    ASSERT_TRUE(globals);
    EXPECT_EQ(globals->words, 3u);
    EXPECT_EQ(globals->profile, "work");
    EXPECT_FALSE(globals->dev);
}

TEST(Globals, RefuseABadProfile) {
    for (const char* bad : {"", "../x", "a/b", "-x", "a b"})
        EXPECT_FALSE(parse_globals(std::vector<std::string>{"--profile", bad})) << bad;
    EXPECT_FALSE(parse_globals(std::vector<std::string>{"--profile"}));
    EXPECT_FALSE(parse_globals(std::vector<std::string>{"--dev", "--profile", "work"}));
}

TEST(Globals, TurnAProfileIntoVariablesThatAreNotSetYet) {
    Globals globals;
    globals.profile = "work";
    const auto only_home = [](const std::string& name) {
        return std::string(name == "HOME" ? "/home/me" : "");
    };
    EXPECT_THAT(profile_variables(globals, only_home),
                ElementsAre(Pair("OPENCLAW_PROFILE", "work"),
                            Pair("OPENCLAW_STATE_DIR", "/home/me/.openclaw-work"),
                            Pair("OPENCLAW_CONFIG_PATH", "/home/me/.openclaw-work/openclaw.json")));
    globals.profile = "dev";
    const auto with_state = [](const std::string& name) {
        return std::string(name == "OPENCLAW_STATE_DIR" ? "/data" : "");
    };
    EXPECT_THAT(profile_variables(globals, with_state),
                ElementsAre(Pair("OPENCLAW_PROFILE", "dev"),
                            Pair("OPENCLAW_CONFIG_PATH", "/data/openclaw.json"),
                            Pair("OPENCLAW_GATEWAY_PORT", "19001")));
    EXPECT_TRUE(profile_variables({}, only_home).empty());
}

}  // namespace
}  // namespace cli
