#include "workers/telegram/offset_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "workers/common/base/json.h"

namespace telegram {

namespace {

namespace fs = std::filesystem;

class OffsetFileTest : public testing::Test {
  protected:
    OffsetFileTest() {
        char pattern[] = "/tmp/hardshell-offset-XXXXXX";
        directory = mkdtemp(pattern);
    }
    ~OffsetFileTest() override { fs::remove_all(directory); }

    OffsetFile file(const char* bot = "123", const char* account = "default") const {
        return OffsetFile(directory + "/telegram", account, bot);
    }
    void store(const std::string& text) const {
        fs::create_directories(directory + "/telegram");
        std::ofstream(file().path()) << text;
    }
    static std::optional<KeptOffset> read(const OffsetFile& file) {
        return file.read(std::chrono::system_clock::now());
    }

    std::string directory;
};

}  // namespace

TEST_F(OffsetFileTest, KeepsTheOffsetAsOpenClawReadsIt) {
    EXPECT_FALSE(read(file()));
    ASSERT_TRUE(file().write(41));
    ASSERT_TRUE(file().write(42));
    EXPECT_EQ(read(file())->last_update, 42);
    EXPECT_TRUE(file().path().ends_with("/telegram/update-offset-default.json"));
    std::ifstream input(file().path());
    const std::string text((std::istreambuf_iterator<char>(input)), {});
    const Result<Json> value = parse_json(text);
    ASSERT_TRUE(value);
    EXPECT_EQ(int_member(*value, "version"), 1);
    EXPECT_EQ(int_member(*value, "lastUpdateId"), 42);
    struct stat info {};
    stat(file().path().c_str(), &info);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(OffsetFileTest, IsOfOneBot) {
    ASSERT_TRUE(file("123").write(42));
    EXPECT_FALSE(read(file("124"))) << "its numbers are others";
    store(R"({"version":1,"lastUpdateId":7})");
    ASSERT_TRUE(read(file()));
    EXPECT_TRUE(read(file())->is_of_unknown_bot);
}

TEST_F(OffsetFileTest, IsNotTrustedForEver) {
    ASSERT_TRUE(file().write(42));
    const auto later =
        std::chrono::system_clock::now() + OffsetFile::trusted_for + std::chrono::hours(1);
    EXPECT_FALSE(file().read(later)) << "after a week Telegram numbers anew";
}

TEST_F(OffsetFileTest, PassesOverWhatItCannotRead) {
    for (const char* text : {"", "{", "[]", R"({"version":2,"lastUpdateId":7})",
                             R"({"version":1,"lastUpdateId":null})", R"({"version":1})"}) {
        store(text);
        EXPECT_FALSE(read(file())) << text;
    }
}

TEST_F(OffsetFileTest, StaysInItsFolderWhateverAnAccountIsCalled) {
    const OffsetFile odd = file("123", "../../etc/x");
    EXPECT_EQ(odd.path(), directory + "/telegram/update-offset-______etc_x.json");
}

TEST(BotId, IsThePartBeforeTheColon) {
    EXPECT_EQ(bot_id_of("123456:secret"), "123456");
    EXPECT_EQ(bot_id_of("nonsense"), "");
}

}  // namespace telegram
