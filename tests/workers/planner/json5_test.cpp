#include "workers/planner/json5.h"

#include <gtest/gtest.h>

namespace planner {
namespace {

struct Accepted {
    const char* name;
    std::string text;
    const char* json;
};

std::string padded(int levels, const std::string& inside) {
    return std::string(static_cast<size_t>(levels), '[') + inside +
           std::string(static_cast<size_t>(levels), ']');
}

const Accepted accepted[] = {
    {"EmptyObject", "{}", "{}"},
    {"EmptyList", "[ ]", "[]"},
    {"LiteralsAtTheRoot", " null ", "null"},
    {"LineComment", "{a:1// one\n}", R"({"a":1})"},
    {"CommentAtTheEndOfTheFile", "{} // bye", "{}"},
    {"BlockComment", "/* a *//**/{/***/a/* b */:/* c\n */1/* d */,/* e */}/* f */", R"({"a":1})"},
    {"TrailingCommas", "{a:[1,2,],b:{c:3,},}", R"({"a":[1,2],"b":{"c":3}})"},
    {"UnquotedKeys", "{$a_1:1,_:2,\xC3\xBC:3}", "{\"$a_1\":1,\"_\":2,\"\xC3\xBC\":3}"},
    {"ReservedWordsAsKeys", "{null:1,true:2,Infinity:3}", R"({"null":1,"true":2,"Infinity":3})"},
    {"EscapesInKeys", "{\\u0061b\\u0063:1}", R"({"abc":1})"},
    {"JoinersInKeys",
     "{a\xE2\x80\x8D"
     "b:1}",
     "{\"a\xE2\x80\x8D"
     "b\":1}"},
    {"SingleQuotedKeys", "{'a b':1}", R"({"a b":1})"},
    {"LastOfEqualKeysWins", "{a:1,b:2,a:3}", R"({"a":3,"b":2})"},
    {"PrototypeIsAKeyLikeAnyOther", "{__proto__:1}", R"({"__proto__":1})"},
    {"SingleQuotes", "'it\"s'", R"("it\"s")"},
    {"EscapedQuotes", R"('\'\"')", R"("'\"")"},
    {"SimpleEscapes", R"("\b\f\n\r\t\v\0\\\/")", R"("\b\f\n\r\t\u000b\u0000\\/")"},
    {"HexadecimalEscapes", R"("\x41\u00e9\u20AC")", "\"A\xC3\xA9\xE2\x82\xAC\""},
    {"SurrogatePairs", R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
    {"NeedlessEscapes", R"("\a\q\-")", R"("aq-")"},
    {"LineContinuation",
     "'a\\\nb\\\r\nc\\\rd\\\xE2\x80\xA8"
     "e'",
     R"("abcde")"},
    {"LineSeparatorsInStrings", "'\xE2\x80\xA8'", "\"\xE2\x80\xA8\""},
    {"ControlCharactersInStrings", "'\t\x01'", R"("\t\u0001")"},
    {"WhiteSpaceOfAllKinds", "\xEF\xBB\xBF\t\v\f\xC2\xA0\xE2\x80\xA9\xE3\x80\x80[1]", "[1]"},
    {"Integers", "[0,-0,+5,-12]", "[0,0,5,-12]"},
    {"Fractions", "[.5,5.,-0.25,5.e1]", "[0.5,5,-0.25,50]"},
    {"Exponents", "[1e3,1E+2,25e-1]", "[1000,100,2.5]"},
    {"Hexadecimal", "[0x10,0XfF,-0x1,+0xa]", "[16,255,-1,10]"},
    {"WholeNumbersBeyondDoubleExactly", "[284102345871466497,18446744073709551615]",
     "[284102345871466497,18446744073709551615]"},
    {"NumbersTooSmallAsZero", "1e-999", "0"},
    {"BytesThatAreNoUtf8InComments", "{}//\xFF\xC0", "{}"},
    {"BytesThatAreNoUtf8InText", "'\xE9'", "\"\xEF\xBF\xBD\""},
    {"SixtyFourLevels", padded(64, ""), nullptr},
};

struct Refused {
    const char* name;
    std::string text;
    Position at;
    const char* what;  // contained in the message
};

const Refused refused[] = {
    {"AnEmptyFile", "", {1, 1}, "the file is empty"},
    {"OnlyComments", "// nothing\n", {2, 1}, "the file is empty"},
    {"TextAfterTheValue", "{}\n x", {2, 2}, "nothing more after the value, found 'x'"},
    {"AMissingColon", "{a 1}", {1, 4}, "expected ':' after the key \"a\", found '1'"},
    {"AMissingComma", "{\n  a: 1\n  b: 2\n}", {3, 3}, "is a comma missing before it?"},
    {"AMissingCommaInAList", "['a' 'b']", {1, 6}, "expected ',' or ']'"},
    {"ALeadingComma", "[,1]", {1, 2}, "expected a value, found ','"},
    {"TwoCommas", "{a:1,,}", {1, 6}, "expected a key or '}', found ','"},
    {"AMissingValue", "{a:}", {1, 4}, "expected a value, found '}'"},
    {"AnUnclosedObject", "{\n a: {\n  b: 1\n", {4, 1}, "that begins at line 2 is not closed"},
    {"AnUnclosedList", "[1,", {1, 4}, "that begins at line 1 is not closed"},
    {"AnUnclosedString", "{a: 'b}\n", {1, 5}, "no closing quote on its line"},
    {"ANewLineInAString", "'a\nb'", {1, 1}, "no closing quote on its line"},
    {"AnUnclosedComment", "{} /* a", {1, 4}, "no closing */"},
    {"ASlashAlone", "{a: /x/}", {1, 5}, "expected // or /*"},
    {"AWordAsValue", "{bind: lan}", {1, 8}, "text needs quotes"},
    {"WrongCase", "[True]", {1, 2}, "found True"},
    {"ANumberAsKey", "{1: 2}", {1, 2}, "expected a key or '}', found '1'"},
    {"ADashInAKey", "{a-b: 1}", {1, 3}, "expected ':'"},
    {"AnEscapeThatNeedsQuotes", "{\\u002d: 1}", {1, 2}, "needs quotes around the key"},
    {"Infinity", "[1, -Infinity]", {1, 5}, "a finite number, found Infinity"},
    {"NotANumber", "NaN", {1, 1}, "a finite number, found NaN"},
    {"ANumberTooLarge", "1e999", {1, 1}, "one too large"},
    {"OctalNumbers", "010", {1, 1}, "must not begin with 0"},
    {"OctalEscapes", R"('\01')", {1, 3}, "octal escapes"},
    {"ADigitEscape", R"('\1')", {1, 3}, "octal escapes"},
    {"APointAlone", ".", {1, 2}, "expected a digit"},
    {"ASignAlone", "+", {1, 2}, "expected a digit"},
    {"TwoSigns", "--1", {1, 2}, "expected a digit"},
    {"AnEmptyExponent", "1e", {1, 3}, "expected a digit in the exponent"},
    {"AnEmptyHexadecimal", "0x", {1, 3}, "expected a hexadecimal digit"},
    {"LettersAfterANumber", "[12ab]", {1, 4}, "text needs quotes"},
    {"AShortEscape", R"('\u12g4')", {1, 6}, "4 hexadecimal digits, found 'g'"},
    {"HalfASurrogatePair", R"('\ud83d!')", {1, 3}, "half of a surrogate pair"},
    {"TheOtherHalf", R"('\ude00')", {1, 3}, "half of a surrogate pair"},
    {"SixtyFiveLevels", padded(65, ""), {1, 65}, "nested more than 64 levels"},
    {"VeryManyLevels", std::string(500'000, '['), {1, 65}, "nested more than 64 levels"},
    {"Utf16", std::string("\xFF\xFE{\0}\0", 6), {1, 1}, "save it as UTF-8"},
    {"AControlCharacter", std::string("{\0}", 3), {1, 2}, "found a control character"},
    {"ColumnsInCharactersNotBytes", "{'\xC3\xA9\xF0\x9F\x98\x80': ?}", {1, 8}, "found '?'"},
    {"WindowsLineEnds", "{\r\n\r\n ?}", {3, 2}, "found '?'"},
};

class Json5Accepts : public testing::TestWithParam<Accepted> {};

TEST_P(Json5Accepts, AndReadsTheSameAsJson) {
    const Json5Reading reading = read_json5(GetParam().text);
    ASSERT_FALSE(reading.failure) << reading.failure->what;
    if (GetParam().json) {
        EXPECT_EQ(print_json(reading.value), GetParam().json);
    }
}
INSTANTIATE_TEST_SUITE_P(Json5, Json5Accepts, testing::ValuesIn(accepted),
                         [](const auto& row) { return std::string(row.param.name); });

class Json5Refuses : public testing::TestWithParam<Refused> {};

TEST_P(Json5Refuses, WithPlaceAndReason) {
    const Json5Reading reading = read_json5(GetParam().text);
    ASSERT_TRUE(reading.failure);
    EXPECT_EQ(reading.failure->at.line, GetParam().at.line) << reading.failure->what;
    EXPECT_EQ(reading.failure->at.column, GetParam().at.column) << reading.failure->what;
    EXPECT_NE(reading.failure->what.find(GetParam().what), std::string::npos)
        << reading.failure->what;
}
INSTANTIATE_TEST_SUITE_P(Json5, Json5Refuses, testing::ValuesIn(refused),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Json5, RemembersWhereKeysAndValuesStand) {
    const Json5Reading reading = read_json5("{\n  gateway: {\n    port: [1,\n 22] } }", 7);
    ASSERT_FALSE(reading.failure);
    bool complete = false;
    const Source& port = reading.source.nearest({"gateway", "port"}, complete);
    EXPECT_TRUE(complete);
    EXPECT_EQ(port.key, (Position{3, 5}));
    EXPECT_EQ(port.value, (Position{3, 11}));
    EXPECT_EQ(port.file, 7u);
    EXPECT_EQ(reading.source.nearest({"gateway", "port", "1"}, complete).value, (Position{4, 2}));
    EXPECT_EQ(&reading.source.nearest({"gateway", "port", "2"}, complete), &port);
    EXPECT_FALSE(complete);
}

TEST(Json5, RefusesMoreMembersThanCanBeLookedUp) {
    std::string text = "{";
    for (size_t index = 0; index <= most_members; ++index)
        text += "k" + std::to_string(index) + ":1,";
    const Json5Reading reading = read_json5(text + "}");
    ASSERT_TRUE(reading.failure);
    EXPECT_NE(reading.failure->what.find("more than 10000 keys"), std::string::npos);
}

TEST(Json5, KeepsTheOrderOfKeys) {
    EXPECT_EQ(print_json(read_json5("{z:1,a:2,m:3}").value), R"({"z":1,"a":2,"m":3})");
}

}  // namespace
}  // namespace planner
