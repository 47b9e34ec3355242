#include "workers/tools/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "tests/workers/tools/temporary_directory.h"

namespace tools {

namespace {

class Files : public testing::Test {
  protected:
    Files() {
        std::filesystem::create_directories(outer.file("work"));
        outer.put("secret.txt", "not for you");
    }
    Workspace workspace() const {
        Result<Workspace> opened = Workspace::open(outer.file("work"));
        return std::move(opened.value());
    }
    static std::string text(const Outcome& outcome) {
        return text_member(outcome.content.at(0), "text");
    }
    TemporaryDirectory outer;
};

}  // namespace

TEST_F(Files, HaveAWorkspaceThatIsMadeAndThatIsNoFolderOfAProcess) {
    const std::string place = outer.file("workspace-ops");
    const Result<Workspace> missing = open_workspace(place, outer.file("state"), "agents.x");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().what.find("(agents.x)"), std::string::npos);
    for (int times = 0; times < 2; ++times) ASSERT_TRUE(make_workspace(place, outer.file("state")));
    const Result<Workspace> opened = open_workspace(place, outer.file("state"), "agents.x");
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->is_writable());
    struct stat info {};
    ASSERT_EQ(stat(place.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0770, 0770u);
    for (const std::string& wrong :
         {outer.path(), outer.file("state"), outer.file("state/agents")}) {
        EXPECT_FALSE(make_workspace(wrong, outer.file("state"))) << wrong;
        EXPECT_FALSE(open_workspace(wrong, outer.file("state"), "")) << wrong;
    }
    const Done far = make_workspace(outer.file("not/there"), outer.file("state"));
    ASSERT_FALSE(far);
    EXPECT_NE(far.error().what.find("mode 2770"), std::string::npos);
}

TEST_F(Files, AreReadWhereverTheWorkspaceHasThem) {
    outer.put("work/a/b.txt", "one\ntwo\n");
    EXPECT_EQ(text(read_file(workspace(), {{"path", "a/b.txt"}})), "one\ntwo\n");
    EXPECT_EQ(text(read_file(workspace(), {{"path", outer.file("work/a/b.txt")}})), "one\ntwo\n");
    EXPECT_EQ(text(read_file(workspace(), {{"path", "a/../a/b.txt"}})), "one\ntwo\n");
}

TEST_F(Files, OutsideOfTheWorkspaceAreNotReached) {
    std::filesystem::create_symlink(outer.file("secret.txt"), outer.file("work/link"));
    std::filesystem::create_symlink("..", outer.file("work/up"));
    for (const std::string& name :
         {std::string("../secret.txt"), outer.file("secret.txt"), std::string("link"),
          std::string("up/secret.txt"), std::string("/etc/passwd"), std::string("~/x"),
          std::string("/proc/self/environ"), outer.file("work") + "/../secret.txt",
          outer.file("work2/x"), std::string("a\0b", 3), std::string()}) {
        const Outcome read = read_file(workspace(), {{"path", name}});
        EXPECT_TRUE(read.is_error) << name;
        EXPECT_EQ(text(read).find("not for you"), std::string::npos) << name;
        EXPECT_TRUE(write_file(workspace(), {{"path", name}, {"content", "x"}}).is_error) << name;
    }
    EXPECT_EQ(outer.content("secret.txt"), "not for you");
}

TEST_F(Files, AreWrittenWithTheDirectoriesOnTheWay) {
    EXPECT_FALSE(write_file(workspace(), {{"path", "x/y/z.txt"}, {"content", "hi"}}).is_error);
    EXPECT_EQ(outer.content("work/x/y/z.txt"), "hi");
    EXPECT_FALSE(write_file(workspace(), {{"path", "x/y/z.txt"}, {"content", "more"}}).is_error);
    EXPECT_EQ(outer.content("work/x/y/z.txt"), "more");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(outer.file("work/x/y")), {}), 1);
}

TEST_F(Files, ThroughADirectoryThatIsALinkToTheOutsideAreNotMade) {
    std::filesystem::create_directories(outer.file("elsewhere"));
    std::filesystem::create_symlink(outer.file("elsewhere"), outer.file("work/door"));
    EXPECT_TRUE(write_file(workspace(), {{"path", "door/x.txt"}, {"content", "x"}}).is_error);
    EXPECT_TRUE(write_file(workspace(), {{"path", "door/d/x.txt"}, {"content", "x"}}).is_error);
    EXPECT_TRUE(std::filesystem::is_empty(outer.file("elsewhere")));
}

