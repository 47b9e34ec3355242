// The methods that look into sessions and change them.

#include <gmock/gmock.h>
#include <utime.h>

#include <utility>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Sessions : public testing::Test {
  protected:
    std::string complaint(const std::string& method, const Json& params) {
        const Json answer = life.ask(method, params);
        EXPECT_EQ(answer["code"], "INVALID_REQUEST") << print_json(answer);
        return text_member(answer, "message");
    }
    void turn(const std::string& key, const std::string& text, const std::string& answer) {
        life.send(key, text, "turn " + std::to_string(++turns_));
        life.models.last().finish(answer);
        loop.settle();
    }
    Json patch(Json params, const std::string& key = "main") {
        params["key"] = key;
        return life.ask("sessions.patch", params);
    }
    Json entry(const std::string& key = "agent:main:main") {
        const auto session = life.store->find({"main", key});
        return session && *session ? (*session)->entry : Json();
    }
    std::string sessions(const std::string& name = {}) const {
        return directory / "agents/main/sessions/" + name;
    }
    std::string transcript(const std::string& key = "agent:main:main") {
        return sessions(text_member(entry(key), "sessionId") + ".jsonl");
    }
    std::vector<std::string> files_with(const std::string& part) const {
        std::vector<std::string> found;
        for (const auto& file : std::filesystem::directory_iterator(sessions()))
            if (file.path().filename().string().find(part) != std::string::npos)
                found.push_back(file.path());
        return found;
    }
    Json exported() {
        loop.advance(EmbeddedStore::export_delay.count());
        return Json::parse(read_text(sessions("sessions.json")));
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop};

  private:
    int turns_ = 0;
};

}  // namespace

TEST_F(Sessions, PreviewShowsTheLastTextsOfEachKey) {
    turn("main", "[Telegram Ann 2026-01-30 10:00] question\n[message_id: 5]", "answer");
    turn("main", "äöüäöüäöüäöüäöüäöüäöüäöü", std::string(50, 'x'));
    patch({{"label", "empty one"}}, "new");
    const Json answer =
        life.ask("sessions.preview", {{"keys", {"main", "new", "nobody"}}, {"maxChars", 20}});
    EXPECT_EQ(answer["ts"], loop.now_ms);
    ASSERT_EQ(answer["previews"].size(), 3u);
    const Json& main = answer["previews"][0];
    EXPECT_EQ(main["key"], "main") << "as it was asked for";
    EXPECT_EQ(main["status"], "ok");
    EXPECT_EQ(main["items"][0], (Json{{"role", "user"}, {"text", "question"}}));
    EXPECT_EQ(main["items"][1], (Json{{"role", "assistant"}, {"text", "answer"}}));
    EXPECT_EQ(main["items"][2]["text"], "äöüäöüäöüäöüäöüäöüä…") << "20 characters";
    EXPECT_EQ(main["items"][3]["text"], std::string(19, 'x') + "…");
    EXPECT_EQ(answer["previews"][1]["status"], "empty");
    EXPECT_EQ(answer["previews"][2]["status"], "missing");
    const Json last = life.ask("sessions.preview", {{"keys", {"main"}}, {"limit", 1}});
    ASSERT_EQ(last["previews"][0]["items"].size(), 1u);
    EXPECT_EQ(last["previews"][0]["items"][0]["text"], std::string(50, 'x'));
    EXPECT_EQ(complaint("sessions.preview", {{"keys", Json::array()}}),
              "invalid sessions.preview params: at /keys: must NOT have fewer than 1 items");
    EXPECT_THAT(complaint("sessions.preview", {{"keys", {1}}, {"maxChars", 19}}),
                HasSubstr("at /keys: must hold strings only; at /maxChars: must be >= 20"));
}

TEST_F(Sessions, PreviewLooksAt64KeysAtMost) {
    EXPECT_EQ(life.ask("sessions.preview", {{"keys", Json(100, "x")}})["previews"].size(), 64u);
}

TEST_F(Sessions, PreviewTellsAnErrorOfOneKeyAndShowsTheOthers) {
    turn("main", "hello", "hi");
    turn("bad", "hello", "hi");
    std::filesystem::remove(transcript("agent:main:bad"));
    std::filesystem::create_directory(transcript("agent:main:bad"));
    const Json answer = life.ask("sessions.preview", {{"keys", {"bad", "main"}}});
    EXPECT_EQ(answer["previews"][0]["status"], "error");
    EXPECT_EQ(answer["previews"][1]["status"], "ok");
}

