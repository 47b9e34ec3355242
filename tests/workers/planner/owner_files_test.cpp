// What a planner keeps or changes besides the whole configuration: approvals, skills, tokens of
// channels; and what the gateway is told of the channels.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/common/base/fd.h"
#include "workers/planner/files.h"

namespace {

using planner::sha256_hex;
using testing::HasSubstr;

class ExecApprovals : public PlannerTest {
  protected:
    static constexpr const char* name = "exec-approvals.json";
    static constexpr const char* kept = R"({
  "version": 1,
  "socket": {"path": "/run/x.sock", "token": "socket-token"},
  "defaults": {"security": "allowlist", "ask": "on-miss"},
  "agents": {"main": {"allowlist": [{"pattern": "/usr/bin/git", "lastUsedAt": 5, "ours": 1}]}},
  "unknown": {"stays": true}
})";
    std::string refusal(const Json& params) {
        const auto answer = call("exec.approvals.set", params);
        EXPECT_EQ(answer.error_code(), "INVALID_REQUEST");
        return answer.error_message();
    }
};

TEST_F(ExecApprovals, AreEmptyWhereThereIsNoFile) {
    const Json shown = payload("exec.approvals.get");
    EXPECT_EQ(shown["path"], path(name));
    EXPECT_EQ(shown["exists"], false);
    EXPECT_EQ(shown["hash"], sha256_hex(""));
    EXPECT_EQ(shown["file"], Json::parse(R"({"version": 1, "agents": {}})"));
    EXPECT_FALSE(std::filesystem::exists(path(name))) << "asking writes nothing";
}

