// Processes whose parents are gone come to the supervisor, thousands at once; it collects them and
// still replaces a worker that ends meanwhile.

#include <algorithm>

#include "tests/faults/fault_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

class Orphans : public FaultTest {
  protected:
    static constexpr const char* plan =
        "worker gateway gateway\n"
        "worker one stub\n"
        "worker breeder parent\n";

    // Of the supervisor, collected or not.
    size_t children() const { return supervisor->children().size(); }
    int made() const {
        const auto notes = supervisor->notes("breeder", "orphans");
        return notes.empty() ? 0 : std::stoi(notes.back()[1]);
    }
    void breed(int count, const char* how);
    void expect_collected(int64_t begin);
    static std::string ms(int64_t us) { return std::to_string(us / 1000) + " ms"; }
};

void Orphans::breed(int count, const char* how) {
    start(plan);
    ASSERT_TRUE(supervisor->order("breeder", "orphans " + std::to_string(count) + " " + how));
    ASSERT_TRUE(supervisor->wait_notes("breeder", "orphans", 1, 120s));
    if (made() < count) GTEST_SKIP() << "a worker of this machine may have only " << made();
}

// While a worker is replaced. How fast: tests/bench.
void Orphans::expect_collected(int64_t begin) {
    const int64_t successor = supervisor->kill_to_next_life("one");
    EXPECT_GE(successor, 0);
    EXPECT_TRUE(eventually([&] { return children() <= 3; }, 30s));
    remark(std::to_string(made()) + ": successor after " + ms(successor) +
           ", all collected after " + ms(monotonic_us() - begin));
    expect_others_untouched({"one"});
}

// Handed over at once, as zombies.
TEST_P(Orphans, ThatAreDeadAreCollected) {
    covers("27");
    breed(2'000, "dead");
    if (!HasFailure() && !IsSkipped()) expect_collected(monotonic_us());
}

TEST_P(Orphans, ThatAreKilledAtOnceAreCollected) {
    covers("28");
    breed(2'000, "alive");
    if (HasFailure() || IsSkipped()) return;
    const int64_t begin = monotonic_us();
    ASSERT_TRUE(supervisor->order("breeder", "kill-orphans"));
    expect_collected(begin);
}

class SoakOrphans : public Orphans {};

TEST_P(SoakOrphans, AreCollectedByTheTenThousands) {
    covers("27");
    breed(10'000, "dead");
    if (!HasFailure() && !IsSkipped()) expect_collected(monotonic_us());
}

AT_BOTH_PLACES(Orphans);
AT_BOTH_PLACES(SoakOrphans);

}  // namespace
