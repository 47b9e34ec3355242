#include "workers/agent/providers/event_stream.h"

#include <gmock/gmock.h>

namespace agent {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs read_in_pieces(std::string_view bytes, size_t first, size_t rest = 1'000'000) {
    EventStream stream;
    std::vector<StreamEvent> events;
    size_t size = first;
    while (!bytes.empty()) {
        EXPECT_TRUE(stream.feed(bytes.substr(0, size), events));
        bytes.remove_prefix(std::min(size, bytes.size()));
        size = rest;
    }
    Pairs pairs;
    for (const StreamEvent& event : events) pairs.emplace_back(event.type, event.data);
    return pairs;
}

struct Case {
    const char* name;
    std::string bytes;
    Pairs events;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> list = {
        {"plain", "event: a\ndata: 1\n\ndata: 2\n\n", {{"a", "1"}, {"", "2"}}},
        {"carriage returns and line feeds",
         "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n",
         {{"a", "1"}, {"", "2"}}},
        {"carriage returns only", "event: a\rdata: 1\r\rdata: 2\r\r", {{"a", "1"}, {"", "2"}}},
        {"comments", ": hello\n\n:\ndata: 1\n: between\n\n", {{"", "1"}}},
        {"several lines of data", "data: 1\ndata:  2\ndata\ndata:3\n\n", {{"", "1\n 2\n\n3"}}},
        {"byte order mark",
         "\xEF\xBB\xBF"
         "data: 1\n\n",
         {{"", "1"}}},
        {"a type without data", "event: a\n\ndata: 1\n\n", {{"", "1"}}},
        {"other fields", "id: 7\nretry: 10\ndata: 1\nunknown: x\n\n", {{"", "1"}}},
        {"empty data", "data:\n\n", {{"", ""}}},
        {"an event that is cut off", "data: 1\n\ndata: 2\n", {{"", "1"}}},
    };
    return list;
}

TEST(EventStream, ReadsEveryFormHoweverItIsSplit) {
    for (const Case& test : cases()) {
        EXPECT_EQ(read_in_pieces(test.bytes, 1, 1), test.events) << test.name;
        for (size_t at = 0; at <= test.bytes.size(); ++at)
            EXPECT_EQ(read_in_pieces(test.bytes, at), test.events) << test.name << " at " << at;
    }
}

TEST(EventStream, RefusesAnEventOfMoreThanOneMebibyte) {
    EventStream stream;
    std::vector<StreamEvent> events;
    const std::string line = "data: " + std::string(1000, 'x') + "\n";
    Done fed;
    for (int i = 0; i < 1100 && fed; ++i) fed = stream.feed(line, events);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().fault, Fault::bad_message);
    EXPECT_TRUE(events.empty());
}

TEST(EventStream, RefusesALineWithoutAnEnd) {
    EventStream stream;
    std::vector<StreamEvent> events;
    const std::string bytes(64 * 1024, 'x');
    Done fed;
    int rounds = 0;
    while (fed && rounds < 100) fed = stream.feed(bytes, events), ++rounds;
    EXPECT_FALSE(fed);
    EXPECT_EQ(rounds, 17);
}

TEST(EventStream, ReadsALongStreamOfSmallEvents) {
    EventStream stream;
    std::vector<StreamEvent> events;
    for (int i = 0; i < 50'000; ++i)
        ASSERT_TRUE(stream.feed("data: 0123456789012345678901234567890123456789\n\n", events));
    EXPECT_EQ(events.size(), 50'000u);
}

}  // namespace
}  // namespace agent
