// What clients ask about openclaw.json and how they change it.
#include <sys/stat.h>

#include "tests/support/deadline.h"
#include "tests/workers/planner/planner_fixture.h"
#include "workers/planner/files.h"
#include "workers/planner/redaction.h"

namespace {

using planner::sha256_hex;

class ConfigCalls : public PlannerTest {
  protected:
    static constexpr const char* placeholder = "__OPENCLAW_REDACTED__";
    static constexpr const char* owned = R"(// The owner's words.
{
  gateway: {
    mode: 'local',
    port: 4001, // behind the proxy
    auth: { token: 's3cret-gateway-token' },
  },
  messages: { responsePrefix: '${PREFIX}' },
}
)";
    ConfigCalls() { set("PREFIX", "crab says"); }

    Json change(const std::string& method, const std::string& raw, Json more = Json::object()) {
        more["raw"] = raw;
        more["baseHash"] = sha256_hex(read("openclaw.json"));
        return payload(method, more);
    }
    // The message of the refusal; the file is as it was.
    std::string refusal(const std::string& method, const std::string& raw) {
        const std::string before = read("openclaw.json");
        const auto answer = call(method, {{"raw", raw}, {"baseHash", sha256_hex(before)}});
        EXPECT_EQ(answer.error_code(), "INVALID_REQUEST");
        EXPECT_EQ(read("openclaw.json"), before);
        EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak")));
        details = answer.error_details_json();
        return answer.error_message();
    }
    // As a form saves what it was shown.
    static std::string saved(const Json& config) { return config.dump(2); }

    std::string details;
};

TEST_F(ConfigCalls, ShowTheFileWithItsHash) {
    write("openclaw.json", owned);
    const Json shown = payload("config.get");
    EXPECT_EQ(shown["path"], path());
    EXPECT_EQ(shown["exists"], true);
    EXPECT_EQ(shown["valid"], true);
    EXPECT_EQ(shown["hash"], sha256_hex(owned));
    EXPECT_EQ(shown["parsed"]["messages"]["responsePrefix"], "${PREFIX}");
    EXPECT_EQ(shown["config"]["messages"]["responsePrefix"], "crab says");
    EXPECT_EQ(shown["config"]["agents"]["defaults"]["maxConcurrent"], 4);
    for (const char* list : {"issues", "warnings", "legacyIssues"})
        EXPECT_EQ(shown[list], Json::array()) << list;
    EXPECT_EQ(shown.size(), 10u) << "clients know ten members";
}

