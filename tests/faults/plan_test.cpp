// Configurations that are bad, that change all the time, or that do not work; a planner that does
// not do its duty; what lies in the way of a start.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/faults/fault_test.h"
#include "tests/support/process_tree.h"
#include "tests/support/tcp_socket.h"

using namespace std::chrono_literals;

namespace {

class PlanFault : public FaultTest {
  protected:
    PlanFault() { may_hold_more_descriptors = true; }

    // Gives it that plan; the number of log lines before.
    size_t reload(const std::string& plan) {
        const size_t line = supervisor->log().count();
        supervisor->set_plan(plan);
        supervisor->signal(SIGHUP);
        return line;
    }
    std::string missing() const {
        std::string text;
        if (const auto reply = supervisor->ask("status"))
            for (const auto& reason : reply->status().missing()) text += reason + "\n";
        return text;
    }
    std::string notices() const {
        std::string text;
        if (const auto reply = supervisor->ask("status"))
            for (const auto& notice : reply->status().notices()) text += notice.text() + "\n";
        return text;
    }
};

struct BadPlan {
    const char* script;
    const char* why;
};
const BadPlan bad_plans[] = {
    {"worker gateway gateway\nrefuse line 3: unknown key \"gatway\"\n", "unknown key \"gatway\""},
    {"degraded openclaw.json, line 7: a comma is missing\n", "a comma is missing"},
    {"garbage\n", "the planner's answer is no plan"},
    {"oversized\n", "the planner ended without an answer"},
    {"die\n", "the planner ended without an answer"},
};

TEST_P(PlanFault, ThatIsBadLeavesThePreviousInForce) {
    covers("61");
    covers("46");
    start();
    for (const BadPlan& bad : bad_plans) {
        SCOPED_TRACE(bad.script);
        const size_t line = reload(bad.script);
        EXPECT_TRUE(supervisor->wait_line(bad.why, line));
        EXPECT_TRUE(supervisor->wait_line("the plan in force stays", line));
        const uint64_t life = supervisor->status("one").incarnation();
        kill(supervisor->worker("one"), SIGKILL);
        EXPECT_TRUE(supervisor->wait_ready_after("one", life));
        expect_others_untouched({"one"});
    }
    // And the next good one is taken.
    reload(std::string(usual_plan) + "worker three stub\n");
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_TRUE(supervisor->ask("status")->status().degraded().empty());
    expect_others_untouched({"one"});
}

TEST_P(PlanFault, WithMemoryThatDoesNotFitStartsWithTheUsualShares) {
    covers("61");
    const std::string total = "memory 10485760\n";
    const std::string wish = "wish one 0 1000000000000000\n";
    for (const auto& [wishes, keys] :
         {std::pair{total, "without memory.total until"},
          std::pair{wish, "without memory.workers until"},
          std::pair{total + wish, "without memory.total and memory.workers until"}}) {
        start(usual_plan + wishes);
        EXPECT_TRUE(supervisor->wait_line(keys));
        EXPECT_NE(notices().find(keys), std::string::npos);
        stop();
    }
}

TEST_P(PlanFault, WithMemoryThatDoesNotFitIsRefusedAndStatusSaysSo) {
    covers("61");
    start();
    size_t line = reload("degraded openclaw.json, line 7: a comma is missing\n");
    EXPECT_TRUE(supervisor->wait_line("a comma is missing", line));
    line = reload(std::string(usual_plan) + "worker three stub\nmemory 10485760\n");
    EXPECT_TRUE(supervisor->wait_line("raise memory.total", line));
    EXPECT_NE(notices().find("raise memory.total"), std::string::npos);
    EXPECT_EQ(supervisor->ask("status")->status().degraded(), "") << "the file itself is right";
    EXPECT_FALSE(supervisor->wait_line("can be used again", line, 100ms));
    line = reload(std::string(usual_plan) + "worker three stub\nmemory 1000000000000000\n");
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_TRUE(supervisor->wait_line("memory.total (", line));
    EXPECT_EQ(notices().find("raise memory.total"), std::string::npos);
    EXPECT_NE(notices().find("are shared out"), std::string::npos);
    reload(std::string(usual_plan) + "worker three stub\n");
    EXPECT_TRUE(eventually([&] { return notices().empty(); }));
    expect_others_untouched({});
}

TEST_P(PlanFault, ThatNamesAnUnknownKindRunsTheOthers) {
    covers("61");
    start();
    const size_t line = reload(std::string(usual_plan) + "worker odd no-such-kind\n");
    EXPECT_TRUE(supervisor->wait_line("a kind of worker (no-such-kind)", line));
    expect_others_untouched({});
}

TEST_P(PlanFault, OfAPlannerThatHangsIsGivenUp) {
    covers("46");
    start();
    const size_t line = reload("silent\n");
    const uint64_t life = supervisor->status("one").incarnation();
    EXPECT_GE(supervisor->kill_to_next_life("one"), 0) << "nobody waits for the planner";
    EXPECT_TRUE(supervisor->wait_ready_after("one", life));
    EXPECT_TRUE(supervisor->wait_line("the planner did not answer in 10 s", line, 15s));
    reload(std::string(usual_plan) + "worker three stub\n");
    // The file and the signal are two occasions to ask: the second may have found the silent one.
    EXPECT_TRUE(supervisor->wait_ready("three", 25s));
    expect_others_untouched({"one"});
}

TEST_P(PlanFault, AtTheFirstStartIsAskedForAgain) {
    covers("46");
    start_unready("die\n");
    ASSERT_TRUE(supervisor->wait_line("the planner ended without an answer"));
    supervisor->set_plan("garbage\n");
    ASSERT_TRUE(supervisor->wait_line("the planner's answer is no plan"));
    supervisor->set_plan(usual_plan);
    for (const char* name : {"gateway", "agent", "one", "two"})
        EXPECT_TRUE(supervisor->wait_ready(name)) << name;
}

TEST_P(PlanFault, ChangeRestartsOnlyWhomItConcerns) {
    covers("61");
    start();
    const uint64_t life = supervisor->status("one").incarnation();
    const std::string rest =
        "worker gateway gateway\nworker agent agent\nlink gateway-agent gateway agent\n";
    reload(rest + "worker one stub NEW=1\nworker two stub\n");
    EXPECT_TRUE(supervisor->wait_ready_after("one", life));
    expect_others_untouched({"one"});
    // Removed: it stops.
    reload(rest + "worker one stub NEW=1\n");
    EXPECT_TRUE(supervisor->wait_status(
        "two", [](const Status& status) { return status.state() == Status::STOPPED; }));
    expect_others_untouched({"one", "two"});
    // And comes back with the configuration.
    const uint64_t before = supervisor->status("two").incarnation();
    reload(rest + "worker one stub NEW=1\nworker two stub\n");
    EXPECT_TRUE(supervisor->wait_ready_after("two", before));
    // Comes back while it still goes.
    ASSERT_TRUE(supervisor->tell("two", "linger 300"));
    reload(rest + "worker one stub NEW=1\n");
    EXPECT_TRUE(supervisor->wait_notes("two", "stop", 2));
    reload(rest + "worker one stub NEW=1\nworker two stub\n");
    EXPECT_TRUE(supervisor->wait_ready_after("two", before + 1));
    EXPECT_EQ(supervisor->status("one").incarnation(), life + 1);
    expect_others_untouched({"one", "two"});
}

TEST_P(PlanFault, StoppedByTheOwnerStaysDownOverAReload) {
    covers("61");
    start();
    ASSERT_TRUE(supervisor->ask("stop", {"two"}));
    ASSERT_TRUE(supervisor->wait_status(
        "two", [](const Status& status) { return status.state() == Status::STOPPED; }));
    reload(std::string(usual_plan) + "worker three stub\n");
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_EQ(supervisor->status("two").state(), Status::STOPPED);
    expect_others_untouched({"two"});
}

TEST_P(PlanFault, FiftyReloadsASecondRestartNobodyWithoutNeed) {
    covers("61");
    start();
    const uint64_t life = supervisor->status("one").incarnation();
    bool arrived = false;
    const int64_t end = monotonic_us() + 60'000'000;
    for (int i = 0; i < 150 || (!arrived && monotonic_us() < end); ++i) {
        if (i == 50) supervisor->set_plan(std::string(usual_plan) + "worker three stub\n");
        supervisor->signal(SIGHUP);
        ASSERT_FALSE(supervisor->wait_exit(20ms));
        arrived |= supervisor->lives("three") > 0;
    }
    EXPECT_TRUE(arrived) << "a change waited until nobody asked any more";
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_EQ(supervisor->status("one").incarnation(), life);
    expect_others_untouched({});
    remark("150 reloads in 3 s");
}

// Swaps the file, and the target of a link to it, as quickly as it can.
class Swapper {
  public:
    Swapper(const std::string& path, const std::string& one, const std::string& other)
        : path_(path), other_(path + ".other"), draft_(path + ".swap"), text_{one, other} {
        std::ofstream(other_) << other;
        thread_ = std::thread([this] { swap(); });
    }
    ~Swapper() {
        stopped_ = true;
        thread_.join();
    }

