// Who speaks, by real sockets: a service that is busy for some requests.

#include "workers/voice/speech.h"

#include <gmock/gmock.h>

#include <atomic>
#include <optional>

#include "tests/support/deadline.h"
#include "tests/support/tls_server.h"
#include "workers/common/uv_loop.h"

namespace voice {

namespace {

using testing::HasSubstr;

// 20 ms of silence.
const std::string sound_answer =
    "HTTP/1.1 200 OK\r\nContent-Length: 960\r\n\r\n" + std::string(960, '\0');

// Reads one request, its body by Content-Length; false: there is none any more.
bool read_request(TlsStream& stream) {
    const std::string head = stream.read_until("\r\n\r\n");
    const std::string name = "Content-Length: ";
    const size_t at = head.find(name);
    if (at == std::string::npos) return false;
    return !stream.read_exactly(std::stoul(head.substr(at + name.size()))).empty();
}

class TheSpeech : public testing::Test {
  protected:
    TheSpeech() {
        settings.api_url = "https://" + server.authority();
        settings.speaking_key = Secret("key");
    }

    void talk(TlsStream& stream) {
        while (read_request(stream)) {
            const size_t number = requests++;
            if (number >= refusals.size()) {
                stream.write(sound_answer);
                continue;
            }
            stream.write("HTTP/1.1 " + std::to_string(refusals[number]) +
                         " Refused\r\nContent-Length: 0\r\n\r\n");
        }
    }
    void say() {
        outcome.reset();
        mouth.say("Hello.");
        EXPECT_TRUE(mouth.is_busy());
        const auto end = loop.after(patience, [this] { loop.stop(0); });
        loop.run();
        EXPECT_FALSE(mouth.is_busy());
        ASSERT_TRUE(outcome);
    }

    std::vector<int> refusals;  // of the first requests
    std::atomic<size_t> requests = 0;
    TlsServer server{[this](TlsStream& stream, uint64_t) { talk(stream); }};
    UvLoop loop;
    ClientContext context{loop, {server.certificate_file(), {}}};
    HttpsClient client{context};
    Streaming settings;
    size_t sound = 0;
    std::optional<Done> outcome;
    Speech mouth{loop,
                 client,
                 settings,
                 {[this](std::string_view mulaw) { sound += mulaw.size(); },
                  [this](const Done& done) {
                      outcome = done;
                      loop.stop(0);
                  }}};
};

}  // namespace

TEST_F(TheSpeech, AsksOnceMoreWhoIsBusy) {
    refusals = {503};
    ASSERT_NO_FATAL_FAILURE(say());
    EXPECT_TRUE(*outcome);
    EXPECT_GT(sound, 0u);
    EXPECT_EQ(requests.load(), 2u);
}

TEST_F(TheSpeech, GivesUpWhoStaysBusy) {
    refusals = {429, 429};
    ASSERT_NO_FATAL_FAILURE(say());
    ASSERT_FALSE(*outcome);
    EXPECT_THAT(outcome->error().what, HasSubstr("speech was refused: HTTP 429"));
    EXPECT_EQ(requests.load(), 2u);
    ASSERT_NO_FATAL_FAILURE(say());
    EXPECT_TRUE(*outcome) << "the next words are asked for anew";
}

TEST_F(TheSpeech, AsksNobodyTwiceWhoFails) {
    refusals = {500};
    ASSERT_NO_FATAL_FAILURE(say());
    EXPECT_FALSE(*outcome);
    EXPECT_EQ(requests.load(), 1u);
}

}  // namespace voice
