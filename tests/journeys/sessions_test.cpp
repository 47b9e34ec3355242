// An owner looks after the sessions through the gateway, over a restart.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/journeys/journey.h"

namespace {

class Sessions : public Journey {
  protected:
    static Json payload(GatewayClient& client, const std::string& method,
                        const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        return member(answer, "payload");
    }
    static std::string refusal(GatewayClient& client, const std::string& method,
                               const Json& params) {
        const Json answer = client.request(method, params);
        EXPECT_FALSE(bool_member(answer, "ok", true)) << print_json(answer);
        EXPECT_EQ(text_member(member(answer, "error"), "code"), "INVALID_REQUEST");
        return text_member(member(answer, "error"), "message");
    }
    static std::vector<std::string> keys(GatewayClient& client) {
        std::vector<std::string> all;
        const Json list = payload(client, "sessions.list");
        for (const Json& row : member(list, "sessions")) all.push_back(text_member(row, "key"));
        std::sort(all.begin(), all.end());
        return all;
    }
    Json index() const {
        std::ifstream file(hardshell->state_dir() + "/agents/main/sessions/sessions.json");
        const auto parsed = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
        return parsed ? *parsed : Json();
    }
};

TEST_F(Sessions, AreChangedAndDeletedForGood) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "first").state, "final");
    ASSERT_EQ(chat_turn(client, "second", "agent:main:work").state, "final");

    const Json patched =
        payload(client, "sessions.patch",
                {{"key", "agent:main:work"}, {"label", "Work"}, {"thinkingLevel", "low"}});
    EXPECT_EQ(text_member(member(patched, "entry"), "label"), "Work");
    EXPECT_NE(refusal(client, "sessions.patch", {{"key", "main"}, {"label", "Work"}}).find("Work"),
              std::string::npos);
    EXPECT_EQ(text_member(payload(client, "sessions.resolve", {{"label", "Work"}}), "key"),
              "agent:main:work");
    const Json previews = payload(client, "sessions.preview", {{"keys", {"agent:main:work"}}});
    EXPECT_EQ(text_member(member(previews, "previews")[0], "status"), "ok");

    const Json injected = payload(client, "chat.inject",
                                  {{"sessionKey", "agent:main:work"}, {"message", "a remark"}});
    const std::string run_id = "inject-" + text_member(injected, "messageId");
    EXPECT_FALSE(client
                     .wait_event("chat",
                                 [&](const Json& event) {
                                     return text_member(event, "runId") == run_id &&
                                            text_member(event, "state") == "final";
                                 })
                     .is_null());
    const Json compacted =
        payload(client, "sessions.compact", {{"key", "agent:main:work"}, {"maxLines", 1}});
    EXPECT_TRUE(bool_member(compacted, "compacted")) << print_json(compacted);
    EXPECT_TRUE(std::filesystem::exists(text_member(compacted, "archived")));
    EXPECT_EQ(history(client, "agent:main:work"),
              (std::vector<std::string>{"assistant: a remark"}));

    EXPECT_NE(refusal(client, "sessions.delete", {{"key", "main"}}).find("main session"),
              std::string::npos);
    const Json deleted = payload(client, "sessions.delete", {{"key", "agent:main:work"}});
    EXPECT_TRUE(bool_member(deleted, "deleted"));
    ASSERT_EQ(member(deleted, "archived").size(), 1u);
    EXPECT_TRUE(std::filesystem::exists(member(deleted, "archived")[0].get<std::string>()));
    const Json reset = payload(client, "sessions.reset", {{"key", "main"}});
    EXPECT_TRUE(history(client).empty());

    hardshell->kill_all();  // before anything of it was exported
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(keys(client), (std::vector<std::string>{"agent:main:main"}));
    ASSERT_EQ(hardshell->stop(), 0);
    EXPECT_FALSE(index().contains("agent:main:work"));
    EXPECT_EQ(text_member(member(index(), "agent:main:main"), "sessionId"),
              text_member(member(reset, "entry"), "sessionId"));
}

