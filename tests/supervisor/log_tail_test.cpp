#include "supervisor/log_tail.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace supervisor {
namespace {

using hardshell::proto::LogAnswer;
using hardshell::proto::LogQuery;
using testing::ElementsAre;
using testing::IsEmpty;

class LogTail : public testing::Test {
  protected:
    LogAnswer ask(uint32_t lines = 500, uint32_t bytes = 250'000) {
        LogQuery query;
        query.set_most_lines(lines);
        query.set_most_bytes(bytes);
        return log_tail(log, query);
    }
    LogAnswer ask_after(uint64_t cursor, uint32_t bytes = 250'000) {
        LogQuery query;
        query.set_id(9);
        query.set_cursor(cursor);
        query.set_most_lines(500);
        query.set_most_bytes(bytes);
        return log_tail(log, query);
    }
    LogAnswer ask_of(const std::string& worker, uint64_t cursor = 0) {
        LogQuery query;
        if (cursor != 0) query.set_cursor(cursor);
        query.set_most_lines(5);
        query.set_most_bytes(1'000'000);
        query.set_worker(worker);
        return log_tail(log, query);
    }
    // As a worker of that name, which ends.
    void write_as(const std::string& worker, const std::string& text) {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        log.follow(worker, Fd(ends[0]));
        const Fd in(ends[1]);
        ASSERT_EQ(write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        log.finish(worker);
    }
    static std::vector<std::string> texts(const LogAnswer& answer) {
        std::vector<std::string> found;
        for (const auto& line : answer.lines()) found.push_back(line.text());
        return found;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    Fd nowhere{open("/dev/null", O_WRONLY | O_CLOEXEC)};
    LogPump log{*loop, nowhere.get()};
};

TEST_F(LogTail, GivesWhatCameAfterTheCursor) {
    log.say("", "one");
    log.say("warn", "two");
    const LogAnswer first = ask();
    EXPECT_THAT(texts(first), ElementsAre("one", "two"));
    EXPECT_EQ(first.lines(1).level(), "warn");
    EXPECT_EQ(first.lines(1).worker(), "supervisor");
    EXPECT_FALSE(first.reset());
    EXPECT_FALSE(first.truncated());
    EXPECT_THAT(texts(ask_after(first.cursor())), IsEmpty());
    log.say("", "three");
    const LogAnswer next = ask_after(first.cursor());
    EXPECT_THAT(texts(next), ElementsAre("three"));
    EXPECT_EQ(next.cursor(), first.cursor() + 1);
    EXPECT_EQ(next.id(), 9u);
    EXPECT_FALSE(next.reset());
}

TEST_F(LogTail, BeginsAnewForACursorThatIsNotItsOwn) {
    log.say("", "one");
    const uint64_t cursor = ask().cursor();
    for (const uint64_t foreign : {cursor + 1, uint64_t{0}, uint64_t{12'345}}) {
        const LogAnswer answer = ask_after(foreign);
        EXPECT_TRUE(answer.reset()) << foreign;
        EXPECT_THAT(texts(answer), ElementsAre("one"));
        EXPECT_EQ(answer.cursor(), cursor);
    }
}

TEST_F(LogTail, SaysWhenMoreCameThanFits) {
    log.say("", "one");
    const uint64_t cursor = ask().cursor();
    for (const char* text : {"aaaa", "bbbb", "cccc"}) log.say("", text);
    const LogAnswer answer = ask_after(cursor, 8);
    EXPECT_THAT(texts(answer), ElementsAre("bbbb", "cccc"));
    EXPECT_TRUE(answer.truncated());
    EXPECT_TRUE(answer.reset());
    const LogAnswer tail = ask(500, 4);
    EXPECT_THAT(texts(tail), ElementsAre("cccc"));
    EXPECT_TRUE(tail.truncated());
    EXPECT_FALSE(tail.reset());
    EXPECT_THAT(texts(ask(2)), ElementsAre("bbbb", "cccc"));
}

TEST_F(LogTail, SaysWhenTheRingHasGoneRound) {
    log.say("", "one");
    const uint64_t cursor = ask().cursor();
    for (int count = 0; count < 400; ++count) log.say("", std::string(1'000, 'x'));
    const LogAnswer answer = ask_after(cursor, 1'000'000);
    EXPECT_TRUE(answer.truncated());
    EXPECT_TRUE(answer.reset());
    EXPECT_LT(answer.lines_size(), 400);
    EXPECT_GT(answer.lines_size(), 100);
}

TEST_F(LogTail, HasTheLastLinesOfAQuietWorkerThatOthersFlood) {
    write_as("agent", "warn: quiet\n");
    const uint64_t cursor = ask_of("agent").cursor();
    for (int count = 0; count < 400; ++count) log.say("", std::string(1'000, 'x'));
    EXPECT_THAT(texts(ask(5, 1'000'000)), testing::Not(testing::Contains("quiet")));
    const LogAnswer first = ask_of("agent");
    EXPECT_THAT(texts(first), ElementsAre("quiet"));
    EXPECT_EQ(first.lines(0).worker(), "agent");
    EXPECT_FALSE(first.truncated());
    // What others lost is no break in its lines.
    const LogAnswer next = ask_of("agent", cursor);
    EXPECT_THAT(texts(next), IsEmpty());
    EXPECT_FALSE(next.reset());
    write_as("agent", "more\n");
    EXPECT_THAT(texts(ask_of("agent", next.cursor())), ElementsAre("more"));
    EXPECT_THAT(texts(ask_of("nobody")), IsEmpty());
}

TEST_F(LogTail, MasksWhatBecameASecretLater) {
    log.say("", "the key is hunter2-hunter2");
    log.mask({"hunter2-hunter2"});
    EXPECT_THAT(texts(ask()), ElementsAre("the key is ***"));
}

}  // namespace
}  // namespace supervisor
