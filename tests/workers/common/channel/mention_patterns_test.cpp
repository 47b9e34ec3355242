#include "workers/common/channel/mention_patterns.h"

#include <gmock/gmock.h>

namespace channel {

namespace {

MentionPatterns patterns(const char* config) {
    return MentionPatterns(*parse_json(config));
}

}  // namespace

TEST(MentionPatterns, MatchWithoutRegardToCase) {
    const auto some = patterns(R"({"messages":{"groupChat":{"mentionPatterns":["\\bclaw\\b"]}}})");
    EXPECT_TRUE(some.match("hey CLAW, look"));
    EXPECT_FALSE(some.match("clawed"));
    EXPECT_FALSE(patterns("{}").match("anything"));
}

TEST(MentionPatterns, AnAgentGoesByItsNameUnlessPatternsAreSet) {
    const auto named =
        patterns(R"x({"agents":{"list":[{"id":"a","identity":{"name":"C3 (PO)"}}]}})x");
    EXPECT_TRUE(named.match("ask c3   (po)x"));
    const auto plain = patterns(R"({"agents":{"list":[{"id":"a","identity":{"name":"Molty"}}]}})");
    EXPECT_TRUE(plain.match("molty?"));
    EXPECT_TRUE(plain.match("hi @Molty"));
    EXPECT_FALSE(plain.match("moltyx"));
    const auto both = patterns(R"({"messages":{"groupChat":{"mentionPatterns":["claw"]}},
        "agents":{"list":[{"id":"a","identity":{"name":"Molty"}},
                          {"id":"b","groupChat":{"mentionPatterns":["beta"]}}]}})");
    EXPECT_TRUE(both.match("claw"));
    EXPECT_TRUE(both.match("beta"));
    EXPECT_FALSE(both.match("molty"));
}

TEST(MentionPatterns, NamesPatternsThatAreNone) {
    const auto bad = patterns(R"({"messages":{"groupChat":{"mentionPatterns":["(", 5, "ok"]}}})");
    ASSERT_EQ(bad.remarks().size(), 1u);
    EXPECT_THAT(bad.remarks()[0], testing::HasSubstr("messages.groupChat.mentionPatterns: \"(\""));
    EXPECT_EQ(bad.size(), 1u);
}

TEST(MentionPatterns, TakeNoTimeWhateverTheTextIs) {
    const auto slow = patterns(R"({"messages":{"groupChat":{"mentionPatterns":["(a+)+$"]}}})");
    EXPECT_FALSE(slow.match(std::string(50'000, 'a') + "b"));
}

}  // namespace channel