TEST_F(Sessions, CostAndEventsAreTold) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "count me").state, "final");
    const Json cost = payload(client, "usage.cost", {{"days", "7"}});
    EXPECT_EQ(int_member(cost, "days"), 7);
    EXPECT_EQ(member(cost, "daily").size(), 1u) << print_json(cost);
    EXPECT_TRUE(member(payload(client, "usage.status"), "providers").is_array());

    EXPECT_TRUE(bool_member(
        payload(client, "system-event", {{"text", "the door is open"}, {"host", "porch"}}), "ok"));
    const Json presence = client.wait_event("presence");
    bool seen = false;
    for (const Json& one : member(member(presence, "payload"), "presence"))
        seen = seen || (text_member(one, "host") == "porch" &&
                        text_member(one, "text") == "the door is open");
    EXPECT_TRUE(seen) << print_json(presence);
    EXPECT_EQ(member(payload(client, "status"), "queuedSystemEvents"),
              Json::array({"the door is open"}));
    EXPECT_NE(refusal(client, "system-event", {{"text", " "}}).find("/text"), std::string::npos);
    // What a node says of itself counts when it is new.
    for (int i = 0; i < 2; ++i)
        payload(client, "system-event", {{"text", "Node: porch"}, {"deviceId", "p1"}});
    payload(client, "system-event", {{"text", "last"}});
    EXPECT_EQ(member(payload(client, "status"), "queuedSystemEvents"),
              Json::array({"the door is open", "Node: porch", "last"}));

    EXPECT_TRUE(bool_member(payload(client, "wake", {{"mode", "now"}, {"text", "look"}}), "ok"));
    EXPECT_FALSE(
        client
            .wait_event("chat",
                        [](const Json& event) { return text_member(event, "state") == "final"; })
            .is_null());
    EXPECT_TRUE(contains(history(client), "the door is open"));
    EXPECT_EQ(member(payload(client, "status"), "queuedSystemEvents"), Json::array());
    EXPECT_EQ(text_member(payload(client, "last-heartbeat"), "status"), "sent");
}

// Answers are kept for those who ask the same; a change must not be among what they leave out.
TEST_F(Sessions, AreListedAsTheyAreWhoeverChangedThem) {
    start();
    GatewayClient one = connect();
    GatewayClient other = connect();
    const auto label = [](GatewayClient& client, const std::string& key) {
        const Json list = payload(client, "sessions.list");
        for (const Json& row : member(list, "sessions"))
            if (text_member(row, "key") == key) return text_member(row, "label", "none");
        return std::string("no session");
    };
    const auto counted = [](GatewayClient& client) {
        return int_member(member(payload(client, "status"), "sessions"), "count");
    };
    ASSERT_EQ(chat_turn(one, "first").state, "final");
    for (int round = 0; round < 30; ++round) {
        const std::string name = "Round " + std::to_string(round);
        const std::string key = "agent:main:round" + std::to_string(round);
        EXPECT_EQ(label(other, key), "no session");
        EXPECT_EQ(counted(other), round + 1);
        ASSERT_TRUE(
            bool_member(one.request("sessions.patch", {{"key", key}, {"label", name}}), "ok"));
        EXPECT_EQ(label(other, key), name);
        EXPECT_EQ(counted(other), round + 2);
    }
    // By a run: its end is told to all.
    EXPECT_EQ(keys(other).size(), 31u);
    ASSERT_EQ(chat_turn(one, "again", "agent:main:work").state, "final");
    EXPECT_EQ(keys(other).size(), 32u);
    ASSERT_TRUE(bool_member(one.request("sessions.delete", {{"key", "agent:main:work"}}), "ok"));
    EXPECT_EQ(keys(other).size(), 31u);
    one.request("system-event", {{"text", "somebody is at the door"}});
    EXPECT_EQ(member(payload(other, "status"), "queuedSystemEvents").size(), 1u);
}

}  // namespace
