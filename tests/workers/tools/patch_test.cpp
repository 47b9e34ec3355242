#include "workers/tools/patch.h"

#include <gtest/gtest.h>

#include "tests/workers/tools/temporary_directory.h"

namespace tools {

namespace {

std::string apply(const std::string& content, const std::string& chunks) {
    const auto patches =
        read_patch("*** Begin Patch\n*** Update File: f\n" + chunks + "*** End Patch\n");
    if (!patches) return "unread: " + patches.error().what;
    size_t steps = most_line_steps;
    const auto text = patched(content, patches->front(), steps);
    return text ? *text : "refused: " + text.error().what;
}

}  // namespace

TEST(Patch, ChangesLinesWhereTheyStand) {
    EXPECT_EQ(apply("a\nb\nc\n", "@@\n a\n-b\n+B\n c\n"), "a\nB\nc\n");
    EXPECT_EQ(apply("a\nb\na\nb\n", "@@ a\n b\n-a\n+x\n"), "a\nb\nx\nb\n");
    EXPECT_EQ(apply("a\nb\n", "@@\n-b\n*** End of File\n"), "a\n");
    EXPECT_EQ(apply("a\n", "@@\n+b\n"), "a\nb\n");
    EXPECT_EQ(apply("x  \ny\n", "@@\n x\n-y\n+z\n"), "x\nz\n");
}

TEST(Patch, RefusesWhatIsNotThere) {
    EXPECT_EQ(apply("a\n", "@@\n-b\n+c\n").find("refused: these lines are not in f"), 0u);
    EXPECT_EQ(apply("a\n", "@@ nowhere\n-a\n").find("refused: the line \"nowhere\""), 0u);
}

// A file and a patch of few different lines, which fit nearly everywhere.
TEST(Patch, RefusesWhatWouldTakeLongToFind) {
    std::string content;
    std::string chunk = "@@\n";
    for (int line = 0; line < 100'000; ++line) content += "a\n";
    for (int line = 0; line < 10'000; ++line) chunk += " a\n";
    EXPECT_EQ(
        tools::apply(content, chunk + "-b\n").find("refused: finding the places of the changes"),
        0u);
    content.clear();
    for (int line = 0; line < 20; ++line) content += std::string(50'000, ' ') + "x\n";
    chunk.clear();
    for (int line = 0; line < 200; ++line) chunk += "@@\n-" + std::string(50'000, ' ') + "y\n";
    EXPECT_EQ(tools::apply(content, chunk).find("refused: "), 0u);
}

TEST(Patch, ChangesManyPlacesOfALongFile) {
    std::string content;
    std::string chunks;
    std::string wanted;
    for (int line = 0; line < 50'000; ++line) {
        const std::string text = "line " + std::to_string(line);
        content += text + "\n";
        if (line % 10 == 0) chunks += "@@\n-" + text + "\n+changed\n";
        wanted += (line % 10 == 0 ? "changed" : text) + "\n";
    }
    EXPECT_EQ(tools::apply(content, chunks), wanted);
    EXPECT_EQ(apply("a\nb\n", "@@\n+c\n@@\n+d\n"), "a\nb\nc\nd\n");
}

TEST(Patch, NamesTheLineItCannotRead) {
    const auto problem = [](const char* text) {
        const auto patches = read_patch(text);
        return patches ? std::string() : patches.error().what;
    };
    EXPECT_EQ(problem(""), "line 1: expected *** Begin Patch");
    EXPECT_EQ(problem("*** Begin Patch\n"), "line 2: expected *** End Patch");
    EXPECT_EQ(problem("*** Begin Patch\n*** End Patch"), "line 3: the patch changes nothing");
    EXPECT_EQ(problem("*** Begin Patch\n*** Add File: a\nno plus\n*** End Patch"),
              "line 3: a line of a new file begins with +");
    EXPECT_EQ(problem("*** Begin Patch\nrubbish\n*** End Patch"),
              "line 2: expected a file to add, update or delete");
}

TEST(Patch, ChangesAllFilesOrNone) {
    TemporaryDirectory directory;
    directory.put("a.txt", "one\n");
    directory.put("b.txt", "two\n");
    const auto workspace = Workspace::open(directory.path());
    const auto run = [&](const std::string& text) {
        return apply_patch(*workspace, {{"input", "*** Begin Patch\n" + text + "*** End Patch"}});
    };
    EXPECT_TRUE(run("*** Update File: a.txt\n@@\n-one\n+1\n*** Update File: b.txt\n@@\n-zwei\n+2\n")
                    .is_error);
    EXPECT_EQ(directory.content("a.txt"), "one\n");
    EXPECT_TRUE(run("*** Add File: ../out.txt\n+x\n").is_error);
    EXPECT_TRUE(run("*** Add File: a.txt\n+x\n").is_error);
    EXPECT_TRUE(run("*** Delete File: a.txt\n*** Add File: a.txt\n+x\n").is_error);
    EXPECT_FALSE(run("*** Update File: a.txt\n*** Move to: d/a.txt\n@@\n-one\n+1\n"
                     "*** Delete File: b.txt\n*** Add File: c.txt\n+three\n")
                     .is_error);
    EXPECT_EQ(directory.content("d/a.txt"), "1\n");
    EXPECT_EQ(directory.content("c.txt"), "three\n");
    EXPECT_FALSE(std::filesystem::exists(directory.file("a.txt")));
    EXPECT_FALSE(std::filesystem::exists(directory.file("b.txt")));
}

}  // namespace tools
