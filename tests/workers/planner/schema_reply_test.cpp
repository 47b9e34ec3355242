// The schema as clients and readers see it.
#include "workers/planner/schema_reply.h"

#include <functional>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/planner/defaults.h"
#include "workers/planner/schema_text.h"

namespace {

using SchemaReply = PlannerTest;

const Json& at(const Json& schema, const std::string& path) {
    const Json* inside = &schema;
    for (size_t begin = 0; begin <= path.size();) {
        const size_t dot = std::min(path.find('.', begin), path.size());
        inside = &member(member(*inside, "properties"), path.substr(begin, dot - begin));
        begin = dot + 1;
    }
    return *inside;
}

TEST_F(SchemaReply, HasTheFourMembersClientsKnow) {
    const Json reply = payload("config.schema");
    EXPECT_EQ(reply.size(), 4u);
    EXPECT_EQ(reply["version"], "2026.1.29");
    EXPECT_EQ(reply["generatedAt"].get<std::string>().back(), 'Z');
    EXPECT_EQ(reply["schema"]["$schema"], "http://json-schema.org/draft-07/schema#");
}

TEST_F(SchemaReply, HasNoReferencesAndNoKeywordsOfOurOwn) {
    const std::string text = print_json(payload("config.schema")["schema"]);
    for (const char* word : {"$ref", "\"x-", "definitions", "$comment", "time-of-day"})
        EXPECT_EQ(text.find(word), std::string::npos) << word;
}

TEST_F(SchemaReply, TellsTypesDefaultsAndWords) {
    const Json schema = payload("config.schema")["schema"];
    EXPECT_EQ(at(schema, "gateway.port")["default"], 18789);
    EXPECT_EQ(at(schema, "gateway.port")["type"], "integer");
    EXPECT_EQ(at(schema, "gateway.reload.mode")["type"], "string");
    EXPECT_EQ(at(schema, "gateway.reload.mode")["enum"].size(), 4u);
    EXPECT_EQ(at(schema, "gateway")["additionalProperties"], false);
    EXPECT_TRUE(
        at(schema, "channels.telegram.accounts")["additionalProperties"]["properties"].contains(
            "botToken"));
    EXPECT_FALSE(
        at(schema, "channels.telegram.accounts")["additionalProperties"]["properties"].contains(
            "accounts"));
}

TEST_F(SchemaReply, HintsLabelsHelpGroupsAndSecrets) {
    const Json hints = payload("config.schema")["uiHints"];
    EXPECT_EQ(hints["gateway"]["label"], "Gateway");
    EXPECT_EQ(hints["gateway"]["group"], "Gateway");
    EXPECT_GT(hints["gateway"]["order"].get<int>(), hints["meta"]["order"].get<int>());
    EXPECT_EQ(hints["meta"]["advanced"], true);
    EXPECT_EQ(hints["cron.maxConcurrentRuns"]["label"], "Max concurrent runs");
    EXPECT_EQ(hints["gateway.auth.token"]["sensitive"], true);
    EXPECT_FALSE(hints["gateway.auth.mode"].contains("sensitive"));
    EXPECT_EQ(hints["models.providers.*.apiKey"]["sensitive"], true);
    EXPECT_EQ(hints["channels.telegram.botToken"]["placeholder"], "${TELEGRAM_BOT_TOKEN}");
    EXPECT_TRUE(hints.contains("agents.list.id")) << "entries of lists have no step";
    EXPECT_FALSE(hints["gateway.port"]["help"].get<std::string>().empty());
}

TEST_F(SchemaReply, AgreesWithWhatIsPutIn) {
    const Json schema = payload("config.schema")["schema"];
    Json config = Json::object({{"logging", Json::object()}});
    planner::apply_defaults(config, environment);
    ASSERT_GT(planner::schema_default_count, 5u);
    for (size_t index = 0; index < planner::schema_default_count; ++index) {
        const std::string path = planner::schema_defaults[index].path;
        EXPECT_EQ(at(schema, path)["default"], member_at(config, path)) << path;
        EXPECT_FALSE(at(schema, path)["default"].is_null()) << path;
    }
}

using SchemaReference = PlannerTest;

TEST_F(SchemaReference, IsUpToDate) {
    const std::string built =
        std::string(std::getenv("HARDSHELL_BUILD")) + "/workers/planner/configuration-fields.md";
    const std::string kept =
        std::string(std::getenv("HARDSHELL_SOURCE")) + "/ops/configuration-fields.md";
    const std::string text = slurp(built);
    EXPECT_NE(text.find("| `gateway.port` | whole number from 1 to 65535 | `18789` |"),
              std::string::npos);
    EXPECT_EQ(text, slurp(kept)) << "cp " << built << " " << kept;
}

}  // namespace
