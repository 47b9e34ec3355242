// Faults at random, one after another, for as long as one likes; what must always hold is looked
// at in between.

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <random>

#include "tests/faults/fault_test.h"

using namespace std::chrono_literals;

namespace {

class RandomFaults : public FaultTest {
  protected:
    void run(std::chrono::seconds duration);

  private:
    using Fault = void (RandomFaults::*)();
    struct Row {
        const char* name;
        Fault inject;
    };
    static const std::vector<Row> rows;

    size_t pick(size_t below) {
        return std::uniform_int_distribution<size_t>(0, below - 1)(random_);
    }
    const std::string& somebody() { return workers_[pick(workers_.size())]; }

    void kill_one() {
        if (const pid_t pid = supervisor->worker(somebody()); pid > 1) kill(pid, SIGKILL);
    }
    void kill_all_workers() {
        for (const std::string& name : workers_)
            if (const pid_t pid = supervisor->worker(name); pid > 1) kill(pid, SIGKILL);
    }
    void crash() { supervisor->order(somebody(), "signal 11"); }
    void abort() { supervisor->order(somebody(), "signal 6"); }
    void exit_at_once() { supervisor->order(somebody(), "exit 3"); }
    void leave_a_grandchild() { supervisor->order(somebody(), "grandchild"); }
    void leave_a_daemon() { supervisor->order(somebody(), "daemon"); }
    void leave_orphans() { supervisor->order(somebody(), "orphans 40 dead"); }
    void leak_descriptors() { supervisor->order(somebody(), "descriptors 100"); }
    void end_without_output() {
        const std::string& name = somebody();
        supervisor->order(name, "close-output");
        supervisor->order(name, "exit 4");
    }
    void send_nonsense() { supervisor->order(somebody(), "send 00000004ffffffff"); }
    void restart() { (void)supervisor->ask("restart", {somebody()}); }
    void stop_and_start() {
        const std::string name = somebody();
        (void)supervisor->ask("stop", {name});
        (void)supervisor->ask("start", {name});
    }
    void reload() {
        supervisor->set_plan(plan_with(++generation_));
        supervisor->signal(SIGHUP);
    }
    void reload_nonsense() {
        supervisor->set_plan("garbage\n");
        supervisor->signal(SIGHUP);
        supervisor->wait_line("the plan in force stays", supervisor->log().count(), 2s);
        supervisor->set_plan(plan_with(generation_));
    }
    void annoy_the_control_socket() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        supervisor->control_socket().copy(address.sun_path, sizeof address.sun_path - 1);
        const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            (void)!send(socket.get(), "\0\0\0\11half", 8, MSG_NOSIGNAL);
    }
    void send_signals() {
        for (const int number : {SIGPIPE, SIGWINCH, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD})
            supervisor->signal(number);
    }
    // Numbered lines that must all arrive.
    void print() {
        const std::string mark = "count " + std::to_string(++prints_);
        if (supervisor->tell(somebody(), "print " + mark, 2s)) printed_.push_back(mark);
    }

    std::string plan_with(int generation) const {
        return "log text 4294967295\n"
               "worker gateway gateway\n"
               "worker agent agent\n"
               "worker one stub TRY=" +
               std::to_string(generation) +
               "\n"
               "worker two stub\n"
               "link gateway-agent gateway agent\n";
    }
    void settle();

    const std::vector<std::string> workers_ = {"gateway", "agent", "one", "two"};
    std::mt19937 random_{4711};
    int generation_ = 0;
    int prints_ = 0;
    std::vector<std::string> printed_;
};

const std::vector<RandomFaults::Row> RandomFaults::rows = {
    {"kill", &RandomFaults::kill_one},
    {"kill all", &RandomFaults::kill_all_workers},
    {"crash", &RandomFaults::crash},
    {"abort", &RandomFaults::abort},
    {"exit", &RandomFaults::exit_at_once},
    {"grandchild", &RandomFaults::leave_a_grandchild},
    {"daemon", &RandomFaults::leave_a_daemon},
    {"orphans", &RandomFaults::leave_orphans},
    {"descriptors", &RandomFaults::leak_descriptors},
    {"closed output", &RandomFaults::end_without_output},
    {"nonsense", &RandomFaults::send_nonsense},
    {"restart", &RandomFaults::restart},
    {"stop and start", &RandomFaults::stop_and_start},
    {"reload", &RandomFaults::reload},
    {"bad reload", &RandomFaults::reload_nonsense},
    {"control socket", &RandomFaults::annoy_the_control_socket},
    {"signals", &RandomFaults::send_signals},
    {"print", &RandomFaults::print},
};

// Everybody is up again, nothing is left over.
void RandomFaults::settle() {
    // A fresh life of each, whatever wait the last failures brought; it also takes along what the
    // former one left behind.
    for (const std::string& name : workers_) (void)supervisor->ask("restart", {name});
    for (const std::string& name : workers_) ASSERT_TRUE(supervisor->wait_ready(name)) << name;
    EXPECT_TRUE(eventually([&] { return named("grandchild").empty() && named("daemon").empty(); }));
    EXPECT_TRUE(eventually([&] { return supervisor->children().size() == workers_.size(); }))
        << supervisor->children().size() << " children";
}

void RandomFaults::run(std::chrono::seconds duration) {
    covers("E4");
    start(plan_with(0));
    may_hold_more_descriptors = true;  // counted here
    settle();
    const size_t descriptors = supervisor->descriptors();
    size_t memory = 0;
    size_t faults = 0;
    std::string history;
    for (const Deadline deadline(duration); !deadline.over();) {
        history.clear();
        for (int i = 0; i < 25 && !HasFatalFailure(); ++i, ++faults) {
            const Row& row = rows[pick(rows.size())];
            history += std::string(" ") + row.name + ",";
            (this->*row.inject)();
        }
        SCOPED_TRACE("after" + history);
        settle();
        ASSERT_FALSE(HasFailure());
        EXPECT_TRUE(eventually([&] { return supervisor->descriptors() <= descriptors; }))
            << supervisor->descriptors() << " descriptors, " << descriptors << " at the start";
        // The rings fill in the beginning.
        if (faults >= 500 && memory == 0) memory = supervisor->resident_kib();
    }
    if (memory > 0) {
        EXPECT_LE(supervisor->resident_kib(), memory + memory / 4);
    }
    for (const std::string& mark : printed_)
        EXPECT_TRUE(supervisor->wait_line(mark)) << mark << " is not in the log";
    remark(std::to_string(faults) + " faults in " + std::to_string(duration.count()) + " s, " +
           std::to_string(printed_.size()) + " lines counted");
}

TEST_P(RandomFaults, LeaveNothingBehind) {
    run(3s);
}

class SoakRandomFaults : public RandomFaults {};

// HARDSHELL_SOAK_SECONDS: half an hour by default.
TEST_P(SoakRandomFaults, LeaveNothingBehind) {
    const char* seconds = std::getenv("HARDSHELL_SOAK_SECONDS");
    run(std::chrono::seconds(seconds ? std::atoi(seconds) : 1'800));
}

AT_BOTH_PLACES(RandomFaults);
AT_BOTH_PLACES(SoakRandomFaults);

}  // namespace
