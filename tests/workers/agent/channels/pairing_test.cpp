#include "workers/agent/channels/pairing.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/workers/agent/support.h"

namespace agent {
namespace {

using testing::ElementsAre;

class Pairing : public testing::Test {
  protected:
    Pairing() { std::filesystem::create_directory(directory / "credentials"); }

    PairingDesk& desk() {
        made = std::make_unique<PairingDesk>(
            PairingDesk::Services{loop, directory / "credentials", [this] { return loop.now_ms; }},
            [this](const std::string& channel, const std::vector<std::string>& allowed) {
                std::string line = channel + ":";
                for (const std::string& id : allowed) line += " " + id;
                changes.push_back(line);
            },
            [this](const std::string& channel, const std::string& account, const std::string& id) {
                approved.push_back(channel + " " + account + " " + id);
            });
        made->follow("telegram");
        return *made;
    }
    PairingAnswer ask(PairingDesk& at, const std::string& id) {
        PairingAnswer found;
        at.ask("telegram", {id, Json{{"username", "u" + id}}},
               [&](const PairingAnswer& answer) { found = answer; });
        return found;
    }
    Result<Json> decide(PairingDesk& at, PairingDesk::Decision decision, const std::string& code) {
        Result<Json> found = Json();
        at.decide(decision, "telegram", code,
                  [&](const Result<Json>& request) { found = request; });
        return found;
    }
    Json file(const std::string& name) {
        return Json::parse(read_text(directory / ("credentials/" + name)));
    }
    // As the command lines do it.
    void approve(const std::string& id) {
        const auto shared = SharedDirectory::open(directory / "credentials");
        ASSERT_TRUE(shared->change("telegram-allowFrom.json", [&](Json& content) -> Done {
            content["version"] = 1;
            content["allowFrom"].push_back(id);
            return {};
        }));
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<PairingDesk> made;
    std::vector<std::string> changes;
    std::vector<std::string> approved;
};

TEST_F(Pairing, GivesAStrangerOneCode) {
    PairingDesk& at = desk();
    const PairingAnswer first = ask(at, "555");
    EXPECT_TRUE(first.created);
    EXPECT_EQ(first.code.size(), 8u);
    EXPECT_EQ(first.code.find_first_not_of("ABCDEFGHJKLMNPQRSTUVWXYZ23456789"), std::string::npos);
    loop.now_ms += 1'000;
    const PairingAnswer again = ask(at, "555");
    EXPECT_EQ(again.code, first.code);
    EXPECT_FALSE(again.created);
    const Json request = file("telegram-pairing.json")["requests"][0];
    EXPECT_EQ(request["id"], "555");
    EXPECT_EQ(request["createdAt"], "2026-01-30T10:00:00.000Z");
    EXPECT_EQ(request["lastSeenAt"], "2026-01-30T10:00:01.000Z");
    EXPECT_EQ(request["meta"]["username"], "u555");
    struct stat info {};
    ASSERT_EQ(stat((directory / "credentials/telegram-pairing.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Pairing, HasRoomForThreeUntilTheirCodesExpire) {
    PairingDesk& at = desk();
    for (const char* id : {"1", "2", "3"}) EXPECT_TRUE(ask(at, id).created);
    EXPECT_EQ(ask(at, "4").code, "");
    loop.now_ms += PairingFiles::expires_after_ms + 1;
    EXPECT_TRUE(ask(at, "4").created);
    EXPECT_EQ(file("telegram-pairing.json")["requests"].size(), 1u);
}

TEST_F(Pairing, NeverGivesACodeTwice) {
    Json requests = Json::object();
    int made_codes = 0;
    const auto code = [&] { return std::string(++made_codes < 3 ? "AAAAAAAA" : "BBBBBBBB"); };
    EXPECT_EQ(ask_in(requests, {"1", {}}, loop.now_ms, code).code, "AAAAAAAA");
    EXPECT_EQ(ask_in(requests, {"2", {}}, loop.now_ms, code).code, "BBBBBBBB");
}

TEST_F(Pairing, NoticesWhoIsLetIn) {
    PairingDesk& at = desk();
    EXPECT_TRUE(at.allowed("telegram").empty());
    ask(at, "555");
    approve("telegram:555");
    loop.advance(30'000);
    EXPECT_THAT(at.allowed("telegram"), ElementsAre("555"));
    EXPECT_THAT(changes, ElementsAre("telegram: 555"));
    EXPECT_EQ(ask(at, "555").code, "") << "who is in needs no code";
    EXPECT_THAT(approved, ElementsAre("telegram default 555"));
    approve("777");  // who never asked is told nothing
    loop.advance(30'000);
    EXPECT_THAT(changes, ElementsAre("telegram: 555", "telegram: 555 777"));
    EXPECT_EQ(approved.size(), 1u);
}

TEST_F(Pairing, KeepsWhoIsInWhenTheFileIsDamaged) {
    approve("555");
    PairingDesk& at = desk();
    EXPECT_THAT(at.allowed("telegram"), ElementsAre("555"));
    write_text(directory / "credentials/telegram-allowFrom.json", "{");
    loop.advance(30'000);
    EXPECT_THAT(at.allowed("telegram"), ElementsAre("555"));
}

TEST_F(Pairing, WaitsForAnotherProgramsLockWithoutHoldingTheLoop) {
    PairingDesk& at = desk();
    std::filesystem::create_directory(directory / "credentials/telegram-pairing.json.lock");
    std::vector<PairingAnswer> answers;
    at.ask("telegram", {"555", Json::object()},
           [&](const PairingAnswer& answer) { answers.push_back(answer); });
    EXPECT_TRUE(answers.empty());
    std::filesystem::remove(directory / "credentials/telegram-pairing.json.lock");
    loop.advance(100);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(answers.front().created);
}

TEST_F(Pairing, SaysWhenAnotherProgramKeepsItsLock) {
    PairingDesk& at = desk();
    std::filesystem::create_directory(directory / "credentials/telegram-pairing.json.lock");
    std::vector<PairingAnswer> answers;
    at.ask("telegram", {"555", Json::object()},
           [&](const PairingAnswer& answer) { answers.push_back(answer); });
    loop.advance(10'100);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers.front().code, "");
    EXPECT_FALSE(answers.front().reason.empty());
}

TEST_F(Pairing, LetsInWhomTheOwnerApproves) {
    PairingDesk& at = desk();
    EXPECT_EQ(*at.pending(), Json::array());
    const std::string code = ask(at, "555").code;
    ask(at, "777");
    const Json waiting = *at.pending();
    ASSERT_EQ(waiting.size(), 1u);
    EXPECT_EQ(waiting[0]["channel"], "telegram");
    EXPECT_EQ(waiting[0]["requests"].size(), 2u);
    const Result<Json> request = decide(at, PairingDesk::Decision::approve, code);
    ASSERT_TRUE(request) << request.error().what;
    EXPECT_EQ(text_member(*request, "id"), "555");
    // In force at once, not when the files are looked at again.
    EXPECT_THAT(at.allowed("telegram"), ElementsAre("555"));
    EXPECT_THAT(changes, ElementsAre("telegram: 555"));
    EXPECT_THAT(approved, ElementsAre("telegram default 555"));
    EXPECT_EQ(file("telegram-allowFrom.json")["allowFrom"], Json::array({"555"}));
    EXPECT_EQ((*at.pending())[0]["requests"].size(), 1u);
    EXPECT_EQ(decide(at, PairingDesk::Decision::approve, code).error().fault, Fault::bad_message);
}

TEST_F(Pairing, TurnsAwayWhomTheOwnerRejects) {
    PairingDesk& at = desk();
    const std::string code = ask(at, "555").code;
    ASSERT_TRUE(decide(at, PairingDesk::Decision::reject, code));
    EXPECT_EQ(*at.pending(), Json::array());
    EXPECT_FALSE(std::filesystem::exists(directory / "credentials/telegram-allowFrom.json"));
    EXPECT_NE(ask(at, "555").code, code) << "who asks again asks anew";
}

TEST_F(Pairing, RefusesWhatIsNoCodeAndNoChannel) {
    PairingDesk& at = desk();
    ask(at, "555");
    for (const char* code : {"", "WRONGONE", "../../x", "A\n[agent] forged"})
        EXPECT_EQ(decide(at, PairingDesk::Decision::approve, code).error().fault,
                  Fault::bad_message)
            << code;
    Result<Json> found = Json();
    at.decide(PairingDesk::Decision::approve, "../telegram", "ABCDEFGH",
              [&](const Result<Json>& request) { found = request; });
    EXPECT_EQ(found.error().what, "that is not the name of a channel");
}

TEST_F(Pairing, KeepsTheRequestWhenTheListOfThoseLetInIsLocked) {
    PairingDesk& at = desk();
    const std::string code = ask(at, "555").code;
    std::filesystem::create_directory(directory / "credentials/telegram-allowFrom.json.lock");
    std::vector<Result<Json>> answers;
    at.decide(PairingDesk::Decision::approve, "telegram", code,
              [&](const Result<Json>& request) { answers.push_back(request); });
    EXPECT_TRUE(answers.empty());
    loop.advance(10'100);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers.front().error().fault, Fault::busy);
    std::filesystem::remove(directory / "credentials/telegram-allowFrom.json.lock");
    EXPECT_TRUE(decide(at, PairingDesk::Decision::approve, code));
}

TEST_F(Pairing, TellsOfAFileThatCannotBeRead) {
    PairingDesk& at = desk();
    write_text(directory / "credentials/slack-pairing.json", "[");
    EXPECT_THAT(at.pending().error().what, testing::HasSubstr("slack-pairing.json"));
}

TEST_F(Pairing, ListIsChangedByItsOwnersWord) {
    PairingDesk& at = desk();
    const auto change = [&](const char* entry, bool add) {
        std::optional<Result<bool>> found;
        at.change_allowed("telegram", entry, add,
                          [&](const Result<bool>& changed) { found = changed; });
        return found && *found && **found;
    };
    EXPECT_TRUE(change("555", true));
    EXPECT_THAT(at.allowed("telegram"), ElementsAre("555"));
    EXPECT_FALSE(change("telegram:555", true)) << "so it was already";
    EXPECT_FALSE(change("*", true));
    EXPECT_FALSE(change("@ann", true));
    EXPECT_FALSE(change("666", false));
    EXPECT_TRUE(change("555", false));
    EXPECT_TRUE(at.allowed("telegram").empty());
}

}  // namespace
}  // namespace agent