TEST_F(Sessions, ResolveFindsByExactlyOneOfKeyIdAndLabel) {
    patch({{"label", "Home"}});
    patch({{"spawnedBy", "agent:main:main"}, {"label", "Helper"}}, "agent:main:subagent:1");
    const std::string id = text_member(entry(), "sessionId");
    const Json main{{"ok", true}, {"key", "agent:main:main"}};
    EXPECT_EQ(life.ask("sessions.resolve", {{"key", " MAIN "}}), main);
    EXPECT_EQ(life.ask("sessions.resolve", {{"sessionId", id}}), main);
    EXPECT_EQ(life.ask("sessions.resolve", {{"label", "Home"}, {"agentId", "main"}}), main);
    EXPECT_EQ(life.ask("sessions.resolve",
                       {{"label", "Helper"}, {"spawnedBy", "agent:main:main"}})["key"],
              "agent:main:subagent:1");
    EXPECT_THAT(complaint("sessions.resolve", {{"label", "Helper"}, {"spawnedBy", "other"}}),
                HasSubstr("no session has the label \"Helper\""));
    EXPECT_THAT(complaint("sessions.resolve", Json::object()), HasSubstr("exactly one"));
    EXPECT_THAT(complaint("sessions.resolve", {{"key", "main"}, {"label", "Home"}}),
                HasSubstr("exactly one"));
    EXPECT_EQ(complaint("sessions.resolve", {{"key", "nobody"}}),
              "there is no session agent:main:nobody");
    ASSERT_TRUE(life.store->save(
        {{"main", "global"}, {{"sessionId", "g"}, {"updatedAt", 1}, {"label", "All"}}}));
    EXPECT_THAT(complaint("sessions.resolve", {{"label", "All"}}), HasSubstr("no session"));
    EXPECT_EQ(life.ask("sessions.resolve", {{"label", "All"}, {"includeGlobal", true}})["key"],
              "global");
}

TEST_F(Sessions, PatchSetsClearsAndCreates) {
    const Json answer = patch({{"thinkingLevel", "High"},
                               {"verboseLevel", "off"},
                               {"reasoningLevel", "stream"},
                               {"responseUsage", "full"},
                               {"elevatedLevel", "ask"},
                               {"execHost", "gateway"},
                               {"execSecurity", "allowlist"},
                               {"execAsk", "on-miss"},
                               {"execNode", " n1 "},
                               {"sendPolicy", "deny"},
                               {"groupActivation", "always"},
                               {"label", " Home "},
                               {"model", "other/model"}},
                              "Main");
    EXPECT_EQ(answer["ok"], true);
    EXPECT_EQ(answer["key"], "agent:main:main");
    EXPECT_EQ(answer["path"], sessions("sessions.json"));
    EXPECT_EQ(answer["entry"], entry());
    const Json created = entry();
    EXPECT_TRUE(is_session_id(text_member(created, "sessionId")));
    EXPECT_EQ(created["thinkingLevel"], "high");
    EXPECT_EQ(created["verboseLevel"], "off");
    EXPECT_EQ(created["execNode"], "n1");
    EXPECT_EQ(created["label"], "Home");
    EXPECT_EQ(created["providerOverride"], "other");
    EXPECT_EQ(created["modelOverride"], "model");

    patch({{"thinkingLevel", nullptr},
           {"reasoningLevel", "off"},
           {"responseUsage", "off"},
           {"verboseLevel", nullptr},
           {"elevatedLevel", nullptr},
           {"label", nullptr},
           {"model", nullptr},
           {"execNode", nullptr}});
    const Json cleared = entry();
    for (const char* name :
         {"thinkingLevel", "reasoningLevel", "responseUsage", "verboseLevel", "elevatedLevel",
          "label", "modelOverride", "providerOverride", "execNode"})
        EXPECT_FALSE(cleared.contains(name)) << name;
    EXPECT_EQ(cleared["sessionId"], created["sessionId"]);
    EXPECT_EQ(cleared["sendPolicy"], "deny") << "what is not named stays";
    EXPECT_EQ(exported()["agent:main:main"], cleared);
}