TEST_F(ConfigCalls, NameTheFilesThatTheAnswerDependsOn) {
    // Older than the steps of the file system's clock: a change from now on would show.
    const auto settle = [&](const std::string& name) {
        const Deadline deadline(patience);
        struct stat info {};
        timespec now{};
        do {
            ASSERT_EQ(::stat(path(name).c_str(), &info), 0);
            clock_gettime(CLOCK_REALTIME, &now);
        } while (!FileState::of(info).is_settled(now.tv_sec * 1'000'000'000 + now.tv_nsec) &&
                 !deadline.over());
    };
    write("openclaw.json", R"({$include: "./more.json"})");
    write("more.json", "{gateway: {port: 4002}}");
    EXPECT_EQ(call("config.get").files_size(), 0) << "may change again unnoticed";
    settle("more.json");
    const auto answer = call("config.get");
    std::vector<std::string> paths;
    for (const auto& file : answer.files()) paths.push_back(file.path());
    EXPECT_EQ(paths, (std::vector<std::string>{path(".env"), path(), path("more.json")}));
    EXPECT_EQ(answer.files(0).size(), -1) << "there is none";
    EXPECT_EQ(answer.files(2).size(), 23);
    EXPECT_EQ(call("config.get", {{"includeSecrets", true}}).files_size(), 0);
}

TEST_F(ConfigCalls, ShowAMissingFileAsEmpty) {
    const Json shown = payload("config.get");
    EXPECT_EQ(shown["exists"], false);
    EXPECT_EQ(shown["raw"], nullptr);
    EXPECT_EQ(shown["valid"], true);
    EXPECT_EQ(shown["hash"], sha256_hex(""));
}

TEST_F(ConfigCalls, NameWhatIsWrongWithTheFile) {
    write("openclaw.json", "{gateway: {port: 'x', prot: 1}, nope: 1}");
    const Json shown = payload("config.get");
    EXPECT_EQ(shown["valid"], false);
    EXPECT_EQ(shown["config"], Json::object());
    EXPECT_EQ(shown["issues"][0]["path"], "gateway.port");
    EXPECT_EQ(shown["warnings"][0]["path"], "gateway");
    EXPECT_EQ(shown["warnings"][0]["message"],
              "Unrecognized key: \"prot\"; did you mean \"port\"?");
    EXPECT_EQ(shown["warnings"][1]["path"], "");
    EXPECT_EQ(shown["warnings"][1]["message"], "Unrecognized key: \"nope\"");
}

TEST_F(ConfigCalls, ShowNoSecretUnlessAskedFor) {
    set("MY_API_KEY", "s3cret-from-variable");
    set("MY_HEADER", "s3cret-header");
    write("openclaw.json", R"({
        // once: s3cret-gateway-token
        gateway: {auth: {token: 's3cret-overruled', token: "s3cret-gateway-token"}},
        env: {SOME: "s3cret-env"},
        messages: {responsePrefix: '${MY_API_KEY}'},
        models: {providers: {own: {baseUrl: 'https://h/?k=s3cret-gateway-token', models: [],
            apiKey: "s3cret\u002dkey", headers: {X: '${MY_HEADER}'}}}},
    })");
    const Json shown = payload("config.get");
    ASSERT_EQ(shown["valid"], true) << shown;
    EXPECT_EQ(print_json(shown).find("s3cret"), std::string::npos) << print_json(shown);
    EXPECT_EQ(shown["config"]["gateway"]["auth"]["token"], placeholder);
    EXPECT_EQ(shown["parsed"]["models"]["providers"]["own"]["headers"]["X"], "${MY_HEADER}");
    const Json open = payload("config.get", {{"includeSecrets", true}});
    EXPECT_EQ(open["config"]["gateway"]["auth"]["token"], "s3cret-gateway-token");
    EXPECT_EQ(open["raw"], read("openclaw.json"));
}

TEST_F(ConfigCalls, ShowNoSecretOfAChannelThatHasNoWorker) {
    write("openclaw.json", R"({channels: {
        googlechat: {serviceAccount: {type: 'service_account', private_key: 's3cret-of-all'},
            accounts: {b: {serviceAccount: {private_key: 's3cret-of-b'}}}},
        'nextcloud-talk': {botSecret: 's3cret-bot', apiPassword: 's3cret-api'},
    }})");
    const Json shown = payload("config.get");
    ASSERT_EQ(shown["valid"], true) << shown;
    EXPECT_EQ(print_json(shown).find("s3cret"), std::string::npos) << print_json(shown);
    EXPECT_EQ(shown["config"]["channels"]["googlechat"]["serviceAccount"]["private_key"],
              placeholder);
    EXPECT_EQ(plan().SerializeAsString().find("s3cret"), std::string::npos);
}

TEST_F(ConfigCalls, ShowNoSecretOfATextThatCannotBeRead) {
    write("openclaw.json",
          "{gateway: {auth: {token: 's3cret-a', password: s3cret-b,\n"
          "\"apiKey\" : \"s3cret-c\", botToken: 's3cret-open\n}, port: 1 ]");
    const Json shown = payload("config.get");
    EXPECT_EQ(shown["valid"], false);
    EXPECT_EQ(print_json(shown).find("s3cret"), std::string::npos) << shown["raw"];
    EXPECT_NE(print_json(shown).find("port: 1 ]"), std::string::npos) << shown["raw"];
}

TEST_F(ConfigCalls, NeedTheHashOfWhatTheyReplace) {
    write("openclaw.json", "{}");
    EXPECT_NE(call("config.set", {{"raw", "{}"}}).error_message().find("config hash required"),
              std::string::npos);
    EXPECT_NE(call("config.set", {{"raw", "{{{"}, {"baseHash", "0"}})
                  .error_message()
                  .find("config changed"),
              std::string::npos)
        << "the hash comes before the text";
    std::filesystem::remove(path());
    std::filesystem::create_directory(path());
    EXPECT_NE(call("config.set", {{"raw", "{}"}}).error_message().find("config hash unavailable"),
              std::string::npos);
}

