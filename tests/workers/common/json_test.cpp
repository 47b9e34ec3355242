#include "workers/common/base/json.h"

#include <gtest/gtest.h>

#include <ctime>

namespace {

std::string nested(int levels) {
    return std::string(static_cast<size_t>(levels), '[') +
           std::string(static_cast<size_t>(levels), ']');
}

TEST(Json, RefusesMoreLevelsThanTheLimit) {
    EXPECT_TRUE(parse_json(nested(deepest_json)));
    const auto refused = parse_json(nested(deepest_json + 1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::bad_message);
    EXPECT_EQ(refused.error().what, "JSON is nested too deeply");
}

TEST(Json, RefusesAMillionLevelsWithoutOverflow) {
    EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
    EXPECT_FALSE(parse_json(nested(1'000'000)));
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    EXPECT_FALSE(parse_json(objects));
}

TEST(Json, CountsNoBracketsInTexts) {
    const std::string many(500, '[');
    for (const char* before : {"", "\\\"", "\\\\", "\\u0022"}) {
        const auto value = parse_json("[\"" + (before + many) + "\",{\"" + many + "\":1}]");
        ASSERT_TRUE(value) << before;
        EXPECT_EQ((*value)[0].get<std::string>().size(), many.size() + (*before ? 1 : 0));
    }
    // Closed before they are opened, or after a text that ends where it does not look so.
    EXPECT_FALSE(parse_json(std::string(500, ']') + std::string(500, '[')));
    EXPECT_FALSE(parse_json("[\"\\\\\"," + many));
}

TEST(Json, SaysWhereATextIsNoJson) {
    for (const char* text : {"", "{", "{]", "{\"a\":1,}", "nul", "1 2", "\"\xff\"", "{\"a\" 1}"}) {
        const auto refused = parse_json(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().fault, Fault::bad_message);
        EXPECT_FALSE(refused.error().what.empty());
    }
}

TEST(Json, SaysSoInWordsOfItsOwnAndBriefly) {
    for (const std::string& text : {std::string("{x"), std::string("1e999"),
                                    std::string("\"\\uzzzz\""), "\"" + std::string(100'000, 'a')}) {
        const std::string what = parse_json(text).error().what;
        EXPECT_EQ(what.find("json.exception"), std::string::npos) << what;
        EXPECT_LT(what.size(), 250u);
        EXPECT_FALSE(what.empty());
    }
    EXPECT_NE(parse_json("{x").error().what.find("line 1, column 2"), std::string::npos);
}

TEST(Json, ReadsHalfASurrogatePairAloneAsAReplacement) {
    const std::string replaced = "\xef\xbf\xbd";
    const auto text = [](const std::string& escaped) {
        const auto value = parse_json("[\"" + escaped + "\",{\"k\":1}]");
        EXPECT_TRUE(value) << escaped;
        return value ? (*value)[0].get<std::string>() : "refused";
    };
    EXPECT_EQ(text("a\\ud83d"), "a" + replaced);
    EXPECT_EQ(text("\\uDC00b"), replaced + "b");
    EXPECT_EQ(text("\\ud83d\\u0041"), replaced + "A");
    EXPECT_EQ(text("\\ud83d\\ud83d\\ude00"), replaced + "\xf0\x9f\x98\x80");
    EXPECT_EQ(text("\\ud83d\\ude00\\ude00"), "\xf0\x9f\x98\x80" + replaced);
    // Behind a backslash that is one itself there is no escape.
    EXPECT_EQ(text("\\ud83d \\\\ud83d"), replaced + " \\ud83d");
    EXPECT_EQ(text("\\ud83d \\\\\\ud83d"), replaced + " \\" + replaced);
    EXPECT_EQ(text("\\\\ud83d"), "\\ud83d");
    EXPECT_FALSE(parse_json("\"\\ud83d\\u12"));
    EXPECT_FALSE(parse_json("\"\\ud83d\\"));
    EXPECT_FALSE(parse_json("{\\ud83d}"));
}

TEST(Json, ReadsAnObjectOfManyMembersInTimeThatGrowsWithIt) {
    constexpr int many = 300'000;
    std::string text = "{";
    for (int number = 0; number < many; ++number)
        text += "\"member" + std::to_string(number) + "\":" + std::to_string(number) + ",";
    text += "\"member7\":\"again\"}";
    const clock_t begin = clock();
    const auto value = parse_json(text);
    // Minutes, where each member is looked up among those before it.
    EXPECT_LT((clock() - begin) / CLOCKS_PER_SEC, 10);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->size(), static_cast<size_t>(many));
    EXPECT_EQ((*value)["member7"], "again");
}

TEST(Json, TakesTheLastOfMembersWithTheSameNameAtThePlaceOfTheFirst) {
    EXPECT_EQ(print_json(*parse_json(R"({"a":1,"b":2,"a":3,"c":{"d":1,"d":[]},"b":{}})")),
              R"({"a":3,"b":{},"c":{"d":[]}})");
}

TEST(Json, KeepsTheOrderOfMembers) {
    const auto value = parse_json(R"({"z":1,"a":{"y":2,"b":[true,null]}})");
    ASSERT_TRUE(value);
    EXPECT_EQ(print_json(*value), R"({"z":1,"a":{"y":2,"b":[true,null]}})");
}

TEST(Json, PrintsInvalidUtf8AsReplacementCharacters) {
    EXPECT_EQ(print_json(Json("a\xff"
                              "b")),
              "\"a\xef\xbf\xbd"
              "b\"");
}

std::string printed_by_library(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TEST(Json, PrintsAsTheLibraryDoes) {
    const auto value = parse_json(
        R"({"":{},"a":[],"b":[[],{},[1,-2,18446744073709551615,0.5,1e300,true,false,null]],)"
        R"("t\tx\"":"a\tb\u0001\u00e9\\","nested":{"x":{"y":[{"z":"\n"}]}}})");
    ASSERT_TRUE(value);
    EXPECT_EQ(print_json(*value), printed_by_library(*value));
    EXPECT_EQ(parse_json(print_json(*value)).value(), *value);
}

TEST(Json, AppendsAStringQuotedAsTheLibraryPrintsIt) {
    std::vector<std::string> texts = {
        "",      "plain", "a \"b\" \\c\\",          "one\ntwo\n",    "\n\"",
        "naïve", "a\xff", std::string("nul\0l", 5), "ends with \xc3"};
    for (int byte = 0; byte < 256; ++byte)
        texts.push_back("before\n" + std::string(1, static_cast<char>(byte)) + "\"after");
    for (const std::string& text : texts) {
        std::string out = "[";
        append_quoted(out, text);
        EXPECT_EQ(out, "[" + printed_by_library(Json(text)));
    }
}

TEST(Json, WalksDottedPathsAndAnswersNullWhereAStepIsMissing) {
    const auto value = parse_json(R"({"a":{"b":{"c":5}},"s":"text"})");
    ASSERT_TRUE(value);
    EXPECT_EQ(member_at(*value, "a.b.c"), 5);
    EXPECT_TRUE(member_at(*value, "a.x.c").is_null());
    EXPECT_TRUE(member_at(*value, "s.b").is_null());
    EXPECT_TRUE(member(Json(3), "a").is_null());
}

TEST(Json, ReadsMembersOfTheRightTypeElseTheFallback) {
    const auto value = parse_json(
        R"({"t":"x","i":7,"f":7.9,"b":true,"huge":1e300,"big":18446744073709551615,"n":null})");
    ASSERT_TRUE(value);
    EXPECT_EQ(text_member(*value, "t"), "x");
    EXPECT_EQ(id_member(*value, "t"), "x");
    EXPECT_EQ(id_member(*value, "none"), "");
    EXPECT_EQ(id_member(*parse_json(R"({"n":18446744073709551615,"f":1.5})"), "n"),
              "18446744073709551615");
    EXPECT_EQ(id_member(*parse_json(R"({"f":1.5})"), "f"), "");
    EXPECT_EQ(text_member(*value, "i", "none"), "none");
    EXPECT_EQ(int_member(*value, "i"), 7);
    EXPECT_EQ(int_member(*value, "f"), 7);
    EXPECT_EQ(int_member(*value, "huge", -1), -1);
    EXPECT_EQ(int_member(*value, "big", -2), -2);
    EXPECT_EQ(int_member(*value, "n", 4), 4);
    EXPECT_TRUE(bool_member(*value, "b"));
    EXPECT_FALSE(bool_member(*value, "i"));
}

}  // namespace
