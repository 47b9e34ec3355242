#include "workers/gateway/log_tail.h"

#include <gmock/gmock.h>

#include "workers/gateway/log_gate.h"

namespace gateway {
namespace {

using hardshell::proto::LogAnswer;
using hardshell::proto::LogLine;
using hardshell::proto::LogQuery;

LogLine line(const std::string& worker, const std::string& level, const std::string& text) {
    LogLine made;
    made.set_worker(worker);
    made.set_level(level);
    made.set_text(text);
    made.set_time_ms(1'769'767'200'000);
    return made;
}

TEST(LogTail, WritesLinesAsStockClientsReadThem) {
    const Json written = *parse_json(log_file_line(line("agent", "warn", "a \"word\""), "host"));
    EXPECT_EQ(written["time"], "2026-01-30T10:00:00.000Z");
    EXPECT_EQ(written["_meta"]["logLevelName"], "WARN");
    EXPECT_EQ(written["_meta"]["name"], R"({"subsystem":"agent"})");
    EXPECT_EQ(written["0"], R"({"subsystem":"agent"})");
    EXPECT_EQ(written["1"], "a \"word\"");
}

TEST(LogTail, TakesATagForAPartOfTheWorker) {
    const Json written = *parse_json(log_file_line(line("gateway", "info", "[ws] hello"), "host"));
    EXPECT_EQ(written["0"], R"({"subsystem":"gateway/ws"})");
    EXPECT_EQ(written["1"], "hello");
    const Json other = *parse_json(log_file_line(line("agent", "", "[1, 2] is a list"), "host"));
    EXPECT_EQ(other["1"], "[1, 2] is a list");
    EXPECT_EQ(other["_meta"]["logLevelName"], "INFO");
}

TEST(LogTail, GivesTheNewestLinesThatFit) {
    LogAnswer answer;
    answer.set_cursor(77);
    for (const char* text : {"one", "two", "three"}) *answer.add_lines() = line("agent", "", text);
    Json reply = log_reply(answer, "host", 1'000'000);
    EXPECT_EQ(reply["lines"].size(), 3u);
    EXPECT_EQ(reply["truncated"], false);
    EXPECT_EQ(reply["cursor"], 77);
    EXPECT_EQ(reply["size"], 77);
    const size_t room = reply["lines"][2].get_ref<const std::string&>().size() + 10;
    reply = log_reply(answer, "host", room);
    ASSERT_EQ(reply["lines"].size(), 1u);
    EXPECT_THAT(text_member(reply, "file"), testing::HasSubstr("log"));
    EXPECT_THAT(reply["lines"][0].get<std::string>(), testing::HasSubstr("three"));
    EXPECT_EQ(reply["truncated"], true);
}

TEST(LogTail, AsksForWhatTheClientWants) {
    LogQuery query = log_query(Json::object());
    EXPECT_FALSE(query.has_cursor());
    EXPECT_EQ(query.most_lines(), 500u);
    EXPECT_EQ(query.most_bytes(), 250'000u);
    EXPECT_EQ(query.worker(), "");
    EXPECT_EQ(log_query({{"worker", "agent"}}).worker(), "agent");
    query = log_query({{"cursor", 5}, {"limit", 7}, {"maxBytes", 9}});
    EXPECT_EQ(query.cursor(), 5u);
    EXPECT_EQ(query.most_lines(), 7u);
    EXPECT_EQ(log_size_faults({{"limit", 5'001}, {"maxBytes", 1'000'001}}),
              "at /limit: must be between 1 and 5000; at /maxBytes: must be between 1 and 1000000");
    EXPECT_EQ(log_size_faults({{"limit", 5'000}}), "");
}

TEST(LogGate, AnswersEachQuestionOnce) {
    const auto loop = make_epoll_loop();
    std::vector<uint64_t> sent;
    Done outcome;
    LogGate gate(*loop, [&](const LogQuery& query) {
        sent.push_back(query.id());
        return outcome;
    });
    std::vector<std::string> answers;
    const auto ask = [&] {
        gate.ask({}, [&](const Result<LogAnswer>& answer) {
            answers.push_back(answer ? std::to_string(answer->cursor()) : answer.error().what);
        });
    };
    ask();
    LogAnswer answer;
    answer.set_id(sent.front());
    answer.set_cursor(3);
    gate.take(answer);
    gate.take(answer);
    for (size_t open = 0; open <= LogGate::most_open; ++open) ask();
    outcome = Error{Fault::unreachable, "nobody is there"};
    EXPECT_THAT(answers, testing::ElementsAre("3", "too many requests about the log are open"));
}

}  // namespace
}  // namespace gateway
