#include "workers/telegram/media_fetch.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/telegram_double.h"
#include "workers/common/base/clock.h"

namespace telegram {

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class MediaFetchTest : public testing::Test {
  protected:
    MediaFetchTest()
        : client(*loop, {telegram.certificate_file()}),
          api(client, {telegram.url(), Secret(telegram.token())}) {
        char pattern[] = "/tmp/hardshell-media-XXXXXX";
        directory = mkdtemp(pattern);
    }
    ~MediaFetchTest() override { std::filesystem::remove_all(directory); }

    hardshell::proto::Attachment fetch(MediaFetch& media, const std::string& file_id) {
        hardshell::proto::Attachment got;
        FileOf file;
        file.kind = "document";
        file.file_id = file_id;
        media.fetch(file, [&](hardshell::proto::Attachment attachment) {
            got = std::move(attachment);
            loop->stop(0);
        });
        loop->run();
        return got;
    }
    MediaFetch::Options options() const {
        MediaFetch::Options made;
        made.place = {directory, "media"};
        made.patience = milliseconds(500);
        return made;
    }

    TelegramDouble telegram;
    std::string directory;
    std::unique_ptr<Loop> loop = make_epoll_loop();
    ClientContext client;
    BotApi api;
    Pace pace;
};

}  // namespace

TEST_F(MediaFetchTest, StoresAFile) {
    MediaFetch media(*loop, api, pace, options());
    const auto got = fetch(media, telegram.add_file("some text"));
    EXPECT_EQ(got.note(), "");
    EXPECT_EQ(got.size(), 9u);
    EXPECT_THAT(got.path(), Not(IsEmpty()));
}

TEST_F(MediaFetchTest, WaitsNoLongerForAFileThanOthersCanWaitForIt) {
    MediaFetch media(*loop, api, pace, options());
    const std::string file = telegram.add_file("some text");
    for (const char* method : {"getFile", "file"}) {
        telegram.fail(method, {TelegramFault::What::no_answer});
        const int64_t begun = monotonic_ms();
        const auto got = fetch(media, file);
        EXPECT_THAT(got.note(), HasSubstr("could not be fetched within")) << method;
        EXPECT_EQ(got.path(), "") << method;
        EXPECT_LT(monotonic_ms() - begun, 5'000) << method;
    }
    EXPECT_EQ(fetch(media, file).note(), "");
}

TEST_F(MediaFetchTest, AsksNoFasterThanTelegramLikes) {
    MediaFetch::Options patient = options();
    patient.patience = milliseconds(10'000);
    MediaFetch media(*loop, api, pace, patient);
    for (size_t i = 0; i < Pace::most_calls_per_second; ++i) pace.called(monotonic_ms());
    const int64_t begun = monotonic_ms();
    EXPECT_EQ(fetch(media, telegram.add_file("some text")).note(), "");
    EXPECT_GE(monotonic_ms() - begun, 900);
}

}  // namespace telegram
