#include "supervisor/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/memory_watch.h"

namespace supervisor {
namespace {

using hardshell::proto::MemoryWish;
using testing::HasSubstr;

constexpr uint64_t mib = 1u << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t factor = 12;  // see memory_budget.cpp
#else
constexpr uint64_t factor = 1;
#endif

KindOfWorker kind(std::string_view name, int least_mib, int weight) {
    KindOfWorker row{};
    row.kind = name;
    row.least_mib = least_mib;
    row.memory_weight = weight;
    return row;
}

class MemoryBudgetTest : public testing::Test {
  protected:
    static MemoryWish wish(const std::string& worker, uint64_t soft, uint64_t limit) {
        MemoryWish made;
        made.set_worker(worker);
        made.set_soft_bytes(soft);
        made.set_limit_bytes(limit);
        return made;
    }
    MemoryBudget of(const std::string& worker) const {
        for (const BudgetLine& line : lines_)
            if (line.worker == worker) return line.budget;
        return {};
    }

    KindOfWorker large_ = kind("large", 40, 3);
    KindOfWorker small_ = kind("small", 20, 1);
    std::vector<BudgetLine> lines_ = {{"a", &large_, {}}, {"b", &small_, {}}};
    uint64_t total_ = 200 * mib * factor;
};

TEST_F(MemoryBudgetTest, GivesEachItsMinimumAndSharesTheRestByWeight) {
    ASSERT_TRUE(share_out({total_, {}}, lines_));
    const uint64_t room = total_ - reserve_of(total_);
    const uint64_t rest = room - 60 * mib * factor;
    EXPECT_EQ(of("a").limit, 40 * mib * factor + rest / 4 * 3);
    EXPECT_EQ(of("b").limit, 20 * mib * factor + rest / 4);
    EXPECT_LE(of("a").limit + of("b").limit, room);
}

TEST_F(MemoryBudgetTest, PutsTheSoftLimitBelowTheLimit) {
    ASSERT_TRUE(share_out({total_, {}}, lines_));
    EXPECT_LT(of("a").soft, of("a").limit);
    EXPECT_GT(of("a").soft, of("a").limit / 2);
}

TEST_F(MemoryBudgetTest, FollowsTheOwnersWishForAWorkerOverOneForItsKind) {
    ASSERT_TRUE(
        share_out({total_, {wish("large", 0, 30 * mib), wish("a", 10 * mib, 25 * mib)}}, lines_));
    EXPECT_EQ(of("a").limit, 25 * mib);
    EXPECT_EQ(of("a").soft, 10 * mib);
}

TEST_F(MemoryBudgetTest, RaisesALimitBelowTheSoftLimitThatIsWished) {
    ASSERT_TRUE(share_out({total_, {wish("b", 100 * mib * factor, 0)}}, lines_));
    EXPECT_GE(of("b").limit, of("b").soft);
}

TEST_F(MemoryBudgetTest, CountsALimitThatItsSoftLimitRaises) {
    EXPECT_FALSE(share_out({total_, {wish("a", 150 * mib * factor, 0)}}, lines_));
    EXPECT_FALSE(share_out({total_, {wish("a", 150 * mib * factor, mib)}}, lines_));
}

TEST_F(MemoryBudgetTest, DoesNotCountInCircles) {
    EXPECT_FALSE(share_out({total_, {wish("a", 0, 1ULL << 63), wish("b", 0, 1ULL << 63)}}, lines_));
}

TEST_F(MemoryBudgetTest, NamesTheKeyThatIsInTheWay) {
    const Done too_little = share_out({10 * mib, {}, true}, lines_);
    ASSERT_FALSE(too_little);
    EXPECT_THAT(too_little.error().what, HasSubstr("raise memory.total in hardshell.json"));
    const Done small = share_out({10 * mib, {}}, lines_);
    ASSERT_FALSE(small);
    EXPECT_EQ(small.error().what.find("hardshell.json"), std::string::npos);
}

TEST_F(MemoryBudgetTest, RefusesWhatCannotFitAndSaysTheNumbers) {
    const Done refused = share_out({total_, {wish("a", 0, 900 * mib * factor)}}, lines_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::bad_config);
    EXPECT_THAT(refused.error().what, HasSubstr("a " + mebibytes(900 * mib * factor, false)));
    EXPECT_THAT(refused.error().what, HasSubstr(mebibytes(total_)));
    EXPECT_THAT(refused.error().what, HasSubstr("hardshell.json"));
}

TEST_F(MemoryBudgetTest, FitsTheShippedWorkersIntoTheSmallestMachine) {
    const uint64_t smallest = 222'596ULL * 1024 * factor;  // MemTotal of Fly's 256 MB machine
    lines_.clear();
    for (const KindOfWorker& row : roster())
        // Two channels, but no calls and no tunnel beside them.
        if (row.kind != "tunnel" && row.kind != "voice")
            lines_.push_back({std::string(row.kind), &row, {}});
    EXPECT_TRUE(share_out({smallest, {}}, lines_));
}

TEST(MemoryWatch, AsksToShedThenReplacesOnce) {
    MemoryWatch watch;
    const MemoryBudget budget{80, 100};
    EXPECT_EQ(watch.sample(70, budget, 0), MemoryAction::none);
    EXPECT_EQ(watch.sample(85, budget, 1'000), MemoryAction::shed);
    EXPECT_EQ(watch.sample(86, budget, 2'000), MemoryAction::none);
    EXPECT_EQ(watch.sample(87, budget, 4'000), MemoryAction::replace);
    EXPECT_EQ(watch.sample(88, budget, 9'000), MemoryAction::none);
    EXPECT_EQ(watch.peak(), 88u);
}

TEST(MemoryWatch, LeavesAWorkerInPeaceThatHasShed) {
    MemoryWatch watch;
    const MemoryBudget budget{80, 100};
    EXPECT_EQ(watch.sample(85, budget, 0), MemoryAction::shed);
    EXPECT_EQ(watch.sample(60, budget, 1'000), MemoryAction::none);
    EXPECT_EQ(watch.sample(60, budget, 10'000), MemoryAction::none);
    EXPECT_EQ(watch.sample(85, budget, 11'000), MemoryAction::shed);
}

TEST(MemoryWatch, KillsBeyondTheLimit) {
    MemoryWatch watch;
    EXPECT_EQ(watch.sample(101, {80, 100}, 0), MemoryAction::kill);
}

TEST(ShortageNews, AreItsBeginningAndItsEnd) {
    ShortageNews news;
    EXPECT_FALSE(news.ends());
    EXPECT_TRUE(news.begins());
    EXPECT_FALSE(news.begins());
    EXPECT_TRUE(news.ends());
    EXPECT_FALSE(news.ends());
    EXPECT_TRUE(news.begins());
}

TEST(MemoryWatch, DoesNothingWithoutABudget) {
    MemoryWatch watch;
    EXPECT_EQ(watch.sample(1ULL << 40, {}, 0), MemoryAction::none);
}

}  // namespace
}  // namespace supervisor
