// Skills: what their texts say, what they lack here, and where they are looked for.

#include "workers/agent/skills.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* github = R"(---
name: github
description: "Talks to GitHub: issues, pull requests."
homepage: https://cli.github.com
metadata:
  {
    "openclaw":
      {
        "emoji": "\ud83d\udc19",
        "primaryEnv": "GH_TOKEN",
        "requires": { "bins": ["gh", "sh"], "env": ["GH_TOKEN"], "config": ["tools.web.enabled"], },
        "install": [{ "id": "brew", "kind": "brew", "bins": ["gh"], },],
      },
  }
---
# GitHub
metadata: not this
)";

Standing standing(const Skill& skill, const Json& config, std::vector<std::string> programs) {
    return standing_of(skill, {config,
                               [&](const std::string& name) {
                                   return std::find(programs.begin(), programs.end(), name) !=
                                          programs.end();
                               },
                               [](const std::string&) { return false; }});
}

TEST(Skill, IsReadFromItsText) {
    const Skill skill = read_skill(github, "folder");
    EXPECT_EQ(skill.name, "github");
    EXPECT_EQ(skill.description, "Talks to GitHub: issues, pull requests.");
    EXPECT_EQ(skill.homepage, "https://cli.github.com");
    EXPECT_EQ(skill.key, "github");
    EXPECT_EQ(skill.primary_env, "GH_TOKEN");
    EXPECT_THAT(skill.needs.bins, ElementsAre("gh", "sh"));
    EXPECT_THAT(skill.needs.config, ElementsAre("tools.web.enabled"));
    EXPECT_THAT(skill.installed_bins, ElementsAre("gh"));
    EXPECT_FALSE(skill.always);
}

TEST(Skill, HasItsFoldersNameWhereItHasNoOther) {
    EXPECT_EQ(read_skill("# Nothing here", "weather").name, "weather");
    EXPECT_EQ(read_skill("---\nname: never closed", "weather").name, "weather");
    EXPECT_EQ(read_skill("---\nmetadata: {broken\n---\n", "weather").key, "weather");
    EXPECT_EQ(read_skill("---\nmetadata: {\"clawdbot\": {\"skillKey\": \"w\"}}\n---\n", "x").key,
              "w");
}

TEST(Skill, NamesWhatIsMissing) {
    const Skill skill = read_skill(github, "");
    const Json nothing = Json::object();
    const Standing bare = standing(skill, nothing, {"sh"});
    EXPECT_FALSE(bare.eligible);
    EXPECT_THAT(bare.missing.bins, ElementsAre("gh"));
    EXPECT_THAT(bare.missing.env, ElementsAre("GH_TOKEN"));
    EXPECT_THAT(bare.missing.config, ElementsAre("tools.web.enabled"));
    const Json config = *parse_json(R"({"tools": {"web": {"enabled": true}},
                                        "skills": {"entries": {"github": {"given": ["apiKey"]}}}})");
    const Standing ready = standing(skill, config, {"gh", "sh"});
    EXPECT_TRUE(ready.eligible);
    EXPECT_THAT(ready.missing.env, IsEmpty());
    EXPECT_EQ(ready.config_checks[0]["satisfied"], true);
    const Json off = *parse_json(R"({"tools": {"web": {"enabled": true}}, "skills": {"entries":
                                     {"github": {"enabled": false, "given": ["GH_TOKEN"]}}}})");
    EXPECT_TRUE(standing(skill, off, {"gh", "sh"}).disabled);
    EXPECT_FALSE(standing(skill, off, {"gh", "sh"}).eligible);
}

TEST(Skill, NeedsOneOfSeveralPrograms) {
    Skill skill;
    skill.needs.any_bins = {"rg", "grep"};
    skill.needs.os = {"darwin"};
    EXPECT_THAT(standing(skill, Json::object(), {"grep"}).missing.any_bins, IsEmpty());
    EXPECT_THAT(standing(skill, Json::object(), {}).missing.any_bins, ElementsAre("rg", "grep"));
    EXPECT_THAT(standing(skill, Json::object(), {"rg"}).missing.os, ElementsAre("darwin"));
    skill.always = true;
    EXPECT_TRUE(standing(skill, Json::object(), {}).eligible);
}

TEST(Programs, AreLookedForOnThePathOnly) {
    EXPECT_TRUE(is_on_path("sh", "/nowhere:/bin"));
    EXPECT_FALSE(is_on_path("sh", ""));
    EXPECT_FALSE(is_on_path("../bin/sh", "/usr"));
}

class SkillMethods : public testing::Test {
  protected:
    void put(const std::string& folder, const std::string& text) {
        std::filesystem::create_directories(std::string(directory / folder));
        std::ofstream(directory / folder + "/SKILL.md") << text;
    }
    static std::string named(const std::string& name, const std::string& description) {
        return "---\nname: " + name + "\ndescription: " + description + "\n---\n";
    }

    ManualLoop loop;
    TemporaryDirectory directory;
};

TEST_F(SkillMethods, ListsThemFromEveryPlace) {
    put("extra/a", named("shared", "extra"));
    put("work/skills/nested/deep", named("deep", "in a folder of folders"));
    put("work/skills/mine", named("shared", "mine"));
    put("outside/secret", named("outside", "must not be seen"));
    std::filesystem::create_directory_symlink(directory / "outside/secret",
                                              directory / "work/skills/link");
    Json config = {{"skills", {{"load", {{"extraDirs", {directory / "extra"}}}}}},
                   {"agents", {{"defaults", {{"workspace", directory / "work"}}}}}};
    Life life(directory.path(), loop, config);
    const Json status = life.ask("skills.status", Json::object());
    ASSERT_EQ(status["skills"].size(), 2u) << print_json(status);
    EXPECT_EQ(status["workspaceDir"], directory / "work");
    EXPECT_EQ(status["skills"][0]["name"], "deep");
    const Json& shared = status["skills"][1];
    EXPECT_EQ(shared["description"], "mine") << "the workspace's own counts";
    EXPECT_EQ(shared["source"], "openclaw-workspace");
    EXPECT_EQ(shared["filePath"], directory / "work/skills/mine/SKILL.md");
    EXPECT_EQ(shared["eligible"], true);
    EXPECT_EQ(shared["missing"]["bins"], Json::array());
    EXPECT_EQ(shared["blockedByAllowlist"], false);
    EXPECT_EQ(life.ask("skills.status", {{"agentId", "nobody"}})["code"], "INVALID_REQUEST");
    EXPECT_EQ(life.ask("skills.bins", Json::object())["bins"], Json::array());
}

TEST_F(SkillMethods, TellsNodesWhichProgramsMatter) {
    put("work/skills/github", github);
    Life life(directory.path(), loop,
              {{"agents", {{"defaults", {{"workspace", directory / "work"}}}}}});
    EXPECT_EQ(life.ask("skills.bins", Json::object())["bins"], Json::parse(R"(["gh", "sh"])"));
}

}  // namespace

}  // namespace agent
