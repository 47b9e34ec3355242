// What a dying worker says of itself.
#include "workers/common/backtrace.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace backtrace_test {

// Names to be found again; neither inlined nor left out.
[[gnu::noinline]] void stand_still() {
    raise(SIGABRT);
    asm volatile("");
}
[[gnu::noinline]] void serve_a_client() {
    stand_still();
    asm volatile("");
}
[[gnu::noinline]] int touch_nothing(volatile int* address) {
    return *address + 1;
}
[[gnu::noinline]] int go_too_deep(int level) {
    volatile char room[4096];
    room[level % 4096] = 1;
    return level < 0 ? 0 : go_too_deep(level + 1) + room[0];
}

}  // namespace backtrace_test

namespace {

using testing::KilledBySignal;

TEST(Backtrace, NamesTheFunctionsOfAnAbortedWorker) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            install_backtrace();
            backtrace_test::serve_a_client();
        },
        KilledBySignal(SIGABRT),
        "aborted: SIGABRT; what it was doing:(.|\n)*  #[0-9]+ backtrace_test::stand_still \\+ 0x"
        "(.|\n)*backtrace_test::serve_a_client(.|\n)* main \\+ 0x");
}

TEST(Backtrace, SaysWhoAbortedIt) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            install_backtrace();
            kill(getpid(), SIGABRT);
        },
        KilledBySignal(SIGABRT), "aborted: SIGABRT from process [0-9]+; what it was doing:");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Backtrace, NamesTheAddressOfACrash) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            install_backtrace();
            std::exit(backtrace_test::touch_nothing(reinterpret_cast<int*>(0x10)));
        },
        KilledBySignal(SIGSEGV),
        "crashed: SIGSEGV at address 0x10; what it was doing:\n"
        "  #0 backtrace_test::touch_nothing \\+ 0x");
}

TEST(Backtrace, HasAStackOfItsOwn) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            install_backtrace();
            std::exit(backtrace_test::go_too_deep(0));
        },
        KilledBySignal(SIGSEGV), "crashed: SIGSEGV(.|\n)*#0 backtrace_test::go_too_deep");
}
#endif

TEST(Backtrace, ReadsPlainNamesAndLeavesOthersAlone) {
    struct Row {
        const char* mangled;
        const char* readable;
    };
    const Row rows[] = {
        {"main", "main"},
        {"epoll_wait", "epoll_wait"},
        {"_Z10run_workeri", "run_worker"},
        {"_ZN5agent4Runs6acceptENS_8RunOrderE", "agent::Runs::accept"},
        {"_ZNK5agent4Runs6activeEv", "agent::Runs::active"},
        {"_ZN12_GLOBAL__N_19EpollLoop3runEv", "(anonymous)::EpollLoop::run"},
        {"_ZN5agent4RunsC2ENS_11RunServicesE", "agent::Runs::Runs"},
        {"_ZN5agent4RunsD1Ev", "agent::Runs::~Runs"},
        {"_ZZN5agent3runER6WorkerENKUlRKT_E_clIiEEDaS3_", "agent::run::(inside)"},
        {"_ZL10write_somePKvS0_", "write_some"},
        {"_ZN5agentL4helpEv", "agent::help"},
        {"_ZSt9terminatev", "std::terminate"},
        {"_ZNSt6vectorIiSaIiEE9push_backEOi", "_ZNSt6vectorIiSaIiEE9push_backEOi"},
        {"_ZN5agent", "_ZN5agent"},
        {"_ZN99agentE", "_ZN99agentE"},
        {"_Z", "_Z"},
        {"", ""},
    };
    char room[64];
    for (const Row& row : rows)
        EXPECT_EQ(readable_symbol(row.mangled, room, sizeof room), row.readable);
    char small[4];
    EXPECT_EQ(readable_symbol("_Z10run_workeri", small, sizeof small), "_Z10run_workeri");
}

}  // namespace
