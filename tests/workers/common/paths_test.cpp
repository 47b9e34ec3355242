#include "workers/common/base/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "workers/common/base/clock.h"

namespace {

class PathsTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/paths-XXXXXX";
        root = mkdtemp(name);
        variables["HOME"] = root;
    }
    void TearDown() override { std::filesystem::remove_all(root); }
    paths::Environment environment() const {
        return [this](const std::string& name) {
            const auto found = variables.find(name);
            return found == variables.end() ? std::string() : found->second;
        };
    }
    std::string state() const { return paths::state_dir(environment()); }
    std::string config() const { return paths::config_path(environment(), state()); }
    void touch(const std::string& path) const {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path) << "{}";
    }
    std::string root;
    std::map<std::string, std::string> variables;
};

TEST_F(PathsTest, StateDirIsTheVariableThenTheFirstFolderThatExists) {
    EXPECT_EQ(state(), root + "/.openclaw");
    std::filesystem::create_directories(root + "/.moltbot");
    EXPECT_EQ(state(), root + "/.moltbot");
    std::filesystem::create_directories(root + "/.clawdbot");
    EXPECT_EQ(state(), root + "/.clawdbot");
    std::filesystem::create_directories(root + "/.openclaw");
    EXPECT_EQ(state(), root + "/.openclaw");
    variables["CLAWDBOT_STATE_DIR"] = "/data/old/";
    EXPECT_EQ(state(), "/data/old");
    variables["OPENCLAW_STATE_DIR"] = "~/new";
    EXPECT_EQ(state(), root + "/new");
}

TEST_F(PathsTest, RelativeStateDirIsMadeAbsolute) {
    variables["OPENCLAW_STATE_DIR"] = "here";
    EXPECT_EQ(state(), std::filesystem::current_path().string() + "/here");
}

TEST_F(PathsTest, ConfigFileIsTheVariableThenTheFirstThatExists) {
    EXPECT_EQ(config(), root + "/.openclaw/openclaw.json");
    touch(root + "/.moldbot/moltbot.json");
    variables["OPENCLAW_STATE_DIR"] = root + "/data";
    EXPECT_EQ(config(), root + "/data/openclaw.json");  // the home folders no longer count
    touch(root + "/data/clawdbot.json");
    EXPECT_EQ(config(), root + "/data/clawdbot.json");
    touch(root + "/data/openclaw.json");
    EXPECT_EQ(config(), root + "/data/openclaw.json");
    variables["CLAWDBOT_CONFIG_PATH"] = "~/mine.json";
    EXPECT_EQ(config(), root + "/mine.json");
}

TEST_F(PathsTest, ConfigFileIsFoundInALegacyFolderOfTheHome) {
    std::filesystem::create_directories(root + "/.openclaw");
    touch(root + "/.clawdbot/clawdbot.json");
    EXPECT_EQ(config(), root + "/.clawdbot/clawdbot.json");
}

TEST_F(PathsTest, RunDirIsTheSameBeforeAndAfterTheStateDirExists) {
    std::filesystem::create_directories(root + "/volume");
    std::filesystem::create_symlink(root + "/volume", root + "/data");
    const std::string before = paths::run_dir(environment(), root + "/data/state");
    std::filesystem::create_directories(root + "/data/state");
    EXPECT_EQ(paths::run_dir(environment(), root + "/data/state"), before);
    EXPECT_EQ(paths::run_dir(environment(), root + "/volume/state"), before);
    EXPECT_NE(paths::run_dir(environment(), root + "/volume/other"), before);
}

TEST_F(PathsTest, RunDirFollowsItsVariable) {
    variables["HARDSHELL_RUN_DIR"] = root + "/run/";
    EXPECT_EQ(paths::run_dir(environment(), "/data"), root + "/run");
    EXPECT_EQ(paths::control_socket(root + "/run"), root + "/run/control.sock");
}

TEST(Clock, PrintsAMomentAsOpenClawDoes) {
    EXPECT_EQ(iso_time(1769767200000), "2026-01-30T10:00:00.000Z");
    EXPECT_EQ(iso_time(1769767200007), "2026-01-30T10:00:00.007Z");
}

}  // namespace
