// Which key is next, and how long one rests.

#include "workers/agent/auth_profiles.h"

#include <gmock/gmock.h>

namespace agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Reason = ModelFailure::Reason;

constexpr int64_t now = 1'769'767'200'000;
constexpr int64_t minute = 60'000;
constexpr int64_t hour = 60 * minute;

Json keys(const char* members = "{}") {
    Json file = *parse_json(R"({"version": 1, "profiles": {
        "p:a": {"type": "api_key", "provider": "p", "key": "key a"},
        "p:b": {"type": "api_key", "provider": "p", "key": "key b"},
        "p:t": {"type": "token", "provider": "p", "token": "token t"},
        "q:x": {"type": "api_key", "provider": "q", "key": "key x"}}})");
    file.update(*parse_json(members), true);
    return file;
}

std::vector<std::string> order(const Json& file, const Json& config = Json::object()) {
    std::vector<std::string> ids;
    for (const AuthProfile& profile : profiles_in(file, config, "p", now))
        ids.push_back(profile.id);
    return ids;
}

ModelFailure failure(Reason reason, milliseconds retry_after = {}) {
    return {reason, 0, "", retry_after};
}

int64_t rest_after(Json& file, const ModelFailure& failed, int64_t at = now,
                   const Json& config = Json::object()) {
    note_failure(file, config, "p:a", failed, at);
    const Json& stats = file["usageStats"]["p:a"];
    return std::max(int_member(stats, "cooldownUntil"), int_member(stats, "disabledUntil")) - at;
}

}  // namespace

TEST(AuthProfiles, AreTriedByTypeAndThenTheLeastRecentlyUsed) {
    EXPECT_THAT(order(keys(R"({"usageStats": {"p:a": {"lastUsed": 2}, "p:b": {"lastUsed": 1}}})")),
                ElementsAre("p:t", "p:b", "p:a"));
}

TEST(AuthProfiles, AreTriedInTheOrderThatTheFileGivesThenTheConfiguration) {
    const Json config = *parse_json(R"({"auth": {"order": {"p": ["p:a", "p:t"]},
        "profiles": {"p:b": {"provider": "p"}}}})");
    EXPECT_THAT(order(keys(), config), ElementsAre("p:a", "p:t"));
    EXPECT_THAT(order(keys(R"({"order": {"p": ["p:b", "p:b", "nobody", "q:x"]}})"), config),
                ElementsAre("p:b"));
    const Json named = *parse_json(R"({"auth": {"profiles": {"p:b": {"provider": "p"},
        "p:absent": {"provider": "p"}, "q:x": {"provider": "q"}}}})");
    EXPECT_THAT(order(keys(), named), ElementsAre("p:b"));
}

TEST(AuthProfiles, ThatRestComeLastTheFirstToWakeBefore) {
    const Json file = keys(R"({"order": {"p": ["p:a", "p:b", "p:t"]}, "usageStats": {
        "p:a": {"cooldownUntil": 1769767260000}, "p:b": {"disabledUntil": 1769767230000,
        "disabledReason": "billing"}, "p:t": {"cooldownUntil": 1769767100000}}})");
    const auto profiles = profiles_in(file, Json::object(), "p", now);
    EXPECT_THAT(order(file), ElementsAre("p:t", "p:b", "p:a"));
    EXPECT_EQ(profiles[1].rests_until_ms, now + 30'000);
    EXPECT_EQ(profiles[1].rests_for, "billing");
    EXPECT_LE(profiles[0].rests_until_ms, now);
}

TEST(AuthProfiles, WithoutASecretOrOutOfDateAreNone) {
    Json file = keys();
    file["profiles"]["p:t"]["expires"] = now;
    file["profiles"]["p:a"]["key"] = "";
    file["profiles"]["p:b"]["type"] = "magic";
    EXPECT_THAT(order(file), IsEmpty());
    file["profiles"]["p:t"]["expires"] = now + 1;
    EXPECT_THAT(order(file), ElementsAre("p:t"));
}