// Left out it would mean the model's own default.
TEST_F(Sessions, PatchKeepsThatAModelMustNotThink) {
    patch({{"thinkingLevel", "off"}});
    EXPECT_EQ(entry()["thinkingLevel"], "off");
    EXPECT_EQ(life.ask("chat.history", {{"sessionKey", "main"}})["thinkingLevel"], "off");
    patch({{"thinkingLevel", nullptr}, {"model", "fake/thinker"}});
    EXPECT_EQ(life.ask("chat.history", {{"sessionKey", "main"}})["thinkingLevel"], "low");
}

TEST_F(Sessions, PatchChoosesTheModelOfTheNextTurn) {
    patch({{"model", "p/m"}});
    life.send("main", "x", "r1");
    EXPECT_EQ(life.models.last().request.candidates.front().model, "p/m");
    patch({{"model", "fake/one"}});
    EXPECT_FALSE(entry().contains("modelOverride")) << "the default is no choice";
}

TEST_F(Sessions, PatchRefusesWhatItCannotStoreAndChangesNothing) {
    patch({{"label", "Home"}});
    patch({{"label", "Work"}}, "work");
    const Json before = entry();
    EXPECT_EQ(text_member(patch({{"thinkingLevel", "huge"}}), "message"),
              "invalid thinkingLevel: use off, minimal, low, medium, high or xhigh");
    EXPECT_EQ(text_member(patch({{"sendPolicy", "maybe"}}), "message"),
              "invalid sendPolicy: use allow or deny");
    EXPECT_EQ(text_member(patch({{"verboseLevel", "full"}, {"label", "Work"}}), "message"),
              "the label \"Work\" is in use by session agent:main:work");
    EXPECT_THAT(text_member(patch({{"label", " "}}), "message"), HasSubstr("empty"));
    EXPECT_THAT(text_member(patch({{"label", std::string(65, 'x')}}), "message"),
                HasSubstr("at /label: must NOT have more than 64 characters"));
    EXPECT_THAT(text_member(patch({{"label", 5}}), "message"), HasSubstr("must be string"));
    EXPECT_THAT(text_member(patch({{"model", "nonsense"}}), "message"),
                HasSubstr("invalid model: no model nonsense"));
    EXPECT_THAT(text_member(patch({{"spawnedBy", "agent:main:main"}}), "message"),
                HasSubstr("subagent sessions only"));
    EXPECT_THAT(text_member(patch({{"sessionId", "x"}}), "message"),
                HasSubstr("unexpected property 'sessionId'"));
    EXPECT_THAT(text_member(patch({{"label", "x"}}, "agent:nobody:main"), "message"),
                HasSubstr("unknown agent id"));
    EXPECT_EQ(entry(), before);
    EXPECT_EQ(patch({{"label", "Home"}})["ok"], true) << "its own label";
}

TEST_F(Sessions, PatchSetsSpawnedByOnce) {
    const std::string child = "agent:main:subagent:1";
    EXPECT_EQ(patch({{"spawnedBy", "agent:main:main"}}, child)["ok"], true);
    EXPECT_EQ(patch({{"spawnedBy", "agent:main:main"}}, child)["ok"], true) << "the same again";
    EXPECT_THAT(text_member(patch({{"spawnedBy", "agent:main:x"}}, child), "message"),
                HasSubstr("stays so"));
    EXPECT_THAT(text_member(patch({{"spawnedBy", nullptr}}, child), "message"),
                HasSubstr("stays so"));
}

TEST_F(Sessions, ResetStartsAnewAndKeepsWhatIsTheSessions) {
    turn("main", "hello", "hi");
    patch({{"thinkingLevel", "low"}, {"label", "Home"}, {"sendPolicy", "allow"}, {"model", "p/m"}});
    Session session = **life.store->find({"main", "agent:main:main"});
    session.entry["origin"] = {{"label", "ann"}};
    session.entry["lastTo"] = "555";
    ASSERT_TRUE(life.store->save(session));
    const std::string old_file = transcript();
    const Json answer = life.ask("sessions.reset", {{"key", "main"}});
    EXPECT_EQ(answer["key"], "agent:main:main");
    EXPECT_EQ(answer["entry"], entry());
    const Json fresh = entry();
    EXPECT_NE(fresh["sessionId"], session.entry["sessionId"]);
    for (const char* name : {"inputTokens", "outputTokens", "totalTokens"})
        EXPECT_EQ(fresh[name], 0) << name;
    for (const char* name :
         {"thinkingLevel", "label", "sendPolicy", "modelOverride", "origin", "lastTo"})
        EXPECT_EQ(fresh[name], session.entry[name]) << name;
    EXPECT_TRUE(std::filesystem::exists(old_file));
    EXPECT_TRUE(life.history("main").empty());
    life.send("main", "again", "r9");
    EXPECT_EQ(life.models.last().request.messages.size(), 1u);
}

