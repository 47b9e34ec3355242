// POST /tools/invoke: the request read, the answer written.

#include <gtest/gtest.h>

#include "tests/workers/gateway/turn_texts.h"
#include "workers/gateway/tools_invoke.h"

namespace gateway {
namespace {

TEST(ToolsInvoke, ReadsARequest) {
    HttpAsk ask;
    ask.headers["x-openclaw-message-channel"] = "slack";
    EXPECT_EQ(print_json(*read_tool_request(
                  *parse_json(R"({"tool":"t","action":"a","args":{"x":1},"other":2})"), ask)),
              R"({"tool":"t","args":{"x":1},"sessionKey":"main","action":"a","channel":"slack"})");
    EXPECT_FALSE(read_tool_request(*parse_json(R"({"args":{}})"), ask));
    EXPECT_FALSE(read_tool_request(*parse_json(R"({"tool":"t","args":[]})"), ask));
    EXPECT_FALSE(read_tool_request(*parse_json("7"), ask));
}

TEST(ToolsInvoke, TellsWhatBecameOfIt) {
    const HttpAnswer good = tool_answer(result(true, R"({"ok":true,"result":{"content":[]}})"));
    EXPECT_EQ(good.status, 200);
    EXPECT_EQ(good.content(), R"({"ok":true,"result":{"content":[]}})");
    const HttpAnswer none =
        tool_answer(result(true, R"({"ok":false,"type":"not_found","message":"no"})"));
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(none.content(), R"({"ok":false,"error":{"type":"not_found","message":"no"}})");
    EXPECT_EQ(tool_answer(result(true, R"({"ok":false,"type":"tool_error"})")).status, 400);
    EXPECT_EQ(tool_answer(result(false, "down")).status, 503);
}

}  // namespace
}  // namespace gateway