TEST_F(ConfigCalls, OfTwoClientsWithTheSameHashTheSecondIsRefused) {
    write("openclaw.json", "{}");
    const std::string hash = sha256_hex("{}");
    ASSERT_EQ(call("config.set", {{"raw", "{ui: {}}"}, {"baseHash", hash}}).error_code(), "");
    const auto second = call("config.set", {{"raw", "{cron: {}}"}, {"baseHash", hash}});
    EXPECT_EQ(second.error_code(), "INVALID_REQUEST");
    EXPECT_EQ(read("openclaw.json"), "{ui: {}}");
}

TEST_F(ConfigCalls, TakeATextWrittenByAPersonAsItIs) {
    write("openclaw.json", owned);
    const std::string text = "// new\n{ gateway: { port: 5, }, }\n";
    const Json done = change("config.set", text);
    EXPECT_EQ(done["ok"], true);
    EXPECT_EQ(done["path"], path());
    EXPECT_EQ(done["config"]["gateway"]["port"], 5);
    EXPECT_EQ(done.size(), 3u);
    EXPECT_EQ(read("openclaw.json"), text);
    EXPECT_EQ(read("openclaw.json.bak"), owned);
}

TEST_F(ConfigCalls, PutTheSecretsBackThatAPersonWasNotShown) {
    write("openclaw.json", owned);
    std::string text = payload("config.get")["raw"];
    ASSERT_NE(text.find(placeholder), std::string::npos);
    text.replace(text.find("4001"), 4, "4002");
    change("config.set", text);
    std::string expected = owned;
    expected.replace(expected.find("4001"), 4, "4002");
    expected.replace(expected.find("'s3cret-gateway-token'"), 22, "\"s3cret-gateway-token\"");
    EXPECT_EQ(read("openclaw.json"), expected);
}

TEST_F(ConfigCalls, KeepCommentsVariablesAndSecretsWhenAFormIsSaved) {
    write("openclaw.json", owned);
    Json form = payload("config.get")["config"];
    form["gateway"]["port"] = 4002;
    form["messages"]["ackReaction"] = "👍";
    change("config.set", saved(form));
    std::string expected = owned;
    expected.replace(expected.find("4001"), 4, "4002");
    expected.replace(expected.find("'${PREFIX}'"), 11, "'${PREFIX}', ackReaction: \"👍\"");
    EXPECT_EQ(read("openclaw.json"), expected) << "defaults and values of variables stay out";
}

TEST_F(ConfigCalls, KeepVariablesAndSecretsOfEntriesThatMove) {
    set("ME", "4711");
    write("openclaw.json", R"({channels: {
  telegram: {allowFrom: ['1', '${ME}', '2']},
  matrix: {rooms: [{name: 'a', token: 's3cret-of-a'}, {name: 'b', token: 's3cret-of-b'}]},
}})");
    Json form = payload("config.get")["config"];
    form["channels"]["telegram"]["allowFrom"].erase(size_t{0});
    form["channels"]["matrix"]["rooms"].erase(size_t{0});
    change("config.set", saved(form));
    EXPECT_EQ(read("openclaw.json"), R"({channels: {
  telegram: {allowFrom: ['${ME}', '2']},
  matrix: {rooms: [{name: 'b', token: 's3cret-of-b'}]},
}})");
}

TEST_F(ConfigCalls, GiveNoEntryTheSecretOfAnother) {
    write("openclaw.json", R"({channels: {matrix: {rooms: [
  {name: 'a', token: 's3cret-of-a'}, {name: 'b', token: 's3cret-of-b'}]}}})");
    const Json shown = payload("config.get")["config"];
    Json form = shown;
    Json& rooms = form["channels"]["matrix"]["rooms"];
    rooms.erase(size_t{0});
    rooms[0]["name"] = "c";  // it moved and was changed
    EXPECT_EQ(refusal("config.set", saved(form)).find("channels.matrix.rooms.0.token: "), 0u);
    rooms[0]["token"] = "s3cret-of-c";
    change("config.set", saved(form));
    EXPECT_NE(read("openclaw.json").find("s3cret-of-c"), std::string::npos);
}

