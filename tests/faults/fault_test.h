// What every fault starts from: a supervisor whose workers are ready, and what must hold after it.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/faults/supervised.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int slowness = 10;  // of a sanitized supervisor, for limits on time
#else
inline constexpr int slowness = 1;
#endif

// Two critical workers and two expendable ones.
inline constexpr const char* usual_plan =
    "worker gateway gateway\n"
    "worker agent agent\n"
    "worker one stub\n"
    "worker two stub\n"
    "link gateway-agent gateway agent\n";

class FaultTest : public testing::TestWithParam<Place> {
  protected:
    using Status = hardshell::proto::WorkerStatus;

    // The number of the scenario in scenarios.tsv that this test tries.
    void covers(const std::string& number);
    // A figure for the report.
    void remark(const std::string& text);

    // Starts and waits until every worker of the plan is ready.
    void start(const std::string& plan = usual_plan, Supervised::Options options = {});
    // Starts and waits until the control socket answers.
    void start_unready(const std::string& plan, Supervised::Options options = {});
    // Everything in the plan is ready.
    void wait_all_ready(std::chrono::milliseconds limit = patience);
    // But those that the test keeps from it.
    void wait_all_ready_but(const std::set<std::string>& but);
    // The lives of all workers but these have not ended since start().
    void expect_others_untouched(const std::set<std::string>& but);
    // Ended, ready again, cause in the log and in the status, all others untouched.
    void expect_recovered(const std::string& worker, const std::string& cause,
                          std::chrono::milliseconds limit = patience);
    // Stops with SIGTERM; returns after how many milliseconds it had ended with code 0.
    int64_t stop();

    // Processes of this supervisor with that name.
    std::vector<pid_t> named(const std::string& name) const;

    // What holds after every fault: see the functions below.
    void TearDown() override;

    std::unique_ptr<Supervised> supervisor;
    bool may_hold_more_descriptors = false;  // the test changed what runs
    bool may_tear_lines = false;             // the test printed something else into the log
    int expected_exit = 0;

  private:
    void expect_descriptors_back();
    void expect_clean_log();

    std::string covered_;
    std::string remarks_;
    std::vector<std::string> planned_;
    std::map<std::string, uint64_t> incarnations_;
    size_t descriptors_ = 0;
};

// "one" of "name-of-place" for test names.
std::string place_name(const testing::TestParamInfo<Place>& info);

#define AT_BOTH_PLACES(Suite)                                                          \
    INSTANTIATE_TEST_SUITE_P(As, Suite,                                                \
                             testing::Values(Place::plain_child, Place::first_process), \
                             place_name)
#define AS_PLAIN_CHILD(Suite) \
    INSTANTIATE_TEST_SUITE_P(As, Suite, testing::Values(Place::plain_child), place_name)
