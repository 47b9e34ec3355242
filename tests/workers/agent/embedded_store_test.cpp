#include "workers/agent/embedded_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <utime.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/channels/channel_store.h"

namespace agent {

using namespace std::chrono_literals;

namespace {

// As the stock gateway wrote it, cut down to a few members of each kind.
constexpr const char* stock_index = R"({
  "agent:main:main": {
    "sessionId": "6f1d9d3e-0a55-4c1e-9df3-0f6f1f1f0001",
    "updatedAt": 1769760000000,
    "systemSent": true,
    "abortedLastRun": false,
    "thinkingLevel": "low",
    "chatType": "direct",
    "deliveryContext": {"channel": "webchat"},
    "origin": {"label": "openclaw-control-ui", "provider": "webchat", "surface": "webchat"},
    "sessionFile": "/data/agents/main/sessions/6f1d9d3e-0a55-4c1e-9df3-0f6f1f1f0001.jsonl",
    "skillsSnapshot": {"prompt": "\n\nThe following skills …", "skills": [{"name": "weather"}]},
    "inputTokens": 12, "outputTokens": 34, "totalTokens": 46,
    "modelProvider": "anthropic", "model": "claude-opus-4-5", "contextTokens": 200000,
    "aMemberOfTheFuture": {"nested": [1, null, "x"]}
  },
  "main": {"sessionId": "old-spelling", "updatedAt": 5, "label": "kept"},
  "agent:main:discord:channel:42": {
    "sessionId": "6f1d9d3e-0a55-4c1e-9df3-0f6f1f1f0002", "updatedAt": 1769750000000,
    "chatType": "channel", "channel": "discord", "groupId": "42", "sendPolicy": "deny"
  }
})";

class Store : public testing::Test {
  protected:
    std::unique_ptr<EmbeddedStore> open(std::chrono::milliseconds export_slice = 4ms) {
        auto opened = EmbeddedStore::open(loop, {directory.path(), "/data", KeyDefaults{},
                                                 [this] { return loop.now_ms; }, export_slice});
        EXPECT_TRUE(opened) << opened.error().what;
        return opened ? std::move(*opened) : nullptr;
    }
    std::string index() const { return directory / "agents/main/sessions/sessions.json"; }
    Session session(const std::string& key, const std::string& id, int64_t updated_at = 1) const {
        return {{"main", key}, {{"sessionId", id}, {"updatedAt", updated_at}}};
    }
    // A write of another program that cannot be taken for our own.
    void write_index(const std::string& text) {
        write_text(index(), text);
        utimbuf times{1'700'000'000 + ++writes_, 1'700'000'000 + writes_};
        utime(index().c_str(), &times);
    }

    TemporaryDirectory directory;
    ManualLoop loop;

  private:
    int writes_ = 0;
};

Json user(const std::string& text) {
    return Json{{"role", "user"}, {"content", text}};
}

}  // namespace