TEST(AuthProfiles, SurviveAnyFile) {
    for (const char* text :
         {"null", "[]", "7", R"({"profiles": []})", R"({"profiles": {"p:a": 7}})",
          R"({"profiles": {"p:a": {"type": 1, "provider": "p", "key": {}}}, "order": 3})",
          R"({"order": {"p": [1, null, {}]}, "profiles": "x", "usageStats": []})"})
        EXPECT_THAT(order(*parse_json(text)), IsEmpty()) << text;
    Json file = *parse_json(R"({"profiles": {"p:a": {"type": "api_key", "provider": "p",
        "key": "k"}}, "usageStats": {"p:a": {"errorCount": -9223372036854775808,
        "lastFailureAt": 1769767200000, "cooldownUntil": 9223372036854775807}},
        "lastGood": "x"})");
    EXPECT_EQ(profiles_in(file, {}, "p", now)[0].rests_until_ms, now + 24 * hour);
    note_failure(file, {}, "p:a", failure(Reason::auth), now);
    EXPECT_EQ(file["usageStats"]["p:a"]["errorCount"], 1);
    note_success(file, "p:a", now);
    EXPECT_EQ(file["lastGood"]["p"], "p:a");
}

TEST(AuthProfiles, RestLongerEachTime) {
    Json file = keys();
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit)), minute);
    EXPECT_EQ(rest_after(file, failure(Reason::auth)), 5 * minute);
    EXPECT_EQ(rest_after(file, failure(Reason::timed_out)), 25 * minute);
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit)), 60 * minute);
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit)), 60 * minute);
    EXPECT_EQ(file["usageStats"]["p:a"]["failureCounts"]["rate_limit"], 3);
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit), now + 25 * hour), minute)
        << "a day later it is another story";
}

TEST(AuthProfiles, RestAsLongAsTheProviderSays) {
    Json file = keys();
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit, seconds(7))), 7'000);
    EXPECT_EQ(rest_after(file, failure(Reason::rate_limit, std::chrono::hours(200))), 24 * hour);
}

TEST(AuthProfiles, WithoutMoneyRestForHours) {
    Json file = keys();
    EXPECT_EQ(rest_after(file, failure(Reason::billing)), 5 * hour);
    EXPECT_EQ(rest_after(file, failure(Reason::billing)), 10 * hour);
    EXPECT_EQ(rest_after(file, failure(Reason::billing)), 20 * hour);
    EXPECT_EQ(rest_after(file, failure(Reason::billing)), 24 * hour);
    Json other = keys();
    const Json config = *parse_json(R"({"auth": {"cooldowns": {"billingBackoffHours": 3,
        "billingBackoffHoursByProvider": {"p": 1}, "billingMaxHours": 2}}})");
    EXPECT_EQ(rest_after(other, failure(Reason::billing), now, config), hour);
    EXPECT_EQ(rest_after(other, failure(Reason::billing), now, config), 2 * hour);
    EXPECT_EQ(other["usageStats"]["p:a"]["disabledReason"], "billing");
}

TEST(AuthProfiles, DoNotRestForWhatIsNoFaultOfTheirs) {
    Json file = keys();
    const Json before = file;
    for (const Reason reason :
         {Reason::format, Reason::context_overflow, Reason::unreachable, Reason::provider})
        note_failure(file, {}, "p:a", failure(reason), now);
    note_failure(file, {}, "nobody", failure(Reason::auth), now);
    EXPECT_EQ(file, before);
}

TEST(AuthProfiles, AreForgivenOnceTheyWork) {
    Json file = keys();
    rest_after(file, failure(Reason::billing));
    rest_after(file, failure(Reason::rate_limit));
    note_success(file, "p:a", now + 1);
    EXPECT_EQ(file["usageStats"]["p:a"],
              (Json{{"errorCount", 0}, {"lastFailureAt", now}, {"lastUsed", now + 1}}));
    EXPECT_EQ(file["lastGood"]["p"], "p:a");
}

TEST(AuthProfiles, HaveAShortAndALongName) {
    EXPECT_EQ(profile_named(keys(), "p", "a"), "p:a");
    EXPECT_EQ(profile_named(keys(), "p", "p:a"), "p:a");
    EXPECT_FALSE(profile_named(keys(), "p", "q:x"));
    EXPECT_FALSE(profile_named(keys(), "p", "c"));
}

}  // namespace agent
