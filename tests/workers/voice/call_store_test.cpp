#include "workers/voice/call_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace voice {

namespace {

constexpr int64_t now = 1'800'000'000'000;

class TheCallStore : public testing::Test {
  protected:
    void SetUp() override {
        folder = testing::TempDir() + "voice-calls-" + std::to_string(getpid());
        std::filesystem::remove_all(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    static Call call(const std::string& id, int64_t started_ms = now) {
        Call made;
        made.id = id;
        made.started_ms = started_ms;
        return made;
    }
    std::string text() const {
        std::ifstream file(folder + "/calls.jsonl");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void append(const std::string& bytes) const {
        std::ofstream(folder + "/calls.jsonl", std::ios::app) << bytes;
    }

    std::string folder;
};

}  // namespace

TEST_F(TheCallStore, KeepsTheLastOfEachCall) {
    CallStore store(folder);
    ASSERT_TRUE(store.load(now));
    Call one = call("one");
    ASSERT_TRUE(store.put(one));
    ASSERT_TRUE(store.put(call("two")));
    one.move(CallState::ringing, now);
    ASSERT_TRUE(store.put(one));
    CallStore later(folder);
    const auto calls = later.load(now);
    ASSERT_TRUE(calls);
    ASSERT_EQ(calls->size(), 2u);
    EXPECT_EQ((*calls)[0].id, "one");
    EXPECT_EQ((*calls)[0].state, CallState::ringing);
}

TEST_F(TheCallStore, IsForItsOwnerAlone) {
    CallStore store(folder);
    ASSERT_TRUE(store.load(now));
    struct stat info {};
    ASSERT_EQ(stat((folder + "/calls.jsonl").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    ASSERT_EQ(stat(folder.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(TheCallStore, LeavesOutATornLineAndWhatIsNoCall) {
    {
        CallStore store(folder);
        ASSERT_TRUE(store.load(now));
        ASSERT_TRUE(store.put(call("one")));
    }
    append("not json\n{\"callId\":7}\n[]\n{\"callId\":\"torn\",\"sta");
    CallStore store(folder);
    const auto calls = store.load(now);
    ASSERT_TRUE(calls);
    ASSERT_EQ(calls->size(), 1u);
    ASSERT_TRUE(store.put(call("two"))) << "behind a file that is whole again";
    EXPECT_EQ(text().find("torn"), std::string::npos);
    EXPECT_EQ(CallStore(folder).load(now)->size(), 2u);
}

TEST_F(TheCallStore, ForgetsThePastButNoLiveCall) {
    CallStore store(folder);
    ASSERT_TRUE(store.load(now));
    Call old = call("old", now - CallStore::kept_ms - 1);
    ASSERT_TRUE(store.put(old));
    old.id = "old and over";
    old.move(CallState::completed, now);
    ASSERT_TRUE(store.put(old));
    for (size_t count = 0; count < CallStore::most_kept + 10; ++count) {
        Call ended = call("n" + std::to_string(count));
        ended.move(CallState::completed, now);
        ASSERT_TRUE(store.put(ended));
    }
    const auto calls = CallStore(folder).load(now);
    ASSERT_EQ(calls->size(), CallStore::most_kept);
    EXPECT_EQ((*calls)[0].id, "old");
    EXPECT_EQ(calls->back().id, "n" + std::to_string(CallStore::most_kept + 9));
}

TEST_F(TheCallStore, WantsANewFileWhenItHasGrown) {
    CallStore store(folder);
    ASSERT_TRUE(store.load(now));
    Call large = call("large");
    large.opening = std::string(1 << 20, 'x');
    for (int times = 0; times < 5; ++times) {
        EXPECT_EQ(store.wants_rewrite(), times == 4) << times;
        ASSERT_TRUE(store.put(large));
    }
    ASSERT_TRUE(store.rewrite({large}, now));
    EXPECT_FALSE(store.wants_rewrite());
    EXPECT_LT(text().size(), 2u << 20);
}

// Otherwise every change of any call would write all of them.
TEST_F(TheCallStore, WantsNoNewFileOnlyBecauseItKeepsMuch) {
    CallStore store(folder);
    ASSERT_TRUE(store.load(now));
    Call large = call("large");
    large.opening = std::string(CallStore::rewrite_after + 1, 'x');
    ASSERT_TRUE(store.rewrite({large}, now));
    EXPECT_FALSE(store.wants_rewrite());
    ASSERT_TRUE(store.put(call("small")));
    EXPECT_FALSE(store.wants_rewrite());
}

TEST_F(TheCallStore, SetsAsideWhatItCannotRead) {
    std::filesystem::create_directories(folder);
    append("the calls of a year");
    std::filesystem::resize_file(folder + "/calls.jsonl", CallStore::largest_file + 1);
    CallStore store(folder);
    const auto calls = store.load(now);
    ASSERT_TRUE(calls);
    EXPECT_TRUE(calls->empty());
    EXPECT_NE(store.remark().find("calls.jsonl is kept as"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(folder + "/calls.jsonl.unread"),
              CallStore::largest_file + 1);
    ASSERT_TRUE(store.put(call("one")));
    EXPECT_EQ(CallStore(folder).load(now)->size(), 1u);
}

}  // namespace voice