TEST_F(ExecApprovals, KeepWhatClientsAreNotShown) {
    write(name, kept);
    Json shown = payload("exec.approvals.get");
    EXPECT_EQ(shown["hash"], sha256_hex(kept));
    EXPECT_EQ(shown["file"]["socket"], Json::parse(R"({"path": "/run/x.sock"})"));
    shown["file"]["agents"]["main"]["security"] = "full";
    const Json written =
        payload("exec.approvals.set", {{"file", shown["file"]}, {"baseHash", shown["hash"]}});
    EXPECT_EQ(written["hash"], sha256_hex(read(name)));
    EXPECT_EQ(print_json(written).find("socket-token"), std::string::npos);
    const Json file = *parse_json(read(name));
    EXPECT_EQ(file["socket"]["token"], "socket-token");
    EXPECT_EQ(file["unknown"]["stays"], true);
    EXPECT_EQ(file["agents"]["main"]["allowlist"][0]["ours"], 1);
    EXPECT_EQ(file["agents"]["main"]["security"], "full");
    struct stat info {};
    ASSERT_EQ(stat(path(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(ExecApprovals, TakeAProgramThatIsToRunAlways) {
    write(name, kept);
    const Json params{{"agentId", "ops"}, {"program", "/usr/bin/cat"}, {"command", "cat x"}};
    payload("exec.approvals.allow", params);
    Json file = *parse_json(read(name));
    EXPECT_EQ(file["agents"]["ops"]["allowlist"][0]["pattern"], "/usr/bin/cat");
    EXPECT_EQ(file["agents"]["ops"]["allowlist"][0]["lastUsedCommand"], "cat x");
    EXPECT_EQ(file["agents"]["main"]["allowlist"][0]["ours"], 1);
    EXPECT_EQ(file["socket"]["token"], "socket-token");
    const std::string before = read(name);
    payload("exec.approvals.allow", params);
    EXPECT_EQ(read(name), before) << "once is enough";
}

TEST_F(ExecApprovals, TakeNoPatternForAProgram) {
    write(name, kept);
    const auto code = [&](const char* program) {
        const Json params{{"agentId", "main"}, {"program", program}};
        return std::string(call("exec.approvals.allow", params).error_code());
    };
    for (const char* program : {"/usr/bin/**", "/tmp/?", "cat", ""})
        EXPECT_EQ(code(program), "INVALID_REQUEST") << program;
    EXPECT_EQ(read(name), kept);
    write(name, "{ torn");
    EXPECT_EQ(code("/usr/bin/cat"), "INVALID_REQUEST");
    EXPECT_EQ(read(name), "{ torn");
}

TEST_F(ExecApprovals, AreNotWrittenOverWhatTheCallerHasNotSeen) {
    write(name, kept);
    const Json file = {{"version", 1}};
    EXPECT_THAT(refusal({{"file", file}}), HasSubstr("base hash required"));
    EXPECT_THAT(refusal({{"file", file}, {"baseHash", sha256_hex("other")}}),
                HasSubstr("changed since they were read"));
    EXPECT_EQ(read(name), kept);
}

TEST_F(ExecApprovals, NameWhatIsWrong) {
    EXPECT_THAT(refusal({{"file", "x"}}), HasSubstr("file is required"));
    EXPECT_EQ(refusal({{"file", {{"version", 2}}}}), "file.version must be 1");
    EXPECT_EQ(refusal({{"file", {{"version", 1}, {"defaults", {{"ask", "never"}}}}}}),
              "file.defaults.ask must be one of off, on-miss, always");
    EXPECT_EQ(refusal(*parse_json(
                  R"({"file": {"version": 1, "agents": {"main": {"allowlist": [{}]}}}})")),
              "file.agents.main.allowlist[0].pattern must be a text");
    EXPECT_FALSE(std::filesystem::exists(path(name)));
}

TEST_F(ExecApprovals, AreReadOnceFromWhereOpenClawKeepsThem) {
    environment = {};
    set("HOME", path("home"));
    write("home/.openclaw/exec-approvals.json", kept);
    const Json shown = payload("exec.approvals.get");
    EXPECT_EQ(shown["exists"], true);
    EXPECT_EQ(shown["path"], path(name));
    payload("exec.approvals.set", {{"file", shown["file"]}, {"baseHash", shown["hash"]}});
    EXPECT_EQ((*parse_json(read(name)))["socket"]["token"], "socket-token");
    EXPECT_EQ(read("home/.openclaw/exec-approvals.json"), kept);
}

using SkillsUpdate = PlannerTest;

TEST_F(SkillsUpdate, ChangesOneEntryAndHidesItsSecrets) {
    write("openclaw.json", "{ // mine\n  gateway: {mode: 'local'},\n}\n");
    Json answer = payload("skills.update", {{"skillKey", "weather"},
                                            {"enabled", false},
                                            {"apiKey", " weather-key-1 "},
                                            {"env", {{"CITY_TOKEN", "city-token-1"}}}});
    EXPECT_EQ(answer["ok"], true);
    EXPECT_EQ(answer["skillKey"], "weather");
    EXPECT_EQ(answer["config"]["enabled"], false);
    EXPECT_EQ(print_json(answer).find("weather-key-1"), std::string::npos);
    EXPECT_THAT(read("openclaw.json"), HasSubstr("// mine"));
    EXPECT_THAT(read("openclaw.json"), HasSubstr("weather-key-1"));
    EXPECT_THAT(read("openclaw.json"), HasSubstr("city-token-1"));
    answer = payload("skills.update", {{"skillKey", "weather"}, {"apiKey", ""}, {"enabled", true}});
    EXPECT_EQ(read("openclaw.json").find("weather-key-1"), std::string::npos);
    EXPECT_THAT(read("openclaw.json"), HasSubstr("city-token-1"));
}

TEST_F(SkillsUpdate, IsRefusedForVariablesThatAreNoTexts) {
    EXPECT_EQ(call("skills.update", {{"skillKey", "x"}, {"env", {{"A", 1}}}}).error_message(),
              "invalid skills.update params: at /env/A: must be string");
}

TEST_F(SkillsUpdate, TellsTheAgentWhichSecretsASkillHas) {
    const auto plan = plan_of(
        R"({skills: {entries: {weather: {apiKey: 'key-123456', env: {CITY_TOKEN: 'city-1'}}}}})");
    const std::string& text = worker(plan, "agent").settings().config_json();
    const Json agent = *parse_json(text);
    EXPECT_EQ(member_at(agent, "skills.entries.weather.given"),
              Json::parse(R"(["apiKey", "CITY_TOKEN"])"));
    EXPECT_EQ(text.find("key-123456"), std::string::npos);
    EXPECT_EQ(text.find("city-1"), std::string::npos);
}

class Channels : public PlannerTest {
  protected:
    Json summary(const std::string& config) {
        const auto made = plan_of(config);
        const std::string& gateway = worker(made, "gateway").settings().config_json();
        EXPECT_TRUE(member(*parse_json(gateway), "channels").is_null());
        return member(*parse_json(worker(made, "agent").settings().config_json()),
                      "channelAccounts");
    }
};

TEST_F(Channels, AreToldToTheAgentWithoutTheirSecrets) {
    set("SLACK_BOT_TOKEN", "xoxb-1");
    const Json channels = summary(R"({channels: {
        telegram: {botToken: '1:top', accounts: {ops: {name: 'Ops', botToken: '2:ops',
                   webhookUrl: 'https://example.org/t'}, none: {enabled: false}}},
        discord: {enabled: false, token: 'discord-token'}}})");
    EXPECT_EQ(channels["telegram"]["defaultAccount"], "none");
    const Json& ops = channels["telegram"]["accounts"]["ops"];
    EXPECT_EQ(ops["tokenSource"], "config");
    EXPECT_EQ(ops["mode"], "webhook");
    EXPECT_EQ(ops["name"], "Ops");
    EXPECT_EQ(channels["telegram"]["accounts"]["none"]["configured"], false);
    EXPECT_EQ(channels["telegram"]["accounts"]["none"]["enabled"], false);
    EXPECT_EQ(channels["discord"]["accounts"]["default"]["enabled"], false);
    EXPECT_EQ(channels["discord"]["accounts"]["default"]["configured"], true);
    const Json& slack = channels["slack"]["accounts"]["default"];
    EXPECT_EQ(slack["botTokenSource"], "env");
    EXPECT_EQ(slack["appTokenSource"], "none");
    EXPECT_EQ(slack["configured"], false);
    for (const char* secret : {"1:top", "2:ops", "discord-token", "xoxb-1"})
        EXPECT_EQ(print_json(channels).find(secret), std::string::npos) << secret;
}

TEST_F(Channels, AreLeftOutWhereNobodyAskedForThem) {
    EXPECT_TRUE(summary("{}").is_null());
    EXPECT_TRUE(summary(R"({channels: {telegram: {botToken: 'x'}},
                            plugins: {entries: {telegram: {enabled: false}}}})")
                    .is_null());
}

TEST_F(Channels, LoseTheirTokenAtALogout) {
    write("openclaw.json", "{channels: {telegram: {botToken: '1:top', enabled: true}}}");
    Json answer = payload("channels.logout", {{"channel", "telegram"}, {"accountId", "default"}});
    EXPECT_EQ(answer, Json::parse(R"({"channel": "telegram", "accountId": "default",
                                      "cleared": true, "loggedOut": true, "envToken": false})"));
    EXPECT_EQ(read("openclaw.json").find("1:top"), std::string::npos);
    set("TELEGRAM_BOT_TOKEN", "3:env");
    answer = payload("channels.logout", {{"channel", "telegram"}, {"accountId", "default"}});
    EXPECT_EQ(answer["cleared"], false);
    EXPECT_EQ(answer["loggedOut"], false);
    EXPECT_EQ(answer["envToken"], true);
}

class MovedGroups : public PlannerTest {
  protected:
    static constexpr const char* both = R"({
  // A shop and its customers.
  channels: {
    telegram: {
      botToken: '${TOKEN}',
      groups: { '-5': { requireMention: false }, '*': {} }, // all of them
      accounts: { ops: { groups: { '-5': { enabled: false }, '-6': {} } } },
    },
  },
}
)";
    static Json move(const char* from = "-5", const char* to = "-1001234567890") {
        return {{"from", from}, {"to", to}};
    }
    Json moved_by(const std::string& worker, const Json& params) const {
        const auto answer = call("channels.groupMoved", params, worker);
        if (!answer.error_code().empty()) return answer.error_message();
        return *parse_json(answer.payload_json());
    }
    MovedGroups() { set("TOKEN", "1:secret"); }
};