TEST_F(Store, ImportsAStockIndexAndExportsItWithEveryMemberKept) {
    write_index(stock_index);
    const auto store = open();
    const auto main = store->find({"main", "agent:main:main"});
    ASSERT_TRUE(main && *main);
    EXPECT_EQ((*main)->id(), "6f1d9d3e-0a55-4c1e-9df3-0f6f1f1f0001");
    EXPECT_EQ(*store->count("main"), 3u);

    Session changed = **main;
    changed.entry["updatedAt"] = 1769767200000;
    ASSERT_TRUE(store->save(changed));
    loop.advance(EmbeddedStore::export_delay.count());

    Json expected = Json::parse(stock_index);
    expected["agent:main:main"]["updatedAt"] = 1769767200000;
    const Json written = Json::parse(read_text(index()));
    EXPECT_EQ(written["agent:main:main"], expected["agent:main:main"]);
    EXPECT_EQ(written["agent:main:discord:channel:42"], expected["agent:main:discord:channel:42"]);
    EXPECT_EQ(written["main"], expected["main"]) << "the older spelling of the same session";
    EXPECT_EQ(written.size(), 3u);
    struct stat facts {};
    ASSERT_EQ(stat(index().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    EXPECT_FALSE(std::filesystem::exists(index() + ".lock"));
}

TEST_F(Store, ExportsOneSecondAfterAChangeAndAtTheEnd) {
    const auto store = open();
    ASSERT_TRUE(store->save(session("agent:main:main", "s1")));
    loop.advance(999);
    EXPECT_FALSE(std::filesystem::exists(index()));
    loop.advance(1);
    EXPECT_EQ(Json::parse(read_text(index())).size(), 1u);
    EXPECT_EQ(loop.timers(), 0u);
    ASSERT_TRUE(store->save(session("agent:main:x", "s2")));
    store->close();
    EXPECT_EQ(Json::parse(read_text(index())).size(), 2u);
}

TEST_F(Store, WaitsForTheLockOfAStockToolAndTakesOverAStaleOne) {
    const auto store = open();
    ASSERT_TRUE(store->save(session("agent:main:main", "s1")));
    write_text(index() + ".lock", "{\"pid\":1}");
    const auto seconds = static_cast<time_t>(loop.now_ms / 1000);
    utimbuf fresh{seconds, seconds};
    utime((index() + ".lock").c_str(), &fresh);
    loop.advance(3000);
    EXPECT_FALSE(std::filesystem::exists(index()));
    EXPECT_TRUE(std::filesystem::exists(index() + ".lock"));
    loop.advance(30'000);
    EXPECT_TRUE(std::filesystem::exists(index()));
    EXPECT_FALSE(std::filesystem::exists(index() + ".lock"));
}

// Each slice is over after 64 sessions.
class LargeStore : public Store {
  protected:
    LargeStore() {
        Json all = Json::object();
        for (int i = 0; i < 150; ++i)
            all[key(i)] = {{"sessionId", "s" + std::to_string(i)}, {"updatedAt", 10}};
        write_index(print_json(all));
        store = open(0ms);
        keep(7, "first");
        loop.advance(EmbeddedStore::export_delay.count());  // the first slice
    }
    static std::string key(int number) { return "agent:main:" + std::to_string(number); }
    void keep(int number, const std::string& label) {
        Session made = session(key(number), "s" + std::to_string(number), 20);
        made.entry["label"] = label;
        ASSERT_TRUE(store->save(made));
    }
    Json written() const { return Json::parse(read_text(index())); }
    std::string label_of(int number) const { return text_member(written()[key(number)], "label"); }

    std::unique_ptr<EmbeddedStore> store;
};

TEST_F(LargeStore, IsExportedInSlicesAndMissesNoChangeBetweenThem) {
    EXPECT_EQ(label_of(7), "") << "not in one go";
    keep(3, "second");
    ASSERT_TRUE(store->remove({"main", key(4)}));
    keep(5'000, "new");
    loop.advance(100);
    EXPECT_EQ(label_of(7), "first");
    EXPECT_EQ(label_of(3), "") << "written before it changed";
    loop.advance(120'000);
    EXPECT_EQ(label_of(3), "second");
    EXPECT_EQ(label_of(5'000), "new");
    EXPECT_FALSE(written().contains(key(4)));
    EXPECT_EQ(written().size(), 150u);
    EXPECT_EQ(loop.timers(), 0u) << "nothing is left to write";
    EXPECT_FALSE(std::filesystem::exists(index() + ".hardshell-new"));
}

TEST_F(LargeStore, TakesInWhatAStockToolWritesBetweenTwoSlices) {
    Json theirs = written();
    theirs[key(3)] = {{"sessionId", "s3"}, {"updatedAt", 30}, {"label", "stock"}};
    write_index(print_json(theirs));
    loop.advance(120'000);
    EXPECT_EQ(label_of(3), "stock");
    EXPECT_EQ(label_of(7), "first");
    EXPECT_EQ(written().size(), 150u);
}

TEST_F(LargeStore, IsExportedByTheNextProcessWhenThisOneEndsInBetween) {
    ASSERT_TRUE(store->remove({"main", key(4)}));
    store.reset();
    EXPECT_EQ(label_of(7), "");
    store = open();
    loop.advance(2'000);
    EXPECT_EQ(label_of(7), "first");
    EXPECT_EQ(written().size(), 149u);
}

TEST_F(LargeStore, IsWrittenToTheEndBeforeTheProcessEnds) {
    keep(3, "second");
    store->close();
    EXPECT_EQ(label_of(3), "second");
    EXPECT_EQ(written().size(), 150u);
    EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(Store, MergesWhatAStockToolChanged) {
    const auto store = open();
    ASSERT_TRUE(store->save(session("agent:main:a", "a", 10)));
    ASSERT_TRUE(store->save(session("agent:main:b", "b", 10)));
    ASSERT_TRUE(store->save(session("agent:main:gone", "g", 10)));
    loop.advance(1000);
    ASSERT_TRUE(store->save(session("agent:main:unexported", "u", 10)));
    write_index(R"({"agent:main:a":{"sessionId":"a","updatedAt":20,"label":"stock"},)"
                R"("agent:main:b":{"sessionId":"b","updatedAt":5,"label":"older"},)"
                R"("agent:main:c":{"sessionId":"c","updatedAt":30}})");
    EXPECT_EQ(text_member((*store->find({"main", "agent:main:a"}))->entry, "label"), "stock");
    EXPECT_EQ(text_member((*store->find({"main", "agent:main:b"}))->entry, "label"), "");
    EXPECT_TRUE(*store->find({"main", "agent:main:c"}));
    EXPECT_FALSE(*store->find({"main", "agent:main:gone"}));
    EXPECT_TRUE(*store->find({"main", "agent:main:unexported"}));
}

TEST_F(Store, KeepsAnUnreadableIndexAndItsOwnSessions) {
    auto store = open();
    ASSERT_TRUE(store->save(session("agent:main:a", "a", 10)));
    loop.advance(1000);
    write_index("{\"agent:main:a\": {\"sess");
    EXPECT_TRUE(*store->find({"main", "agent:main:a"}));
    ASSERT_TRUE(store->save(session("agent:main:b", "b", 10)));
    loop.advance(1000);
    EXPECT_EQ(Json::parse(read_text(index())).size(), 2u);
    EXPECT_EQ(read_text(index() + ".unreadable-" + std::to_string(loop.now_ms)),
              "{\"agent:main:a\": {\"sess");
}

TEST_F(Store, AnEmptiedIndexDoesNotDeleteTheSessions) {
    const auto store = open();
    ASSERT_TRUE(store->save(session("agent:main:a", "a", 10)));
    loop.advance(1000);
    write_index("{}");
    EXPECT_TRUE(*store->find({"main", "agent:main:a"}));
}

// A program of the version before, which opens this file, too, knows nothing of them.
TEST_F(Store, MakesIndexesAndDocumentsWithoutAVersionOfTheirOwn) {
    const std::string path = directory / "hardshell/agent/state.sqlite";
    const auto count = [&] {
        SQLite::Database file(path, SQLite::OPEN_READONLY);
        EXPECT_EQ(file.execAndGet("PRAGMA user_version").getInt(), 6);
        return file
            .execAndGet(
                "SELECT count(*) FROM sqlite_master WHERE name IN ('documents', "
                "'sessions_by_agent', 'sessions_unexported', 'sessions_with_activation')")
            .getInt();
    };
    ASSERT_TRUE(open());
    EXPECT_EQ(count(), 4);
    {
        SQLite::Database file(path, SQLite::OPEN_READWRITE);
        file.exec(
            "DROP INDEX sessions_by_agent; DROP INDEX sessions_unexported;"
            "DROP INDEX sessions_with_activation; DROP TABLE documents;");
    }
    ASSERT_TRUE(open());
    EXPECT_EQ(count(), 4);
}

// A small agent beside a large one takes no longer for it.
TEST_F(Store, ReadsTheSessionsOfOneAgentInTheirOrderByAnIndex) {
    ASSERT_TRUE(open());
    SQLite::Database file(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READONLY);
    SQLite::Statement plan(file,
                           "EXPLAIN QUERY PLAN SELECT rowid, key, entry FROM sessions INDEXED BY "
                           "sessions_by_agent WHERE rowid>?2 AND agent=?1 ORDER BY rowid");
    ASSERT_TRUE(plan.executeStep());
    EXPECT_THAT(plan.getColumn(3).getString(),
                testing::HasSubstr("sessions_by_agent (agent=? AND rowid>?)"));
    EXPECT_FALSE(plan.executeStep()) << "nothing is sorted";
}

TEST_F(Store, SetsADamagedDatabaseAsideAndReadsTheIndexAgain) {
    {
        const auto store = open();
        ASSERT_TRUE(store->save(session("agent:main:a", "a", 10)));
        store->close();
    }
    write_text(directory / "hardshell/agent/state.sqlite", std::string(8192, 'x'));
    const auto store = open();
    ASSERT_TRUE(store);
    EXPECT_TRUE(*store->find({"main", "agent:main:a"}));
    EXPECT_TRUE(std::filesystem::exists(directory / "hardshell/agent/state.sqlite.damaged-" +
                                        std::to_string(loop.now_ms)));
}

TEST_F(Store, LetsNobodyElseReadWhatItKeeps) {
    const auto store = open();
    ASSERT_TRUE(store->append(session("agent:main:main", "s1"), "e", user("x"),
                              SessionStore::Durability::now));
    ASSERT_TRUE(store->save(session("agent:main:main", "s1")));
    for (const char* name : {"hardshell/agent/state.sqlite", "hardshell/agent/state.sqlite-wal",
                             "agents/main/sessions/s1.jsonl"}) {
        struct stat facts {};
        ASSERT_EQ(stat((directory / name).c_str(), &facts), 0) << name;
        EXPECT_EQ(facts.st_mode & 077, 0u) << name;
    }
}

TEST_F(Store, RefusesNamesThatWouldLeaveItsFolder) {
    const auto store = open();
    for (const char* id : {"../x", "a/b", "", ".hidden", "a\nb"}) {
        const Session bad = session("agent:main:main", id);
        EXPECT_FALSE(store->append(bad, "e", user("x"), SessionStore::Durability::soon)) << id;
        EXPECT_FALSE(store->context(bad)) << id;
        EXPECT_FALSE(store->history(bad, {1, 0, 100})) << id;
    }
    for (const char* agent : {"..", "a/b", "A", "", "x y"}) {
        const Session bad{{agent, "k"}, {{"sessionId", "s"}}};
        EXPECT_FALSE(store->append(bad, "e", user("x"), SessionStore::Durability::soon)) << agent;
        EXPECT_FALSE(store->save(bad)) << agent;
    }
    EXPECT_FALSE(std::filesystem::exists(directory / "x.jsonl"));
}

TEST_F(Store, UsesTheFileAnEntryNamesOnlyWhenItIsTheSessionsOwn) {
    const auto store = open();
    Session topic = session("agent:main:t", "s1");
    topic.entry["sessionFile"] = "/elsewhere/agents/main/sessions/s1-topic-7.jsonl";
    ASSERT_TRUE(store->append(topic, "e", user("x"), SessionStore::Durability::soon));
    EXPECT_TRUE(std::filesystem::exists(directory / "agents/main/sessions/s1-topic-7.jsonl"));
    Session other = session("agent:main:u", "s2");
    other.entry["sessionFile"] = "/data/openclaw.jsonl";
    EXPECT_EQ(store->transcript_location(other), "/data/agents/main/sessions/s2.jsonl");
}

TEST_F(Store, HistoryKeepsTheLastMessagesWithinBothLimits) {
    const auto store = open();
    const Session main = session("agent:main:main", "s1");
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(store->append(
            main, "e" + std::to_string(i),
            user("[Telegram Ann 2026-01-30 10:00] m" + std::to_string(i) + "\n[message_id: 9]"),
            SessionStore::Durability::soon));
    const Json three = Json::parse(*store->history(main, {3, 0, 1'000'000}));
    ASSERT_EQ(three.size(), 3u);
    EXPECT_EQ(three[0]["content"], "m7");
    EXPECT_EQ(three[2]["content"], "m9");
    const std::string text = *store->history(main, {1000, 0, 100});
    EXPECT_LE(text.size(), 100u);
    EXPECT_EQ(Json::parse(text).back()["content"], "m9");
    const Json older = Json::parse(*store->history(main, {3, 3, 1'000'000}));
    ASSERT_EQ(older.size(), 3u);
    EXPECT_EQ(older[0]["content"], "m4");
    EXPECT_EQ(older[2]["content"], "m6");
    EXPECT_EQ(Json::parse(*store->history(main, {3, 8, 1'000'000})).size(), 2u);
    EXPECT_EQ(*store->history(main, {3, 10, 1'000'000}), "[]");
    EXPECT_EQ(store->preview(main).first_user_text, "m0");
    EXPECT_EQ(store->preview(main).last_text, "m9");
}

TEST_F(Store, PassesOverWhatIsNoMessage) {
    const auto store = open();
    const Session main = session("agent:main:main", "s1");
    for (const char* text : {"m0", "m1", "m2"})
        ASSERT_TRUE(store->append(main, text, user(text), SessionStore::Durability::soon));
    std::ofstream(directory / "agents/main/sessions/s1.jsonl", std::ios::app)
        << R"({"type":"custom","id":"c","data":"a \"message\":{} in a text"})"
        << "\n";
    const Json older = Json::parse(*store->history(main, {3, 1, 1'000'000}));
    ASSERT_EQ(older.size(), 2u);
    EXPECT_EQ(older[1]["content"], "m1");
}

TEST_F(Store, ForksTheActiveBranchAndLeavesTheParentAsItIs) {
    const auto store = open();
    const Session parent = session("agent:main:discord:channel:1", "s1");
    const Session child = session("agent:main:discord:channel:2", "s2");
    EXPECT_FALSE(*store->fork(parent, child)) << "there is nothing yet";
    ASSERT_TRUE(store->append(parent, "aaaaaaaa", user("one"), SessionStore::Durability::soon));
    const std::string path = directory / "agents/main/sessions/s1.jsonl";
    // A side branch that was left, and a line that is damaged.
    std::ofstream(path, std::ios::app)
        << R"({"type":"message","id":"side0000","parentId":"aaaaaaaa","message":{"role":"user","content":"aside"}})"
        << "\n{ damaged\n"
        << R"({"type":"message","id":"bbbbbbbb","parentId":"aaaaaaaa","message":{"role":"user","content":"two"}})"
        << "\n";
    const std::string before = read_text(path);
    ASSERT_TRUE(*store->fork(parent, child));
    EXPECT_EQ(read_text(path), before);
    const auto lines = json_lines(read_text(directory / "agents/main/sessions/s2.jsonl"));
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0]["id"], "s2");
    EXPECT_THAT(text_member(lines[0], "parentSession"), testing::HasSubstr("s1.jsonl"));
    EXPECT_EQ(lines[2]["parentId"], "aaaaaaaa");
    ASSERT_TRUE(store->append(child, "cccccccc", user("three"), SessionStore::Durability::now));
    const auto context = store->context(child);
    ASSERT_EQ(context->size(), 3u);
    EXPECT_EQ(message_text((*context)[1]), "two");
    EXPECT_EQ(store->context(parent)->size(), 2u);
}

TEST_F(Store, RemembersRunsAcrossLivesAndPrunesOldOnes) {
    RunRecord run;
    run.method = "chat";
    run.run_id = "r1";
    run.session = {"main", "agent:main:main"};
    run.message = user("hi");
    run.entry_id = "cafecafe";
    run.accepted_ms = loop.now_ms;
    run.thinking = "high";
    run.timeout_ms = 5000;
    run.extra_system = "be brief";
    run.fresh_session = true;
    run.attempts = 1;
    {
        const auto store = open();
        ASSERT_TRUE(store->accept_run(run, nullptr, {}));
    }
    const auto store = open();
    const auto unfinished = store->unfinished_runs();
    ASSERT_TRUE(unfinished);
    ASSERT_EQ(unfinished->size(), 1u);
    EXPECT_EQ(unfinished->front().message, user("hi"));
    EXPECT_EQ(unfinished->front().entry_id, "cafecafe");
    EXPECT_EQ(unfinished->front().thinking, "high");
    EXPECT_EQ(unfinished->front().timeout_ms, 5000);
    EXPECT_EQ(unfinished->front().extra_system, "be brief");
    EXPECT_TRUE(unfinished->front().fresh_session);
    EXPECT_EQ(unfinished->front().attempts, 1);
    run.ended_ms = loop.now_ms;
    run.status = "ok";
    ASSERT_TRUE(store->record_runs({{&run, nullptr}}));
    EXPECT_TRUE(store->unfinished_runs()->empty());
    EXPECT_EQ((*store->find_run("chat", "r1"))->status, "ok");
    EXPECT_FALSE(*store->find_run("agent", "r1"));
    for (const char* method : {"agent", "cron"}) {
        RunRecord other = run;
        other.method = method;
        other.run_id = std::string("of ") + method;
        ASSERT_TRUE(store->accept_run(other, nullptr, {}));
    }
    EXPECT_EQ((*store->find_run("", "r1"))->method, "chat");
    EXPECT_EQ((*store->find_run("", "of agent"))->method, "agent");
    EXPECT_EQ((*store->find_run("", "of cron"))->method, "cron");
    EXPECT_FALSE(*store->find_run("", "r2"));
    loop.now_ms += 700'000;
    RunRecord later = run;
    later.run_id = "r2";
    later.accepted_ms = loop.now_ms;
    ASSERT_TRUE(store->accept_run(later, nullptr, {}));
    EXPECT_FALSE(*store->find_run("chat", "r1"));
}

// A turn whose end is forgotten would be taken a second time.
TEST_F(Store, RemembersARunUntilItsMessageIsSettled) {
    const auto store = open();
    const InboundRow message{"telegram", "1", loop.now_ms, "hi"};
    ASSERT_TRUE(store->channels().put_inbound({message}));
    RunRecord run;
    run.method = "channel";
    run.run_id = "channel:telegram:1";
    run.session = {"main", "agent:main:main"};
    run.message = user("hi");
    run.entry_id = "cafecafe";
    run.accepted_ms = run.ended_ms = loop.now_ms;
    run.status = "ok";
    ASSERT_TRUE(store->accept_run(run, nullptr, {}));
    const auto is_known_after_a_while = [&](const char* next) {
        loop.now_ms += 700'000;
        RunRecord later = run;
        later.run_id = next;
        later.accepted_ms = later.ended_ms = loop.now_ms;
        EXPECT_TRUE(store->accept_run(later, nullptr, {}));
        return store->find_run("channel", run.run_id)->has_value();
    };
    EXPECT_TRUE(is_known_after_a_while("r2"));
    ASSERT_TRUE(store->channels().settle_inbound({&message}, {}, loop.now_ms));
    EXPECT_FALSE(is_known_after_a_while("r3"));
}

}  // namespace agent
