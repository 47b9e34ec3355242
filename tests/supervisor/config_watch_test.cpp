#include "supervisor/config_watch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using std::chrono::milliseconds;
using supervisor::ConfigWatch;

class TheConfigWatch : public testing::Test {
  protected:
    TheConfigWatch() {
        char name[] = "/tmp/config-watch-XXXXXX";
        directory = mkdtemp(name);
        watch.set_quiet(milliseconds(1));
    }
    ~TheConfigWatch() override { std::filesystem::remove_all(directory); }

    std::string path(const std::string& name = "openclaw.json") const {
        return directory + "/" + name;
    }
    void write(const std::string& name, const std::string& text = "{}") const {
        std::ofstream(path(name)) << text;
    }
    // Until something is said, or long after it would have been.
    std::string hear(milliseconds limit = ConfigWatch::settle * 3) {
        heard.clear();
        const auto over = loop->after(limit, [&] { loop->stop(0); });
        loop->run();
        return heard;
    }

    std::string directory;
    std::unique_ptr<Loop> loop = make_epoll_loop();
    std::string heard;
    ConfigWatch watch{*loop,
                      [this] {
                          heard += "changed ";
                          loop->stop(0);
                      },
                      [this] {
                          heard += "due ";
                          loop->stop(0);
                      }};
};

TEST_F(TheConfigWatch, HearsOfAFileWrittenInPlace) {
    write("openclaw.json");
    ASSERT_TRUE(watch.begin(path()));
    write("openclaw.json", "{a: 1}");
    EXPECT_EQ(hear(), "changed ");
}

TEST_F(TheConfigWatch, HearsOfAFileThatTakesItsPlaceAndOfOneThatGoes) {
    ASSERT_TRUE(watch.begin(path()));
    write("new");
    EXPECT_EQ(hear(), "") << "another file is none of its business";
    std::filesystem::rename(path("new"), path());
    EXPECT_EQ(hear(), "changed ");
    std::filesystem::remove(path());
    EXPECT_EQ(hear(), "changed ");
}

TEST_F(TheConfigWatch, HearsOfOurOwnSettings) {
    ASSERT_TRUE(watch.begin(path()));
    write("hardshell.json");
    EXPECT_EQ(hear(), "changed ");
}

TEST_F(TheConfigWatch, FollowsASymbolicLink) {
    std::filesystem::create_directory(path("real"));
    write("real/config.json");
    std::filesystem::create_symlink("real/config.json", path());
    ASSERT_TRUE(watch.begin(path()));
    write("real/config.json", "{a: 1}");
    EXPECT_EQ(hear(), "changed ");
}

TEST_F(TheConfigWatch, SpeaksOnceForManyWrites) {
    ASSERT_TRUE(watch.begin(path()));
    for (int count = 0; count < 20; ++count) write("openclaw.json");
    EXPECT_EQ(hear(), "changed ");
    EXPECT_EQ(hear(), "");
}

TEST_F(TheConfigWatch, WaitsForAChangeThatWasAskedForAndSaysNothingElse) {
    ASSERT_TRUE(watch.begin(path()));
    write("openclaw.json");
    watch.due_in(ConfigWatch::settle * 2);
    write("openclaw.json", "{a: 1}");
    EXPECT_EQ(hear(ConfigWatch::settle * 4), "due ");
    EXPECT_EQ(hear(), "");
    write("openclaw.json", "{a: 2}");
    EXPECT_EQ(hear(), "changed ");
}

TEST_F(TheConfigWatch, NamesADirectoryThatCannotBeWatched) {
    const Done begun = watch.begin(directory + "/nowhere/openclaw.json");
    ASSERT_FALSE(begun);
    EXPECT_NE(begun.error().what.find(directory + "/nowhere"), std::string::npos);
}

}  // namespace