TEST_F(Sessions, ResetDoesNotMixARunUnderWayIntoTheNewConversation) {
    life.send("main", "old question", "r1");
    const std::string old_file = transcript();
    life.ask("sessions.reset", {{"key", "main"}});
    life.models.last().finish("old answer");
    loop.settle();
    EXPECT_THAT(read_text(old_file), HasSubstr("old answer"));
    EXPECT_TRUE(life.history("main").empty());
    EXPECT_EQ(entry()["totalTokens"], 0);
}

TEST_F(Sessions, DeleteRemovesTheEntryAndPutsTheTranscriptAside) {
    turn("other", "hello", "hi");
    turn("main", "hello", "hi");
    EXPECT_TRUE(exported().contains("agent:main:other"));
    const std::string file = transcript("agent:main:other");
    const std::string content = read_text(file);
    const Json answer = life.ask("sessions.delete", {{"key", "OTHER"}});
    const std::string aside = file + ".deleted.2026-01-30T10-00-01.000Z";
    EXPECT_EQ(
        answer,
        (Json{
            {"ok", true}, {"key", "agent:main:other"}, {"deleted", true}, {"archived", {aside}}}));
    EXPECT_EQ(read_text(aside), content);
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_TRUE(entry("agent:main:other").is_null());
    EXPECT_FALSE(exported().contains("agent:main:other"));
    EXPECT_TRUE(exported().contains("agent:main:main"));
    EXPECT_EQ(life.ask("sessions.delete", {{"key", "other"}}), (Json{{"ok", true},
                                                                     {"key", "agent:main:other"},
                                                                     {"deleted", false},
                                                                     {"archived", Json::array()}}));
}

