#include "workers/tools/exec_policy.h"

#include <gmock/gmock.h>

namespace tools {

using testing::ElementsAre;
using testing::Optional;

TEST(PlainWords, AreWhatAShellWouldMakeOfThem) {
    EXPECT_THAT(plain_words("ls -l  /tmp"), Optional(ElementsAre("ls", "-l", "/tmp")));
    EXPECT_THAT(plain_words("git commit -m 'two words'"),
                Optional(ElementsAre("git", "commit", "-m", "two words")));
    EXPECT_THAT(plain_words("echo \"a  b\"c ''"), Optional(ElementsAre("echo", "a  bc", "")));
}

TEST(PlainWords, AreNoneWhereAShellWouldDoMore) {
    for (const char* command :
         {"ls; rm x",   "ls | sh",   "ls && x",        "ls > f",        "ls < f",
          "echo $HOME", "echo `id`", "echo \"$HOME\"", "echo \"`id`\"", "echo *",
          "echo a?",    "ls\nrm x",  "(ls)",           "{ ls; }",       "LD_PRELOAD=x ls",
          "ls #c",      "cat ~/x",   "echo 'open",     "echo \"open",   "a\\ b",
          "",           "   "})
        EXPECT_FALSE(plain_words(command)) << command;
}

TEST(Pattern, HasStarsThatStopAtASlash) {
    EXPECT_TRUE(fits_pattern("/usr/bin/git", "/usr/bin/git"));
    EXPECT_TRUE(fits_pattern("/usr/bin/*", "/usr/bin/git"));
    EXPECT_TRUE(fits_pattern("/usr/**", "/usr/local/bin/x"));
    EXPECT_TRUE(fits_pattern("**/git", "/usr/bin/git"));
    EXPECT_TRUE(fits_pattern("/usr/bin/gi?", "/usr/bin/git"));
    EXPECT_FALSE(fits_pattern("/usr/*", "/usr/bin/git"));
    EXPECT_FALSE(fits_pattern("/usr/bin/git", "/usr/bin/gitk"));
    EXPECT_FALSE(fits_pattern("*git", "/usr/bin/git"));
    EXPECT_FALSE(fits_pattern("", "/x"));
}

TEST(Pattern, TakesNoLongerForManyStars) {
    std::string pattern, path;
    for (int index = 0; index < 2000; ++index) {
        pattern += "*a";
        path += "a";
    }
    EXPECT_FALSE(fits_pattern(pattern + "b", path));
}

namespace {

ExecSettings on_gateway() {
    ExecSettings settings;
    settings.host = "gateway";
    return settings;
}

Json approvals(const char* security, const char* ask) {
    return Json{
        {"version", 1},
        {"defaults", {{"security", security}, {"ask", ask}}},
        {"agents", {{"main", {{"allowlist", Json::array({{{"pattern", "/usr/bin/env"}}})}}}}}};
}

}  // namespace

TEST(ExecPolicy, LetsEverythingRunInTheSandbox) {
    EXPECT_EQ(ExecPolicy(nullptr).decide({}, "main", "rm -rf *").verdict, Verdict::run);
}

TEST(ExecPolicy, RefusesOnTheGatewayWithoutAFile) {
    const Decision decision = ExecPolicy(nullptr).decide(on_gateway(), "main", "ls");
    EXPECT_EQ(decision.verdict, Verdict::deny);
    EXPECT_NE(decision.why.find("exec-approvals.json"), std::string::npos);
}

TEST(ExecPolicy, RunsAListedProgramAsItsWords) {
    const Decision decision =
        ExecPolicy(approvals("allowlist", "on-miss")).decide(on_gateway(), "main", "env -0");
    EXPECT_EQ(decision.verdict, Verdict::run);
    EXPECT_THAT(decision.arguments, ElementsAre("/usr/bin/env", "-0"));
}

TEST(ExecPolicy, AsksForWhatIsNotListedOrNeedsAShell) {
    const ExecPolicy policy(approvals("allowlist", "on-miss"));
    for (const char* command : {"cat x", "env; id", "env $(id)", "./env"})
        EXPECT_EQ(policy.decide(on_gateway(), "main", command).verdict, Verdict::ask) << command;
    EXPECT_EQ(policy.decide(on_gateway(), "other", "env").verdict, Verdict::ask);
}

TEST(ExecPolicy, TakesNoWayThroughAListedDirectoryForOneInIt) {
    Json file = approvals("allowlist", "on-miss");
    file["agents"]["main"]["allowlist"][0]["pattern"] = "/usr/**";
    const ExecPolicy policy(file);
    EXPECT_EQ(policy.decide(on_gateway(), "main", "/usr/bin/env").verdict, Verdict::run);
    for (const char* command : {"/usr/../usr/bin/env", "/usr/./bin/env", "/usr/bin/../../bin/env"})
        EXPECT_EQ(policy.decide(on_gateway(), "main", command).verdict, Verdict::ask) << command;
}

TEST(ExecPolicy, RefusesWhatIsNotListedWhenNobodyIsToBeAsked) {
    ExecSettings settings = on_gateway();
    settings.ask = "off";
    const ExecPolicy policy(approvals("allowlist", "off"));
    EXPECT_EQ(policy.decide(settings, "main", "cat x").verdict, Verdict::deny);
    EXPECT_EQ(policy.decide(settings, "main", "env").verdict, Verdict::run);
}

TEST(ExecPolicy, TakesTheStricterOfConfigurationAndFile) {
    ExecSettings settings = on_gateway();
    settings.security = "full";
    EXPECT_EQ(
        ExecPolicy(approvals("allowlist", "on-miss")).decide(settings, "main", "cat x").verdict,
        Verdict::ask);
    EXPECT_EQ(ExecPolicy(approvals("full", "on-miss")).decide(settings, "main", "cat x").verdict,
              Verdict::run);
    EXPECT_EQ(ExecPolicy(approvals("full", "always")).decide(settings, "main", "cat x").verdict,
              Verdict::ask);
    EXPECT_EQ(ExecPolicy(approvals("deny", "on-miss")).decide(settings, "main", "env").verdict,
              Verdict::deny);
}

TEST(ExecPolicy, RemembersAlways) {
    ExecPolicy policy(approvals("allowlist", "on-miss"));
    policy.remember("main", policy.decide(on_gateway(), "main", "cat x"));
    EXPECT_EQ(policy.decide(on_gateway(), "main", "cat y").verdict, Verdict::run);
    EXPECT_EQ(policy.decide(on_gateway(), "main", "cat y | sh").verdict, Verdict::ask);
    EXPECT_EQ(policy.decide(on_gateway(), "other", "cat y").verdict, Verdict::ask);
}

TEST(ExecPolicy, FollowsTheFile) {
    ExecPolicy policy(approvals("allowlist", "on-miss"));
    policy.remember("main", policy.decide(on_gateway(), "main", "cat x"));
    Json file = approvals("allowlist", "on-miss");
    policy.replace(file);
    const Decision asked = policy.decide(on_gateway(), "main", "cat x");
    EXPECT_EQ(asked.verdict, Verdict::ask) << "its owner has taken it out";
    file["agents"]["main"]["allowlist"].push_back(Json{{"pattern", asked.resolved}});
    policy.replace(file);
    EXPECT_EQ(policy.decide(on_gateway(), "main", "cat x").verdict, Verdict::run);
    policy.replace(nullptr);
    EXPECT_EQ(policy.decide(on_gateway(), "main", "env").verdict, Verdict::deny);
}

}  // namespace tools
