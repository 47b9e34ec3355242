#include "supervisor/log_pump.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "supervisor/log_limit.h"

namespace supervisor {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

int64_t now_ms = 0;  // of the fake clock

int unread(const Fd& pipe) {
    int bytes = 0;
    ioctl(pipe.get(), FIONREAD, &bytes);
    return bytes;
}

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
    int turns_in(milliseconds time) {
        int turns = 0;
        const auto count = loop_->before_sleep([&] { ++turns; });
        auto end = loop_->after(time, [&] { loop_->stop(0); });
        loop_->run();
        return turns;
    }
    // What follows "[worker] " in each line written since the last call.
    std::vector<std::string> said() {
        std::vector<std::string> texts;
        for (const std::string& line : lines())
            texts.push_back(line.substr(std::min(line.size(), line.find("] ") + 2)));
        return texts;
    }
    // Runs the loop until everything written so far has been taken.
    void turn() {
        // One turn that takes what can be read, and the beginning of the next, which writes it.
        auto end = loop_->after(milliseconds(0), [&] { loop_->soon([this] { loop_->stop(0); }); });
        loop_->run();
    }
    std::vector<std::string> lines() {
        char buffer[65536];
        ssize_t count;
        while ((count = read(out_.read.get(), buffer, sizeof buffer)) > 0)
            text_.append(buffer, static_cast<size_t>(count));
        std::vector<std::string> found;
        size_t end;
        while ((end = text_.find('\n')) != std::string::npos) {
            found.push_back(text_.substr(0, end));
            text_.erase(0, end + 1);
        }
        return found;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    Pipe out_;
    std::string text_;  // read and no whole line yet
    LogPump pump_{*loop_, out_.write.get(), {}, [] { return now_ms; }};
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
    uint64_t given = 0;
    while (pump_.dropped() == 0 && given < 12'000) {
        std::string lines_of_a_kilobyte;
        for (int i = 0; i < 60; ++i)
            lines_of_a_kilobyte += std::to_string(++given) + std::string(1'000, 'y') + "\n";
        give(pipe.write, lines_of_a_kilobyte);
        while (unread(pipe.write) > 0) turn();  // for ever if the pump stopped reading
    }
    const uint64_t dropped = pump_.dropped();
    EXPECT_GT(dropped, 0u);
    const auto newest = pump_.recent("agent", 0, 1);
    ASSERT_THAT(newest, SizeIs(1));
    EXPECT_THAT(newest[0].second.text, StartsWith(std::to_string(given) + "y"));
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
    EXPECT_THAT(rest[0], EndsWith("[supervisor] warn: " + std::to_string(dropped) +
                                  " log lines were dropped because stdout was not read"));
    EXPECT_THAT(rest.back(), EndsWith("readable again"));
    EXPECT_EQ(all.size() + dropped, given);
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

TEST_F(LogPumpTest, MasksASecretWhereALongLineIsCut) {
    const std::string secret = "s3cret-token-value";
    pump_.mask({secret});
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    for (size_t before = LogPump::longest_line - secret.size() - 1;
         before <= LogPump::longest_line + 1; ++before) {
        give(pipe.write, std::string(before, 'x') + secret.substr(0, 7));
        turn();
        give(pipe.write, secret.substr(7) + std::string(9'000, 'y') + "\n");
        turn();
        std::string all;
        for (const std::string& text : said()) all += text;
        for (size_t size = 3; size <= secret.size(); ++size) {
            EXPECT_THAT(all, testing::Not(HasSubstr(secret.substr(0, size)))) << before;
            EXPECT_THAT(all, testing::Not(HasSubstr(secret.substr(size - 3)))) << before;
        }
        EXPECT_THAT(all, HasSubstr("***"));
        EXPECT_EQ(std::count(all.begin(), all.end(), 'x'), static_cast<long>(before));
        EXPECT_EQ(std::count(all.begin(), all.end(), 'y'), 9'000);
    }
}

TEST_F(LogPumpTest, MasksTheBeginningOfASecretThatADeathCutOff) {
    pump_.mask({"s3cret-token-value"});
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "key is s3cret-tok");
    pump_.finish("agent");
    EXPECT_THAT(said(), ElementsAre("key is *** [line not finished]"));
}

TEST_F(LogPumpTest, MasksTheSupervisorsOwnWords) {
    pump_.mask({"s3cret-token-value"});
    pump_.say("warn", "refused: s3cret-token-value\nand more");
    EXPECT_THAT(said(), ElementsAre("warn: refused: ***\\x0aand more"));
    EXPECT_EQ(pump_.recent("supervisor", 0, 1)[0].second.text, "warn: refused: ***\\x0aand more");
}

TEST_F(LogPumpTest, TakesALineOfAMebibyteInPiecesAndLosesNoByteOfIt) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    const std::string line(1u << 20, 'x');
    std::string all;
    size_t pieces = 0;
    const auto collect = [&] {
        turn();
        for (const std::string& text : said()) {
            EXPECT_LE(text.size(), LogPump::longest_line + 8);
            all += text;
            ++pieces;
        }
    };
    for (size_t at = 0; at < line.size(); at += 32'768) {
        give(pipe.write, line.substr(at, 32'768));
        collect();
    }
    give(pipe.write, "\n");
    collect();
    EXPECT_EQ(std::count(all.begin(), all.end(), 'x'), 1 << 20);
    EXPECT_EQ(pieces, (1u << 20) / LogPump::longest_line);
}

TEST_F(LogPumpTest, KeepsEveryKindOfByteVisible) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, std::string_view("nul \0 here\r\n\n\x1b[2J\nbad \xff\n\r\n", 27));
    turn();
    EXPECT_THAT(said(), ElementsAre("nul \\x00 here", "", "\\x1b[2J", "bad \\xff", ""));
}

TEST_F(LogPumpTest, CountsALineThatIsRepeated) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "again\nagain\nagain\n");
    turn();
    EXPECT_THAT(said(), ElementsAre("again"));
    give(pipe.write, "again\nother\nother\n");
    turn();
    EXPECT_THAT(said(), ElementsAre("the last line was repeated 3 times", "other"));
    pump_.finish("agent");
    EXPECT_THAT(said(), ElementsAre("the last line was repeated 1 time"));
}

TEST_F(LogPumpTest, TellsOfALineThatIsRepeatedForLong) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "again\nagain\n");
    turn();
    EXPECT_THAT(said(), ElementsAre("again"));
    now_ms += LogLimit::longest_silence_ms - 1;
    pump_.settle();
    EXPECT_THAT(said(), IsEmpty());
    now_ms += 1;
    pump_.settle();
    EXPECT_THAT(said(), ElementsAre("the last line was repeated 1 time"));
}

