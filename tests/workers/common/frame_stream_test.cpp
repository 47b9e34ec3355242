#include "workers/common/base/frame_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "proto/envelope.pb.h"

using namespace std::chrono_literals;
using hardshell::proto::Envelope;

namespace {

Envelope envelope(uint64_t sequence, size_t size = 3) {
    Envelope made;
    made.set_incarnation(1);
    made.set_sequence(sequence);
    made.set_message(std::string(size, 'm'));
    return made;
}

std::string framed(const Envelope& message) {
    const std::string body = message.SerializeAsString();
    std::string frame;
    for (int shift = 24; shift >= 0; shift -= 8)
        frame += static_cast<char>((body.size() >> shift) & 0xff);
    return frame + body;
}

class FrameStreamTest : public testing::Test {
  protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        here = Fd(ends[0]);
        there = Fd(ends[1]);
    }
    std::unique_ptr<FrameStream> open(size_t largest = FrameStream::default_largest) {
        auto stream = std::make_unique<FrameStream>(*loop, std::move(here), largest);
        stream->on_frame([this](std::string_view frame) {
            Envelope message;
            EXPECT_TRUE(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
            received.push_back(message.sequence());
        });
        stream->on_close([this](const std::string& why) {
            closed.push_back(why);
            loop->stop(0);
        });
        return stream;
    }
    int run() {
        auto limit = loop->after(5s, [this] { loop->stop(-1); });
        return loop->run();
    }
    // One pass over what is ready now.
    void turn() {
        auto end = loop->after(0ms, [this] { loop->stop(0); });
        loop->run();
    }
    void put(std::string_view bytes) {
        ASSERT_EQ(::write(there.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    Fd here, there;
    std::vector<uint64_t> received;
    std::vector<std::string> closed;
};

TEST_F(FrameStreamTest, ReadsTheSameFramesHoweverTheBytesAreSplit) {
    const std::string bytes = framed(envelope(1)) + framed(envelope(2, 0)) + framed(envelope(3));
    auto stream = open();
    std::vector<uint64_t> expected;
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        put(bytes.substr(0, cut));
        turn();
        put(bytes.substr(cut));
        turn();
        expected.insert(expected.end(), {1, 2, 3});
        ASSERT_EQ(received, expected) << "cut at " << cut;
    }
    for (const char byte : bytes) {
        put({&byte, 1});
        turn();
    }
    expected.insert(expected.end(), {1, 2, 3});
    EXPECT_EQ(received, expected);
}

TEST_F(FrameStreamTest, ClosesOnAFrameThatIsTooLarge) {
    auto stream = open(64);
    put(framed(envelope(1)) + framed(envelope(2, 100)));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(received, (std::vector<uint64_t>{1}));
    EXPECT_EQ(closed, (std::vector<std::string>{"sent a frame that is too large"}));
    EXPECT_EQ(stream->send(envelope(1)).error().fault, Fault::unreachable);
}

TEST_F(FrameStreamTest, DeliversWhatCameBeforeTheOtherEndClosed) {
    auto stream = open();
    put(framed(envelope(1)) + framed(envelope(2)) + std::string("\0\0", 2));
    there.reset();
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(received, (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(closed, (std::vector<std::string>{"closed by the other end"}));
}

TEST_F(FrameStreamTest, MayBeDestroyedByItsFrameHandler) {
    auto stream = open();
    const std::string captured(500, 'c');
    stream->on_frame([&, captured](std::string_view) {
        stream.reset();
        received.push_back(captured.size());
        loop->stop(0);
    });
    put(framed(envelope(1)) + framed(envelope(2)));
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(received, (std::vector<uint64_t>{500}));
}

TEST_F(FrameStreamTest, MayBeDestroyedByItsCloseHandler) {
    auto stream = open();
    const std::string captured(500, 'c');
    stream->on_close([&, captured](const std::string& why) {
        stream.reset();
        closed.push_back(why + std::to_string(captured.size()));
        loop->stop(0);
    });
    there.reset();
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(closed, (std::vector<std::string>{"closed by the other end500"}));
}

TEST_F(FrameStreamTest, RefusesToSendAMessageThatIsTooLarge) {
    auto stream = open(64);
    const Done sent = stream->send(envelope(1, 100));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().fault, Fault::bad_message);
    EXPECT_EQ(stream->unsent(), 0u);
}

TEST_F(FrameStreamTest, QueuesForASlowReaderInOrderAndWithinABound) {
    auto stream = open();
    uint64_t queued = 0;
    Done sent;
    while ((sent = stream->send(envelope(queued + 1, 1 << 20)))) ++queued;
    EXPECT_EQ(sent.error().fault, Fault::out_of_room);
    EXPECT_GT(stream->unsent(), size_t{64} << 20);
    EXPECT_LT(stream->unsent(), size_t{70} << 20);

    FrameStream reader(*loop, std::move(there));
    std::vector<uint64_t> arrived;
    reader.on_frame([&](std::string_view frame) {
        Envelope message;
        ASSERT_TRUE(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
        arrived.push_back(message.sequence());
        if (arrived.size() == queued) loop->stop(0);
    });
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(stream->unsent(), 0u);
    for (uint64_t i = 0; i < queued; ++i) ASSERT_EQ(arrived[i], i + 1);
}

TEST_F(FrameStreamTest, DoesNotSpinWhenThePeerOnlyStopsReading) {
    auto stream = open();
    ASSERT_EQ(shutdown(there.get(), SHUT_RD), 0);
    (void)stream->send(envelope(1));
    EXPECT_EQ(stream->unsent(), 0u);
    int turns = 0;
    auto count = loop->before_sleep([&] { ++turns; });
    auto end = loop->after(20ms, [&] { loop->stop(0); });
    EXPECT_EQ(run(), 0);
    EXPECT_LT(turns, 20);
}

TEST_F(FrameStreamTest, BlockingEndsExchangeOneFrame) {
    ASSERT_TRUE(write_one_frame(there.get(), envelope(9), 1000));
    const auto frame = read_one_frame(here.get(), 1000);
    ASSERT_TRUE(frame);
    Envelope message;
    ASSERT_TRUE(message.ParseFromString(*frame));
    EXPECT_EQ(message.sequence(), 9u);
}

TEST_F(FrameStreamTest, BlockingReadEndsAtItsDeadlineAndAtTheEndOfTheStream) {
    put(std::string("\0\0\0\5ab", 6));
    EXPECT_EQ(read_one_frame(here.get(), 10).error().fault, Fault::timed_out);
    there.reset();
    EXPECT_EQ(read_one_frame(here.get(), 1000).error().fault, Fault::unreachable);
}

TEST_F(FrameStreamTest, BlockingReadRefusesAFrameThatIsTooLarge) {
    put(std::string("\x7f\xff\xff\xff", 4));
    EXPECT_EQ(read_one_frame(here.get(), 1000).error().fault, Fault::bad_message);
}

}  // namespace
