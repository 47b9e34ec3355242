// What a process that is killed leaves behind, and what its successors make of it.

#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <atomic>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace {

std::atomic<int> syncs{0};

}  // namespace

// In place of the C library's, for SQLite as well: every wait for the disk is counted.
extern "C" int fsync(int descriptor) {
    ++syncs;
    return static_cast<int>(syscall(SYS_fsync, descriptor));
}
extern "C" int fdatasync(int descriptor) {
    ++syncs;
    return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Interrupted : public testing::Test {
  protected:
    // One process that is killed at the end of what it does.
    void killed(const std::function<void(Life&)>& doing) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            Life life(directory.path(), loop);
            (void)life.runs->recover();
            loop.settle();
            doing(life);
            kill(getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
    }
    // The process that comes after, which lives on.
    Life& next_life() {
        life_ = std::make_unique<Life>(directory.path(), loop);
        const auto found = life_->runs->recover();
        EXPECT_TRUE(found);
        if (found) recovered = *found;
        loop.settle();
        return *life_;
    }
    std::vector<std::string> conversation(const std::string& key = "main") {
        std::vector<std::string> all;
        const Json messages = life_->history(key);
        for (const Json& message : messages)
            all.push_back(text_member(message, "role") + " " + text_member(message, "stopReason") +
                          (message_text(message).empty() ? "" : " " + message_text(message)));
        return all;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Runs::Recovered recovered;

  private:
    std::unique_ptr<Life> life_;
};

}  // namespace

TEST_F(Interrupted, RunsBeginAgainInTheirOrder) {
    killed([&](Life& life) {
        life.send("main", "first", "r1");
        life.send("main", "waits", "r2");
        life.send("main", "/new third", "r3");
        life.models.last().say("some text");
        loop.settle();
    });
    Life& life = next_life();
    EXPECT_EQ(recovered.resumed, 3u);
    ASSERT_EQ(life.models.calls.size(), 1u);
    ASSERT_EQ(life.models.last().request.messages.size(), 1u);
    EXPECT_EQ(message_text(life.models.last().request.messages[0]), "first");
    EXPECT_EQ(life.send("main", "first", "r1")["status"], "in_flight");
    const auto waits = life.call("agent.wait", {{"runId", "r1"}});
    life.models.last().finish("1");
    loop.settle();
    ASSERT_EQ(waits->size(), 1u);
    EXPECT_EQ(Json::parse(waits->front().payload_json)["status"], "ok");
    EXPECT_EQ(life.events.last("chat final")->run_id, "r1");
    ASSERT_EQ(life.models.calls.size(), 2u);
    EXPECT_THAT(conversation(), ElementsAre("user  first", "assistant stop 1", "user  waits"));
    life.models.last().finish("2");
    loop.settle();
    ASSERT_EQ(life.models.calls.size(), 3u);
    life.models.last().finish("3");
    loop.settle();
    EXPECT_THAT(conversation(), ElementsAre("user  third", "assistant stop 3"));
    EXPECT_EQ(life.send("main", "first", "r1")["status"], "ok");
    EXPECT_EQ(life.send("main", "waits", "r2")["status"], "ok");
}

TEST_F(Interrupted, ARunIsAnsweredAsItWasAskedFor) {
    killed([&](Life& life) {
        life.ask("agent", {{"message", "hello"},
                           {"idempotencyKey", "r1"},
                           {"thinking", "high"},
                           {"timeout", 7},
                           {"extraSystemPrompt", "Speak French."}});
        loop.settle();
    });
    Life& life = next_life();
    const ModelRequest& request = life.models.last().request;
    EXPECT_EQ(request.thinking, "high");
    EXPECT_THAT(request.system, HasSubstr("Speak French."));
    loop.advance(7000);
    EXPECT_EQ(life.events.last("chat aborted")->payload["stopReason"], "timeout");
}

TEST_F(Interrupted, ARunThatWasBegunTwiceIsGivenUpWithAWord) {
    const auto say_half = [&](Life& life) {
        life.models.last().say("half");
        loop.settle();
    };
    killed([&](Life& life) {
        life.send("main", "poison", "r1");
        life.send("main", "harmless", "r2");
        say_half(life);
    });
    killed(say_half);
    Life& life = next_life();
    EXPECT_EQ(recovered.given_up, 1u);
    EXPECT_EQ(recovered.resumed, 1u);
    ASSERT_EQ(life.models.calls.size(), 1u);
    EXPECT_EQ(message_text(life.models.last().request.messages.back()), "harmless");
    life.models.last().finish("fine");
    loop.settle();
    EXPECT_THAT(conversation(), ElementsAre("user  poison", "assistant error", "user  harmless",
                                            "assistant stop fine"));
    EXPECT_THAT(text_member(life.history("main")[1], "errorMessage"), HasSubstr("ended twice"));
    const auto duplicate = life.ask(
        "chat.send", {{"sessionKey", "main"}, {"message", "poison"}, {"idempotencyKey", "r1"}});
    EXPECT_EQ(duplicate["code"], "UNAVAILABLE");
    EXPECT_TRUE(life.events.labels("r1").empty()) << "told by the gateway when it happened";
    EXPECT_TRUE(life.store->unfinished_runs()->empty());
}

TEST_F(Interrupted, AnAttemptIsOnTheDiskBeforeItIsMade) {
    killed([&](Life& life) {
        life.send("main", "first", "r1");
        life.send("main", "second", "r2");
        life.models.last().finish("1");
        loop.settle();  // the second begins
    });
    Life& life = next_life();
    EXPECT_EQ((*life.store->find_run("chat", "r2"))->attempts, 2);
    EXPECT_EQ((*life.store->find_run("chat", "r1"))->status, "ok");
}

TEST_F(Interrupted, ARunWhoseAnswerWasStoredCountsAsDone) {
    killed([&](Life& life) {
        life.send("main", "go", "r1");
        life.models.last().finish("answer");  // durable, the journal not yet
    });
    Life& life = next_life();
    EXPECT_EQ(recovered.answered, 1u);
    EXPECT_TRUE(life.models.calls.empty());
    EXPECT_THAT(conversation(), ElementsAre("user  go", "assistant stop answer"));
    EXPECT_EQ(life.send("main", "go", "r1")["status"], "ok");
}

TEST_F(Interrupted, AWaitingRunThatClientsWereToldIsAbortedIsNotAnswered) {
    killed([&](Life& life) {
        life.send("main", "first", "r1");
        life.send("main", "unwanted", "r2");
        life.ask("chat.abort", {{"sessionKey", "main"}, {"runId", "r2"}});
    });
    Life& life = next_life();
    life.models.last().finish("1");
    loop.settle();
    EXPECT_EQ(life.models.calls.size(), 1u);
    EXPECT_THAT(conversation(), ElementsAre("user  first", "assistant stop 1", "user  unwanted",
                                            "assistant aborted"));
    EXPECT_TRUE(life.events.labels("r2").empty()) << "told before";
}

TEST_F(Interrupted, ARunGoesOnInTheConversationItsMessageIsIn) {
    killed([&](Life& life) {
        life.send("main", "before", "r1");
        life.ask("sessions.reset", {{"key", "main"}});
    });
    Life& life = next_life();
    const ModelRequest& request = life.models.last().request;
    ASSERT_EQ(request.messages.size(), 1u);
    EXPECT_EQ(message_text(request.messages[0]), "before");
    life.models.last().finish("late");
    loop.settle();
    EXPECT_TRUE(conversation().empty());
    const std::string old_file =
        directory / "agents/main/sessions/" + request.session_id + ".jsonl";
    EXPECT_THAT(read_text(old_file), HasSubstr("late"));
    EXPECT_EQ(json_lines(read_text(old_file)).size(), 3u) << "header, message, answer";
}

TEST_F(Interrupted, ADatabaseOfTheFirstVersionIsTakenOver) {
    std::filesystem::create_directories(directory / "hardshell/agent");
    {
        SQLite::Database old(directory / "hardshell/agent/state.sqlite",
                             SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        old.exec(
            "CREATE TABLE sessions(agent TEXT NOT NULL, key TEXT NOT NULL, updated_at INTEGER "
            "NOT NULL, dirty INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY(agent, key));"
            "CREATE TABLE runs(method TEXT NOT NULL, run_id TEXT NOT NULL, agent TEXT NOT "
            "NULL, key TEXT NOT NULL, spelling TEXT NOT NULL, session_id TEXT NOT NULL, "
            "accepted_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT "
            "NULL, message TEXT NOT NULL, entry_id TEXT NOT NULL, answer_id TEXT NOT NULL, "
            "status TEXT NOT NULL, summary TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY "
            "KEY(method, run_id));"
            "CREATE TABLE exchanges(agent TEXT PRIMARY KEY, modified_ns INTEGER NOT NULL, "
            "size INTEGER NOT NULL);"
            "INSERT INTO sessions VALUES('main','agent:main:main',5,0,"
            "'{\"sessionId\":\"s1\",\"updatedAt\":5}');"
            "INSERT INTO runs VALUES('chat','r1','main','agent:main:main','main','s1',1,0,0,"
            "'{\"role\":\"user\",\"content\":\"old\"}','e','a','','','null');"
            "PRAGMA user_version=1;");
    }
    Life& life = next_life();
    EXPECT_EQ(recovered.resumed, 1u);
    ASSERT_EQ(life.models.calls.size(), 1u);
    EXPECT_EQ(life.models.last().request.session_id, "s1");
    life.models.last().finish("new");
    loop.settle();
    EXPECT_THAT(conversation(), ElementsAre("user  old", "assistant stop new"));
}

// Two waits for the disk per waiting run would take longer than a stop may.

constexpr int many = 60;

TEST_F(Interrupted, ManyWaitingRunsAreEndedWithFewSyncsAtAStop) {
    Life life(directory.path(), loop);
    for (int i = 0; i < many; ++i) life.send("main", "text", "r" + std::to_string(i));
    const int before = syncs;
    bool drained = false;
    life.runs->drain(std::chrono::milliseconds(10), [&] { drained = true; });
    loop.advance(10);
    EXPECT_TRUE(drained);
    EXPECT_EQ(life.events.count("chat error"), static_cast<size_t>(many));
    EXPECT_EQ(life.history("main").size(), 2u * many);
    EXPECT_TRUE(life.store->unfinished_runs()->empty());
    // The decisions; the answer under way; the transcript; the ends. A checkpoint of the journal
    // may add two.
    EXPECT_LE(syncs - before, 8);
    EXPECT_GE(syncs - before, 4) << "not counted";
}

TEST_F(Interrupted, ManyRunsAreGivenUpWithFewSyncs) {
    killed([&](Life& life) {
        for (int i = 0; i < many; ++i)
            life.send("session " + std::to_string(i % 3), "text", "r" + std::to_string(i));
        for (int i = 3; i < many; ++i) life.runs->abort_run("r" + std::to_string(i), "rpc");
    });
    killed([](Life&) {});
    const int before = syncs;
    Life& life = next_life();
    EXPECT_LE(syncs - before, 12) << "three transcripts and the journal";
    EXPECT_EQ(recovered.given_up, static_cast<size_t>(many));
    EXPECT_TRUE(life.models.calls.empty());
    EXPECT_TRUE(life.store->unfinished_runs()->empty());
    EXPECT_EQ(life.history("session 0").size(), 2u * many / 3);
}

}  // namespace agent
