// A worker ends, however it does it; the others do not notice.

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/faults/fault_test.h"
#include "tests/support/tcp_socket.h"

using namespace std::chrono_literals;

namespace {

class Death : public FaultTest {};

std::string milliseconds(int64_t us) {
    return std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms";
}

// How fast: tests/bench.
TEST_P(Death, ByAKillIsRepairedEveryTime) {
    covers("1");
    start();
    std::vector<int64_t> times;
    for (int i = 0; i < 50; ++i)
        for (const char* worker : {"gateway", "agent", "one", "two"}) {
            const uint64_t life = supervisor->status(worker).incarnation();
            const int64_t time = supervisor->kill_to_next_life(worker);
            ASSERT_GE(time, 0) << worker << " after " << times.size() << " kills";
            times.push_back(time);
            ASSERT_TRUE(supervisor->wait_ready_after(worker, life));
        }
    std::sort(times.begin(), times.end());
    const int64_t median = times[times.size() / 2];
    const int64_t high = times[times.size() * 99 / 100];
    remark("200 of 200 kills, median " + milliseconds(median) + ", p99 " + milliseconds(high));
    EXPECT_TRUE(supervisor->wait_line("killed by signal 9 (KILL)"));
}

TEST_P(Death, WithSuccessThatNobodyAskedForIsACrash) {
    covers("2");
    start();
    supervisor->order("one", "exit 0");
    expect_recovered("one", "ended with success, which nobody asked for");
    supervisor->order("one", "exit 0");
    EXPECT_TRUE(supervisor->wait_line("started again in")) << "back-off applies to the second";
    wait_all_ready();
}

TEST_P(Death, ByASignalNamesItAndKeepsTheLastLines) {
    covers("3");
    start();
    for (const auto& [number, words] :
         {std::pair{SIGSEGV, "signal 11 (SEGV)"}, std::pair{SIGABRT, "signal 6 (ABRT)"}}) {
        const uint64_t life = supervisor->status("one").incarnation();
        const size_t line = supervisor->log().count();
        ASSERT_TRUE(supervisor->tell("one", "lines 30 0"));
        ASSERT_TRUE(supervisor->tell("one", "print the very last words"));
        supervisor->order("one", "signal " + std::to_string(number));
        ASSERT_TRUE(supervisor->wait_ready_after("one", life));
        EXPECT_TRUE(supervisor->wait_line(words, line));
        const auto status = supervisor->status("one");
        EXPECT_NE(status.last_end().find(words), std::string::npos) << status.last_end();
        EXPECT_EQ(status.last_lines_size(), 20);
        EXPECT_TRUE(std::count(status.last_lines().begin(), status.last_lines().end(),
                               "the very last words"));
        EXPECT_FALSE(status.last_cause().empty());
    }
    expect_others_untouched({"one"});
}

TEST_P(Death, ByASignalInTheMiddleOfARestartIsNotHidden) {
    covers("3");
    start();
    supervisor->tell("one", "linger 5000");
    ASSERT_TRUE(supervisor->ask("restart", {"one"}));
    ASSERT_TRUE(supervisor->wait_notes("one", "stop", 1));
    kill(supervisor->worker("one"), SIGSEGV);
    EXPECT_TRUE(supervisor->wait_line("one killed by signal 11 (SEGV)"));
    expect_recovered("one", "signal 11 (SEGV)");
    EXPECT_EQ(supervisor->status("one").last_cause(), "crashed");
}

TEST_P(Death, ForAFullVolumeIsNobodyElsesFault) {
    covers("41");
    start();
    for (int i = 1; i <= 6; ++i) {
        supervisor->order("gateway", "exit 81");
        ASSERT_TRUE(supervisor->wait_status(
            "gateway", [](const Status& status) { return status.state() == Status::WAITING; }));
        EXPECT_EQ(supervisor->status("gateway").last_cause(), "storage");
        ASSERT_TRUE(supervisor->ask("start", {"gateway"}));
        ASSERT_TRUE(supervisor->wait_ready("gateway"));
    }
    expect_others_untouched({"gateway"});
}

TEST_P(Death, AtTheStartBacksOff) {
    covers("8");
    start_unready(std::string(usual_plan) + "worker loop stub STUB_DO=exit+1\n");
    ASSERT_TRUE(supervisor->wait_notes("loop", "life", 2));
    const double before = supervisor->processor_seconds();
    // Six starts are five waits: 0.2, 0.4, 0.8, 1.6 and 3.2 s, give or take a fifth.
    ASSERT_TRUE(supervisor->wait_notes("loop", "life", 6, 20s));
    const auto lives = supervisor->notes("loop", "life");
    bool exact = true;
    double expected = 0.2;
    std::string gaps;
    for (size_t i = 1; i < lives.size(); ++i, expected *= 2) {
        const double gap =
            static_cast<double>(std::stoll(lives[i].back()) - std::stoll(lives[i - 1].back())) /
            1e6;
        EXPECT_GE(gap, expected * 0.79) << "start " << i;
        EXPECT_LE(gap, expected * 1.21 + 0.3 * slowness) << "start " << i;
        exact &= gap > expected * 0.99 && gap < expected * 1.02;
        gaps += " " + std::to_string(gap).substr(0, 4);
    }
    EXPECT_FALSE(exact) << "no jitter in" << gaps;
    remark("waits" + gaps + " s: 8th start not before 25 s");
    EXPECT_LE(supervisor->processor_seconds() - before, 0.3 * slowness);
    wait_all_ready_but({"loop"});
    may_hold_more_descriptors = true;
}

TEST_P(Death, BeforeItIsReadyIsEndedAtTheDeadline) {
    covers("10");
    start_unready(std::string(usual_plan) + "worker mute stub STUB_DO=linger\n");
    ASSERT_TRUE(supervisor->wait_line("mute was not ready 2000 ms after its start; it is ended"));
    ASSERT_TRUE(supervisor->wait_notes("mute", "life", 2));
    ASSERT_TRUE(supervisor->wait_line("started again in"));
    // Nobody waits for it.
    wait_all_ready_but({"mute"});
    may_hold_more_descriptors = true;
}

TEST_P(Death, SoonAfterReadyDoesNotResetTheBackOff) {
    covers("11");
    start_unready(std::string(usual_plan) + "worker brief stub STUB_DO=ready;die-after+300\n");
    ASSERT_TRUE(supervisor->wait_notes("brief", "life", 5, 20s));
    const auto lives = supervisor->notes("brief", "life");
    const auto gap = [&](size_t i) {
        return std::stoll(lives[i].back()) - std::stoll(lives[i - 1].back());
    };
    // The fourth wait of the row: 1.6 s, give or take a fifth.
    EXPECT_GT(gap(4), 1'250'000) << "waits grow although it was ready each time";
    wait_all_ready_but({"brief"});
    may_hold_more_descriptors = true;
}

TEST_P(Death, AfterItsOwnerRestartedItCountsAsTheFirst) {
    start_unready(std::string(usual_plan) + "worker loop stub STUB_DO=exit+1\n");
    const auto failed = [&] {
        const auto lines = supervisor->log().lines();
        return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
            return line.find("loop exit code 1") != std::string::npos;
        });
    };
    ASSERT_TRUE(eventually([&] { return failed() == 5; }, 20s));
    const size_t before = supervisor->log().count();
    ASSERT_TRUE(supervisor->ask("restart", {"loop"}));
    ASSERT_TRUE(supervisor->wait_line("loop is restarted on request", before));
    const auto line = supervisor->wait_line("loop exit code 1", before);
    ASSERT_TRUE(line);
    // 0.2 s, give or take a fifth: the wait after a first failure.
    const size_t at = line->find("started again in ");
    ASSERT_NE(at, std::string::npos) << *line;
    const int wait = std::stoi(line->substr(at + 17));
    EXPECT_GE(wait, 160) << *line;
    EXPECT_LE(wait, 240) << *line;
    wait_all_ready_but({"loop"});
    may_hold_more_descriptors = true;
}

