// What transcripts tell of tokens and costs.

#include <gmock/gmock.h>
#include <utime.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/usage_scan.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

using testing::HasSubstr;

class Usage : public testing::Test {
  protected:
    Usage() {
        setenv("TZ", "UTC", 1);
        tzset();
        // Transcripts are opened for their age: theirs is the real clock's.
        loop.now_ms = wall_ms() / 1000 * 1000;
    }
    std::string day(int ago) const {
        return iso_time(loop.now_ms - ago * 86'400'000LL).substr(0, 10);
    }
    std::string entry(int days_ago, Json usage, const std::string& provider = "fake") const {
        const int64_t at = loop.now_ms - days_ago * 86'400'000LL;
        return print_json({{"type", "message"},
                           {"id", "e"},
                           {"timestamp", iso_time(at)},
                           {"message",
                            {{"role", "assistant"},
                             {"provider", provider},
                             {"model", "one"},
                             {"usage", std::move(usage)},
                             {"timestamp", at}}}}) +
               "\n";
    }
    static Json used(int64_t input, int64_t output) {
        return Json{{"input", input}, {"output", output}, {"cacheRead", 3}, {"cacheWrite", 4}};
    }
    static Json with_cost(Json usage, double cost) {
        usage["cost"] = {{"total", cost}};
        return usage;
    }
    std::string file(const std::string& name, const std::string& agent = "main") const {
        return directory / "agents/" + agent + "/sessions/" + name;
    }
    void add(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::app | std::ios::binary) << text;
    }
    Json cost(const Json& params = Json::object()) {
        const auto answers = life->call("usage.cost", params);
        for (int turns = 0; answers->empty() && turns < 10'000; ++turns) loop.advance(1);
        if (answers->empty()) return nullptr;
        return answers->front().ok ? Json::parse(answers->front().payload_json)
                                   : Json(answers->front().error_message);
    }
    void begin() { life = std::make_unique<Life>(directory.path(), loop); }

    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<Life> life;
};

}  // namespace

TEST_F(Usage, IsSummedByDayOverAllSessionsAndAgents) {
    add(file("a.jsonl"), entry(1, with_cost(used(10, 20), 0.5)) + "not json \"usage\"\n" +
                             entry(0, with_cost(used(1, 2), 0.25)) +
                             R"({"message":{"role":"user","content":"usage","usage":{"input":9}}})"
                             "\n");
    add(file("b.jsonl"), entry(0, with_cost(used(100, 200), 1)));
    add(file("c.jsonl.deleted.2026-01-30T10-00-00.000Z", "ops"),
        entry(0, with_cost(used(1000, 2000), 2)));
    add(file("d.jsonl.bak.2026-01-30T10-00-00.000Z"), entry(0, with_cost(used(5, 5), 100)));
    begin();
    const Json answer = cost();
    EXPECT_EQ(answer["days"], 30);
    ASSERT_EQ(answer["daily"].size(), 2u) << print_json(answer);
    EXPECT_EQ(answer["daily"][0], (Json{{"date", day(1)},
                                        {"input", 10},
                                        {"output", 20},
                                        {"cacheRead", 3},
                                        {"cacheWrite", 4},
                                        {"totalTokens", 37},
                                        {"totalCost", 0.5},
                                        {"missingCostEntries", 0}}));
    EXPECT_EQ(answer["daily"][1]["date"], day(0));
    EXPECT_EQ(answer["daily"][1]["input"], 1101);
    EXPECT_EQ(answer["daily"][1]["totalCost"], 3.25);
    EXPECT_EQ(answer["totals"]["output"], 2222);
    EXPECT_EQ(answer["totals"]["totalCost"], 3.75);
    EXPECT_FALSE(answer["totals"].contains("date"));
    EXPECT_GE(int_member(answer, "updatedAt"), loop.now_ms - 1000);
}

