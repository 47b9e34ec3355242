#include "workers/discord/media_fetch.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/tls_server.h"
#include "workers/common/base/clock.h"
#include "workers/common/uv_loop.h"

namespace discord {
namespace {

using testing::HasSubstr;

TEST(DiscordMediaFetch, WaitsNoLongerForFilesThanOthersCanWaitForThem) {
    TlsServer server([](TlsStream& stream, uint64_t) {
        while (!stream.read().empty() || stream.timed_out()) {
        }
    });
    char pattern[] = "/tmp/hardshell-media-XXXXXX";
    const std::string directory = mkdtemp(pattern);
    UvLoop loop;
    ClientContext context(loop, {server.certificate_file()});
    MediaFetch::Options options;
    options.place = {directory, "media"};
    options.hosts = {"localhost"};
    options.patience = std::chrono::milliseconds(300);
    MediaFetch media(context, options);
    File file;
    file.name = "a.txt";
    file.url = "https://" + server.authority() + "/a.txt";
    MediaFetch::Attachments got;
    const int64_t begun = monotonic_ms();
    const auto call = media.start({file, file, file}, [&](MediaFetch::Attachments attachments) {
        got = std::move(attachments);
        loop.stop(0);
    });
    loop.run();
    EXPECT_LT(monotonic_ms() - begun, 5'000);
    ASSERT_EQ(got.size(), 3u);
    for (const auto& attachment : got) {
        EXPECT_THAT(attachment.note(), HasSubstr("could not be fetched"));
        EXPECT_EQ(attachment.path(), "");
    }
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace discord
