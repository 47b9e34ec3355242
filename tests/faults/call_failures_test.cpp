// The n-th system call of the supervisor fails, for every n, while workers start, while one is
// replaced and while all stop. Whatever fails: it serves, or it ends with a reason.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tests/faults/call_trap.h"
#include "tests/faults/supervised.h"

using namespace std::chrono_literals;

namespace {

struct Row {
    const char* name;
    int number;
    std::vector<int> errors;
    // Not made by the loader: counted from the first one. Others from the supervisor's beginning.
    bool is_own = false;
    // Only those with this second argument.
    std::optional<uint64_t> second;
};

const Row rows[] = {
    // clang-format off
    {"epoll_create1",  SYS_epoll_create1,  {EMFILE},         true,  {}},
    {"epoll_ctl",      SYS_epoll_ctl,      {ENOMEM},         true,  {}},
    {"epoll_wait",     SYS_epoll_wait,     {EINTR},          true,  {}},
    {"signalfd4",      SYS_signalfd4,      {EMFILE},         true,  {}},
    {"pipe2",          SYS_pipe2,          {EMFILE},         true,  {}},
    {"socketpair",     SYS_socketpair,     {EMFILE},         true,  {}},
    {"socket",         SYS_socket,         {EMFILE},         true,  {}},
    {"bind",           SYS_bind,           {EACCES},         true,  {}},
    {"listen",         SYS_listen,         {EADDRINUSE},     true,  {}},
    {"accept4",        SYS_accept4,        {EMFILE, ECONNABORTED}, true, {}},
    {"vfork",          SYS_vfork,          {EAGAIN, ENOMEM}, true,  {}},
    {"pidfd_open",     SYS_pidfd_open,     {EMFILE},         true,  {}},
    {"waitid",         SYS_waitid,         {EINTR},          true,  {}},
    {"memfd_create",   SYS_memfd_create,   {EMFILE},         true,  {}},
    {"ftruncate",      SYS_ftruncate,      {ENOSPC},         true,  {}},
    {"flock",          SYS_flock,          {EINTR, ENOLCK},  true,  {}},
    {"mkdir",          SYS_mkdir,          {ENOSPC},         true,  {}},
    {"mkdirat",        SYS_mkdirat,        {ENOSPC},         true,  {}},
    {"unlink",         SYS_unlink,         {EROFS},          true,  {}},
    {"chmod",          SYS_chmod,          {EPERM},          true,  {}},
    {"chown",          SYS_chown,          {EPERM},          true,  {}},
    {"fchown",         SYS_fchown,         {EPERM},          true,  {}},
    {"fchownat",       SYS_fchownat,       {EPERM},          true,  {}},
    {"openat",         SYS_openat,         {EMFILE, EACCES}, false, {}},
    {"read",           SYS_read,           {EINTR, EIO},     false, {}},
    {"pread64",        SYS_pread64,        {EIO},            false, {}},
    {"pwrite64",       SYS_pwrite64,       {ENOSPC},         true,  {}},
    {"write",          SYS_write,          {EAGAIN, EINTR},  true,  {}},
    {"sendto",         SYS_sendto,         {ENOBUFS, EINTR}, true,  {}},
    {"fcntl_dup",      SYS_fcntl,          {EMFILE},         true,  F_DUPFD_CLOEXEC},
    {"mmap_of_file",   SYS_mmap,           {ENOMEM},         false, {}},
    {"landlock",       SYS_landlock_create_ruleset, {EMFILE, EOPNOTSUPP}, true, {}},
    {"landlock_rule",  SYS_landlock_add_rule,       {ENOMEM}, true, {}},
    // clang-format on
};

// The life of a supervisor of which one call fails.
class FailedCall {
  public:
    FailedCall(const Row& row, int error, int nth, Place place) : row_(row), error_(error), nth_(nth) {
        std::vector<int> trapped = {row.number};
        if (!row.is_own) trapped.push_back(SYS_prctl);
        trap_ = std::make_unique<CallTrap>(trapped,
                                           [this](const CallTrap::Call& call) { return decide(call); });
        Supervised::Options options;
        options.place = place;
        options.environment["HARDSHELL_STOP_BUDGET_MS"] = "1000";
        options.environment["ASAN_OPTIONS"] = "detect_leaks=0";  // it would make calls of its own
        options.before_exec = [this] { trap_->arm(); };
        options.after_fork = [this](pid_t pid) {
            supervisor_pid_ = pid;
            trap_->attach(pid);
        };
        supervisor = std::make_unique<Supervised>(std::move(options));
        supervisor->set_plan("worker gateway gateway\nworker one stub\nlink l gateway one\n");
        supervisor->start();
    }
    ~FailedCall() {
        supervisor.reset();  // before the trap: somebody must answer to the last
    }

    int calls() const { return count_; }
    bool has_failed() const { return count_ >= nth_; }

