#include "workers/common/channel/inbound_gate.h"

#include <gtest/gtest.h>

namespace channel {

namespace {

Json json(const char* text) {
    return *parse_json(text);
}

AllowList list(const char* text) {
    return AllowList(json(text), {"telegram:", "tg:"});
}

GateRules group_rules(GroupPolicy policy, const char* allowed) {
    GateRules rules;
    rules.group = policy;
    rules.group_allowed = list(allowed);
    return rules;
}

GateFacts said_in_group(std::string_view sender) {
    GateFacts facts;
    facts.in_group = true;
    facts.sender_id = sender;
    facts.was_mentioned = true;
    return facts;
}

GateFacts said_directly(std::string_view sender) {
    GateFacts facts;
    facts.sender_id = sender;
    return facts;
}

}  // namespace

TEST(AllowList, TakesNumbersTextsPrefixesAndTheWildcard) {
    const AllowList some = list(R"([555, " TG:777 ", "telegram:-1001", "@Ann", "bob"])");
    EXPECT_TRUE(some.has_id("555"));
    EXPECT_TRUE(some.has_id("777"));
    EXPECT_TRUE(some.has_id("-1001"));
    EXPECT_FALSE(some.has_id("55"));
    EXPECT_FALSE(some.has_id(""));
    EXPECT_TRUE(some.has_name("ANN"));
    EXPECT_TRUE(some.has_name("@bob"));
    EXPECT_FALSE(some.has_everyone());
    EXPECT_TRUE(list(R"(["*"])").has_everyone());
    EXPECT_TRUE(list("[]").empty());
    EXPECT_TRUE(list("{}").empty());
    EXPECT_TRUE(list(R"(["", "@"])").empty());
}

struct DmCase {
    DmPolicy policy;
    const char* allowed;
    const char* paired;
    const char* sender;
    Verdict verdict;
};

class DirectChat : public testing::TestWithParam<DmCase> {};

TEST_P(DirectChat, IsJudgedByItsPolicy) {
    const DmCase& c = GetParam();
    GateRules rules;
    rules.dm = c.policy;
    rules.dm_allowed = list(c.allowed);
    rules.paired = list(c.paired);
    EXPECT_EQ(judge(rules, said_directly(c.sender)).verdict, c.verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, DirectChat,
    testing::Values(DmCase{DmPolicy::open, R"(["*"])", "[]", "1", Verdict::pass},
                    DmCase{DmPolicy::open, R"(["2"])", "[]", "1", Verdict::drop},
                    DmCase{DmPolicy::open, "[]", "[]", "1", Verdict::pass},
                    DmCase{DmPolicy::pairing, "[]", "[]", "1", Verdict::pair},
                    DmCase{DmPolicy::pairing, "[]", "[1]", "1", Verdict::pass},
                    DmCase{DmPolicy::pairing, "[1]", "[]", "1", Verdict::pass},
                    DmCase{DmPolicy::pairing, R"(["*"])", "[]", "1", Verdict::pass},
                    DmCase{DmPolicy::allowlist, "[2]", "[]", "1", Verdict::drop},
                    DmCase{DmPolicy::allowlist, "[]", "[1]", "1", Verdict::pass},
                    DmCase{DmPolicy::allowlist, "[1]", "[]", "1", Verdict::pass},
                    DmCase{DmPolicy::disabled, R"(["*"])", "[1]", "1", Verdict::drop}));

TEST(InboundGate, LetsNobodyInByNameUnlessTheOwnerAsksForThat) {
    GateRules rules;
    rules.dm = DmPolicy::allowlist;
    rules.dm_allowed = list(R"(["@ann"])");
    GateFacts facts = said_directly("555");
    facts.sender_name = "Ann";
    EXPECT_EQ(judge(rules, facts).verdict, Verdict::drop);
    rules.names_match = true;
    EXPECT_EQ(judge(rules, facts).verdict, Verdict::pass);
}

TEST(InboundGate, DoesNotLetPeopleApprovedByPairingIntoGroups) {
    GateRules rules = group_rules(GroupPolicy::allowlist, "[]");
    rules.paired = list("[1]");
    EXPECT_EQ(judge(rules, said_in_group("1")).verdict, Verdict::drop);
}

TEST(InboundGate, JudgesAGroupByItsPolicy) {
    EXPECT_EQ(judge(group_rules(GroupPolicy::open, "[]"), said_in_group("1")).verdict,
              Verdict::pass);
    EXPECT_EQ(judge(group_rules(GroupPolicy::allowlist, "[]"), said_in_group("1")).verdict,
              Verdict::drop);
    EXPECT_EQ(judge(group_rules(GroupPolicy::allowlist, "[1]"), said_in_group("1")).verdict,
              Verdict::pass);
    EXPECT_EQ(judge(group_rules(GroupPolicy::allowlist, R"(["*"])"), said_in_group("")).verdict,
              Verdict::pass)
        << "an anonymous administrator has no id";
    EXPECT_EQ(judge(group_rules(GroupPolicy::disabled, R"(["*"])"), said_in_group("1")).verdict,
              Verdict::drop);
}

TEST(InboundGate, AnEmptyListOfAPlaceLetsNobodyIn) {
    GateRules rules = group_rules(GroupPolicy::open, "[]");
    rules.place_has_own_list = true;
    EXPECT_EQ(judge(rules, said_in_group("1")).verdict, Verdict::drop);
    rules.group_allowed = list("[1]");
    EXPECT_EQ(judge(rules, said_in_group("1")).verdict, Verdict::pass);
}

TEST(InboundGate, NamesAGroupThatIsNotListed) {
    GateRules rules = group_rules(GroupPolicy::open, "[]");
    rules.place_listed = false;
    const Ruling ruling = judge(rules, said_in_group("1"));
    EXPECT_EQ(ruling.verdict, Verdict::drop);
    EXPECT_EQ(ruling.reason, "not-allowed");
    rules.place_enabled = false;
    EXPECT_EQ(judge(rules, said_in_group("1")).reason, "place-disabled");
}

TEST(InboundGate, RemembersWhatWasNotSaidToTheBot) {
    GateRules rules = group_rules(GroupPolicy::open, "[]");
    GateFacts facts = said_in_group("1");
    facts.was_mentioned = false;
    const Ruling ruling = judge(rules, facts);
    EXPECT_EQ(ruling.verdict, Verdict::remember);
    EXPECT_EQ(ruling.reason, "no-mention");
    rules.require_mention = false;
    EXPECT_EQ(judge(rules, facts).verdict, Verdict::pass);
}

TEST(InboundGate, LetsThoseCommandWhoAreListed) {
    GateRules rules = group_rules(GroupPolicy::open, "[1]");
    EXPECT_TRUE(judge(rules, said_in_group("1")).may_command);
    EXPECT_FALSE(judge(rules, said_in_group("2")).may_command);
    GateFacts command = said_in_group("2");
    command.is_command = true;
    EXPECT_EQ(judge(rules, command).verdict, Verdict::drop);
    rules.commands_need_list = false;
    EXPECT_EQ(judge(rules, command).verdict, Verdict::pass);
    EXPECT_TRUE(judge(rules, command).may_command);
}

TEST(InboundGate, ACommandNeedsNoMentionUnlessItNamesAnother) {
    const GateRules rules = group_rules(GroupPolicy::open, "[1]");
    GateFacts command = said_in_group("1");
    command.was_mentioned = false;
    command.is_command = true;
    EXPECT_EQ(judge(rules, command).verdict, Verdict::pass);
    command.mentions_others = true;
    EXPECT_EQ(judge(rules, command).verdict, Verdict::remember);
}

TEST(InboundGate, DropsWhatSaysNothingAndItsOwn) {
    GateRules rules;
    rules.dm = DmPolicy::open;
    GateFacts facts = said_directly("1");
    facts.has_content = false;
    EXPECT_EQ(judge(rules, facts).reason, "empty");
    facts.is_own = true;
    EXPECT_EQ(judge(rules, facts).reason, "own-message");
}

TEST(InboundGate, ReadsPolicies) {
    EXPECT_EQ(dm_policy("allowlist"), DmPolicy::allowlist);
    EXPECT_EQ(dm_policy("nonsense"), DmPolicy::pairing);
    EXPECT_EQ(group_policy("open"), GroupPolicy::open);
    EXPECT_EQ(group_policy("", GroupPolicy::open), GroupPolicy::open);
}

}  // namespace channel