TEST_F(MovedGroups, KeepWhatTheOwnerSaysOfThemAndTheOwnersWords) {
    write("openclaw.json", both);
    const Json answer = moved_by("telegram", move());
    EXPECT_EQ(answer["places"], Json::array({"channels.telegram.groups"})) << answer;
    const std::string text = read("openclaw.json");
    EXPECT_NE(text.find("A shop and its customers."), std::string::npos) << text;
    EXPECT_NE(text.find("${TOKEN}"), std::string::npos) << text;
    const Json telegram = payload("config.get")["parsed"]["channels"]["telegram"];
    EXPECT_EQ(telegram["groups"]["-1001234567890"]["requireMention"], false);
    EXPECT_FALSE(telegram["groups"].contains("-5"));
    EXPECT_TRUE(telegram["accounts"]["ops"]["groups"].contains("-5")) << "another account's";
    EXPECT_EQ(moved_by("telegram", move())["places"], Json::array()) << "once is enough";
    EXPECT_EQ(read("openclaw.json"), text);
}

TEST_F(MovedGroups, OfAnAccountMoveInItsSectionToo) {
    write("openclaw.json", both);
    EXPECT_EQ(moved_by("telegram:ops", move())["places"],
              Json::array({"channels.telegram.accounts.ops.groups", "channels.telegram.groups"}));
    const Json telegram = payload("config.get")["parsed"]["channels"]["telegram"];
    EXPECT_EQ(telegram["accounts"]["ops"]["groups"]["-1001234567890"]["enabled"], false);
    EXPECT_EQ(telegram["groups"]["-1001234567890"]["requireMention"], false);
}

