// Who writes down what a caller says, by real sockets: each test has a service of its own.

#include "workers/voice/transcriber.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>

#include "tests/support/deadline.h"
#include "tests/support/tls_server.h"
#include "tests/support/websocket_bytes.h"
#include "workers/common/base/json.h"

namespace voice {

namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr unsigned text_frame = 1;
constexpr unsigned ping_frame = 9;
constexpr unsigned pong_frame = 10;

std::string accept_of(const std::string& head) {
    const std::string name = "Sec-WebSocket-Key: ";
    const size_t at = head.find(name) + name.size();
    const std::string key =
        head.substr(at, head.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(key.data(), key.size(), digest, nullptr, EVP_sha1(), nullptr);
    char base64[32];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, sizeof digest);
    return base64;
}

struct Frame {
    unsigned opcode = 0;  // 0: the product has gone
    std::string bytes;
};

Frame read_frame(TlsStream& stream) {
    const std::string begin = stream.read_exactly(2);
    if (begin.size() != 2) return {};
    size_t size = static_cast<unsigned char>(begin[1]) & 0x7f;
    if (size == 126) {
        size = 0;
        for (const char c : stream.read_exactly(2))
            size = size << 8 | static_cast<unsigned char>(c);
    }
    const std::string mask = stream.read_exactly(4);
    std::string bytes = size > 0 ? stream.read_exactly(size) : "";
    if (mask.size() != 4 || bytes.size() != size) return {};
    for (size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>(bytes[at] ^ mask[at % 4]);
    return {static_cast<unsigned>(begin[0]) & 15, bytes};
}

void write_frame(TlsStream& stream, unsigned opcode, const std::string& bytes) {
    stream.write(websocket_bytes::bytes_of({.opcode = opcode, .payload = bytes, .masked = false}));
}

void tell(TlsStream& stream, const Json& event) {
    write_frame(stream, text_frame, print_json(event));
}

void tell_begun(TlsStream& stream, const std::string& item) {
    tell(stream, {{"type", "input_audio_buffer.speech_started"}, {"item_id", item}});
}

void tell_words(TlsStream& stream, const std::string& item, const std::string& words) {
    tell(stream, {{"type", "conversation.item.input_audio_transcription.completed"},
                  {"item_id", item},
                  {"transcript", words}});
}

// Lets the product in, and confirms what it asks for.
void let_in(TlsStream& stream) {
    const std::string head = stream.read_until("\r\n\r\n");
    if (head.empty()) return;  // the test is over
    stream.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_of(head) + "\r\n\r\n");
    read_frame(stream);
    tell(stream, {{"type", "transcription_session.updated"}});
}

void refuse(TlsStream& stream) {
    stream.read_until("\r\n\r\n");
    stream.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    stream.read();
}

class TheTranscriber : public testing::Test {
  protected:
    TheTranscriber() {
        settings.api_url = "https://" + server.authority();
        settings.hearing_key = Secret("key");
    }

    Transcriber::Handlers handlers() {
        return {[this] { return ++turn; },
                [this](const std::string& words, uint32_t answers) {
                    heard.push_back(std::to_string(answers) + " " + words);
                },
                [this](const std::string& why) { failed = why; }};
    }
    // False: it has not come to that.
    bool run_until(const std::function<bool()>& fits, bool speaks = true) {
        const auto sound = loop.every(milliseconds(10), [&] {
            if (speaks) ears.take("AAAA");
            if (fits()) loop.stop(0);
        });
        const auto end = loop.after(patience, [this] { loop.stop(0); });
        loop.run();
        return fits();
    }

    std::function<void(TlsStream&, uint64_t)> talk;
    TlsServer server{[this](TlsStream& stream, uint64_t connection) { talk(stream, connection); }};
    UvLoop loop;
    ClientContext context{loop, {server.certificate_file(), {}}};
    WebSocketClient client{loop, context};
    Streaming settings;
    uint32_t turn = 0;
    std::vector<std::string> heard;
    std::string failed;
    Transcriber ears{loop, client, settings, milliseconds(100), handlers()};
};

}  // namespace

