#include "workers/agent/transcript.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/workers/agent/support.h"
#include "workers/agent/conversations.h"

namespace agent {

namespace {

using testing::ElementsAre;

Json user(const std::string& text) {
    return Json{{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", text}}})}};
}

Json assistant(const std::string& text, const std::string& reason = "stop") {
    return Json{{"role", "assistant"},
                {"content", Json::array({{{"type", "text"}, {"text", text}}})},
                {"stopReason", reason}};
}

std::string line(const std::string& id, const std::string& parent, const Json& message) {
    return entry_line(id, parent, 1'769'767'200'000, message);
}

std::vector<std::string> texts(const std::vector<Message>& messages) {
    std::vector<std::string> all;
    for (const Message& message : messages) all.push_back(message_text(message));
    return all;
}

std::vector<std::string> shown(const std::string& text) {
    const TemporaryDirectory directory;
    write_text(directory / "t.jsonl", text);
    Conversations conversations("/state");
    const Result<std::vector<Message>> messages = conversations.context(directory / "t.jsonl", 0);
    return messages ? texts(*messages) : std::vector<std::string>{messages.error().what};
}

const std::string header = header_line("s1", 1'769'767'200'000, "/state");

}  // namespace

TEST(Transcript, WritesTheHeaderAndEntriesOfVersionThree) {
    EXPECT_EQ(header,
              "{\"type\":\"session\",\"version\":3,\"id\":\"s1\",\"timestamp\":"
              "\"2026-01-30T10:00:00.000Z\",\"cwd\":\"/state\"}\n");
    const Json root = Json::parse(line("aaaaaaaa", "", user("hi")));
    EXPECT_TRUE(root["parentId"].is_null());
    EXPECT_EQ(root["type"], "message");
    EXPECT_EQ(root["timestamp"], "2026-01-30T10:00:00.000Z");
    EXPECT_EQ(Json::parse(line("b", "aaaaaaaa", user("hi")))["parentId"], "aaaaaaaa");
}

TEST(Transcript, ShowsThePathFromTheLeafToTheRootAndNotTheOtherBranch) {
    EXPECT_THAT(shown(header + line("a", "", user("one")) + line("b", "a", assistant("left")) +
                      line("c", "a", assistant("right")) + line("d", "c", user("two"))),
                ElementsAre("one", "right", "two"));
}

TEST(Transcript, ReplacesWhatCameBeforeACompactionByItsSummary) {
    const std::string compaction =
        R"({"type":"compaction","id":"e","parentId":"d","timestamp":"t","summary":"they met",)"
        R"("firstKeptEntryId":"c","tokensBefore":9})"
        "\n";
    const auto all = shown(header + line("a", "", user("one")) + line("b", "a", assistant("1")) +
                           line("c", "b", user("two")) + line("d", "c", assistant("2")) +
                           compaction + line("f", "e", user("three")));
    ASSERT_EQ(all.size(), 4u);
    EXPECT_THAT(all[0], testing::HasSubstr("they met"));
    EXPECT_THAT(std::vector(all.begin() + 1, all.end()), ElementsAre("two", "2", "three"));
}

TEST(Transcript, LeavesOutFailedAndInjectedAnswersButKeepsWhatAnAbortLeft) {
    EXPECT_THAT(
        shown(header + line("a", "", user("one")) + line("b", "a", assistant("", "error")) +
              line("c", "b", user("two")) + line("d", "c", assistant("half", "aborted")) +
              line("e", "d", assistant("✅ status", "injected")) + line("f", "e", user("three"))),
        ElementsAre("one", "two", "half", "three"));
}

TEST(Transcript, AnInjectedLineWithoutParentDoesNotCutTheConversationOff) {
    const std::string injected =
        R"({"type":"message","id":"x","timestamp":"t","message":{"role":"assistant",)"
        R"("content":[{"type":"text","text":"note"}],"stopReason":"injected"}})"
        "\n";
    EXPECT_THAT(
        shown(header + line("a", "", user("one")) + line("b", "a", assistant("1")) + injected),
        ElementsAre("one", "1"));
}

TEST(Transcript, ReadsVersionOneAsOneLongBranch) {
    EXPECT_THAT(shown("{\"type\":\"session\",\"id\":\"s\"}\n"
                      "{\"type\":\"message\",\"message\":{\"role\":\"user\",\"content\":\"a\"}}\n"
                      "{\"type\":\"message\",\"message\":{\"role\":\"user\",\"content\":\"b\"}}\n"),
                ElementsAre("a", "b"));
}

TEST(Transcript, SkipsBadLinesInTheMiddleAndACircleOfParents) {
    EXPECT_THAT(shown(header + line("a", "b", user("one")) + "no json\n{\"half\":\n" +
                      std::string(200, '[') + "\n" + line("b", "a", assistant("two"))),
                ElementsAre("one", "two"));
}

TEST(Transcript, GivesInterruptedToolCallsAResultAndDropsResultsWithoutACall) {
    const Json call{{"role", "assistant"},
                    {"content", Json::array({{{"type", "toolCall"},
                                              {"id", "t1"},
                                              {"name", "exec"},
                                              {"arguments", Json::object()}}})},
                    {"stopReason", "toolUse"}};
    const Json stray{{"role", "toolResult"}, {"toolCallId", "t9"}, {"content", Json::array()}};
    std::vector<Json> messages{user("go"), call, user("next"), stray};
    repair_pairs(messages);
    ASSERT_EQ(messages.size(), 4u);
    EXPECT_EQ(messages[2]["role"], "toolResult");
    EXPECT_EQ(messages[2]["toolCallId"], "t1");
    EXPECT_EQ(messages[2]["isError"], true);
    EXPECT_EQ(message_text(messages[3]), "next");
}

TEST(Transcript, DropsTheOldestTurnsThatDoNotFit) {
    std::vector<Message> messages;
    for (int i = 0; i < 10; ++i) {
        messages.push_back(user(std::to_string(i) + std::string(300, 'u')));
        messages.push_back(assistant(std::string(300, 'a')));
    }
    messages.push_back(user("now"));
    trim_to(messages, 500);
    ASSERT_EQ(messages.size(), 5u);
    EXPECT_EQ(text_view(messages[0], "role"), "user");
    EXPECT_EQ(message_text(messages[0])[0], '8');
    std::vector<Message> one{user(std::string(10'000, 'x'))};
    trim_to(one, 10);
    EXPECT_EQ(one.size(), 1u);
}

TEST(Transcript, StripsEnvelopesAndMessageIdsFromAUsersText) {
    EXPECT_EQ(without_envelope("hi\n[message_id: 42-ab]"), "hi");
    EXPECT_EQ(without_envelope("[Telegram Ann 2026-01-30 10:00 UTC] hello"), "hello");
    EXPECT_EQ(without_envelope("[WebChat 2026-01-30T10:00Z] hello"), "hello");
    EXPECT_EQ(without_envelope("[1] is a footnote"), "[1] is a footnote");
    EXPECT_EQ(without_envelope("[message_id: x]"), "");
}

// The torn end: every byte of the last line.

TEST(TornTranscript, IsRepairedWhereverTheLastLineWasCutAndTheOriginalIsKept) {
    const std::string whole = header + line("a", "", user("one"));
    const std::string last = line("b", "a", assistant("zwei – 2"));
    for (size_t cut = 0; cut < last.size(); ++cut) {
        const TemporaryDirectory directory;
        const std::string path = directory / "t.jsonl";
        const std::string torn = whole + last.substr(0, cut);
        write_text(path, torn);
        const Result<OpenedTranscript> opened = open_transcript(path, 1'769'767'200'000);
        ASSERT_TRUE(opened);
        const bool complete = cut + 1 == last.size();  // only the line break is missing
        EXPECT_EQ(read_text(path), complete ? whole + last : whole) << "cut at " << cut;
        EXPECT_EQ(opened->size, read_text(path).size());
        if (cut == 0 || complete) {
            EXPECT_TRUE(opened->torn_copy.empty());
        } else {
            EXPECT_EQ(opened->torn_copy, path + ".torn-2026-01-30T10-00-00.000Z");
            EXPECT_EQ(read_text(opened->torn_copy), torn);
        }
    }
}

TEST(TornTranscript, ZerosAndJunkLinesAtTheEndAreCutOff) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    const std::string whole = header + line("a", "", user("one"));
    write_text(path, whole + "junk\n{\"also\":\n" + std::string(4096, '\0'));
    ASSERT_TRUE(open_transcript(path, 1));
    EXPECT_EQ(read_text(path), whole);
}

TEST(TornTranscript, IsContinuedAfterTheRepair) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    write_text(path, header + line("a", "", user("one")) + "{\"type\":\"mess");
    Conversations conversations("/state");
    ASSERT_TRUE(conversations.append(path, "s1", "b", assistant("two"), 1, true));
    const auto lines = json_lines(read_text(path));
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[2]["parentId"], "a");
}

// Appending.

TEST(Conversations, KeepTheBranchInMemoryAndReadItAgainWhenAnotherProgramWrote) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    Conversations conversations("/state");
    ASSERT_TRUE(conversations.append(path, "s1", "a", user("one"), 1, false));
    std::ofstream(path, std::ios::app) << line("z", "a", assistant("stock"));
    ASSERT_TRUE(conversations.append(path, "s1", "b", user("two"), 1, true));
    EXPECT_EQ(json_lines(read_text(path)).back()["parentId"], "z");
    EXPECT_THAT(texts(*conversations.context(path, 1)), ElementsAre("one", "stock", "two"));
}

TEST(Conversations, DoNotWaitForAPipeInTheirPlace) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    Conversations conversations("/state");
    const auto context = conversations.context(path, 1);
    ASSERT_FALSE(context);
    EXPECT_THAT(context.error().what, testing::HasSubstr("no regular file"));
    EXPECT_FALSE(read_backwards(path, [](std::string_view) { return true; }));
}

TEST(Conversations, StayWithinTheirBounds) {
    const TemporaryDirectory directory;
    Conversations conversations("/state");
    for (int i = 0; i < 40; ++i)
        ASSERT_TRUE(conversations.append(directory / (std::to_string(i) + ".jsonl"), "s", "a",
                                         user("x"), 1, false));
    EXPECT_EQ(conversations.open_count(), Conversations::most_open);
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(conversations.append(directory / (std::to_string(i) + ".jsonl"), "s", "b",
                                         user(std::string(3u << 20, 'y')), 1, false));
    EXPECT_LE(conversations.open_bytes(), Conversations::most_bytes);
    EXPECT_EQ(texts(*conversations.context(directory / "39.jsonl", 1)).size(), 1u);
}

TEST(Conversations, ReadWhatTheyForgotAgain) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    Conversations conversations("/state");
    ASSERT_TRUE(conversations.append(path, "s1", "a", user("one"), 1, false));
    EXPECT_GT(conversations.open_bytes(), 0u);
    conversations.forget();
    EXPECT_EQ(conversations.open_bytes(), 0u);
    ASSERT_TRUE(conversations.append(path, "s1", "b", user("two"), 1, false));
    EXPECT_THAT(texts(*conversations.context(path, 1)), ElementsAre("one", "two"));
}