    std::unique_ptr<Supervised> supervisor;

  private:
    int decide(const CallTrap::Call& call) {
        if (call.pid != supervisor_pid_) return 0;
        if (call.number == SYS_prctl) {
            begun_ |= call.arguments[0] == PR_SET_CHILD_SUBREAPER;
            return 0;
        }
        if (!row_.is_own && !begun_) return 0;
        if (row_.second && call.arguments[1] != *row_.second) return 0;
        if (row_.number == SYS_mmap && (call.arguments[3] & MAP_ANONYMOUS)) return 0;
        return ++count_ == nth_ ? error_ : 0;
    }

    const Row& row_;
    int error_;
    int nth_;
    std::atomic<pid_t> supervisor_pid_{0};
    std::atomic<int> count_{0};
    bool begun_ = false;
    std::unique_ptr<CallTrap> trap_;
};

class EveryCall : public testing::TestWithParam<Row> {
  protected:
    // Start, a replaced worker, stop. Empty, or what was wrong.
    static std::string live(FailedCall& life) {
        Supervised& supervisor = *life.supervisor;
        const auto served = [&](uint64_t after) {
            return eventually(
                [&] {
                    return !supervisor.is_running() || supervisor.wait_exit(0ms) ||
                           all_ready(supervisor, after);
                },
                8s, 3ms);
        };
        if (!served(0)) return "neither serves nor ends";
        const bool had_begun = supervisor.is_running();
        if (had_begun) {
            if (const pid_t one = supervisor.worker("one")) kill(one, SIGKILL);
            if (!served(1)) return "does not replace a worker";
            if (!supervisor.is_running()) return "ended after its start";
            supervisor.signal(SIGTERM);
            const std::optional<int> code = supervisor.wait_exit(5s);
            if (!code) return "does not stop";
            if (*code != 0) return "ended with " + std::to_string(*code);
        }
        return judge(supervisor, had_begun);
    }

    static bool all_ready(const Supervised& supervisor, uint64_t after) {
        // By what the workers say themselves: the door of the command line may be what failed.
        const auto reply = supervisor.ask("status", {}, 1s);
        if (!reply) return supervisor.lives("one") > after && supervisor.lives("gateway") > 0;
        int ready = 0;
        for (const auto& worker : reply->status().workers())
            ready += worker.state() == hardshell::proto::WorkerStatus::READY &&
                     (worker.name() != "one" || worker.incarnation() > after);
        return ready == 2;
    }

    static std::string judge(Supervised& supervisor, bool had_begun) {
        if (!supervisor.left_behind(2s).empty()) return "left a process behind";
        supervisor.log().join();
        const std::string log = supervisor.log().text();
        if (log.find("Sanitizer") != std::string::npos) return "crashed";
        if (log.find("terminate called") != std::string::npos) return "threw";
        if (!had_begun && log.find("[supervisor] error: ") == std::string::npos)
            return "ended without a reason";
        return {};
    }

    static int count_calls(const Row& row, Place place) {
        FailedCall life(row, 0, 1 << 30, place);
        EXPECT_EQ(live(life), "") << "although nothing failed";
        return life.calls();
    }

    static void fail_each(const Row& row, int samples, Place place) {
        const int calls = count_calls(row, place);
        int tried = 0;
        std::string failed;
        for (const int error : row.errors) {
            const int step = std::max(1, calls / samples);
            for (int nth = 1; nth <= calls; nth += step) {
                FailedCall life(row, error, nth, place);
                const std::string wrong = live(life);
                ++tried;
                if (wrong.empty()) continue;
                failed += " " + std::to_string(nth);
                ADD_FAILURE() << row.name << " " << nth << " of " << calls << " fails with "
                              << strerrorname_np(error) << ": " << wrong << "\n"
                              << life.supervisor->log().text();
            }
        }
        RecordProperty("scenario", "E1");
        RecordProperty("remark", std::string(row.name) + " " + std::to_string(tried) + "/" +
                                     std::to_string(calls * static_cast<int>(row.errors.size())) +
                                     (failed.empty() ? "" : " failed:" + failed));
    }
};

TEST_P(EveryCall, MayFailOnce) {
    fail_each(GetParam(), 6, Place::plain_child);
}

// The same with no call left out; for the soak.
class SoakEveryCall : public EveryCall {};

TEST_P(SoakEveryCall, MayFailOnce) {
    fail_each(GetParam(), 1 << 20, Place::plain_child);
    fail_each(GetParam(), 1 << 20, Place::first_process);
}

const auto row_name = [](const testing::TestParamInfo<Row>& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Of, EveryCall, testing::ValuesIn(rows), row_name);
INSTANTIATE_TEST_SUITE_P(Of, SoakEveryCall, testing::ValuesIn(rows), row_name);

}  // namespace
