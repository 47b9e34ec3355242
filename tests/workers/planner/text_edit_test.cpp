// Changes of single values in a text that its owner wrote.
#include "workers/planner/text_edit.h"

#include <gtest/gtest.h>

#include "workers/planner/json5.h"

namespace {

using planner::apply_edit;
using planner::edits_between;
using planner::Path;
using planner::read_json5;
using planner::remove_from_text;
using planner::rename_in_text;
using planner::set_in_text;

std::string with(std::string text, const Path& path, const Json& value) {
    const Done done = set_in_text(text, path, value);
    EXPECT_TRUE(done) << done.error().what;
    return text;
}

std::string without(std::string text, const Path& path) {
    const Done done = remove_from_text(text, path);
    EXPECT_TRUE(done) << done.error().what;
    return text;
}

constexpr const char* owned = R"(// The owner's words.
{
  gateway: {
    port: 3000, // behind the proxy
    bind: 'lan',
  },
  /* nobody else */ agents: {}
}
)";

TEST(TextEdit, ReplacesAValueAndNothingElse) {
    std::string expected = owned;
    expected.replace(expected.find("3000"), 4, "4000");
    EXPECT_EQ(with(owned, {"gateway", "port"}, 4000), expected);
}

TEST(TextEdit, AddsAKeyInTheStyleOfItsNeighbours) {
    std::string expected = owned;
    expected.replace(expected.find("    bind: 'lan',\n"), 17,
                     "    bind: 'lan',\n    mode: \"local\",\n");
    EXPECT_EQ(with(owned, {"gateway", "mode"}, "local"), expected);
}

TEST(TextEdit, AddsAfterTheCommentOfTheLastKeyAndGivesItAComma) {
    EXPECT_EQ(with("{\n  \"a\": 1 // first, really\n}\n", {"b"}, true),
              "{\n  \"a\": 1, // first, really\n  \"b\": true\n}\n");
}

TEST(TextEdit, AddsTheObjectsOnTheWay) {
    EXPECT_EQ(with("{}", {"a", "b", "c"}, 1),
              "{\n  \"a\": {\n    \"b\": {\n      \"c\": 1\n    }\n  }\n}");
}

TEST(TextEdit, KeepsAnObjectThatHoldsOnlyAComment) {
    EXPECT_EQ(with("{\n\t// nothing yet\n}", {"a"}, 1), "{\n\t// nothing yet\n\t\"a\": 1\n}");
}

TEST(TextEdit, StaysOnOneLineWhereEverythingIs) {
    EXPECT_EQ(with("{a: {b: 1}}", {"a", "c"}, "x"), "{a: {b: 1, c: \"x\"}}");
    EXPECT_EQ(with("{a: 1,}", {"b-c"}, 2), "{a: 1, \"b-c\": 2}");
}

TEST(TextEdit, KeepsTheLineEndsOfTheFile) {
    EXPECT_EQ(with("{\r\n  a: 1\r\n}\r\n", {"b"}, 2), "{\r\n  a: 1,\r\n  b: 2\r\n}\r\n");
}

TEST(TextEdit, AppendsToAList) {
    EXPECT_EQ(with("{\n  l: [\n    1 /* one */\n  ]\n}", {"l", "1"}, 2),
              "{\n  l: [\n    1, /* one */\n    2\n  ]\n}");
}

TEST(TextEdit, RemovesAKeyWithItsLine) {
    std::string expected = owned;
    expected.erase(expected.find("    bind: 'lan',\n"), 17);
    EXPECT_EQ(without(owned, {"gateway", "bind"}), expected);
}

TEST(TextEdit, RemovesTheLastKeyWithTheCommaBeforeIt) {
    EXPECT_EQ(without("{\n  \"a\": 1, // one\n  \"b\": 2\n}", {"b"}), "{\n  \"a\": 1 // one\n}");
    EXPECT_EQ(without("{ a: 1, b: 2 }", {"a"}), "{ b: 2 }");
    EXPECT_EQ(without("{a: 1}", {"a"}), "{}");
}

TEST(TextEdit, RemovesAKeyThatStandsTwice) {
    EXPECT_EQ(without("{a: 1, b: 2, a: 3}", {"a"}), "{b: 2}");
}