TEST_F(ConfigCalls, TellNoSecretsApartThatLookTheSame) {
    write("openclaw.json", R"({channels: {matrix: {rooms: [
  {token: 's3cret-of-a'}, {token: 's3cret-of-b'}]}}})");
    Json form = payload("config.get")["config"];
    Json& rooms = form["channels"]["matrix"]["rooms"];
    rooms.push_back({{"token", "s3cret-of-c"}});
    const Json longer = form;
    rooms.erase(size_t{2});
    rooms.erase(size_t{0});
    EXPECT_EQ(refusal("config.set", saved(form)).find("channels.matrix.rooms.0.token: "), 0u);
    change("config.set", saved(longer));
    for (const char* token : {"s3cret-of-a", "s3cret-of-b", "s3cret-of-c"})
        EXPECT_NE(read("openclaw.json").find(token), std::string::npos) << token;
}

TEST_F(ConfigCalls, HideTheValuesOfVariablesThatHoldSecretsByTheirName) {
    set("SMTP_PASS", "s3cret-of-mail");
    set("MAIL_CREDENTIALS", "s3cret-of-box");
    write("openclaw.json", "// s3cret-of-mail s3cret-of-box\n{}");
    EXPECT_EQ(payload("config.get")["raw"], "// __OPENCLAW_REDACTED__ __OPENCLAW_REDACTED__\n{}");
}

TEST_F(ConfigCalls, WriteTheValueThatReplacesAVariable) {
    write("openclaw.json", owned);
    Json form = payload("config.get")["config"];
    form["messages"]["responsePrefix"] = "lobster says";
    form["gateway"]["auth"]["token"] = "s3cret-new-token";
    const Json done = change("config.set", saved(form));
    EXPECT_NE(read("openclaw.json").find("responsePrefix: \"lobster says\""), std::string::npos);
    EXPECT_NE(read("openclaw.json").find("s3cret-new-token"), std::string::npos);
    EXPECT_EQ(print_json(done).find("s3cret"), std::string::npos);
}

TEST_F(ConfigCalls, RefuseAPlaceholderThatStandsForNothing) {
    write("openclaw.json", "{gateway: {port: 4001}}");
    EXPECT_NE(refusal("config.set", R"({gateway: {auth: {token: "__OPENCLAW_REDACTED__"}}})")
                  .find("gateway.auth.token"),
              std::string::npos);
    EXPECT_NE(refusal("config.patch", R"({"gateway":{"auth":{"token":"__OPENCLAW_REDACTED__"}}})")
                  .find("gateway.auth.token"),
              std::string::npos);
}

TEST_F(ConfigCalls, RefuseWhatWouldBeInvalidAndNameTheKey) {
    write("openclaw.json", "{}");
    EXPECT_EQ(refusal("config.set", "{gateway:{port:'1'}}").find("invalid config: gateway.port:"),
              0u);
    EXPECT_EQ((*parse_json(details))["issues"][0]["path"], "gateway.port");
    EXPECT_EQ(refusal("config.apply", "{nope: 1}"), "invalid config: Unrecognized key: \"nope\"");
    EXPECT_EQ((*parse_json(details))["issues"][0]["path"], "");
    EXPECT_EQ(refusal("config.set", "{\n a: ]").find("JSON5 parse failed: line 2, column 5"), 0u);
    EXPECT_EQ(refusal("config.set", "[1]"), "raw must be an object");
    EXPECT_NE(refusal("config.set", "{ui:{assistant:{name:'${MISSING}'}}}").find("MISSING"),
              std::string::npos);
    EXPECT_NE(refusal("config.patch", "[]").find("must be an object"), std::string::npos);
    EXPECT_NE(refusal("config.patch", "{gateway: {port: -1}}").find("gateway.port"),
              std::string::npos);
}

TEST_F(ConfigCalls, KeepTheUnknownKeysThatWereThere) {
    write("openclaw.json", "{\n  newer: {a: 1}, // of a later release\n  gateway: {port: 1}\n}\n");
    change("config.patch", R"({"gateway": {"port": 2}})");
    EXPECT_EQ(read("openclaw.json"),
              "{\n  newer: {a: 1}, // of a later release\n  gateway: {port: 2}\n}\n");
    Json form = payload("config.get")["config"];
    EXPECT_FALSE(form.contains("newer"));
    form["gateway"]["port"] = 3;
    change("config.set", saved(form));
    EXPECT_EQ(read("openclaw.json"),
              "{\n  newer: {a: 1}, // of a later release\n  gateway: {port: 3}\n}\n");
    EXPECT_EQ(call("config.patch",
                   {{"raw", "{another: 1}"}, {"baseHash", sha256_hex(read("openclaw.json"))}})
                  .error_message(),
              "invalid config: Unrecognized key: \"another\"");
}