// No reset and no close: the cable is cut, and TCP goes on trying.
TEST_F(TheTranscriber, ListensByAnotherConnectionWhenOneIsDead) {
    talk = [](TlsStream& stream, uint64_t connection) {
        let_in(stream);
        bool is_dead = false;
        for (Frame got = read_frame(stream); got.opcode != 0; got = read_frame(stream)) {
            if (got.opcode == ping_frame && !is_dead) {
                write_frame(stream, pong_frame, got.bytes);
                is_dead = connection == 1;
            } else if (got.opcode == text_frame && connection > 1) {
                tell_words(stream, "", "Are you there?");
            }
        }
    };
    ears.start();
    ASSERT_TRUE(run_until([this] { return !heard.empty(); }));
    EXPECT_EQ(heard[0], "0 Are you there?");
    EXPECT_GE(server.connections(), 2u);
    EXPECT_EQ(failed, "");
}

TEST_F(TheTranscriber, DoesNotJudgeByPingsWhoAnswersNone) {
    talk = [](TlsStream& stream, uint64_t) {
        let_in(stream);
        int pings = 0;
        for (Frame got = read_frame(stream); got.opcode != 0; got = read_frame(stream))
            if (got.opcode == ping_frame && ++pings == 4) tell_words(stream, "", "Yes.");
    };
    ears.start();
    ASSERT_TRUE(run_until([this] { return !heard.empty(); }));
    EXPECT_EQ(server.connections(), 1u);
}

TEST_F(TheTranscriber, AsksOnceMoreWhoIsBusy) {
    talk = [](TlsStream& stream, uint64_t connection) {
        if (connection == 1) return refuse(stream);
        let_in(stream);
        for (Frame got = read_frame(stream); got.opcode != 0; got = read_frame(stream))
            if (got.opcode == text_frame) tell_words(stream, "", "Hello.");
    };
    ears.start();
    ASSERT_TRUE(run_until([this] { return !heard.empty(); }));
    EXPECT_EQ(server.connections(), 2u);
}

TEST_F(TheTranscriber, GivesUpWhoStaysBusy) {
    talk = [](TlsStream& stream, uint64_t) { refuse(stream); };
    ears.start();
    ASSERT_TRUE(run_until([this] { return !failed.empty(); }));
    EXPECT_THAT(failed, HasSubstr("HTTP 503"));
    EXPECT_EQ(server.connections(), 2u);
}

TEST_F(TheTranscriber, TellsWhichTurnWordsAnswer) {
    talk = [](TlsStream& stream, uint64_t) {
        let_in(stream);
        read_frame(stream);
        tell_begun(stream, "one");
        tell_begun(stream, "two");
        tell_words(stream, "two", "Second.");
        tell_words(stream, "one", "First.");
        tell_words(stream, "three", "Third.");
        stream.read_until("never");
    };
    ears.start();
    ASSERT_TRUE(run_until([this] { return heard.size() == 3; }));
    EXPECT_THAT(heard, ElementsAre("2 Second.", "1 First.", "0 Third."));
    EXPECT_FALSE(ears.owes_words());
}

TEST_F(TheTranscriber, HasTheLastWordsWrittenDown) {
    talk = [](TlsStream& stream, uint64_t) {
        let_in(stream);
        read_frame(stream);
        tell_begun(stream, "one");
        for (Frame got = read_frame(stream); got.opcode != 0; got = read_frame(stream))
            if (got.bytes == R"({"type":"input_audio_buffer.commit"})")
                tell_words(stream, "one", "Goodbye.");
    };
    ears.start();
    EXPECT_FALSE(ears.finish()) << "nobody has said anything";
    ASSERT_TRUE(run_until([this] { return ears.owes_words(); }));
    EXPECT_TRUE(ears.finish());
    ASSERT_TRUE(run_until([this] { return !heard.empty(); }, false));
    EXPECT_THAT(heard, ElementsAre("1 Goodbye."));
    EXPECT_FALSE(ears.finish());
}

}  // namespace voice