TEST_F(Sessions, DeleteLeavesTheTranscriptWhenAskedTo) {
    turn("other", "hello", "hi");
    const std::string file = transcript("agent:main:other");
    const Json answer =
        life.ask("sessions.delete", {{"key", "other"}, {"deleteTranscript", false}});
    EXPECT_EQ(answer["archived"], Json::array());
    EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(Sessions, DeleteRefusesTheMainSession) {
    turn("main", "hello", "hi");
    EXPECT_THAT(complaint("sessions.delete", {{"key", "main"}}), HasSubstr("main session"));
    EXPECT_FALSE(entry().is_null());
}

TEST_F(Sessions, DeleteEndsWhatRunsAndWaitsThere) {
    life.send("other", "one", "r1");
    life.send("other", "two", "r2");
    const auto answers = life.call("sessions.delete", {{"key", "other"}});
    loop.settle();
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_EQ(Json::parse(answers->front().payload_json)["deleted"], true);
    EXPECT_TRUE(life.models.last().cancelled);
    EXPECT_EQ(life.events.count("chat aborted"), 2u);
    ASSERT_EQ(files_with(".deleted.").size(), 1u);
    EXPECT_THAT(read_text(files_with(".deleted.").front()), HasSubstr("two"));
    EXPECT_TRUE(entry("agent:main:other").is_null()) << "the end of a run brought it back";
    EXPECT_TRUE(files_with(".deleted.").front().find(".jsonl") != std::string::npos);
}

// Rows and answers are kept as texts; none may outlive what it tells.
TEST_F(Sessions, AreListedAnewWhenAnythingAboutThemChanged) {
    turn("main", "hello", "hi");
    turn("other", "hello", "hi");
    const auto labels = [&](const Json& params = Json::object()) {
        std::vector<std::string> all;
        const Json list = life.ask("sessions.list", params);
        for (const Json& row : member(list, "sessions"))
            all.push_back(text_member(row, "key").substr(11) + "=" + text_member(row, "label"));
        std::sort(all.begin(), all.end());
        return all;
    };
    EXPECT_THAT(labels(), ElementsAre("main=", "other="));
    EXPECT_THAT(labels(), ElementsAre("main=", "other="));
    patch({{"label", "one"}});
    EXPECT_THAT(labels(), ElementsAre("main=one", "other="));
    patch({{"label", "two"}});  // in the same millisecond
    EXPECT_THAT(labels(), ElementsAre("main=two", "other="));
    EXPECT_THAT(labels({{"search", "two"}}), ElementsAre("main=two"));
    EXPECT_THAT(labels({{"limit", 1}}).size(), 1u);

    Json index = exported();
    index["agent:main:other"]["label"] = "stock";
    index["agent:main:other"]["updatedAt"] = loop.now_ms + 5;
    write_text(sessions("sessions.json"), index.dump());
    utimbuf times{1'700'000'000, 1'700'000'000};
    utime(sessions("sessions.json").c_str(), &times);
    EXPECT_THAT(labels(), ElementsAre("main=two", "other=stock"));

    life.ask("sessions.delete", {{"key", "other"}});
    EXPECT_THAT(labels(), ElementsAre("main=two"));
    turn("third", "hello", "hi");
    EXPECT_THAT(labels(), ElementsAre("main=two", "third="));
    life.methods->release_memory();
    EXPECT_THAT(labels(), ElementsAre("main=two", "third="));
    loop.advance(7);
    EXPECT_EQ(life.ask("sessions.list", Json::object())["ts"], loop.now_ms);
}

TEST_F(Sessions, AreCountedAnewInTheStatus) {
    turn("main", "hello", "hi");
    const auto count = [&] {
        return life.ask("internal.status", Json::object())["sessions"]["count"];
    };
    EXPECT_EQ(count(), 1);
    turn("other", "hello", "hi");
    EXPECT_EQ(count(), 2);
    life.ask("internal.system-event", {{"text", "a knock"}});
    EXPECT_EQ(life.ask("internal.status", Json::object())["queuedSystemEvents"].size(), 1u);
    loop.advance(5000);
    const Json recent = life.ask("internal.status", Json::object())["sessions"]["recent"][0];
    EXPECT_GE(recent["age"], 5000);
}

TEST_F(Sessions, AnswersSayHowLongTheyHold) {
    const auto keep = [&](const char* method, const Json& params) {
        return life.call(method, params)->front().keep.count();
    };
    EXPECT_GT(keep("models.list", Json::object()), 3'600'000);
    EXPECT_GT(keep("sessions.list", Json::object()), 0);
    EXPECT_LE(keep("sessions.list", Json::object()), 20) << "it tells the time";
    EXPECT_EQ(keep("sessions.patch", {{"key", "main"}, {"label", "x"}}), 0);
    EXPECT_EQ(keep("cron.list", Json::object()), 0);
}

// What is made of the store's content is made anew after a change of any kind.
TEST_F(Sessions, ChangesAreToldWhateverTheyAre) {
    turn("main", "hello", "hi");
    uint64_t known = life.store->changes();
    const auto told = [&] {
        const uint64_t now = life.store->changes();
        return std::exchange(known, now) != now;
    };
    const auto session = life.store->find({"main", "agent:main:main"});
    EXPECT_FALSE(told()) << "nothing but a look";
    ASSERT_TRUE(life.store->save(**session));
    EXPECT_TRUE(told());
    ASSERT_TRUE(life.store->put_notes({{"a", "b"}}));
    EXPECT_TRUE(told());
    ASSERT_TRUE(life.store->append(**session, "e1", injected_message("x", 1),
                                   SessionStore::Durability::soon));
    EXPECT_TRUE(told());
    ASSERT_TRUE(life.store->keep_last(**session, 1));
    EXPECT_TRUE(told());
    ASSERT_TRUE(life.store->remove({"main", "agent:main:main"}));
    EXPECT_TRUE(told());
    ASSERT_TRUE(life.store->archive(**session));
    EXPECT_TRUE(told());
}

TEST_F(Sessions, DeletedIsNotBroughtBackByAStockToolThatWroteMeanwhile) {
    turn("other", "hello", "hi");
    turn("main", "hello", "hi");
    Json index = exported();
    life.ask("sessions.delete", {{"key", "other"}});
    index["agent:main:main"]["label"] = "stock";
    index["agent:main:main"]["updatedAt"] = loop.now_ms + 5;
    write_text(sessions("sessions.json"), index.dump());
    utimbuf times{1'700'000'000, 1'700'000'000};
    utime(sessions("sessions.json").c_str(), &times);
    EXPECT_EQ(entry()["label"], "stock");
    EXPECT_TRUE(entry("agent:main:other").is_null());
    EXPECT_FALSE(exported().contains("agent:main:other"));
}

TEST_F(Sessions, ADeletionThatWasNotExportedIsByTheNextProcess) {
    turn("other", "hello", "hi");
    exported();
    life.ask("sessions.delete", {{"key", "other"}});
    Life next(directory.path(), loop);
    loop.advance(EmbeddedStore::export_delay.count());
    EXPECT_FALSE(Json::parse(read_text(sessions("sessions.json"))).contains("agent:main:other"));
}

TEST_F(Sessions, CompactKeepsTheHeaderAndTheLastLines) {
    for (int i = 0; i < 4; ++i) turn("main", "q" + std::to_string(i), "a" + std::to_string(i));
    const std::string before = read_text(transcript());
    const Json answer = life.ask("sessions.compact", {{"key", "main"}, {"maxLines", 3}});
    const std::string aside = transcript() + ".bak.2026-01-30T10-00-00.000Z";
    EXPECT_EQ(answer, (Json{{"ok", true},
                            {"key", "agent:main:main"},
                            {"compacted", true},
                            {"kept", 3},
                            {"archived", aside}}));
    EXPECT_EQ(read_text(aside), before);
    const auto lines = json_lines(read_text(transcript()));
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0]["type"], "session");
    EXPECT_EQ(message_text(lines[1]["message"]), "a2");
    EXPECT_FALSE(entry().contains("totalTokens"));
    // The next turn goes on from what is left.
    life.send("main", "next", "r9");
    ASSERT_EQ(life.models.last().request.messages.size(), 4u);
    EXPECT_EQ(message_text(life.models.last().request.messages[0]), "a2");
    EXPECT_EQ(files_with(".hardshell-new").size(), 0u);
}