TEST_F(MovedGroups, TakeNothingOfAGroupThatTheOwnerHasNamedAlready) {
    write("openclaw.json",
          "{channels: {telegram: {groups: {'-5': {}, '-1001234567890': {requireMention: true}}}}}");
    const std::string before = read("openclaw.json");
    EXPECT_EQ(moved_by("telegram", move())["places"], Json::array());
    EXPECT_EQ(read("openclaw.json"), before);
}

TEST_F(MovedGroups, StayWhereTheOwnerForbidsChangesOrNobodyMayAsk) {
    for (const char* text : {"{channels: {telegram: {configWrites: false, groups: {'-5': {}}}}}",
                             "{channels: {telegram: {groups: {'-5': {}}, "
                             "accounts: {default: {configWrites: false}}}}}"}) {
        write("openclaw.json", text);
        EXPECT_EQ(moved_by("telegram", move()), "channels.telegram.configWrites is off");
        EXPECT_EQ(read("openclaw.json"), text);
    }
    const std::string own =
        "{channels: {telegram: {configWrites: false, groups: {'-5': {}}, "
        "accounts: {ops: {configWrites: true}}}}}";
    write("openclaw.json", own);
    for (const char* nobody : {"", "gateway", "agent"})
        EXPECT_NE(moved_by(nobody, move()).dump().find("only the worker"), std::string::npos);
    for (const char* id :
         {"", "*", "accounts", "-5", "-6", "5", "-", "1-2", "-999999999999", "1001234567890",
          "-01001234567890", " -1001234567890", "-1001234567890 ", "-99999999999999999999"})
        EXPECT_NE(moved_by("telegram:ops", move("-5", id)).dump().find("supergroup"),
                  std::string::npos)
            << id;
    for (const char* id : {"", "0", "5", "*", "-05", "-1000000000000", "-1001234567890", "-5 "})
        EXPECT_NE(moved_by("telegram:ops", move(id)).dump().find("supergroup"), std::string::npos)
            << id;
    EXPECT_EQ(read("openclaw.json"), own);
    EXPECT_EQ(moved_by("telegram:ops", move())["places"],
              Json::array({"channels.telegram.groups"}));
}