TEST_F(ConfigCalls, MergeAPatchAndLetNullDelete) {
    write("openclaw.json", owned);
    change("config.patch",
           R"({gateway: {port: null, bind: "lan"}, session: {resetTriggers: ["/new"]}})");
    EXPECT_EQ(read("openclaw.json"), R"(// The owner's words.
{
  gateway: {
    mode: 'local',
    // behind the proxy
    auth: { token: 's3cret-gateway-token' },
    bind: "lan",
  },
  messages: { responsePrefix: '${PREFIX}' },
  session: {
    "resetTriggers": [
      "/new"
    ]
  },
}
)");
}

TEST_F(ConfigCalls, WriteNothingWhenAPatchChangesNothing) {
    write("openclaw.json", owned);
    Json shown = payload("config.get")["config"];
    change("config.patch", print_json({{"messages", shown["messages"]}}));
    EXPECT_EQ(read("openclaw.json"), owned);
    EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak")));
}

TEST_F(ConfigCalls, WriteADefaultThatAPatchAsksFor) {
    write("openclaw.json", "{messages: {ackReaction: 'ok'}}");
    change("config.patch", "{messages: {ackReactionScope: 'group-mentions'}}");
    EXPECT_EQ(read("openclaw.json"),
              "{messages: {ackReaction: 'ok', ackReactionScope: \"group-mentions\"}}");
}

TEST_F(ConfigCalls, NeedAValidFileToPatchButNotToReplaceIt) {
    write("openclaw.json", "{gateway: {port: 'x'}}");
    EXPECT_NE(refusal("config.patch", "{gateway: {port: 1}}").find("gateway.port"),
              std::string::npos);
    change("config.set", "{gateway: {port: 1}}");
    EXPECT_EQ(read("openclaw.json"), "{gateway: {port: 1}}");
}

TEST_F(ConfigCalls, RefuseToChangeWhatIsIncluded) {
    write("part.json5", "{list: [{id: 'main'}], defaults: {timeoutSeconds: 5}}");
    write("openclaw.json", "{agents: {$include: './part.json5'}, gateway: {port: 1}}");
    EXPECT_NE(refusal("config.patch", "{agents: {list: [{id: 'other'}]}}").find("part.json5"),
              std::string::npos);
    EXPECT_NE(refusal("config.patch", "{agents: {list: null}}").find("part.json5"),
              std::string::npos);
    change("config.patch", "{gateway: {port: 2}, agents: {defaults: {timeoutSeconds: 9}}}");
    EXPECT_EQ(payload("config.get")["config"]["agents"]["defaults"]["timeoutSeconds"], 9);
    EXPECT_EQ(payload("config.get")["config"]["agents"]["list"][0]["id"], "main");
    EXPECT_NE(read("openclaw.json").find("$include"), std::string::npos);
}