TEST_F(Sessions, CompactLeavesAShortTranscriptAndSaysWhyItDidNothing) {
    turn("main", "q", "a");
    EXPECT_EQ(life.ask("sessions.compact", {{"key", "main"}}),
              (Json{{"ok", true}, {"key", "agent:main:main"}, {"compacted", false}, {"kept", 2}}));
    EXPECT_THAT(text_member(life.ask("sessions.compact", {{"key", "nobody"}}), "reason"),
                HasSubstr("no such session"));
    patch({{"label", "x"}}, "silent");
    EXPECT_THAT(text_member(life.ask("sessions.compact", {{"key", "silent"}}), "reason"),
                HasSubstr("no transcript"));
    life.send("main", "busy", "r9");
    EXPECT_EQ(life.ask("sessions.compact", {{"key", "main"}, {"maxLines", 1}})["code"],
              "UNAVAILABLE");
    EXPECT_EQ(files_with(".bak.").size(), 0u);
}

TEST_F(Sessions, InjectAddsAMessageThatNoModelSees) {
    EXPECT_THAT(complaint("chat.inject", {{"sessionKey", "main"}, {"message", "x"}}),
                HasSubstr("no session"));
    patch({{"thinkingLevel", "low"}});
    EXPECT_THAT(complaint("chat.inject", {{"sessionKey", "main"}, {"message", "x"}}),
                HasSubstr("no transcript"));
    turn("main", "q", "a");
    const Json answer = life.ask(
        "chat.inject", {{"sessionKey", "MAIN"}, {"message", "by the way"}, {"label", "Note"}});
    const std::string id = text_member(answer, "messageId");
    EXPECT_EQ(id.size(), 8u);
    EXPECT_EQ(json_lines(read_text(transcript())).back()["id"], id);
    EXPECT_EQ(message_text(life.history("main").back()), "[Note]\n\nby the way");
    const Recorder::Seen* final = life.events.last("chat final");
    EXPECT_EQ(final->payload["runId"], "inject-" + id);
    EXPECT_EQ(final->payload["seq"], 0);
    EXPECT_EQ(final->payload["sessionKey"], "MAIN");
    EXPECT_EQ(life.events.ended.back(), "inject-" + id);
    life.send("main", "next", "r9");
    EXPECT_EQ(life.models.last().request.messages.size(), 3u);
    EXPECT_THAT(
        complaint("chat.inject",
                  {{"sessionKey", "main"}, {"message", ""}, {"label", std::string(101, 'x')}}),
        HasSubstr("at /label: must NOT have more than 100 characters"));
}

}  // namespace agent
