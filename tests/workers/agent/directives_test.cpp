// What belongs to a directive and what to the message.

#include "workers/agent/directives.h"

#include <gmock/gmock.h>

namespace agent {

namespace {

using Kind = Command::Kind;

DirectedText read(std::string_view text) {
    return take_directives(
        text, [](const std::string& word) { return word == "opus" || word.find('/') == 1; });
}

std::string rest(std::string_view text) {
    return read(text).rest;
}

std::string level(std::string_view text, Kind kind = Kind::thinking) {
    const Directives found = read(text).directives;
    const auto at = found.levels.find(kind);
    return at == found.levels.end() ? "none" : at->second;
}

}  // namespace

TEST(Directives, AreTakenOutOfAMessage) {
    EXPECT_EQ(level("/think high what is 6 by 7?"), "high");
    EXPECT_EQ(rest("/think high what is 6 by 7?"), "what is 6 by 7?");
    EXPECT_EQ(rest("what is 6 /t max by 7?"), "what is 6 by 7?");
    EXPECT_EQ(level("what is 6 /t max by 7?"), "high");
    EXPECT_EQ(rest("first line\n/verbose on\nsecond line"), "first line\nsecond line");
    EXPECT_EQ(level("/v full", Kind::verbose), "full");
    EXPECT_EQ(level("/think: low"), "low");
    EXPECT_EQ(level("/think:low"), "low");
    EXPECT_EQ(rest("/think high /verbose off"), "");
}

TEST(Directives, TakeOnlyWhatBelongsToThem) {
    for (const char* text :
         {"put it into /t", "what does /model do", "/think about cats", "see /think/high",
          "a/think high", "/queue for tickets", "what is /exec doing?", "/think"})
        EXPECT_EQ(rest(text), text) << text;
    EXPECT_TRUE(read("/think about cats").directives.is_empty());
}

TEST(Directives, AreNotLookedForInFencedCode) {
    const std::string text = "run this:\n```\n/think high\n```\nplease";
    EXPECT_EQ(rest(text), text);
    EXPECT_EQ(level("```\nx\n```\n/think high"), "high");
}

TEST(Directives, NameAModelOnlyByAKnownName) {
    EXPECT_EQ(read("/model opus hello").directives.model, "opus");
    EXPECT_EQ(read("/model opus hello").rest, "hello");
    EXPECT_EQ(read("/model a/b@work").directives.model, "a/b@work");
    EXPECT_EQ(rest("/model tea hello"), "/model tea hello");
}

TEST(Directives, SetQueueAndExecByWords) {
    const Directives queue =
        read("/queue collect debounce:2s cap:25 drop:old and go on").directives;
    EXPECT_EQ(queue.queue.mode, QueueMode::collect);
    EXPECT_EQ(queue.queue.debounce_ms, 2000);
    EXPECT_EQ(queue.queue.cap, 25);
    EXPECT_EQ(queue.queue.drop, QueueDrop::old);
    EXPECT_EQ(rest("/queue collect debounce:2s cap:25 drop:old and go on"), "and go on");
    EXPECT_EQ(read_queue("steer-backlog debounce=500")->debounce_ms, 500);
    EXPECT_TRUE(read_queue("default")->resets);
    for (const char* wrong : {"quickly", "cap:0", "cap:1001", "debounce:1h", "drop:all", "cap:x"})
        EXPECT_FALSE(read_queue(wrong)) << wrong;
    EXPECT_EQ(read_queue("debounce:60s cap:1000")->cap, most_queued);
    EXPECT_THAT(read_queue("cap:1001").error().what,
                testing::HasSubstr("debounce:<0 to 60s>, cap:<1 to 1000>"));
    const Directives exec = read("/exec host=gateway ask=on-miss node=Mac now").directives;
    EXPECT_EQ(exec.exec.host, "gateway");
    EXPECT_EQ(exec.exec.ask, "on-miss");
    EXPECT_EQ(exec.exec.node, "Mac");
    EXPECT_FALSE(read_exec("host=moon"));
}

TEST(Directives, ReadAnyBytes) {
    for (const char* text : {"/", "//", "/think:", "/think::", "/\xff", "/queue ",
                             "/exec host=", "/model @", "/t \n high", ":", "```/think high"})
        (void)read(text);
    EXPECT_EQ(rest("/t \n high"), "/t \n high") << "a level stands on the same line";
}

}  // namespace agent