// Whoever runs a command in the workspace can change it while a file is written.
TEST_F(Files, AreNotLedOutByALinkThatComesAndGoes) {
    std::filesystem::create_directories(outer.file("elsewhere"));
    std::atomic<bool> over{false};
    std::thread swapping([&] {
        const std::string door = outer.file("work/door"), file = outer.file("work/file.txt");
        while (!over) {
            std::error_code ignored;
            std::filesystem::create_directory_symlink(outer.file("elsewhere"), door, ignored);
            std::filesystem::create_symlink(outer.file("secret.txt"), file, ignored);
            std::filesystem::remove_all(door, ignored);
            std::filesystem::remove(file, ignored);
            std::filesystem::create_directory(door, ignored);
            std::filesystem::remove_all(door, ignored);
        }
    });
    for (int i = 0; i < 300; ++i)
        for (const char* name : {"door/x.txt", "door/d/x.txt", "file.txt"})
            (void)write_file(workspace(), {{"path", name}, {"content", "x"}});
    over = true;
    swapping.join();
    EXPECT_TRUE(std::filesystem::is_empty(outer.file("elsewhere")));
    EXPECT_EQ(outer.content("secret.txt"), "not for you");
}

TEST_F(Files, ThatAreLongAreReadInParts) {
    std::string content;
    for (int line = 1; line <= 3000; ++line) content += "line " + std::to_string(line) + "\n";
    outer.put("work/long.txt", content);
    const std::string first = text(read_file(workspace(), {{"path", "long.txt"}}));
    EXPECT_NE(first.find("line 2000\n"), std::string::npos);
    EXPECT_EQ(first.find("line 2001\n"), std::string::npos);
    EXPECT_NE(first.find("Go on with offset 2001"), std::string::npos);
    const std::string part =
        text(read_file(workspace(), {{"path", "long.txt"}, {"offset", 2500}, {"limit", 2}}));
    EXPECT_EQ(part.find("line 2500\nline 2501\n"), 0u);
    EXPECT_TRUE(read_file(workspace(), {{"path", "long.txt"}, {"offset", 4000}}).is_error);
    outer.put("work/wide.txt", std::string(200'000, 'x'));
    EXPECT_LT(text(read_file(workspace(), {{"path", "wide.txt"}})).size(), 60'000u);
}

TEST_F(Files, ThatAreImagesAreShown) {
    outer.put("work/p.png", "\x89PNG\r\n\x1a\nrest");
    const Outcome outcome = read_file(workspace(), {{"path", "p.png"}});
    ASSERT_EQ(outcome.content.size(), 2u);
    EXPECT_EQ(text_member(outcome.content[1], "mimeType"), "image/png");
    EXPECT_EQ(text_member(outcome.content[1], "data"), "iVBORw0KGgpyZXN0");
}

TEST_F(Files, ThatAreNoFilesAreRefused) {
    std::filesystem::create_directories(outer.file("work/d"));
    ASSERT_EQ(mkfifo(outer.file("work/pipe").c_str(), 0600), 0);
    EXPECT_TRUE(read_file(workspace(), {{"path", "d"}}).is_error);
    EXPECT_TRUE(read_file(workspace(), {{"path", "pipe"}}).is_error);
    EXPECT_TRUE(write_file(workspace(), {{"path", "d"}, {"content", "x"}}).is_error);
    EXPECT_TRUE(write_file(workspace(), {{"path", "."}, {"content", "x"}}).is_error);
}

TEST_F(Files, AreEditedInOnePlaceOnly) {
    outer.put("work/e.txt", "red green red");
    const auto edit = [&](const char* before, const char* after) {
        return edit_file(workspace(), {{"path", "e.txt"}, {"oldText", before}, {"newText", after}});
    };
    EXPECT_NE(text(edit("red", "blue")).find("2 times"), std::string::npos);
    EXPECT_TRUE(edit("yellow", "blue").is_error);
    EXPECT_TRUE(edit("", "blue").is_error);
    EXPECT_FALSE(edit("green", "blue").is_error);
    EXPECT_EQ(outer.content("work/e.txt"), "red blue red");
}

TEST_F(Files, OfMemoryAreSearchedByWords) {
    outer.put("work/MEMORY.md", "# About\nThe cat is called Minka.\n");
    outer.put("work/memory/2026-01-30.md", "Went to the vet with the cat Minka.\nIt rained.\n");
    outer.put("work/other.md", "The cat is not in memory.\n");
    const Outcome found = search_memory(workspace(), {{"query", "vet Minka"}});
    const Json& results = member(found.details, "results");
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(text_member(results[0], "path"), "memory/2026-01-30.md");
    EXPECT_EQ(text(get_memory(workspace(), {{"path", "MEMORY.md"}, {"from", 2}, {"lines", 1}}))
                  .find("The cat is called Minka."),
              0u);
    EXPECT_TRUE(get_memory(workspace(), {{"path", "other.md"}}).is_error);
}

TEST_F(Files, OfMemoryAreShownInShortPassages) {
    outer.put("work/MEMORY.md", "cat " + std::string(1u << 20, 'x'));
    outer.put("work/memory/large.md", "cat " + std::string(9u << 20, 'x'));  // not searched
    const Outcome found = search_memory(workspace(), {{"query", "cat"}});
    const Json& results = member(found.details, "results");
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(text_view(results[0], "snippet").size(), 4'000u);
}

}  // namespace tools
