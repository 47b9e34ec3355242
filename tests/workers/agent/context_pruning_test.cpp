#include "workers/agent/context_pruning.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t hour = 3'600'000;
constexpr int64_t window = 10'000;  // tokens: 40,000 bytes

// Turns of one message, one call of a tool, its result and an answer each.
class Talk {
  public:
    Talk& turn(int64_t at_ms, size_t result_bytes, const std::string& tool = "exec") {
        const std::string id = "c" + std::to_string(messages.size());
        add({{"role", "user"}, {"content", "go on"}, {"timestamp", at_ms}});
        add({{"role", "assistant"},
             {"content", Json::array({{{"type", "toolCall"}, {"id", id}, {"name", tool}}})},
             {"timestamp", at_ms + 1}});
        add({{"role", "toolResult"},
             {"toolCallId", id},
             {"toolName", tool},
             {"content",
              Json::array({{{"type", "text"}, {"text", std::string(result_bytes, 'x')}}})},
             {"timestamp", at_ms + 2}});
        add({{"role", "assistant"},
             {"content", Json::array({{{"type", "text"}, {"text", "done"}}})},
             {"timestamp", at_ms + 3}});
        return *this;
    }
    void add(Json message) { messages.push_back(Message(std::move(message))); }
    // Of each result, as the model is sent it.
    std::vector<size_t> sizes(const PruningSettings& settings) const {
        std::vector<Message> sent = messages;
        prune_results(sent, settings, window);
        EXPECT_EQ(sent.size(), messages.size());
        std::vector<size_t> sizes;
        for (const Message& message : sent)
            if (text_view(message.json(), "role") == "toolResult")
                sizes.push_back(message_size(message, 0));
        return sizes;
    }

    std::vector<Message> messages;
};

PruningSettings settings_of(const char* pruning) {
    Json config = Json::object();
    config["agents"]["defaults"]["contextPruning"] = *parse_json(pruning);
    return pruning_settings(config);
}

PruningSettings usual() {
    return settings_of(R"({"mode": "cache-ttl", "ttl": "1h", "keepLastAssistants": 1,
                           "minPrunableToolChars": 1000})");
}

Talk long_one() {
    Talk made;
    made.turn(hour, 15'000).turn(hour + 10, 15'000).turn(hour + 20, 500).turn(hour + 30, 500);
    return made;
}

}  // namespace

TEST(ContextPruning, LeavesAWarmConversationAsItIs) {
    EXPECT_THAT(long_one().sizes(usual()), testing::ElementsAre(15'000, 15'000, 500, 500));
    EXPECT_FALSE(settings_of(R"({"mode": "off"})").on);
    EXPECT_FALSE(pruning_settings(Json::object()).on);
}