std::string renamed(std::string text, const Path& path, const std::string& key) {
    const Done done = rename_in_text(text, path, key);
    EXPECT_TRUE(done) << done.error().what;
    return text;
}

TEST(TextEdit, RenamesAKeyAndNothingElse) {
    std::string expected = owned;
    expected.replace(expected.find("gateway"), 7, "\"-1\"");
    EXPECT_EQ(renamed(owned, {"gateway"}, "-1"), expected);
    EXPECT_EQ(renamed("{ /* a */ a /* b */ : /* c */ 1 /* d */ }", {"a"}, "b"),
              "{ /* a */ b /* b */ : /* c */ 1 /* d */ }");
    EXPECT_EQ(renamed("{a: {\"-5\": {x: '${VAR}'} // five\n}}", {"a", "-5"}, "-6"),
              "{a: {\"-6\": {x: '${VAR}'} // five\n}}");
    EXPECT_EQ(renamed(R"({'it\'s': 1})", {"it's"}, "-6"), "{'-6': 1}");
    EXPECT_EQ(renamed("{'a': 1}", {"a"}, "it's"), "{\"it's\": 1}");
    EXPECT_EQ(renamed(R"({\u0061b:1})", {"ab"}, "c"), "{c:1}");
}

TEST(TextEdit, RenamesAKeyThatStandsTwice) {
    EXPECT_EQ(renamed("{a: 1, b: 2, 'a': 3}", {"a"}, "c"), "{c: 1, b: 2, 'c': 3}");
}

TEST(TextEdit, RenamesNothingToANameThatIsTakenOrThatIsNotThere) {
    for (const Path& path : {Path{"a"}, Path{"c"}, Path{"l", "0"}, Path{}}) {
        std::string text = "{a: 1, b: 2, l: [1]}";
        EXPECT_FALSE(rename_in_text(text, path, "b"));
        EXPECT_EQ(text, "{a: 1, b: 2, l: [1]}");
    }
}

TEST(TextEdit, RemovesAnElement) {
    EXPECT_EQ(without("{l: [1, 2, 3]}", {"l", "1"}), "{l: [1, 3]}");
}

TEST(TextEdit, RefusesWhatHasNoPlace) {
    std::string text = "{a: 1}";
    EXPECT_FALSE(set_in_text(text, {"a", "b"}, 1));
    EXPECT_FALSE(remove_from_text(text, {"b"}));
    EXPECT_FALSE(set_in_text(text = "{l: [1]}", {"l", "5"}, 1));
    EXPECT_EQ(text, "{l: [1]}");
}

// Whatever two configurations differ in: the edits lead from one to the other.
TEST(TextEdit, LeadsFromAnyTextToAnyOther) {
    const char* texts[] = {
        "{}",
        "{a: 1, b: [1, 2, 3], c: {d: 'x'}}",
        "{\n  // c\n  a: 2,\n  b: [1, 3],\n  c: {d: 'x', e: null},\n}",
        "{b: [{id: 1}, {id: 2, n: [1]}], c: []}",
        "{b: [{id: 2, n: [1, 2]}], \"c\": {\"d\": {\"e\": {}}}}",
        "{b: [0, 1, 2, 3, 4], c: 'text'}",
        "{b: [1, 2, 3, 4], a: {a: {a: 1}}}",
        "{a: 1, a: 2, b: []}",
    };
    for (const std::string from : texts)
        for (const std::string to : texts) {
            std::string text = from;
            const Json wanted = read_json5(to).value;
            for (const auto& edit : edits_between(read_json5(from).value, wanted)) {
                const Done done = apply_edit(text, edit);
                ASSERT_TRUE(done) << from << " -> " << to << ": " << done.error().what;
            }
            const auto reading = read_json5(text);
            ASSERT_FALSE(reading.failure) << from << " -> " << to << ": " << text;
            EXPECT_TRUE(edits_between(reading.value, wanted).empty())
                << from << " -> " << to << ": " << text;
        }
}

TEST(TextEdit, FindsNoEditsWhereOnlyTheOrderDiffers) {
    EXPECT_TRUE(
        edits_between(Json::parse(R"({"a":1,"b":2})"), Json::parse(R"({"b":2,"a":1})")).empty());
}

}  // namespace
