#include "workers/tools/workspace_templates.h"

#include <gmock/gmock.h>

#include "tests/workers/tools/temporary_directory.h"

namespace tools {

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> furnished(const TemporaryDirectory& directory) {
    const Result<Workspace> workspace = Workspace::open(directory.file("."));
    EXPECT_TRUE(workspace);
    const Furnished furnished = furnish(*workspace);
    EXPECT_TRUE(furnished.failed.empty()) << furnished.failed.front().what;
    return furnished.written;
}

}  // namespace

TEST(WorkspaceTemplates, AreWrittenOnTheFirstDay) {
    TemporaryDirectory directory;
    EXPECT_THAT(furnished(directory),
                ElementsAre("BOOTSTRAP.md", "AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md",
                            "USER.md", "HEARTBEAT.md"));
    EXPECT_THAT(directory.content("SOUL.md"), testing::StartsWith("# SOUL.md"));
    EXPECT_THAT(furnished(directory), IsEmpty());
}

TEST(WorkspaceTemplates, ReplaceNothingAndHaveOneFirstDay) {
    TemporaryDirectory directory;
    furnished(directory);
    directory.put("SOUL.md", "");
    directory.put("USER.md", "Ann");
    std::filesystem::remove(directory.file("BOOTSTRAP.md"));
    std::filesystem::remove(directory.file("TOOLS.md"));
    EXPECT_THAT(furnished(directory), ElementsAre("TOOLS.md"));
    EXPECT_EQ(directory.content("SOUL.md"), "");
    EXPECT_EQ(directory.content("USER.md"), "Ann");
}

TEST(WorkspaceTemplates, LeaveLinksAsTheyAre) {
    TemporaryDirectory directory, elsewhere;
    elsewhere.put("SOUL.md", "mine");
    std::filesystem::create_symlink(elsewhere.file("SOUL.md"), directory.file("SOUL.md"));
    std::filesystem::create_symlink("/nowhere/at/all", directory.file("USER.md"));
    const std::vector<std::string> written = furnished(directory);
    EXPECT_THAT(written, Contains("HEARTBEAT.md"));
    for (const char* name : {"BOOTSTRAP.md", "SOUL.md", "USER.md"})
        EXPECT_THAT(written, Not(Contains(name)));
    EXPECT_EQ(elsewhere.content("SOUL.md"), "mine");
    EXPECT_THAT(furnished(directory), IsEmpty()) << "and nothing is missed at the next start";
}

TEST(WorkspaceTemplates, TakeAWorkspaceWithAMemoryForAnOldOne) {
    TemporaryDirectory directory;
    directory.put("MEMORY.md", "They like tea.");
    const std::vector<std::string> written = furnished(directory);
    EXPECT_THAT(written, Contains("AGENTS.md"));
    EXPECT_THAT(written, Not(Contains("BOOTSTRAP.md")));
    EXPECT_THAT(written, Not(Contains("MEMORY.md")));
}

}  // namespace tools
