#include "supervisor/worker_state.h"

#include <gtest/gtest.h>

namespace supervisor {
namespace {

using enum WorkerState;

TEST(WorkerState, BecomesReadyOnlyFromStarting) {
    for (const WorkerState from : {stopped, waiting, ready, stopping, held})
        EXPECT_FALSE(may_move(from, ready)) << name_of(from);
    EXPECT_TRUE(may_move(starting, ready));
}

TEST(WorkerState, StartsFromEveryStateWithoutAProcess) {
    for (const WorkerState state : {stopped, waiting, held}) {
        EXPECT_FALSE(is_running(state)) << name_of(state);
        EXPECT_TRUE(may_move(state, starting)) << name_of(state);
    }
}

TEST(WorkerState, DoesNotStartASecondProcess) {
    for (const WorkerState state : {starting, ready, stopping}) {
        EXPECT_TRUE(is_running(state)) << name_of(state);
        EXPECT_FALSE(may_move(state, starting)) << name_of(state);
    }
}

TEST(WorkerState, CanAlwaysEndInStopped) {
    for (const WorkerState state : {waiting, starting, ready, stopping, held})
        EXPECT_TRUE(may_move(state, stopped)) << name_of(state);
}

}  // namespace
}  // namespace supervisor
