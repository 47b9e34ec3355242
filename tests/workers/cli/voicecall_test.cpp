// `hardshell voicecall` where it asks no gateway: the calls on disk, and what is said of tunnels.

#include "workers/cli/commands/voicecall.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/workers/cli/doubles.h"

namespace cli {
namespace {

using cli_test::Directory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(CallLog, TellsWholeLinesAsTheyCome) {
    const Directory directory;
    const std::string path = directory.path() + "/calls.jsonl";
    std::ofstream file(path);
    file << "one\ntwo\nth" << std::flush;
    CallLog log(path);
    EXPECT_THAT(*log.more(), ElementsAre("one", "two"));
    EXPECT_THAT(*log.more(), IsEmpty());
    file << "ree\n" << std::flush;
    EXPECT_THAT(*log.more(), ElementsAre("three"));
}

TEST(CallLog, TellsNothingAgainWhenTheFileIsMadeAnew) {
    const Directory directory;
    const std::string path = directory.path() + "/calls.jsonl";
    directory.write("calls.jsonl", "one\ntwo\n");
    CallLog log(path);
    EXPECT_THAT(*log.more(), ElementsAre("one", "two"));
    std::ofstream(path, std::ios::app) << "three\n";
    directory.write("new", "two\nthree\nfour\n");
    std::filesystem::rename(directory.path() + "/new", path);
    EXPECT_THAT(*log.more(), ElementsAre("three", "four"));
    std::ofstream(path, std::ios::app) << "five\n";
    EXPECT_THAT(*log.more(), ElementsAre("five"));
}

TEST(CallLog, SaysThatThereIsNone) {
    const Directory directory;
    CallLog log(directory.path() + "/calls.jsonl");
    const auto lines = log.more();
    ASSERT_FALSE(lines);
    EXPECT_THAT(lines.error().what, HasSubstr("there is no " + directory.path()));
}

TEST(VoicecallExpose, NamesTheSettingInstead) {
    EXPECT_THAT(instead_of_expose("funnel").what,
                HasSubstr("config set plugins.entries.voice-call.config.tunnel.provider "
                          "tailscale-funnel"));
    EXPECT_THAT(instead_of_expose("off").what, HasSubstr("tunnel.provider none"));
    EXPECT_THAT(instead_of_expose("on").what, HasSubstr("off, serve or funnel"));
}

}  // namespace
}  // namespace cli