// Every way in which exec can fail, with a word of the reason.
TEST_P(Death, AtExecNamesStageAndReason) {
    covers("12");
    const std::string libexec =
        std::filesystem::temp_directory_path() /
        ("hf-libexec-" + std::to_string(getpid()) + "-" + place_name({GetParam(), 0}));
    const std::string suite = std::string(std::getenv("HARDSHELL_BUILD")) + "/tests/faults/libexec";
    std::filesystem::create_directories(libexec);
    chmod(libexec.c_str(), 0755);
    for (const char* program : {"supervisor", "planner", "stub"})
        std::filesystem::copy_file(suite + "/" + program, libexec + "/" + program,
                                   std::filesystem::copy_options::overwrite_existing);
    struct Way {
        const char* what;
        std::string content;
        mode_t mode;
        const char* reason;
    };
    std::string foreign(64, '\0');
    std::ifstream(suite + "/stub", std::ios::binary).read(foreign.data(), 64);
    foreign[18] = 0x16;  // e_machine of another processor
    const Way ways[] = {
        {"no format", "what is this", 0755, "Exec format error"},
        {"bad interpreter", "#!/no/such/interpreter\n", 0755, "No such file"},
        {"not executable", "#!/bin/sh\n", 0644, "Permission denied"},
        {"wrong architecture", foreign, 0755, "Exec format error"},
        {"cut short", std::string("\177ELF", 4), 0755, "Exec format error"},
    };
    Supervised::Options options;
    options.libexec = libexec;
    start_unready(std::string(usual_plan) + "worker absent missing\n", options);
    ASSERT_TRUE(supervisor->wait_line("missing: No such file"));
    EXPECT_FALSE(supervisor->status("absent").last_end().empty());
    for (const Way& way : ways) {
        SCOPED_TRACE(way.what);
        const std::string draft = libexec + "/draft";
        std::ofstream(draft, std::ios::binary) << way.content;
        chmod(draft.c_str(), way.mode);
        std::filesystem::rename(draft, libexec + "/broken");
        const size_t line = supervisor->log().count();
        supervisor->set_plan(std::string(usual_plan) + "worker absent missing\nworker bad broken " +
                             "TRY=" + std::to_string(line) + "\n");
        supervisor->signal(SIGHUP);
        EXPECT_TRUE(supervisor->wait_line("could not execute", line));
        EXPECT_TRUE(supervisor->wait_line(way.reason, line));
        EXPECT_TRUE(supervisor->wait_status(
            "bad", [&](const Status& s) { return s.state() == Status::WAITING; }));
    }
    wait_all_ready_but({"absent", "bad"});
    may_hold_more_descriptors = true;
    std::filesystem::remove_all(libexec);
}

