// Which agents there are, where they work, and where they may not.
#include "workers/common/base/workspace_place.h"

#include <gtest/gtest.h>

#include "workers/common/base/agent_list.h"

namespace {

std::string places(const std::string& config, const std::string& home = {}) {
    const Json json = *parse_json(config);
    std::string text;
    for (const ListedAgent& agent : agents_in(json, home).agents)
        text += agent.id + " " + agent.workspace +
                (agent.workspace_key.empty() ? "" : " by " + agent.workspace_key) + "\n";
    return text;
}

TEST(AgentList, GivesEachAgentAWorkspaceOfItsOwn) {
    EXPECT_EQ(places("{}"), "main workspace\n");
    EXPECT_EQ(places(R"({"agents": {"list": [{"id": "main"}, {"id": "Ops"}, {"id": "ops"}]}})"),
              "main workspace\nops workspace-ops\n");
    EXPECT_EQ(places(R"({"agents": {"list": [{"id": "a"}, {"id": "b", "default": true}]}})"),
              "a workspace-a\nb workspace\n");
}

TEST(AgentList, NamesTheKeyThatSaysWhereAnAgentWorks) {
    EXPECT_EQ(places(R"({"agents": {"defaults": {"workspace": "~/all"}, "list": [
                         {}, {"id": "a"}, {"id": "b"}, {"id": "c", "workspace": "/srv/c"}]}})",
                     "/home/o"),
              "a /home/o/all by agents.defaults.workspace\nb workspace-b\n"
              "c /srv/c by agents.list[3].workspace\n");
}

TEST(AgentList, MakesOnePathComponentOfWhateverAnIdIs) {
    for (const std::string id :
         {"../../etc", "/data/credentials", "..", ".", "a/../b", "~root", "a\\..\\b", "%2e%2e%2f",
          " \t../x\n", "-", "__", "ops/", "\xff\xfe"}) {
        const std::string normal = normal_agent_id(id);
        EXPECT_EQ(normal.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-"),
                  std::string::npos)
            << id;
        EXPECT_FALSE(normal.empty()) << id;
        const Result<std::string> below = workspace_below("/data/workspace-" + normal, "/data");
        ASSERT_TRUE(below) << id;
        EXPECT_EQ(*below, "workspace-" + normal);
    }
    EXPECT_EQ(normal_agent_id(std::string("a\0/../b", 7)), "a-b");
    EXPECT_EQ(normal_agent_id(std::string(100, 'a')).size(), 64u);
}

TEST(WorkspacePlace, IsBelowTheStateDirectoryInAnySpelling) {
    EXPECT_EQ(*workspace_below("/data/workspace-ops", "/data"), "workspace-ops");
    EXPECT_EQ(*workspace_below("/data//./kai/", "/data/"), "kai");
    EXPECT_EQ(*workspace_below("/data/a/../b/c", "/data"), "b/c");
    EXPECT_EQ(*workspace_below("/srv/kai", "/data"), "") << "its owner's affair";
    EXPECT_EQ(*workspace_below("/data2/kai", "/data"), "");
    EXPECT_EQ(*workspace_below("/data/../srv", "/data"), "");
}

TEST(WorkspacePlace, IsNoneThatHoldsWhatAProcessKeeps) {
    for (const std::string path :
         {"/", "/data", "/data/", "/data/state", "/data/state/.", "/data/state/credentials",
          "/data/state/workspace/../credentials/x", "/data/state/agents/ops/workspace",
          "/data/state/hardshell/agent", "/data/state/.ssh", "/data/x/.."}) {
        const Result<std::string> below = workspace_below(path, "/data/state");
        ASSERT_FALSE(below) << path;
        EXPECT_EQ(below.error().fault, Fault::bad_config);
        EXPECT_NE(below.error().what.find(path), std::string::npos);
    }
}

}  // namespace