TEST_F(LogPumpTest, DoesNotCompareTheLinesOfTwoWorkersOrTwoLives) {
    Pipe one;
    Pipe two;
    Pipe next;
    pump_.follow("agent", std::move(one.read));
    pump_.follow("gateway", std::move(two.read));
    give(one.write, "same\n");
    turn();
    give(two.write, "same\n");
    turn();
    pump_.finish("agent");
    pump_.follow("agent", std::move(next.read));
    give(next.write, "same\n");
    turn();
    EXPECT_THAT(said(), ElementsAre("same", "same", "same"));
}

TEST_F(LogPumpTest, SuppressesAFloodAndCountsItExactly) {
    pump_.limit(10);  // 200 at once
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    std::string flood;
    for (int i = 1; i <= 1'000; ++i) flood += "line " + std::to_string(i) + "\n";
    give(pipe.write, flood);
    turn();
    EXPECT_THAT(said(), SizeIs(200));
    EXPECT_EQ(pump_.suppressed("agent"), 800u);
    EXPECT_EQ(pump_.recent("agent", 0, 1)[0].second.text, "line 1000");
    now_ms += 1'000;
    give(pipe.write, "calm again\n");
    turn();
    EXPECT_THAT(said(),
                ElementsAre("800 lines were suppressed: more than 10 per second", "calm again"));
    EXPECT_EQ(pump_.suppressed("agent"), 800u);
    EXPECT_EQ(pump_.suppressed("gateway"), 0u);
}

TEST_F(LogPumpTest, TellsOfAFloodWhenItLetsUpAndWhenTheWorkerDies) {
    pump_.limit(1);  // 20 at once
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    std::string flood;
    for (int i = 1; i <= 25; ++i) flood += "line " + std::to_string(i) + "\n";
    give(pipe.write, flood);
    turn();
    EXPECT_THAT(said(), SizeIs(20));
    now_ms += LogLimit::let_up_ms;
    pump_.settle();
    EXPECT_THAT(said(), ElementsAre("5 lines were suppressed: more than 1 per second"));
    give(pipe.write, "one\ntwo\ntwo\nthree");
    pump_.finish("agent");
    EXPECT_THAT(said(), ElementsAre("one", "3 lines were suppressed: more than 1 per second"));
    EXPECT_EQ(pump_.recent("agent", 0, 2)[0].second.text, "three [line not finished]");
}

TEST_F(LogPumpTest, NeverLimitsTheSupervisorItself) {
    pump_.limit(1);
    for (int i = 0; i < 100; ++i) pump_.say("", "same");
    EXPECT_THAT(said(), SizeIs(100));
}

TEST_F(LogPumpTest, DoesNotSpinWhenAWorkerClosesItsOutput) {
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    give(pipe.write, "last");
    pipe.write.reset();
    turn();  // takes what was written
    turn();  // and sees the end
    EXPECT_LT(turns_in(milliseconds(5)), 5);
    EXPECT_THAT(said(), IsEmpty());
    now_ms += 1'000;
    pump_.settle();
    pump_.settle();
    EXPECT_THAT(said(), ElementsAre("last [line not finished]",
                                    "warn: agent has closed one of its outputs and lives on"));
}

TEST_F(LogPumpTest, GoesToTheNextOutputWhenStdoutIsClosed) {
    char name[] = "/tmp/log_pump_test_XXXXXX";
    const Fd file(mkostemp(name, O_CLOEXEC));
    ASSERT_TRUE(file);
    signal(SIGPIPE, SIG_IGN);
    LogPump pump{*loop_, out_.write.get(), {"/no/such/file", name}};
    pump.say("", "one");
    EXPECT_THAT(said(), ElementsAre("one"));
    out_.read.reset();
    pump.say("", "two");
    pump.say("", "three");
    unlink(name);
    std::string text(4096, '\0');
    text.resize(static_cast<size_t>(pread(file.get(), text.data(), text.size(), 0)));
    EXPECT_THAT(text, testing::MatchesRegex("[^\n]*two\n[^\n]*three\n"));
    EXPECT_EQ(pump.dropped(), 0u);
}

TEST_F(LogPumpTest, CountsWhatNobodyReadsOnceEveryOutputIsClosed) {
    out_.read.reset();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; ++i) pump_.say("", "into the void");
    EXPECT_EQ(pump_.dropped(), 3u);
    EXPECT_LT(turns_in(milliseconds(5)), 5);
}