TEST_F(ConfigCalls, AnnounceTheRestartAndLeaveANote) {
    write("openclaw.json", "{}");
    const Json done = change(
        "config.apply", "{gateway: {port: 7}}",
        {{"note", "new port"}, {"sessionKey", "agent:main:main"}, {"restartDelayMs", 70'000}});
    EXPECT_EQ(done["restart"]["ok"], true);
    EXPECT_EQ(done["restart"]["delayMs"], 60'000);
    EXPECT_EQ(done["restart"]["reason"], "config.apply");
    EXPECT_EQ(done["sentinel"]["path"], path("restart-sentinel.json"));
    EXPECT_EQ(done["sentinel"]["payload"]["kind"], "config-apply");
    EXPECT_EQ(done["sentinel"]["payload"]["message"], "new port");
    EXPECT_EQ(done["sentinel"]["payload"]["stats"]["mode"], "config.apply");
    struct stat info {};
    ASSERT_EQ(::stat(path("restart-sentinel.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_NE(notices(plan(), Notice::INFO).find("config.apply takes effect: new port"),
              std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(path("restart-sentinel.json")));
}

TEST_F(ConfigCalls, AskForTheRestartTheyAnnounceAndOthersDoNot) {
    write("openclaw.json", "{}");
    const auto patched =
        call("config.patch", {{"raw", "{ui: {}}"}, {"baseHash", sha256_hex("{}")}});
    ASSERT_TRUE(patched.has_reload_after_ms());
    EXPECT_EQ(patched.reload_after_ms(), 2000u);
    const auto set =
        call("config.set", {{"raw", "{}"}, {"baseHash", sha256_hex(read("openclaw.json"))}});
    EXPECT_EQ(set.error_code(), "");
    EXPECT_FALSE(set.has_reload_after_ms());
    const auto refused =
        call("config.patch", {{"raw", "{nope: 1}"}, {"baseHash", sha256_hex("{}")}});
    EXPECT_FALSE(refused.has_reload_after_ms());
}

TEST_F(ConfigCalls, KeepMetaUpToDateWhereItIs) {
    write("openclaw.json", "{meta: {lastTouchedVersion: '2025.1.1'}}");
    change("config.patch", "{ui: {}}");
    const Json meta = payload("config.get")["parsed"]["meta"];
    EXPECT_EQ(meta["lastTouchedVersion"], "2026.1.29");
    EXPECT_EQ(meta["lastTouchedAt"].get<std::string>().size(), 24u);
}

TEST_F(ConfigCalls, AnswerWhatIsNoRequest) {
    EXPECT_EQ(call("config.nothing").error_message(), "unknown method: config.nothing");
    EXPECT_EQ(call("config.get", Json::array()).error_message(), "params must be an object");
}

// The command line's.

TEST_F(ConfigCalls, ShowOneValue) {
    write("openclaw.json", owned);
    EXPECT_EQ(payload("value.get", {{"path", "gateway.port"}})["value"], 4001);
    EXPECT_EQ(payload("value.get", {{"path", "gateway.auth.token"}})["value"],
              "s3cret-gateway-token");
    EXPECT_EQ(payload("value.get", {{"path", "gateway.auth"}})["value"]["token"], placeholder);
    EXPECT_EQ(
        payload("value.get", {{"path", "gateway[auth]"}, {"showSecrets", true}})["value"]["token"],
        "s3cret-gateway-token");
    EXPECT_EQ(call("value.get", {{"path", "gateway.nothing"}}).error_message(),
              "nothing is configured at gateway.nothing");
    EXPECT_NE(call("value.get", {{"path", "a..b"}}).error_message().find("a name is empty"),
              std::string::npos);
}

TEST_F(ConfigCalls, ChangeOneValueAndNothingElse) {
    write("openclaw.json", owned);
    const Json done = payload("value.set", {{"path", "gateway.port"}, {"value", "4002"}});
    EXPECT_EQ(done["changed"], true);
    EXPECT_EQ(done["reloadMode"], "hybrid");
    std::string expected = owned;
    expected.replace(expected.find("4001"), 4, "4002");
    EXPECT_EQ(read("openclaw.json"), expected);
    EXPECT_EQ(read("openclaw.json.bak"), owned);
    EXPECT_EQ(payload("value.set", {{"path", "gateway.port"}, {"value", "4002"}})["changed"],
              false);
    EXPECT_FALSE(std::filesystem::exists(path("openclaw.json.bak.1"))) << "nothing was written";
}

TEST_F(ConfigCalls, MakeListsAndObjectsOnTheWay) {
    payload("value.set", {{"path", "agents.list[0].id"}, {"value", "main"}});
    payload("value.set", {{"path", "agents.list[1]"}, {"value", "{id: 'other'}"}});
    payload("value.set",
            {{"path", "channels.telegram.accounts[\"a.b\"].botToken"}, {"value", "12:ab"}});
    const Json parsed = payload("config.get", {{"includeSecrets", true}})["parsed"];
    EXPECT_EQ(parsed["agents"]["list"][0]["id"], "main");
    EXPECT_EQ(parsed["agents"]["list"][1]["id"], "other");
    EXPECT_EQ(parsed["channels"]["telegram"]["accounts"]["a.b"]["botToken"], "12:ab");
    EXPECT_NE(call("value.set", {{"path", "agents.list[9].id"}, {"value", "x"}})
                  .error_message()
                  .find("agents.list"),
              std::string::npos);
    payload("value.unset", {{"path", "agents.list[0]"}});
    EXPECT_EQ(payload("config.get")["parsed"]["agents"]["list"].size(), 1u);
    EXPECT_EQ(call("value.unset", {{"path", "agents.nobody"}}).error_code(), "INVALID_REQUEST");
}

TEST_F(ConfigCalls, RefuseAValueThatDoesNotFit) {
    write("openclaw.json", "{}");
    EXPECT_NE(call("value.set", {{"path", "gateway.port"}, {"value", "many"}})
                  .error_message()
                  .find("gateway.port: expected a whole number"),
              std::string::npos);
    EXPECT_NE(call("value.set", {{"path", "gateway.bind"}, {"value", "lan"}, {"json", true}})
                  .error_message()
                  .find("JSON5"),
              std::string::npos);
    EXPECT_EQ(read("openclaw.json"), "{}");
}

TEST_F(ConfigCalls, SayWhetherTheFileCanBeUsed) {
    write("openclaw.json", "{gateway: {port: 1}, nope: 2}");
    Json said = payload("validate");
    EXPECT_EQ(said["valid"], true);
    EXPECT_NE(print_json(said["warnings"]).find("nope"), std::string::npos);
    write("openclaw.json", "{gateway: {port: 'x'}}");
    said = payload("validate");
    EXPECT_EQ(said["valid"], false);
    EXPECT_EQ(said["issues"][0]["path"], "gateway.port");
    EXPECT_NE(said["errors"][0].get<std::string>().find("openclaw.json:1:18"), std::string::npos)
        << said["errors"];
}

TEST_F(ConfigCalls, ThatOnlyAskLeaveNoTrace) {
    write("openclaw.json", "{gateway: {port: 1}}");
    for (const char* method : {"config.get", "config.schema", "validate"}) payload(method);
    payload("value.get", {{"path", "gateway.port"}});
    payload("hardshell.config.check",
            {{"patch", "{gateway: {port: 2, auth: {token: 'token-1'}}}"}});
    size_t entries = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
        entries += entry.exists() ? 1 : 0;
    EXPECT_EQ(entries, 1u);
}

TEST_F(ConfigCalls, AreSeenInTheNextPlanAsTheKeysThatChanged) {
    plan_of(owned);
    change("config.patch", "{gateway: {port: 5}, ui: {assistant: {name: 'Crab'}}}");
    const auto next = plan();
    EXPECT_EQ((std::vector<std::string>{next.changed().begin(), next.changed().end()}),
              (std::vector<std::string>{"gateway.port", "ui"}));
    EXPECT_EQ(plan().changed_size(), 0);
}

TEST_F(ConfigCalls, SayWhatAChangeWouldDoWithoutMakingIt) {
    write("openclaw.json", owned);
    const Json port = payload("hardshell.config.check", {{"patch", "{gateway: {port: 5}}"}});
    EXPECT_EQ(port["valid"], true) << port;
    EXPECT_EQ(port["restarts"], Json::array({"gateway"})) << port;
    EXPECT_EQ(port["starts"], Json::array());
    EXPECT_EQ(port["stops"], Json::array());
    EXPECT_EQ(port["reloadMode"], "hybrid");
    const Json words =
        payload("hardshell.config.check", {{"patch", "{messages: {responsePrefix: 'other'}}"}});
    EXPECT_EQ(words["restarts"], Json::array({"agent"})) << words;
    const Json same = payload("hardshell.config.check", {{"raw", owned}});
    EXPECT_EQ(same["restarts"], Json::array()) << same;
    EXPECT_EQ(read("openclaw.json"), owned);
}

TEST_F(ConfigCalls, SayWhatIsWrongWithAChange) {
    write("openclaw.json", owned);
    const Json kind = payload("hardshell.config.check", {{"patch", "{gateway: {port: 'x'}}"}});
    EXPECT_EQ(kind["valid"], false);
    EXPECT_EQ(kind["issues"][0]["path"], "gateway.port");
    const Json text = payload("hardshell.config.check", {{"raw", "{\n  gateway: {"}});
    EXPECT_EQ(text["valid"], false);
    EXPECT_NE(text_member(text["issues"][0], "message").find("line 2"), std::string::npos) << text;
    const Json unknown = payload("hardshell.config.check", {{"patch", "{nope: 1}"}});
    EXPECT_EQ(unknown["valid"], false);
    EXPECT_EQ(payload("hardshell.config.check", Json::object())["valid"], false);
}

TEST_F(ConfigCalls, CheckAFileThatCannotBeUsedYet) {
    write("openclaw.json", "{gateway: {port: 'x'}}");
    const Json said =
        payload("hardshell.config.check",
                {{"raw", "{gateway: {mode: 'local', auth: {token: 'tok-1234567'}}}"}});
    EXPECT_EQ(said["valid"], true) << said;
}

}  // namespace