  private:
    void swap() {
        for (size_t turn = 0; !stopped_; ++turn) {
            std::error_code failure;
            std::filesystem::remove(draft_, failure);
            if (turn % 3 == 0)
                std::filesystem::create_symlink(other_, draft_, failure);
            else
                std::ofstream(draft_) << text_[turn % 2];
            std::filesystem::rename(draft_, path_, failure);
        }
    }

    const std::string path_;
    const std::string other_;
    const std::string draft_;
    const std::string text_[2];
    std::atomic<bool> stopped_{false};
    std::thread thread_;
};

TEST_P(PlanFault, ReplacedWhileItIsReadIsOldOrNewAndNoMix) {
    covers("62");
    const auto plan_of = [](const std::string& version) {
        // Longer than what is read at once, so that a mix would be found.
        const std::string filler(20'000, version[0]);
        return "worker gateway gateway FIRST=" + version + " FILLER=" + filler +
               " LAST=" + version + "\n";
    };
    start(plan_of("a"));
    std::string seen;
    size_t lives = 0;
    {
        const Swapper swapper(supervisor->config_path(), plan_of("a"), plan_of("b"));
        const Deadline deadline(60s);
        for (int i = 0; i < 40 || (seen.size() < 2 && !deadline.over()); ++i) {
            supervisor->signal(SIGHUP);
            ASSERT_FALSE(supervisor->wait_exit(50ms));
            std::string first, last, filler;
            const std::string environment = read_proc(supervisor->worker("gateway"), "environ");
            for (size_t at = 0; at < environment.size();) {
                const std::string pair = environment.c_str() + at;
                if (pair.starts_with("FIRST=")) first = pair.substr(6);
                if (pair.starts_with("LAST=")) last = pair.substr(5);
                if (pair.starts_with("FILLER=")) filler = pair.substr(7);
                at += pair.size() + 1;
            }
            if (last.empty()) continue;  // between two lives
            ++lives;
            EXPECT_EQ(first, last);
            EXPECT_EQ(filler, std::string(20'000, first[0]));
            if (seen.find(first) == std::string::npos) seen += first;
        }
    }
    EXPECT_EQ(seen.size(), 2u) << "only " << seen << " was ever seen";
    EXPECT_FALSE(supervisor->wait_line("the plan in force stays", 0, 1ms));
    std::filesystem::remove(supervisor->config_path());
    reload(plan_of("c"));
    EXPECT_TRUE(eventually([&] {
        return read_proc(supervisor->worker("gateway"), "environ").find("LAST=c") !=
               std::string::npos;
    }));
    EXPECT_TRUE(supervisor->wait_ready("gateway"));
    remark(std::to_string(lives) + " looks at its environment, no mix");
}

// --- roll-back ---

const std::string good_plan = "worker gateway gateway\nworker one stub\nworker two stub\n";
const std::string bad_one = "worker gateway gateway\nworker one stub STUB_DO=exit+1\n";

TEST_P(PlanFault, WithWhichAWorkerNeverServesIsRolledBack) {
    covers("61");
    start(good_plan);
    const uint64_t life = supervisor->status("one").incarnation();
    const size_t line = reload(bad_one + "worker two stub\n");
    EXPECT_TRUE(supervisor->wait_line("one is replaced: its configuration changed", line));
    EXPECT_TRUE(supervisor->wait_line("it gets back the configuration with which it ran", line));
    EXPECT_TRUE(supervisor->wait_ready_after("one", life + 1));
    EXPECT_NE(missing().find("one did not start with its new configuration"), std::string::npos);
    expect_others_untouched({"one"});
    // Its part is as it was: what changes for others is not its business.
    const uint64_t rolled_back = supervisor->status("one").incarnation();
    reload(bad_one + "worker two stub\nworker three stub\n");
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_EQ(supervisor->status("one").incarnation(), rolled_back);
    EXPECT_EQ(supervisor->status("one").state(), Status::READY);
    EXPECT_NE(missing().find("one did not start with its new configuration"), std::string::npos);
    expect_others_untouched({"one"});
    // A repaired one is taken.
    reload("worker gateway gateway\nworker one stub STUB_DO=ready\nworker two stub\n");
    EXPECT_TRUE(supervisor->wait_ready_after("one", rolled_back));
    EXPECT_EQ(missing().find("one did not start"), std::string::npos) << missing();
}

TEST_P(PlanFault, ThatWasRolledBackIsTriedAgainOnRequest) {
    covers("61");
    start(good_plan);
    reload(bad_one + "worker two stub\n");
    ASSERT_TRUE(supervisor->wait_line("it gets back the configuration with which it ran"));
    ASSERT_TRUE(supervisor->wait_ready("one"));
    const uint64_t life = supervisor->status("one").incarnation();
    const size_t line = supervisor->log().count();
    ASSERT_TRUE(supervisor->ask("restart", {"one"}));
    EXPECT_TRUE(supervisor->wait_line("it gets back the configuration with which it ran", line));
    EXPECT_TRUE(supervisor->wait_ready_after("one", life + 1));
    // Taken back by the owner: it runs with it already.
    const uint64_t rolled_back = supervisor->status("one").incarnation();
    reload(good_plan + "worker three stub\n");
    EXPECT_TRUE(supervisor->wait_ready("three"));
    EXPECT_EQ(supervisor->status("one").incarnation(), rolled_back);
    EXPECT_EQ(missing().find("one did not start"), std::string::npos) << missing();
    expect_others_untouched({"one"});
}

// --- what lies in the way of a start ---

TEST_P(PlanFault, PortOfAStrangerIsWaitedFor) {
    covers("66");
    const uint16_t port = free_port();
    Fd stranger(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(stranger.get(), 8), 0);
    start_unready(
        "worker gateway gateway STUB_DO=ready;serve\nworker one stub\n"
        "listener http gateway 127.0.0.1 " +
        std::to_string(port) + "\n");
    const std::string cause = "port " + std::to_string(port) +
                              " on 127.0.0.1 is taken by another "
                              "program";
    ASSERT_TRUE(supervisor->wait_line(cause));
    ASSERT_TRUE(supervisor->wait_ready("one"));
    EXPECT_EQ(supervisor->status("gateway").state(), Status::WAITING);
    EXPECT_NE(missing().find(cause), std::string::npos) << missing();
    const double before = supervisor->processor_seconds();
    ASSERT_FALSE(supervisor->wait_exit(1'200ms));
    EXPECT_LT(supervisor->processor_seconds() - before, 0.05 * slowness);
    EXPECT_EQ(supervisor->lives("gateway"), 0u);
    size_t said = 0;
    for (const std::string& line : supervisor->log().lines())
        said += line.find(cause) != std::string::npos;
    EXPECT_EQ(said, 1u) << "said once, tried every second";
    stranger.reset();
    const int64_t begin = monotonic_us();
    EXPECT_TRUE(supervisor->wait_ready("gateway"));
    remark("taken " + std::to_string((monotonic_us() - begin) / 1000) + " ms after it was free");
    EXPECT_EQ(missing().find(cause), std::string::npos) << missing();
}

TEST_P(PlanFault, ProgramThatIsMissingKeepsNobodyDown) {
    covers("66");
    start_unready(std::string(usual_plan) + "worker tunnel missing\n");
    ASSERT_TRUE(supervisor->wait_line("missing: No such file"));
    wait_all_ready_but({"tunnel"});
    EXPECT_TRUE(supervisor->wait_status(
        "tunnel", [](const Status& status) { return status.state() == Status::WAITING; }));
}

AT_BOTH_PLACES(PlanFault);

// A lock of stock OpenClaw in the state directory. Its process runs where the supervisor looks for
// it: beside it, or in its namespace.
class StockLockFault : public FaultTest {
  protected:
    ~StockLockFault() override {
        if (stranger_ <= 1) return;
        kill(stranger_, SIGKILL);
        waitpid(stranger_, nullptr, 0);
    }

    void start_beside(const char* stranger_name) {
        Supervised::Options options;
        options.place = GetParam();
        int pid = 2;  // the first that the first process starts
        if (options.place == Place::first_process)
            options.before_exec = [=] { become_stranger(stranger_name, false); };
        else
            pid = stranger_ = become_stranger(stranger_name, true);
        supervisor = std::make_unique<Supervised>(options);
        supervisor->set_plan(usual_plan);
        lock = supervisor->state_dir() + "/gateway.0a1b2c3d.lock";
        std::ofstream(lock) << R"({"pid":)" << pid << R"(,"createdAt":"2026-01-30T10:00:00Z",)"
                            << R"("configPath":")" << supervisor->config_path() << "\"}\n";
        supervisor->start();
        named = "pid " + std::to_string(pid);
    }

    std::string lock;
    std::string named;

  private:
    // In a fork; system calls only.
    static pid_t become_stranger(const char* name, bool follow) {
        const pid_t pid = fork();
        if (pid != 0) return pid;
        if (follow) prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(1);
        close(2);
        const char* const words[] = {name, "1000", nullptr};
        const char* const none[] = {nullptr};
        execve("/bin/sleep", const_cast<char* const*>(words), const_cast<char* const*>(none));
        _exit(127);
    }

    pid_t stranger_ = 0;
};

TEST_P(StockLockFault, OfAnUnrelatedProcessIsTakenOver) {
    covers("65");
    start_beside("sleep");
    ASSERT_TRUE(supervisor->wait_line("removed the stale lock " + lock));
    EXPECT_TRUE(supervisor->wait_line(named + " is no OpenClaw"));
    for (const char* name : {"gateway", "agent", "one", "two"})
        EXPECT_TRUE(supervisor->wait_ready(name)) << name;
    EXPECT_FALSE(std::filesystem::exists(lock));
}

TEST_P(StockLockFault, OfALiveOpenClawIsRespected) {
    covers("65");
    start_beside("openclaw-gateway");
    const int64_t begin = monotonic_us();
    const std::optional<int> code = supervisor->wait_exit(20s);
    ASSERT_TRUE(code);
    EXPECT_EQ(*code, 1);
    EXPECT_TRUE(supervisor->wait_line("gateway already running (" + named + "); it holds " + lock));
    EXPECT_TRUE(std::filesystem::exists(lock));
    remark("refused after " + std::to_string((monotonic_us() - begin) / 1'000'000) + " s");
}

TEST_P(StockLockFault, IsNotWaitedForByWhoIsAskedToEnd) {
    covers("65");
    start_beside("openclaw-gateway");
    std::this_thread::sleep_for(300ms * slowness);
    supervisor->signal(SIGTERM);
    EXPECT_EQ(supervisor->wait_exit(), 0);
    EXPECT_TRUE(supervisor->wait_line("it was asked to end"));
    EXPECT_TRUE(std::filesystem::exists(lock));
}

AT_BOTH_PLACES(StockLockFault);

}  // namespace
