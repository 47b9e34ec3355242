#include "workers/discord/outbox_parts.h"

#include <gmock/gmock.h>

namespace discord {
namespace {

using hardshell::proto::DeliverMessage;
using testing::ElementsAre;
using testing::StartsWith;

std::vector<std::string> texts(const std::string& text) {
    DeliverMessage message;
    message.set_text(text);
    std::vector<std::string> made;
    for (const Part& part : parts_of(message, Settings())) made.push_back(part.text);
    return made;
}

std::vector<size_t> line_counts(const std::vector<std::string>& parts) {
    std::vector<size_t> counts;
    for (const std::string& part : parts)
        counts.push_back(1 + static_cast<size_t>(std::count(part.begin(), part.end(), '\n')));
    return counts;
}

TEST(OutboxParts, KeepDiscordsLimits) {
    const std::vector<std::string> pieces = texts(std::string(4100, 'x'));
    EXPECT_THAT(pieces,
                ElementsAre(std::string(2000, 'x'), std::string(2000, 'x'), std::string(100, 'x')));
    std::string lines;
    for (int i = 0; i < 40; ++i) lines += std::string(1, 'x') + (i < 39 ? "\n" : "");
    for (const size_t count : line_counts(texts(lines))) EXPECT_LE(count, 17u);
}

TEST(OutboxParts, CloseAndReopenAFence) {
    std::string code = "```js\n";
    for (int i = 0; i < 30; ++i) code += "line " + std::to_string(i) + "\n";
    const std::vector<std::string> pieces = texts(code + "```");
    ASSERT_GE(pieces.size(), 2u);
    for (const std::string& piece : pieces) {
        EXPECT_THAT(piece, StartsWith("```js\n"));
        EXPECT_TRUE(piece.ends_with("```")) << piece;
    }
}

TEST(OutboxParts, PutTheFirstFileWithTheFirstText) {
    DeliverMessage message;
    message.set_text(std::string(2500, 'x'));
    message.add_attachments()->set_file_name("a");
    message.add_attachments()->set_file_name("b");
    const std::vector<Part> parts = parts_of(message, Settings());
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_EQ(parts[0].file->file_name(), "a");
    EXPECT_FALSE(parts[1].file);
    EXPECT_EQ(parts[2].file->file_name(), "b");
    EXPECT_EQ(parts[2].text, "");
    message.clear_text();
    EXPECT_EQ(parts_of(message, Settings()).size(), 2u);
    EXPECT_TRUE(parts_of(DeliverMessage(), Settings()).empty());
}

TEST(OutboxParts, DrawTablesAsCode) {
    EXPECT_EQ(tables_as_code("a\n| x | y |\n|---|:-:|\n| 1 | 2 |\nb"),
              "a\n```\n| x | y |\n|---|:-:|\n| 1 | 2 |\n```\nb");
    EXPECT_EQ(tables_as_code("| x | y |\n|---|---|\n| 1 | 2 |"),
              "```\n| x | y |\n|---|---|\n| 1 | 2 |\n```");
    for (const char* text : {"a | b", "| no table |\nnext", "```\n| x | y |\n|---|---|\n```"})
        EXPECT_EQ(tables_as_code(text), text);
}

TEST(OutboxParts, MakeTheSameNonceForTheSamePart) {
    EXPECT_EQ(nonce_of("delivery", 1), nonce_of("delivery", 1));
    EXPECT_NE(nonce_of("delivery", 1), nonce_of("delivery", 2));
    EXPECT_NE(nonce_of("delivery", 1), nonce_of("delivery1", 1));
    EXPECT_LE(nonce_of(std::string(500, 'x'), 4'000'000'000).size(), 25u);
}

TEST(OutboxParts, NeverCallEveryone) {
    const Json body = body_of({"@everyone hi", {}}, "n", "8", true);
    EXPECT_EQ(body["allowed_mentions"].dump(), R"({"parse":["users"],"replied_user":false})");
    EXPECT_EQ(body["nonce"], "n");
    EXPECT_EQ(body["enforce_nonce"], true);
    EXPECT_EQ(body["message_reference"].dump(), R"({"message_id":"8","fail_if_not_exists":false})");
    EXPECT_EQ(body["flags"], 4096);
    EXPECT_FALSE(body_of({"x", {}}, "n", "", false).contains("message_reference"));
}

}  // namespace
}  // namespace discord
