#include "workers/cli/commands/pairing.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/workers/cli/doubles.h"
#include "workers/common/base/clock.h"
#include "workers/common/pairing_files.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using testing::HasSubstr;

class Pairing : public testing::Test {
  protected:
    void SetUp() override {
        const std::string file = Json{
            {"version", 1},
            {"requests",
             {{{"id", "4711"},
               {"code", "ABCDEFGH"},
               {"createdAt", iso_time(wall_ms() - 60'000)},
               {"meta", {{"username", "ann"}}}},
              {{"id", "666"},
               {"code", "OLDOLDOL"},
               {"createdAt", iso_time(wall_ms() - 3'700'000)}}}},
            {"other", true}}.dump();
        directory_.write("state/credentials/telegram-pairing.json", file);
    }
    int run(int (*command)(const Context&), const std::string& name,
            const std::vector<std::string>& words) {
        const Context context = context_in(directory_, name, words);
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = command(context);
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        return code;
    }
    int list(const std::vector<std::string>& words) {
        return run(run_pairing_list, "pairing list", words);
    }
    int approve(const std::vector<std::string>& words) {
        return run(run_pairing_approve, "pairing approve", words);
    }
    Json file(const std::string& name) {
        return *parse_json(directory_.read("state/credentials/" + name));
    }

    Directory directory_;
    std::string out_, err_;
};

TEST_F(Pairing, ListsWhoAsksAndHasNotWaitedTooLong) {
    EXPECT_EQ(list({}), 0) << err_;
    EXPECT_THAT(out_, HasSubstr("ABCDEFGH"));
    EXPECT_THAT(out_, HasSubstr("ann"));
    EXPECT_THAT(out_, testing::Not(HasSubstr("OLDOLDOL")));
    EXPECT_EQ(list({"telegram", "--json"}), 0);
    const Json shown = *parse_json(out_);
    EXPECT_EQ(shown["channel"], "telegram");
    EXPECT_EQ(shown["requests"].size(), 1u);
    EXPECT_EQ(list({"discord"}), 0);
    EXPECT_EQ(out_, "No discord pairing request is pending.\n");
    EXPECT_EQ(list({"../x"}), 1);
}

TEST_F(Pairing, LetsInWhoseCodeIsGiven) {
    directory_.write("state/credentials/telegram-allowFrom.json",
                     R"({"version":1,"allowFrom":["1"]})");
    EXPECT_EQ(approve({"telegram", "abcdefgh"}), 0) << err_;
    EXPECT_EQ(out_, "Approved telegram sender 4711.\n");
    EXPECT_EQ(file("telegram-allowFrom.json")["allowFrom"], Json::parse(R"(["1", "4711"])"));
    EXPECT_EQ(file("telegram-pairing.json")["requests"], Json::array());
    EXPECT_EQ(file("telegram-pairing.json")["other"], true);
    struct stat info {};
    const std::string made = directory_.path() + "/state/credentials/telegram-allowFrom.json";
    ASSERT_EQ(stat(made.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_FALSE(directory_.has("state/credentials/telegram-pairing.json.lock"));
    EXPECT_EQ(approve({"telegram", "ABCDEFGH"}), 1) << "once only";
}

TEST_F(Pairing, RefusesACodeThatNobodyHas) {
    const std::string before = directory_.read("state/credentials/telegram-pairing.json");
    EXPECT_EQ(approve({"telegram", "OLDOLDOL"}), 1);
    EXPECT_THAT(err_, HasSubstr("no pending pairing request of telegram has the code OLDOLDOL"));
    EXPECT_EQ(directory_.read("state/credentials/telegram-pairing.json"), before);
    EXPECT_FALSE(directory_.has("state/credentials/telegram-allowFrom.json"));
    EXPECT_EQ(approve({"ABCDEFGH"}), 1);
    EXPECT_THAT(err_, HasSubstr("name the channel"));
    EXPECT_EQ(approve({"ABCDEFGH", "--channel", "telegram"}), 0) << err_;
}

TEST_F(Pairing, FollowsNoLinkThatSomebodyLaid) {
    directory_.write("elsewhere", R"({"requests":[]})");
    const std::string link = directory_.path() + "/state/credentials/slack-pairing.json";
    ASSERT_EQ(symlink((directory_.path() + "/elsewhere").c_str(), link.c_str()), 0);
    EXPECT_EQ(list({"slack"}), 1);
    EXPECT_EQ(approve({"slack", "X"}), 1);
}

TEST(IsoTime, IsReadBack) {
    EXPECT_EQ(read_iso_time("2026-01-30T10:00:00.000Z"), 1'769'767'200'000);
    EXPECT_EQ(read_iso_time("2026-01-30T10:00:00Z"), 1'769'767'200'000);
    EXPECT_EQ(read_iso_time("yesterday"), 0);
    EXPECT_EQ(read_iso_time(""), 0);
}

}  // namespace
}  // namespace cli
