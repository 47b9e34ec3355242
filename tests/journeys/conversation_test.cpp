// A conversation outlives every restart.

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/journeys/journey.h"

namespace {

class Conversation : public Journey {
  protected:
    std::filesystem::path sessions() const {
        return hardshell->state_dir() + "/agents/main/sessions";
    }
    static std::string content(const std::filesystem::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    std::filesystem::path transcript() const {
        std::filesystem::path found;
        for (const auto& entry : std::filesystem::directory_iterator(sessions()))
            if (entry.path().extension() == ".jsonl") found = entry.path();
        return found;
    }
};

TEST_F(Conversation, IsKeptOverAStop) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "first").state, "final");
    ASSERT_EQ(chat_turn(client, "second").state, "final");
    const auto before = history(client);
    ASSERT_EQ(before.size(), 4u);
    ASSERT_EQ(hardshell->stop(), 0);
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(history(client), before);
    ASSERT_EQ(chat_turn(client, "third").state, "final");
    EXPECT_EQ(history(client).size(), 6u);
}

TEST_F(Conversation, IsKeptWhenEverythingIsKilled) {
    start();
    for (int life = 1; life <= 3; ++life) {
        GatewayClient client = connect();
        ASSERT_EQ(chat_turn(client, "life " + std::to_string(life)).state, "final");
        hardshell->kill_all();
        ASSERT_TRUE(hardshell->start_and_wait());
    }
    GatewayClient client = connect();
    const auto lines = history(client);
    EXPECT_EQ(lines.size(), 6u);
    EXPECT_TRUE(contains(lines, "user: life 1"));
    EXPECT_TRUE(contains(lines, "user: life 3"));
}

TEST_F(Conversation, IsStoredAsOpenClawStoresIt) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "for the record").state, "final");
    ASSERT_EQ(hardshell->stop(), 0);
    std::ifstream file(transcript());
    std::vector<Json> entries;
    for (std::string line; std::getline(file, line);) {
        auto entry = parse_json(line);
        ASSERT_TRUE(entry) << line;
        entries.push_back(*entry);
    }
    ASSERT_GE(entries.size(), 3u);
    EXPECT_EQ(text_member(entries[0], "type"), "session");
    EXPECT_EQ(int_member(entries[0], "version"), 3);
    EXPECT_EQ(text_member(entries[0], "id") + ".jsonl", transcript().filename().string());
    const Json& last = entries.back();
    EXPECT_EQ(text_member(last, "type"), "message");
    EXPECT_EQ(text_member(last, "id").size(), 8u);
    EXPECT_EQ(text_member(member(last, "message"), "role"), "assistant");
    EXPECT_EQ(text_member(member(last, "message"), "stopReason"), "stop");
    EXPECT_TRUE(member_at(last, "message.usage.cost").is_object());
    const auto index = parse_json(content(sessions() / "sessions.json"));
    ASSERT_TRUE(index);
    EXPECT_EQ(text_member(member(*index, "agent:main:main"), "sessionId"),
              text_member(entries[0], "id"));
}

TEST_F(Conversation, WithATornLastLineIsRepairedAndTheOriginalKept) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "whole").state, "final");
    const auto before = history(client);
    ASSERT_EQ(hardshell->stop(), 0);
    const std::string torn = R"({"type":"message","id":"0badcafe","parentId":nu)";
    std::ofstream(transcript(), std::ios::app | std::ios::binary) << torn;
    const std::string original = content(transcript());

    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(history(client), before);
    ASSERT_EQ(chat_turn(client, "after the repair").state, "final");
    EXPECT_EQ(history(client).size(), 4u);
    ASSERT_EQ(hardshell->stop(), 0);

    EXPECT_EQ(content(transcript()).find(torn), std::string::npos);
    std::ifstream file(transcript());
    for (std::string line; std::getline(file, line);) EXPECT_TRUE(parse_json(line)) << line;
    bool kept = false;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(hardshell->state_dir()))
        kept = kept || (entry.is_regular_file() && content(entry.path()) == original);
    EXPECT_TRUE(kept) << "no file has the bytes of before the repair";
}

TEST_F(Conversation, OfEachSessionIsItsOwn) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "one", "agent:main:other").state, "final");
    ASSERT_EQ(chat_turn(client, "two").state, "final");
    EXPECT_EQ(history(client).size(), 2u);
    EXPECT_EQ(history(client, "agent:main:other").size(), 2u);
    const Json sessions = client.request("sessions.list");
    EXPECT_EQ(member_at(sessions, "payload.sessions").size(), 2u) << print_json(sessions);
}

}  // namespace