TEST(Conversations, AFullDiskLeavesTheFileAsItWas) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t.jsonl";
    Conversations conversations("/state");
    ASSERT_TRUE(conversations.append(path, "s1", "a", user("one"), 1, true));
    const std::string before = read_text(path);

    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = old;
    small.rlim_cur = before.size() + 10;  // the write begins and cannot end
    setrlimit(RLIMIT_FSIZE, &small);
    const Done done = conversations.append(path, "s1", "b", user("does not fit"), 1, true);
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::no_storage);
    EXPECT_THAT(done.error().what, testing::HasSubstr(path));
    EXPECT_EQ(read_text(path), before);
    ASSERT_TRUE(conversations.append(path, "s1", "c", user("fits again"), 1, true));
    EXPECT_THAT(texts(*conversations.context(path, 1)), ElementsAre("one", "fits again"));
}

TEST(ReadBackwards, YieldsLinesLongerThanABlockAndStopsWhenTold) {
    const TemporaryDirectory directory;
    const std::string path = directory / "t";
    const std::string big(300'000, 'b');
    write_text(path, "first\n" + big + "\nlast\n");
    std::vector<size_t> sizes;
    ASSERT_TRUE(read_backwards(path, [&](std::string_view text) {
        sizes.push_back(text.size());
        return true;
    }));
    EXPECT_THAT(sizes, ElementsAre(4u, 300'000u, 5u));
    int count = 0;
    ASSERT_TRUE(read_backwards(path, [&](std::string_view) { return ++count < 2; }));
    EXPECT_EQ(count, 2);
}

}  // namespace agent
