// A new openclaw.json: refused as a whole or written as it is.
#include "workers/planner/writer.h"

#include <sys/stat.h>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/planner/files.h"

namespace {

using Writer = PlannerTest;
using planner::sha256_hex;

TEST_F(Writer, WritesExactlyTheBytesGiven) {
    const std::string text = "// mine\n{ gateway: { port: 4005, }, }\r\n";
    const auto reply = write_config(text, "");
    ASSERT_EQ(reply.refused(), "");
    EXPECT_EQ(read("openclaw.json"), text);
    EXPECT_EQ(worker(reply.plan(), "gateway").settings().port(), 4005u);
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak")));
}

TEST_F(Writer, KeepsTheFiveTextsBefore) {
    const auto text = [](int port) { return "{gateway:{port:" + std::to_string(port) + "}}"; };
    write("openclaw.json", text(1));
    for (int port = 2; port <= 8; ++port)
        ASSERT_EQ(write_config(text(port), sha256_hex(text(port - 1))).refused(), "");
    EXPECT_EQ(read("openclaw.json"), text(8));
    EXPECT_EQ(read("openclaw.json.bak"), text(7));
    EXPECT_EQ(read("openclaw.json.bak.1"), text(6));
    EXPECT_EQ(read("openclaw.json.bak.4"), text(3));
    EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak.5")));
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        files += entry.is_regular_file() ? 1 : 0;
    EXPECT_EQ(files, 6u);  // nothing temporary is left
}

TEST_F(Writer, NeedsTheHashOfWhatItReplaces) {
    write("openclaw.json", "{}");
    EXPECT_NE(write_config("{}", "").refused().find("is required"), std::string::npos);
    EXPECT_NE(write_config("{}", sha256_hex("{ }")).refused().find("has changed"),
              std::string::npos);
    EXPECT_EQ(write_config("{ui:{}}", sha256_hex("{}")).refused(), "");
    std::filesystem::remove(path());
    std::filesystem::create_directory(path());
    EXPECT_NE(write_config("{}", "x").refused().find("not available"), std::string::npos);
}

TEST_F(Writer, ComparesTheHashBeforeItParses) {
    write("openclaw.json", "{}");
    EXPECT_NE(write_config("{{{", "0").refused().find("has changed"), std::string::npos);
}

TEST_F(Writer, RefusesWhatCannotBeUsedAndTouchesNothing) {
    write("openclaw.json", "{}");
    const auto refused = [&](const std::string& text) {
        const std::string why = write_config(text, sha256_hex("{}")).refused();
        EXPECT_EQ(read("openclaw.json"), "{}");
        EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak")));
        return why;
    };
    EXPECT_NE(refused("{a").find(path() + ":1:3: expected ':'"), std::string::npos);
    EXPECT_NE(refused("{gateway:{port:'1'}}").find("gateway.port: expected a whole number"),
              std::string::npos);
    EXPECT_NE(refused("{nope:1}").find("1:2: nope: this key is not known"), std::string::npos);
    EXPECT_NE(refused("{gateway:{token:'x'}}").find("move it to gateway.auth.token"),
              std::string::npos);
    EXPECT_NE(refused("{ui:{assistant:{name:'${MISSING}'}}}").find("MISSING is not set"),
              std::string::npos);
    EXPECT_NE(refused("//" + std::string(1u << 20, 'x')).find("larger than 1 MiB"),
              std::string::npos);
}

TEST_F(Writer, RepairsAFileThatCannotBeUsed) {
    write("openclaw.json", "{broken");
    EXPECT_EQ(plan().source(), "none");
    const auto reply = write_config("{}", sha256_hex("{broken"));
    EXPECT_EQ(reply.refused(), "");
    EXPECT_EQ(reply.plan().source(), "file");
    EXPECT_EQ(read("openclaw.json.bak"), "{broken");
}

TEST_F(Writer, KeepsASymbolicLink) {
    write("real/config.json", "{}");
    std::filesystem::create_symlink("real/config.json", path());
    ASSERT_EQ(write_config("{ui:{}}", sha256_hex("{}")).refused(), "");
    EXPECT_TRUE(std::filesystem::is_symlink(path()));
    EXPECT_EQ(read("real/config.json"), "{ui:{}}");
}

TEST_F(Writer, OverwritesWhatAKilledPlannerLeft) {
    write("openclaw.json.hardshell-new", "half of a te");
    ASSERT_EQ(write_config("{}", "").refused(), "");
    EXPECT_EQ(read("openclaw.json"), "{}");
    EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.hardshell-new")));
}

TEST_F(Writer, SaysWhyItCannotWrite) {
    write("file", "");
    auto asked = request();
    asked.set_config_path(path("file") + "/openclaw.json");
    asked.set_new_config("{}");
    const std::string refused = planner::answer(asked, environment).refused();
    EXPECT_NE(refused.find(path("file")), std::string::npos) << refused;
    EXPECT_NE(refused.find("Not a directory"), std::string::npos) << refused;
}

TEST_F(Writer, HashesAsEveryoneElseDoes) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
