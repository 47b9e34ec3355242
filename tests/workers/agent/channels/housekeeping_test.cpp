// What goes from the volume, and what never does.

#include "workers/agent/housekeeping.h"

#include <gmock/gmock.h>
#include <utime.h>

#include <optional>

#include "tests/workers/agent/channels/channel_process.h"

namespace agent {
namespace {

constexpr uint64_t mebibyte = 1u << 20;

TEST(VolumeQuotas, KnowAFileByItsPlace) {
    const auto kind = [](const char* path) { return kind_of_file(path); };
    EXPECT_EQ(kind("agents/main/sessions/a.jsonl"), DataKind::transcripts);
    EXPECT_EQ(kind("agents/main/sessions/a-topic-7.jsonl"), DataKind::transcripts);
    for (const char* copy : {"agents/main/sessions/a.jsonl.deleted.2026-01-30T10-00-00.000Z",
                             "agents/main/sessions/a.jsonl.bak.2026-01-30T10-00-00.000Z-2",
                             "agents/main/sessions/a.jsonl.torn-2026-01-30T10-00-00.000Z",
                             "agents/main/sessions/sessions.json.unreadable-1769767200000",
                             "hardshell/agent/state.sqlite.damaged-1769767200000-wal",
                             "cron/jobs.json.damaged.2026-01-30T10-00-00.000Z"})
        EXPECT_EQ(kind(copy), DataKind::copies) << copy;
    EXPECT_EQ(kind("hardshell/agent/out/abc.png"), DataKind::media);
    EXPECT_EQ(kind("cron/runs/job.jsonl"), DataKind::logs);
    EXPECT_EQ(kind("agents/main/sessions/a.jsonl.hardshell-new"), DataKind::leftovers);
    EXPECT_EQ(kind("hardshell/agent/state.sqlite-wal"), DataKind::database);
    EXPECT_EQ(kind("workspace/agents/main/sessions/a.jsonl"), DataKind::workspace);
    for (const char* kept :
         {"agents/main.bak/sessions/a.jsonl.deleted.2025", "agents/main/sessions/deep/a.jsonl",
          "agents/main/sessions/sessions.json", "cron/jobs.json", "cron/jobs.json.bak",
          "agents/main/agent/auth-profiles.json", "agents/main/agent/notes.jsonl", "openclaw.json"})
        EXPECT_EQ(kind(kept), DataKind::none) << kept;
}

TEST(VolumeQuotas, AreAShareOfTheVolumeAndHalfOfItWhileThatFills) {
    const DataQuota& copies = quota_of(DataKind::copies);
    EXPECT_EQ(most_bytes_of(copies, {}), copies.most_bytes) << "its size is not known";
    const Volume roomy{1000 * mebibyte, 500 * mebibyte};
    EXPECT_NEAR(static_cast<double>(most_bytes_of(copies, roomy)) / mebibyte, 150, 1);
    const Volume filling{1000 * mebibyte, 150 * mebibyte};
    EXPECT_NEAR(static_cast<double>(most_bytes_of(copies, filling)) / mebibyte, 75, 1);
    const Volume huge{mebibyte << 20, mebibyte << 19};
    EXPECT_EQ(most_bytes_of(copies, huge), copies.most_bytes);
}

TEST(VolumeQuotas, LetTheOldestGoUntilTheRestFits) {
    const DataQuota& copies = quota_of(DataKind::copies);
    const int64_t now = 100 * 24 * 3'600'000LL;
    const std::vector<DataFile> files = {
        {"c", 10, now - copies.spared_ms + 1}, {"b", 10, 2}, {"needed", 10, 0}, {"a", 10, 1}};
    const auto gone = [&](uint64_t most) {
        std::string names;
        for (const DataFile& file :
             files_to_prune(files, copies, 40, most, now,
                            [](const DataFile& one) { return one.path == "needed"; }))
            names += file.path;
        return names;
    };
    EXPECT_EQ(gone(40), "");
    EXPECT_EQ(gone(39), "a");
    EXPECT_EQ(gone(30), "a");
    EXPECT_EQ(gone(29), "ab");
    EXPECT_EQ(gone(0), "ab") << "what is young, and what is needed, stays";
    EXPECT_TRUE(files_to_prune({{"a", 10, 0}}, quota_of(DataKind::workspace), 10, 0, now,
                               [](const DataFile&) { return false; })
                    .empty())
        << "the workspace is its owner's";
}

class AgentHousekeeping : public testing::Test {
  protected:
    AgentHousekeeping() {
        const Result<Fd> file = BoardPage::create("agent");
        board.emplace(std::move(*BoardPage::map(file->get(), true)));
    }
    // A file of so many bytes that was last written so many days ago.
    std::string put(const std::string& path, size_t bytes, int64_t days) {
        const std::string whole = directory / path;
        std::filesystem::create_directories(whole.substr(0, whole.rfind('/')));
        write_text(whole, std::string(bytes, 'x'));
        const time_t at = loop.now_ms / 1000 - days * 24 * 3600;
        const utimbuf times{at, at};
        utime(whole.c_str(), &times);
        return whole;
    }
    bool is_there(const std::string& path) { return std::filesystem::exists(directory / path); }
    // A volume on which `bytes` are the quota of a kind with that share.
    void look(uint64_t quota_bytes, DataKind kind) {
        const uint64_t total = (quota_bytes * 100 / quota_of(kind).percent + 99) / 100 * 100;
        housekeeping.emplace(Housekeeping::Services{loop,
                                                    *board,
                                                    agent.life.store->channels(),
                                                    [this] { return loop.now_ms; },
                                                    directory.path(),
                                                    [total] {
                                                        return Volume{total, total};
                                                    },
                                                    {"workspace", "workspace-ops"}});
        loop.advance(Housekeeping::first_look.count() + 5'000);
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    ChannelProcess agent{directory.path(), loop};
    std::optional<BoardPage> board;
    std::optional<Housekeeping> housekeeping;
};

TEST_F(AgentHousekeeping, RemovesOldCopiesWhenTheyTakeTooMuch) {
    const std::string folder = "agents/main/sessions/";
    put(folder + "a.jsonl.deleted.2025", 5'000, 40);
    put(folder + "b.jsonl.bak.2025", 5'000, 30);
    put(folder + "c.jsonl.torn-2026", 5'000, 1);
    put("workspace/deep/er/file", 2'000, 400);
    put("workspace-ops/file", 1'000, 400);
    look(10'000, DataKind::copies);
    EXPECT_FALSE(is_there(folder + "a.jsonl.deleted.2025"));
    EXPECT_TRUE(is_there(folder + "b.jsonl.bak.2025")) << "within the quota again";
    EXPECT_TRUE(is_there(folder + "c.jsonl.torn-2026"));
    EXPECT_TRUE(is_there("workspace/deep/er/file"));
    EXPECT_EQ(board->get(Counter::volume_copies_bytes), 10'000);
    EXPECT_EQ(board->get(Counter::volume_workspace_bytes), 3'000);
    EXPECT_EQ(board->get(Counter::volume_pruned_files), 1);
    EXPECT_EQ(board->get(Counter::volume_pruned_bytes), 5'000);
}

TEST_F(AgentHousekeeping, KeepsEveryConversation) {
    put("agents/main/sessions/live.jsonl", 5'000, 400);
    put("agents/main/sessions/live-topic-7.jsonl", 5'000, 400);
    look(1'000, DataKind::transcripts);
    EXPECT_TRUE(is_there("agents/main/sessions/live.jsonl"));
    EXPECT_TRUE(is_there("agents/main/sessions/live-topic-7.jsonl"));
    EXPECT_EQ(board->get(Counter::volume_transcripts_bytes), 10'000);
}

TEST_F(AgentHousekeeping, KeepsTheFileOfAMessageThatIsNotDelivered) {
    DeliverMessage message;
    message.add_attachments()->set_path("hardshell/agent/out/waits.png");
    OutboundRow row;
    row.id = "d1";
    row.worker = "telegram";
    row.chat = "555";
    row.created_ms = loop.now_ms;
    row.message = message.SerializeAsString();
    ASSERT_TRUE(agent.life.store->channels().put_outbound({&row}));
    put("hardshell/agent/out/waits.png", 5'000, 1);
    put("hardshell/agent/out/forgotten.png", 5'000, 1);
    look(1'000, DataKind::media);
    EXPECT_TRUE(is_there("hardshell/agent/out/waits.png"));
    EXPECT_FALSE(is_there("hardshell/agent/out/forgotten.png"));
}

TEST_F(AgentHousekeeping, LooksAtAFewFilesAtATimeAndFollowsNoLink) {
    TemporaryDirectory elsewhere;
    write_text(elsewhere / "big", std::string(9'000, 'x'));
    std::filesystem::create_directories(directory / "workspace");
    std::filesystem::create_directory_symlink(elsewhere.path(), directory / "workspace/link");
    for (int n = 0; n < 500; ++n) put("workspace/" + std::to_string(n), 10, 0);
    size_t slices = 0;
    uint64_t bytes = 0;
    VolumeWalk walk(directory.path(), {"workspace"},
                    [&](const std::string&, const struct stat& facts) {
                        bytes += static_cast<uint64_t>(facts.st_size);
                    });
    while (walk.step(64)) ++slices;
    EXPECT_EQ(bytes, 5'000u);
    EXPECT_GE(slices, 7u);
    EXPECT_FALSE(walk.is_cut_short());
}

}  // namespace
}  // namespace agent
