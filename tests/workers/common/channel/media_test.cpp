#include "workers/common/channel/media.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace channel {

namespace {

namespace fs = std::filesystem;

class Media : public testing::Test {
  protected:
    Media() {
        char pattern[] = "/tmp/hardshell-media-XXXXXX";
        place.state_dir = mkdtemp(pattern);
        place.folder = "telegram/media";
        place.most_bytes = 1000;
        place.folder_bytes = 3000;
    }
    ~Media() override { fs::remove_all(place.state_dir); }

    Result<StoredMedia> store(const std::string& bytes, const char* type = "",
                              const char* name = "") {
        Result<MediaFile> file = MediaFile::create(place);
        if (!file) return file.error();
        std::ofstream(file->path()) << bytes;
        return file->finish(type, name);
    }
    fs::path path(const std::string& relative) const {
        return fs::path(place.state_dir) / relative;
    }
    size_t files() const {
        size_t count = 0;
        for (const auto& entry : fs::directory_iterator(path("telegram/media")))
            count += entry.is_regular_file();
        return count;
    }

    MediaPlace place;
};

}  // namespace

TEST_F(Media, TellsAKindByTheBytesBeforeWhatIsSaid) {
    const auto stored = store("\x89PNG\r\n\x1a\n and more", "application/pdf", "a.pdf");
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->mime_type, "image/png");
    EXPECT_TRUE(stored->path.starts_with("telegram/media/"));
    EXPECT_TRUE(stored->path.ends_with(".png"));
    EXPECT_EQ(stored->size, fs::file_size(path(stored->path)));
    EXPECT_EQ(store("abc", "text/csv")->mime_type, "text/csv");
    EXPECT_EQ(store("abc", "", "a.MD")->mime_type, "text/markdown");
    EXPECT_EQ(store("abc")->mime_type, "application/octet-stream");
}

TEST_F(Media, CanBeReadByWhoKnowsTheNameAndListedByNobody) {
    fs::create_directory(path("telegram"));
    fs::permissions(path("telegram"), fs::perms::owner_all);
    const auto stored = store("abc");
    ASSERT_TRUE(stored);
    struct stat info {};
    ASSERT_EQ(stat(path(stored->path).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0644u);
    for (const char* folder : {"telegram", "telegram/media"}) {
        ASSERT_EQ(stat(path(folder).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777u, 0711u) << folder;
    }
}

TEST_F(Media, RefusesWhatIsTooLargeAndLeavesNothing) {
    const auto stored = store(std::string(1001, 'x'));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().fault, Fault::out_of_room);
    EXPECT_EQ(files(), 0u);
}

TEST_F(Media, RemovesTheOldestWhenTheFolderIsFull) {
    const auto first = store(std::string(900, 'a'));
    ASSERT_TRUE(first);
    fs::last_write_time(path(first->path),
                        fs::file_time_type::clock::now() - std::chrono::hours(1));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(store(std::string(900, 'b')));
    EXPECT_FALSE(fs::exists(path(first->path)));
    EXPECT_EQ(files(), 3u);
}

TEST_F(Media, TidiesWhatAnEarlierProcessLeft) {
    ASSERT_TRUE(store("abc"));
    std::ofstream(path("telegram/media/half.part")) << "abc";
    tidy_media(place, 3000);
    EXPECT_EQ(files(), 1u);
    tidy_media(place, 0);
    EXPECT_EQ(files(), 0u);
}

TEST(MediaTypes, KnowTheirFamily) {
    EXPECT_EQ(family_of("image/png"), "image");
    EXPECT_EQ(family_of("audio/ogg"), "audio");
    EXPECT_EQ(family_of("imagery"), "document");
    EXPECT_EQ(family_of("application/pdf"), "document");
    EXPECT_EQ(size_text(5 << 20), "5 MB");
    EXPECT_EQ(sniffed_type("GIF89a"), "image/gif");
    EXPECT_EQ(sniffed_type("RIFF....WEBP"), "image/webp");
    EXPECT_EQ(sniffed_type("ab"), "");
}

}  // namespace channel