TEST_P(Death, LeavesNothingOfItsGroupBehind) {
    covers("16");
    start(
        "worker gateway gateway STUB_DO=ready;serve\nworker one stub\n"
        "listener http gateway 127.0.0.1 " +
        std::to_string(free_port()) + "\n");
    ASSERT_TRUE(supervisor->tell("gateway", "grandchild"));
    const uint64_t life = supervisor->status("gateway").incarnation();
    supervisor->order("gateway", "exit 1");
    ASSERT_TRUE(supervisor->wait_ready_after("gateway", life));
    EXPECT_TRUE(eventually([&] { return named("grandchild").empty(); }));
    expect_others_untouched({"gateway"});
}

TEST_P(Death, OfOneEndOfALinkLeavesTheOther) {
    covers("63");
    start();
    for (const char* worker : {"gateway", "agent"}) {
        const uint64_t life = supervisor->status(worker).incarnation();
        const uint64_t other =
            supervisor->status(worker == std::string("agent") ? "gateway" : "agent").incarnation();
        ASSERT_GE(supervisor->kill_to_next_life(worker), 0);
        ASSERT_TRUE(supervisor->wait_ready_after(worker, life));
        EXPECT_EQ(
            supervisor->status(worker == std::string("agent") ? "gateway" : "agent").incarnation(),
            other);
    }
    remark("nobody is stopped because another is gone; links find the next life");
}

TEST_P(Death, OfADaemonThatEscapedComesWithTheStop) {
    covers("15");
    start();
    ASSERT_TRUE(supervisor->tell("one", "daemon"));
    ASSERT_TRUE(eventually([&] { return named("daemon").size() == 1; }));
    // Its worker's end may end it, too; the supervisor's must.
    supervisor->order("one", "exit 1");
    expect_recovered("one", "exit code 1");
    stop();
    EXPECT_TRUE(named("daemon").empty());
}

TEST_P(Death, OfTheGatewayForEverEndsTheMachineButNotAtOnce) {
    covers("9");
    expected_exit = 75;
    const int64_t begin = monotonic_us();
    start_unready("worker gateway gateway STUB_DO=exit+1\nworker one stub\n");
    ASSERT_EQ(supervisor->wait_exit(100s), 75);
    const int64_t seconds = (monotonic_us() - begin) / 1'000'000;
    EXPECT_GE(seconds, 40);
    EXPECT_TRUE(supervisor->wait_line("it cannot be kept up"));
    EXPECT_GE(supervisor->lives("gateway"), 8u);
    remark("exit 75 after " + std::to_string(seconds) + " s and " +
           std::to_string(supervisor->lives("gateway")) + " starts");
}

AT_BOTH_PLACES(Death);

}  // namespace