TEST_F(LogPumpTest, WaitsNoLongerThanItIsToldForAStdoutThatIsNotRead) {
    pump_.say("", std::string(200'000, 'x'));
    const int64_t before = monotonic_ms();
    pump_.flush(milliseconds(20));
    EXPECT_LT(monotonic_ms() - before, 1'000);
}

TEST_F(LogPumpTest, LosesNothingWhenAFastWorkerMeetsASlowerReader) {
    pump_.limit(UINT32_MAX);
    Pipe pipe;
    pump_.follow("agent", std::move(pipe.read));
    fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
    std::string wanted;
    for (int i = 0; i < 30'000; ++i) wanted += std::to_string(i) + std::string(100, 'z') + "\n";
    size_t given = 0;
    size_t found = 0;
    // 64 KiB are read for each turn of the loop, in which the worker could write far more.
    while (given < wanted.size() || found < 30'000) {
        ssize_t count;
        while ((count = write(pipe.write.get(), wanted.data() + given,
                              std::min<size_t>(4096, wanted.size() - given))) > 0)
            given += static_cast<size_t>(count);
        turn();
        const size_t some = lines().size();
        found += some;
        if (some == 0 && given == wanted.size()) break;
    }
    EXPECT_EQ(pump_.dropped(), 0u);
}

TEST_F(LogPumpTest, WritesJsonLinesWhenAsked) {
    pump_.format(LogFormat::json);
    Pipe pipe;
    pump_.follow("telegram:ops", std::move(pipe.read));
    give(pipe.write, "warn: a \"quoted\" \\ \x1b tab\there\n");
    turn();
    pump_.say("", "plain");
    const auto found = lines();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_THAT(found[0], StartsWith("{\"time\":\"20"));
    EXPECT_THAT(found[0], EndsWith("Z\",\"worker\":\"telegram:ops\",\"level\":\"warn\",\"text\":"
                                   "\"a \\\"quoted\\\" \\\\ \\\\x1b tab\\there\"}"));
    EXPECT_THAT(found[1],
                EndsWith(",\"worker\":\"supervisor\",\"level\":\"info\",\"text\":\"plain\"}"));
}

TEST_F(LogPumpTest, LetsAListenerRemoveItselfAndOthers) {
    int first = 0;
    int second = 0;
    Loop::Registration two;
    Loop::Registration one = pump_.listen([&](const std::string&, const LogRecord&) {
        ++first;
        two.reset();
        one.reset();
    });
    two = pump_.listen([&](const std::string&, const LogRecord&) { ++second; });
    pump_.say("", "one");
    pump_.say("", "two");
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 0);
}

}  // namespace
}  // namespace supervisor