TEST_F(Usage, WithoutACostIsPricedByTheModelOrCountedAsMissing) {
    add(file("a.jsonl"), entry(0, used(1, 4)) + entry(0, used(1, 4), "nobody") +
                             entry(0, {{"input", 0}, {"output", 0}}, "nobody"));
    begin();
    const Json answer = cost();
    EXPECT_EQ(answer["totals"]["totalCost"], 2.0) << "four tokens at half a dollar";
    EXPECT_EQ(answer["totals"]["missingCostEntries"], 1);
}

TEST_F(Usage, CountsAsManyDaysAsAreAskedFor) {
    add(file("a.jsonl"), entry(9, with_cost(used(1, 1), 1)) + entry(1, with_cost(used(1, 1), 2)) +
                             entry(0, with_cost(used(1, 1), 4)));
    begin();
    EXPECT_EQ(cost({{"days", 1}})["totals"]["totalCost"], 4.0);
    EXPECT_EQ(cost({{"days", "2"}})["totals"]["totalCost"], 6.0);
    EXPECT_EQ(cost({{"days", 10.5}})["days"], 10);
    EXPECT_EQ(cost({{"days", 10}})["totals"]["totalCost"], 7.0);
    for (const Json& bad : {Json(0), Json(-3), Json("many"), Json("3x"), Json(""), Json(true)})
        EXPECT_THAT(cost({{"days", bad}}).dump(), HasSubstr("must be a number of days"))
            << bad.dump();
}

TEST_F(Usage, IsReadAgainAfter30SecondsAndOnlyWhatIsNew) {
    add(file("a.jsonl"), entry(0, with_cost(used(1, 1), 1)));
    begin();
    EXPECT_EQ(cost()["totals"]["totalCost"], 1.0);
    add(file("a.jsonl"), entry(0, with_cost(used(1, 1), 2)) + R"({"message":{"role":"assis)");
    EXPECT_EQ(cost()["totals"]["totalCost"], 1.0) << "known for 30 s";
    loop.advance(30'000);
    EXPECT_EQ(cost()["totals"]["totalCost"], 3.0);
    add(file("b.jsonl"), entry(0, with_cost(used(1, 1), 4)));
    loop.advance(30'000);
    EXPECT_EQ(cost()["totals"]["totalCost"], 7.0);
    std::filesystem::remove(file("b.jsonl"));
    loop.advance(30'000);
    EXPECT_EQ(cost()["totals"]["totalCost"], 3.0);
}

TEST_F(Usage, OfALargeStoreIsReadInSlicesAndOnce) {
    std::string text;
    const std::string filling =
        "{\"type\":\"custom\",\"data\":\"" + std::string(1000, 'x') + "\"}\n";
    for (int i = 0; i < 2000; ++i) text += filling;
    for (int i = 0; i < 20; ++i)
        add(file("s" + std::to_string(i) + ".jsonl"), text + entry(0, with_cost(used(1, 1), 1)));
    UsageScan scan(loop);
    const auto no_price = [](const ModelName&, const Json&) { return std::optional<double>(); };
    double cost = 0;
    int calls = 0;
    const auto take = [&](const UsageByDay& days) {
        ++calls;
        for (const auto& [date, usage] : days) cost += usage.cost;
    };
    const std::string folder = directory / "agents/main/sessions";
    scan.run({folder}, loop.now_ms - 1000, no_price, take);
    EXPECT_EQ(calls, 0) << "not within the call";
    for (int turns = 0; calls == 0 && turns < 100'000; ++turns) loop.advance(1);
    EXPECT_EQ(cost, 20.0);
    EXPECT_GT(scan.slices(), 1u);
    const uint64_t read = scan.bytes_read();
    EXPECT_GT(read, 40'000'000u);
    scan.run({folder}, loop.now_ms - 1000, no_price, take);
    for (int turns = 0; calls == 1 && turns < 100'000; ++turns) loop.advance(1);
    EXPECT_EQ(cost, 40.0);
    EXPECT_EQ(scan.bytes_read(), read) << "read again";
}

TEST_F(Usage, OfSubscriptionsIsNone) {
    begin();
    EXPECT_EQ(life->ask("usage.status", Json::object()),
              (Json{{"updatedAt", loop.now_ms}, {"providers", Json::array()}}));
}

}  // namespace agent
