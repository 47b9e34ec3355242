#include "supervisor/log_pump.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

namespace supervisor {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

struct Pipe {
    Fd read;
    Fd write;
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) abort();
        read = Fd(ends[0]);
        write = Fd(ends[1]);
    }
};

class LogPumpTest : public testing::Test {
  protected:
    void SetUp() override { fcntl(out_.read.get(), F_SETFL, O_NONBLOCK); }

    void give(const Fd& pipe, std::string_view bytes) {
        ASSERT_EQ(write(pipe.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    // Runs the loop until everything written so far has been taken.
    void turn() {
        auto end = loop_->after(milliseconds(5), [&] { loop_->stop(0); });
        loop_->run();
    }
    std::vector<std::string> lines() {
        std::string text;
        char buffer[65536];
        ssize_t count;
        while ((count = read(out_.read.get(), buffer, sizeof buffer)) > 0)
            text.append(buffer, static_cast<size_t>(count));
        std::vector<std::string> found;
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);) found.push_back(line);
        return found;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    Pipe out_;
    LogPump pump_{*loop_, out_.write.get()};
};

TEST_F(LogPumpTest, StampsEachLineWithTimeAndWorker) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "first\nsecond\n");
    turn();
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_THAT(found[0], testing::MatchesRegex("....-..-..T..:..:..\\....Z \\[agent\\] first"));
    EXPECT_THAT(found[1], EndsWith("[agent] second"));
}

TEST_F(LogPumpTest, SharesARegularFileWithWhoeverElseWritesToIt) {
    char name[] = "/tmp/log_pump_test_XXXXXX";
    const Fd file(mkostemp(name, O_CLOEXEC));  // as `> file` opens it: without O_APPEND
    ASSERT_TRUE(file);
    unlink(name);
    LogPump pump{*loop_, file.get()};
    give(file, "before\n");
    pump.say("", "one");
    pump.flush(milliseconds(100));
    give(file, "between\n");
    pump.say("", "two");
    pump.flush(milliseconds(100));
    std::string text(4096, '\0');
    text.resize(static_cast<size_t>(pread(file.get(), text.data(), text.size(), 0)));
    EXPECT_THAT(text, testing::MatchesRegex("before\n[^\n]*one\nbetween\n[^\n]*two\n"));
}

TEST_F(LogPumpTest, JoinsALineWrittenInTwoPieces) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "half ");
    turn();
    EXPECT_THAT(lines(), SizeIs(0));
    give(pipe.write, "whole\n");
    turn();
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0], EndsWith("[agent] half whole"));
}

TEST_F(LogPumpTest, MasksASecretEvenWhenItIsSplitOverTwoWrites) {
    pump_.mask({"s3cret-token-value", "s3cret"});
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "key is s3cret-tok");
    turn();
    give(pipe.write, "en-value and s3cret.\n");
    turn();
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0], EndsWith("key is *** and ***."));
}

TEST_F(LogPumpTest, EndsTheUnfinishedLineOfADeadWorkerAndMarksIt) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "whole\nlast wor");
    pipe.write.reset();
    pump_.finish("agent");
    pump_.say("", "next");
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_THAT(found[0], EndsWith("whole"));
    EXPECT_THAT(found[1], EndsWith("last wor [line not finished]"));
    EXPECT_THAT(found[2], EndsWith("[supervisor] next"));
}

TEST_F(LogPumpTest, LosesNothingThatADeadWorkerLeftInItsPipe) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    std::string text;
    for (int i = 0; i < 500; ++i) text += "line " + std::to_string(i) + "\n";
    give(pipe.write, text);
    pipe.write.reset();
    pump_.finish("agent");
    EXPECT_THAT(lines(), SizeIs(500));
}

TEST_F(LogPumpTest, EscapesControlBytesAndBrokenText) {
    EXPECT_EQ(escape_control("plain\ttext"), "plain\ttext");
    EXPECT_EQ(escape_control("\x1b[31mred\r"), "\\x1b[31mred\\x0d");
    EXPECT_EQ(escape_control("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(escape_control("bad \xff\xc3"), "bad \\xff\\xc3");
    EXPECT_EQ(escape_control("\xc2\x9b"), "\\x9b");
    EXPECT_EQ(escape_control("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST_F(LogPumpTest, ContinuesALineThatIsTooLong) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, std::string(LogPump::longest_line + 10, 'x') + "\n");
    turn();
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_THAT(found[0], EndsWith("x …"));
    EXPECT_THAT(found[1], EndsWith("[agent] … xxxxxxxxxx"));
}

TEST_F(LogPumpTest, KeepsReadingWhenStdoutIsBlockedAndCountsWhatItDropped) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    std::string lines_of_a_kilobyte;
    for (int i = 0; i < 60; ++i) lines_of_a_kilobyte += std::string(1023, 'y') + "\n";
    for (int i = 0; i < 200; ++i) {
        give(pipe.write, lines_of_a_kilobyte);  // blocks for ever if the pump stopped reading
        turn();
        if (pump_.dropped() > 0) break;
    }
    EXPECT_GT(pump_.dropped(), 0u);
    EXPECT_FALSE(pump_.recent("agent", 0, 10).empty());
    std::vector<std::string> all;
    for (int i = 0; i < 2'000; ++i) {
        const auto some = lines();
        all.insert(all.end(), some.begin(), some.end());
        pump_.flush(milliseconds(1));
        if (some.empty()) break;
    }
    pump_.say("", "readable again");
    const auto rest = lines();
    ASSERT_FALSE(rest.empty());
    EXPECT_THAT(rest[0], HasSubstr("log lines were dropped because stdout was not read"));
    EXPECT_THAT(rest.back(), EndsWith("readable again"));
}

TEST_F(LogPumpTest, LivesOnWhenStdoutIsClosed) {
    out_.read.reset();
    signal(SIGPIPE, SIG_IGN);
    pump_.say("", "into the void");
    pump_.say("", "still here");
    EXPECT_THAT(pump_.recent("supervisor", 0, 10), SizeIs(2));
}

TEST_F(LogPumpTest, HandsOutTheLastLinesOfOneWorkerOrOfAll) {
    Pipe one;
    Pipe two;
    pump_.follow("agent", std::move(one.read));
    pump_.follow("gateway", std::move(two.read));
    give(one.write, "a1\na2\n");
    turn();
    give(two.write, "g1\n");
    turn();
    EXPECT_THAT(pump_.recent("agent", 0, 10), SizeIs(2));
    const auto all = pump_.recent("", 0, 2);
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[0].second.text, "a2");
    EXPECT_EQ(all[1].second.text, "g1");
    EXPECT_THAT(pump_.recent("", all[1].second.sequence, 10), SizeIs(0));
}

TEST_F(LogPumpTest, FeedsAListenerUntilItGoes) {
    std::vector<std::string> heard;
    auto feed = pump_.listen([&](const std::string& worker, const LogRecord& r) {
        heard.push_back(worker + ":" + r.text);
    });
    pump_.say("warn", "one");
    feed.reset();
    pump_.say("", "two");
    EXPECT_THAT(heard, testing::ElementsAre("supervisor:warn: one"));
}

}  // namespace
}  // namespace supervisor