TEST(ContextPruning, TakesTheMiddleOfLongResultsOnceItHasRested) {
    Talk talk = long_one();
    talk.add({{"role", "user"}, {"content", "back again"}, {"timestamp", 3 * hour}});
    const std::vector<size_t> sizes = talk.sizes(usual());
    EXPECT_LT(sizes[0], 3'200u);
    EXPECT_LT(sizes[1], 3'200u);
    EXPECT_EQ(sizes[2], 500u);
    std::vector<Message> sent = talk.messages;
    prune_results(sent, usual(), window);
    const Json& result = sent[2].json();
    EXPECT_EQ(result["toolCallId"], "c0");
    EXPECT_THAT(result["content"][0]["text"].get<std::string>(),
                HasSubstr("the first 1500 and the last 1500 of 15000 bytes"));
    EXPECT_EQ(message_size(talk.messages[2], 0), 15'000u) << "the transcript's own is untouched";
}

TEST(ContextPruning, StaysTheSameUntilTheNextRest) {
    Talk talk = long_one();
    talk.turn(3 * hour, 20'000);
    const std::vector<size_t> first = talk.sizes(usual());
    EXPECT_LT(first[0], 3'200u);
    EXPECT_EQ(first[4], 20'000u) << "of the turn under way";
    talk.turn(3 * hour + 10, 20'000);
    std::vector<size_t> later = talk.sizes(usual());
    later.pop_back();
    EXPECT_EQ(later, first);
    talk.turn(5 * hour, 10);
    EXPECT_LT(talk.sizes(usual())[4], 3'200u);
}

TEST(ContextPruning, ClearsTheOldestWhereThatIsNotEnough) {
    Talk talk;
    for (int i = 0; i < 12; ++i) talk.turn(hour + i * 10, 3'900);
    talk.add({{"role", "user"}, {"content", "back again"}, {"timestamp", 3 * hour}});
    const std::vector<size_t> sizes = talk.sizes(usual());
    const size_t cleared = usual().placeholder.size();
    EXPECT_EQ(sizes[0], cleared);
    EXPECT_EQ(sizes[11], 3'900u);
    const auto left = static_cast<size_t>(std::count(sizes.begin(), sizes.end(), 3'900u));
    EXPECT_LT(left * 3'900, 20'000u) << "below half of the window";
    EXPECT_GE((left + 1) * 3'900, 19'000u) << "no more than has to be";
    PruningSettings careful = usual();
    careful.least_clearable = 100'000;
    EXPECT_EQ(talk.sizes(careful)[0], 3'900u);
    careful = usual();
    careful.clears = false;
    EXPECT_EQ(talk.sizes(careful)[0], 3'900u);
}

TEST(ContextPruning, KeepsTheLastAnswersAndWhatFollowsThem) {
    Talk talk = long_one();
    talk.add({{"role", "user"}, {"content", "back again"}, {"timestamp", 3 * hour}});
    PruningSettings settings = usual();
    settings.keep_last_assistants = 6;  // of eight
    EXPECT_LT(talk.sizes(settings)[0], 3'200u);
    EXPECT_EQ(talk.sizes(settings)[1], 15'000u);
    settings.keep_last_assistants = 9;
    EXPECT_EQ(talk.sizes(settings)[0], 15'000u);
}

TEST(ContextPruning, IsForTheToolsTheOwnerNames) {
    Talk talk;
    talk.turn(hour, 15'000, "Read").turn(hour + 10, 15'000, "exec").turn(hour + 20, 10);
    talk.add({{"role", "user"}, {"content", "back again"}, {"timestamp", 3 * hour}});
    PruningSettings settings = usual();
    settings.kept_tools = {"rea*"};
    EXPECT_EQ(talk.sizes(settings)[0], 15'000u);
    EXPECT_LT(talk.sizes(settings)[1], 3'200u);
    settings = settings_of(R"({"mode": "cache-ttl", "ttl": "60", "keepLastAssistants": 1,
                               "tools": {"allow": ["READ"]}})");
    EXPECT_EQ(settings.ttl_ms, hour) << "minutes, where no unit is said";
    EXPECT_LT(talk.sizes(settings)[0], 3'200u);
    EXPECT_EQ(talk.sizes(settings)[1], 15'000u);
}

TEST(ContextPruning, CutsNoCharacterInTwo) {
    Talk talk;
    std::string text;
    for (int i = 0; i < 8'000; ++i) text += "ü";
    talk.turn(hour, 1);
    talk.add({{"role", "toolResult"},
              {"toolName", "exec"},
              {"content", Json::array({{{"type", "text"}, {"text", text}}})},
              {"timestamp", hour + 4}});
    talk.turn(hour + 10, 1);
    talk.add({{"role", "user"}, {"content", "back again"}, {"timestamp", 3 * hour}});
    PruningSettings settings = usual();
    settings.head = 1'501;
    settings.tail = 1'501;
    prune_results(talk.messages, settings, window);
    const std::string sent = message_text(talk.messages[4]);
    EXPECT_THAT(sent, StartsWith("üü"));
    EXPECT_THAT(sent, HasSubstr("first 1500 and the last 1500 of 16000"));
    EXPECT_EQ(sent.find("\xbc\n...\n\xc3"), 1'499u);
}

// The model is sent less; the transcript has it all.
TEST(ContextPruning, OfATurnLeavesTheTranscriptWhole) {
    TemporaryDirectory directory;
    ManualLoop loop;
    Json config = Json::object();
    config["agents"]["defaults"]["contextPruning"] = {
        {"mode", "cache-ttl"}, {"ttl", "1h"}, {"keepLastAssistants", 1}};
    Life life(directory.path(), loop, std::move(config));
    life.models.window = 40'000;
    life.send("main", "hi", "r1");
    life.models.last().finish("hello");
    loop.settle();
    const Session session = **life.store->find({"main", "agent:main:main"});
    const Talk talk = Talk().turn(loop.now_ms, 60'000);
    for (size_t i = 0; i < talk.messages.size(); ++i)
        ASSERT_TRUE(life.store->append(session, "0000000" + std::to_string(i), talk.messages[i],
                                       SessionStore::Durability::now));
    const auto size_of_result = [](const std::vector<Message>& messages) {
        for (const Message& message : messages)
            if (text_view(message.json(), "role") == "toolResult") return message_size(message, 0);
        return size_t{0};
    };
    loop.advance(2 * hour);
    life.send("main", "back again", "r2");
    EXPECT_LT(size_of_result(life.models.last().request.messages), 3'200u);
    EXPECT_EQ(size_of_result(*life.store->context(session)), 60'000u);
}

}  // namespace agent
