#include "workers/common/base/board_page.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/support/fault_report.h"

namespace {

// Letter and length determine each other, so that a mixture of two texts shows.
std::string whole_text(unsigned number) {
    return std::string(1 + number % BoardPage::longest_text, static_cast<char>('a' + number % 23));
}

bool is_whole(const std::string& text) {
    for (unsigned number = static_cast<unsigned>(text.size()) - 1; number < 23 * 1000;
         number += BoardPage::longest_text)
        if (text == whole_text(number)) return true;
    return false;
}

class BoardPageTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { report_faults(); }
    void SetUp() override {
        auto made = BoardPage::create("test");
        ASSERT_TRUE(made) << made.error().what;
        file = std::move(*made);
    }
    BoardPage map(bool writable) const {
        auto page = BoardPage::map(file.get(), writable);
        EXPECT_TRUE(page) << page.error().what;
        return std::move(*page);
    }
    // A process that writes texts until it is killed.
    pid_t start_writer() const {
        const pid_t pid = fork();
        if (pid != 0) return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        auto page = BoardPage::map(file.get(), true);
        if (!page) _exit(1);
        for (unsigned number = 0;; ++number) page->set_text(whole_text(number));
    }
    Fd file;
};

TEST_F(BoardPageTest, ShowsAReaderWhatTheWorkerWrote) {
    BoardPage worker = map(true);
    const BoardPage reader = map(false);
    EXPECT_EQ(reader.text(), "");
    EXPECT_EQ(reader.last_beat(), 0);
    worker.beat(1234567890123);
    worker.set(Counter::clients_connected, 3);
    worker.add(Counter::clients_connected, -1);
    worker.add(Counter::turns_started, 41);
    worker.add(Counter::turns_started, 1);
    worker.set_text("connected as @hardshell");
    EXPECT_EQ(reader.last_beat(), 1234567890123);
    EXPECT_EQ(reader.get(Counter::clients_connected), 2);
    EXPECT_EQ(reader.get(Counter::turns_started), 42);
    EXPECT_EQ(reader.get(Counter::turns_failed), 0);
    EXPECT_EQ(reader.text(), "connected as @hardshell");
}

TEST_F(BoardPageTest, CutsALongTextAndReplacesItByAShortOne) {
    BoardPage page = map(true);
    page.set_text(std::string(5000, 'x'));
    EXPECT_EQ(page.text(), std::string(BoardPage::longest_text, 'x'));
    page.set_text("short");
    EXPECT_EQ(page.text(), "short");
}

TEST_F(BoardPageTest, ForgetsEverythingWhenCleared) {
    BoardPage page = map(true);
    page.set_text("gone");
    page.beat(5);
    page.add(Counter::messages_in, 1);
    page.clear();
    EXPECT_EQ(page.text(), "");
    EXPECT_EQ(page.last_beat(), 0);
    EXPECT_EQ(page.get(Counter::messages_in), 0);
}

TEST_F(BoardPageTest, CannotBeShrunkUnderItsReaders) {
    EXPECT_NE(ftruncate(file.get(), 0), 0);
    EXPECT_NE(ftruncate(file.get(), 1 << 20), 0);
}

TEST_F(BoardPageTest, AReadOnlyMappingCannotBeWritten) {
    BoardPage reader = map(false);
    EXPECT_DEATH(reader.beat(1), "");
}

TEST_F(BoardPageTest, StaysWholeWhenItsWriterIsKilledAtAnyInstruction) {
    const BoardPage reader = map(false);
    RecordProperty("scenario", "E5");
    // HARDSHELL_ENDURANCE=20 makes it thousands.
    const char* factor = std::getenv("HARDSHELL_ENDURANCE");
    const int lives = 250 * std::max(1, factor ? std::atoi(factor) : 1);
    int seen = 0;
    for (int life = 0; life < lives; ++life) {
        const pid_t writer = start_writer();
        ASSERT_GT(writer, 0);
        const std::string last = reader.text();
        // Read while it writes, and kill it at a different point of its loop each time.
        std::string now = last;
        for (int reads = 0; now == last || reads < life % 50; ++reads) {
            if (now == last) sched_yield();
            now = reader.text();
            if (now.empty()) continue;  // the writer overtook the reader eight times
            ASSERT_TRUE(is_whole(now)) << "torn: " << now;
        }
        ASSERT_EQ(kill(writer, SIGKILL), 0);
        ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
        const std::string left = reader.text();
        ASSERT_FALSE(left.empty());
        ASSERT_TRUE(is_whole(left)) << "torn after death: " << left;
        EXPECT_EQ(reader.text(), left);
        ++seen;
    }
    EXPECT_EQ(seen, lives);
    RecordProperty("remark", std::to_string(lives) + " writers killed, never a torn text");
    BoardPage successor = map(true);
    successor.set_text("the next life");
    EXPECT_EQ(reader.text(), "the next life");
}

TEST_F(BoardPageTest, AWorkerOfAnotherUserThatIsNotDumpableMapsItsPage) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to change the user";
    const pid_t worker = fork();
    if (worker == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
        prctl(PR_SET_DUMPABLE, 0);
        auto page = BoardPage::map(file.get(), true);
        if (!page) _exit(3);
        page->set_text("from another user");
        _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(worker, &status, 0), worker);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(map(false).text(), "from another user");
}

}  // namespace