TEST_F(MovedGroups, KeepTheirPlaceTheirCommentsAndTheirQuotes) {
    const std::string text = R"({
  channels: {
    telegram: {
      botToken: "${TOKEN}",
      groups: {
        // The shop.
        "-5": { // loud
          /* in it */ systemPrompt: 'In ${CITY}', // and after
        },
        // The rest.
        '-6': {}, '*': {},
      },
    },
  },
}
)";
    set("CITY", "Rome");
    write("openclaw.json", text);
    EXPECT_EQ(moved_by("telegram", move())["places"], Json::array({"channels.telegram.groups"}));
    std::string expected = text;
    expected.replace(expected.find("\"-5\""), 4, "\"-1001234567890\"");
    EXPECT_EQ(read("openclaw.json"), expected);
    EXPECT_EQ(moved_by("telegram", move("-6", "-1009999999999"))["places"],
              Json::array({"channels.telegram.groups"}));
    expected.replace(expected.find("'-6'"), 4, "'-1009999999999'");
    EXPECT_EQ(read("openclaw.json"), expected);
}

// Who speaks where, too.
TEST_F(MovedGroups, TakeTheirBindingsAlong) {
    const std::string text = R"({
  agents: { list: [{ id: 'main' }, { id: 'ops' }] },
  channels: { telegram: { botToken: '${TOKEN}', accounts: { ops: { botToken: '2:x' } } } },
  bindings: [
    { agentId: 'ops', match: { channel: 'telegram', peer: { kind: 'group', id: '-5' } } }, // us
    { agentId: 'ops',
      match: { channel: 'telegram', accountId: 'ops', peer: { kind: 'group', id: '-5' } } },
    { agentId: 'ops',
      match: { channel: 'telegram', accountId: '*', peer: { kind: 'group', id: '-6' } } },
    { agentId: 'ops', match: { channel: 'discord', peer: { kind: 'group', id: '-5' } } },
    { agentId: 'ops', match: { channel: 'telegram', peer: { kind: 'dm', id: '-5' } } },
  ],
}
)";
    write("openclaw.json", text);
    EXPECT_EQ(moved_by("telegram", move())["places"], Json::array({"bindings.0.match.peer.id"}));
    std::string expected = text;
    expected.replace(expected.find("'-5'"), 4, "\"-1001234567890\"");
    EXPECT_EQ(read("openclaw.json"), expected);
    EXPECT_EQ(moved_by("telegram:ops", move("-6"))["places"],
              Json::array({"bindings.2.match.peer.id"}))
        << "another's is that of the same id, and this one is everybody's";
}

TEST_F(MovedGroups, AreNoneOfTheOwnersBusinessWhereNothingIsSaidOfThem) {
    const std::string text = "{channels: {telegram: {configWrites: false, groups: {'-6': {}}}}}";
    write("openclaw.json", text);
    EXPECT_EQ(moved_by("telegram", move())["places"], Json::array());
    EXPECT_EQ(read("openclaw.json"), text);
}

// Whether anybody waits for a lock on that file.
bool somebody_waits_for(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return false;
    std::ifstream locks("/proc/locks");
    const std::string inode = ":" + std::to_string(info.st_ino) + " ";
    for (std::string line; std::getline(locks, line);)
        if (line.find("->") != std::string::npos && line.find(inode) != std::string::npos)
            return true;
    return false;
}

// An editor writes after the file was read and before it is replaced.
TEST_F(MovedGroups, TakeUpWhatTheOwnerChangesMeanwhile) {
    write("openclaw.json", both);
    write("hardshell/planner/.keep", "");
    const Fd lock(open(path("hardshell/planner").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
    Json answer;
    std::atomic<bool> has_ended = false;
    std::thread planner([&] {
        answer = moved_by("telegram", move());
        has_ended = true;
    });
    while (!has_ended && !somebody_waits_for(path("hardshell/planner"))) std::this_thread::yield();
    EXPECT_FALSE(has_ended) << "it writes without the lock";
    std::string edited = both;
    edited.replace(edited.find("A shop"), 6, "Two shops");
    write("openclaw.json", edited);
    flock(lock.get(), LOCK_UN);
    planner.join();
    EXPECT_EQ(answer["places"], Json::array({"channels.telegram.groups"})) << answer;
    edited.replace(edited.find("'-5'"), 4, "'-1001234567890'");
    EXPECT_EQ(read("openclaw.json"), edited);
}

}  // namespace
