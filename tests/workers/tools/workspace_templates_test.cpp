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
    const auto written = furnish(*workspace);
    EXPECT_TRUE(written) << written.error().what;
    return *written;
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

TEST(WorkspaceTemplates, TakeAWorkspaceWithAMemoryForAnOldOne) {
    TemporaryDirectory directory;
    directory.put("MEMORY.md", "They like tea.");
    const std::vector<std::string> written = furnished(directory);
    EXPECT_THAT(written, Contains("AGENTS.md"));
    EXPECT_THAT(written, Not(Contains("BOOTSTRAP.md")));
    EXPECT_THAT(written, Not(Contains("MEMORY.md")));
}

}  // namespace tools
