// Every method of the table, asked of the real processes: it is answered, or refused by name with
// the reason; and the command line on the same gateway.

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/journeys/journey.h"

namespace {

class Methods : public Journey {
  protected:
    void start_with_channels() {
        HardshellProcess::Options options;
        options.config = R"({channels: {telegram: {botToken: "123456:secret-telegram-token"},
                             discord: {enabled: false, token: "discord-token-1"}}})";
        options.environment["OPENCLAW_SKIP_CHANNELS"] = "1";  // nothing leaves loopback
        start(options);
    }
    Json ask(GatewayClient& client, const std::string& method,
             const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_TRUE(bool_member(answer, "ok")) << method << ": " << print_json(answer);
        return member(answer, "payload");
    }
    static std::string refusal(GatewayClient& client, const std::string& method,
                               const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_FALSE(bool_member(answer, "ok", true)) << method;
        const Json& error = member(answer, "error");
        return text_member(error, "code") + ": " + text_member(error, "message");
    }
    // The rows of ops/methods.md: method, who serves it.
    static std::vector<std::pair<std::string, std::string>> table() {
        std::vector<std::pair<std::string, std::string>> rows;
        std::ifstream page(std::string(std::getenv("HARDSHELL_SOURCE")) + "/ops/methods.md");
        for (std::string line; std::getline(page, line);) {
            if (!line.starts_with("| `")) continue;
            const size_t name_end = line.find('`', 3);
            const size_t scope_end = line.find(" | ", line.find(" | ") + 3);
            const size_t server_end = line.find(" |", scope_end + 3);
            rows.emplace_back(line.substr(3, name_end - 3),
                              line.substr(scope_end + 3, server_end - scope_end - 3));
        }
        return rows;
    }
    // What a method needs to do something; others are asked with nothing.
    static Json params_of(const std::string& method) {
        static const Json all = *parse_json(R"({
            "usage.cost": {"days": 2}, "config.get": {}, "wake": {"mode": "now", "text": "hello"},
            "voicewake.set": {"triggers": ["marvin"]}, "talk.mode": {"enabled": true},
            "system-event": {"text": "rain"}, "set-heartbeats": {"enabled": false},
            "sessions.patch": {"key": "main", "label": "here"}, "sessions.reset": {"key": "main"},
            "sessions.compact": {"key": "main"}, "sessions.preview": {"keys": ["main"]},
            "sessions.resolve": {"key": "main"}, "chat.history": {"sessionKey": "main"},
            "chat.abort": {"sessionKey": "main"},
            "chat.send": {"sessionKey": "main", "message": "hello", "idempotencyKey": "c1"},
            "agent": {"message": "hello", "idempotencyKey": "a1"},
            "agent.wait": {"runId": "a1", "timeoutMs": 5000},
            "skills.update": {"skillKey": "weather", "enabled": false}
        })");
        return all.contains(method) ? all[method] : Json::object();
    }
};

TEST_F(Methods, AreAnsweredOrRefusedByName) {
    start_with_channels();
    GatewayClient client = connect();
    const auto rows = table();
    ASSERT_GT(rows.size(), 80u);
    ASSERT_TRUE(
        bool_member(chat_turn(client, "hello").text.empty() ? Json() : Json({{"ok", true}}), "ok"));
    for (const auto& [method, server] : rows) {
        // Ends connections, or takes the session away from the rows that follow.
        if (method == "sessions.delete") continue;
        const Json answer = client.request(method, params_of(method));
        ASSERT_TRUE(answer.is_object()) << method << " was not answered";
        if (bool_member(answer, "ok")) {
            EXPECT_NE(server, "nobody") << method;
            continue;
        }
        const Json& error = member(answer, "error");
        const std::string code = text_member(error, "code");
        const std::string message = text_member(error, "message");
        EXPECT_TRUE(code == "INVALID_REQUEST" || code == "UNAVAILABLE") << method << ": " << code;
        EXPECT_FALSE(message.empty()) << method;
        EXPECT_EQ(message.find("unknown method"), std::string::npos) << method << ": " << message;
        if (server == "nobody") {
            EXPECT_EQ(message.find(method + " is not offered by this gateway"), 0u) << message;
        }
    }
    EXPECT_EQ(refusal(client, "matrix.verify"), "INVALID_REQUEST: unknown method: matrix.verify");
}

TEST_F(Methods, TellTheLogFromACursorOn) {
    start_with_channels();
    GatewayClient client = connect();
    const Json first = ask(client, "logs.tail");
    ASSERT_GT(first["lines"].size(), 2u);
    EXPECT_EQ(first["reset"], false);
    const Json line = *parse_json(first["lines"][0].get<std::string>());
    for (const char* key : {"time", "_meta", "0", "1"}) EXPECT_TRUE(line.contains(key)) << key;
    EXPECT_TRUE(text_member(line["_meta"], "logLevelName") == "INFO" ||
                text_member(line["_meta"], "logLevelName") == "WARN");
    EXPECT_EQ(print_json(first).find(HardshellProcess::token), std::string::npos);
    // Of a life of the gateway worker to the next the cursor goes on.
    const pid_t former = hardshell->worker("gateway");
    EXPECT_EQ(hardshell->command({"restart", "gateway"}).exit_code, 0);
    ASSERT_GT(hardshell->wait_worker_replaced("gateway", former), 0);
    GatewayClient again = connect();
    const Json next = ask(again, "logs.tail", {{"cursor", first["cursor"]}});
    EXPECT_EQ(next["reset"], false);
    ASSERT_GT(next["lines"].size(), 0u);
    EXPECT_GT(next["cursor"].get<int64_t>(), first["cursor"].get<int64_t>());
    for (const Json& text : next["lines"])
        EXPECT_EQ(print_json(first["lines"]).find(print_json(text)), std::string::npos);
    EXPECT_EQ(ask(again, "logs.tail", {{"cursor", 1}})["reset"], true);
    EXPECT_EQ(ask(again, "logs.tail", {{"limit", 1}})["lines"].size(), 1u);
    EXPECT_EQ(refusal(again, "logs.tail", {{"limit", 5001}}),
              "INVALID_REQUEST: invalid logs.tail params: at /limit: must be between 1 and 5000");
    const Json of_agent = ask(again, "hardshell.logs", {{"worker", "agent"}});
    ASSERT_GT(of_agent["lines"].size(), 0u);
    for (const Json& each : of_agent["lines"]) {
        const Json read = *parse_json(each.get<std::string>());
        const std::string subsystem = text_member(*parse_json(text_member(read, "0")), "subsystem");
        EXPECT_TRUE(subsystem == "agent" || subsystem.starts_with("agent/")) << subsystem;
    }
    EXPECT_EQ(ask(again, "hardshell.logs", {{"worker", "nobody"}})["lines"], Json::array());
    EXPECT_EQ(refusal(again, "hardshell.logs", {{"worker", "agent"}, {"limit", 5001}}),
              "INVALID_REQUEST: invalid hardshell.logs params: at /limit: must be between 1 and "
              "5000");
}

TEST_F(Methods, ShowEveryWorkerAndItsDeathWithinASecond) {
    start_with_channels();
    GatewayClient client = connect();
    // The supervisor measures once a second.
    const auto is_measured = [](const Json& worker) {
        return worker["state"] == "ready" && worker["memory"]["bytes"].get<int64_t>() > 0 &&
               worker["heartbeatAgeMs"].is_number();
    };
    Json workers;
    for (const Deadline deadline(patience); !deadline.over();) {
        workers = ask(client, "hardshell.workers", {{"history", true}})["workers"];
        if (std::all_of(workers.begin(), workers.end(), is_measured)) break;
    }
    ASSERT_GE(workers.size(), 2u);
    for (const Json& worker : workers) {
        EXPECT_TRUE(is_measured(worker)) << worker;
        EXPECT_GT(worker["memoryHistory"]["points"].size(), 0u) << worker;
    }
    const pid_t agent = hardshell->worker("agent");
    ASSERT_EQ(kill(agent, SIGKILL), 0);
    const auto is_dead = [&](const Json& payload) {
        for (const Json& worker : payload["workers"])
            if (worker["name"] == "agent") return worker["pid"] != agent;
        return false;
    };
    const Json event = client.wait_event("hardshell.workers", is_dead);
    ASSERT_TRUE(event.is_object());
    const Json history = ask(client, "hardshell.worker.history", {{"worker", "agent"}});
    EXPECT_EQ(history["lastCause"], "killed");
    EXPECT_EQ(history["deaths"][0]["cause"], "killed");
    EXPECT_EQ(refusal(client, "hardshell.worker.history", {{"worker", "nobody"}}),
              "INVALID_REQUEST: there is no worker called nobody; see hardshell.workers");
}

TEST_F(Methods, RestartStopAndStartAWorker) {
    start_with_channels();
    GatewayClient client = connect();
    pid_t agent = hardshell->worker("agent");
    EXPECT_EQ(ask(client, "hardshell.worker.restart", {{"worker", "agent"}})["ok"], true);
    ASSERT_GT(hardshell->wait_worker_replaced("agent", agent), 0);
    const auto agent_is = [&](const char* state) {
        return client.wait_event("hardshell.workers", [state](const Json& payload) {
            for (const Json& worker : payload["workers"])
                if (worker["name"] == "agent") return worker["state"] == state;
            return false;
        });
    };
    EXPECT_TRUE(agent_is("ready").is_object());
    EXPECT_EQ(ask(client, "hardshell.worker.stop", {{"worker", "agent"}})["ok"], true);
    EXPECT_TRUE(agent_is("stopped").is_object());
    const Json sick = ask(client, "hardshell.doctor");
    EXPECT_EQ(sick["ok"], false);
    EXPECT_NE(print_json(sick["findings"]).find("hardshell start agent"), std::string::npos);
    EXPECT_EQ(ask(client, "hardshell.worker.start", {{"worker", "agent"}})["ok"], true);
    EXPECT_TRUE(agent_is("ready").is_object());
    EXPECT_EQ(ask(client, "hardshell.doctor")["version"], ask(client, "status")["version"]);
    EXPECT_NE(refusal(client, "hardshell.worker.stop", {{"worker", "gateway"}})
                  .find("none of them could start it again"),
              std::string::npos);
    // The gateway restarts after its answer.
    const pid_t gateway = hardshell->worker("gateway");
    EXPECT_EQ(ask(client, "hardshell.worker.restart", {{"worker", "gateway"}})["ok"], true);
    ASSERT_GT(hardshell->wait_worker_replaced("gateway", gateway), 0);
}

TEST_F(Methods, TellWhichChannelsAreConfiguredAndWhyNoneRuns) {
    start_with_channels();
    GatewayClient client = connect();
    const Json status = ask(client, "channels.status", {{"probe", true}, {"timeoutMs", 8000}});
    EXPECT_EQ(status["channelOrder"], Json::parse(R"(["telegram", "discord"])"));
    EXPECT_EQ(status["channels"]["telegram"]["configured"], true);
    EXPECT_EQ(status["channels"]["telegram"]["running"], false);
    EXPECT_EQ(status["channels"]["discord"]["lastError"], "disabled");
    EXPECT_EQ(ask(client, "health", {{"probe", true}})["channels"]["telegram"]["configured"], true);
    EXPECT_EQ(ask(client, "status")["channelSummary"].size(), 2u);
    const Json to = {{"to", "1"}, {"message", "hi"}, {"idempotencyKey", "k"}};
    Json to_telegram = to;
    to_telegram["channel"] = "telegram";
    EXPECT_NE(refusal(client, "send", to_telegram).find("INVALID_REQUEST: channel telegram, "),
              std::string::npos);
    EXPECT_NE(refusal(client, "send", to).find("whatsapp"), std::string::npos);
    EXPECT_EQ(refusal(client, "channels.logout", {{"channel", "slack"}}),
              "INVALID_REQUEST: channel slack does not support logout");
    const Json out = ask(client, "channels.logout", {{"channel", "telegram"}});
    EXPECT_EQ(out["cleared"], true);
    EXPECT_EQ(out["loggedOut"], true);
}

TEST_F(Methods, KeepWhatTheOwnerSetsThroughThem) {
    start();
    GatewayClient client = connect();
    const Json before = ask(client, "exec.approvals.get");
    EXPECT_EQ(before["exists"], false);
    Json file = before["file"];
    file["defaults"] = {{"security", "allowlist"}};
    const Json after = ask(client, "exec.approvals.set", {{"file", file}});
    EXPECT_EQ(after["exists"], true);
    EXPECT_NE(refusal(client, "exec.approvals.set", {{"file", file}}).find("hash required"),
              std::string::npos);
    ask(client, "exec.approvals.set", {{"file", file}, {"baseHash", after["hash"]}});
    EXPECT_TRUE(std::filesystem::exists(hardshell->state_dir() + "/exec-approvals.json"));
    EXPECT_EQ(refusal(client, "exec.approvals.node.get", {{"nodeId", "n"}}),
              "UNAVAILABLE: node not connected");

    EXPECT_EQ(ask(client, "voicewake.get")["triggers"].size(), 3u);
    ask(client, "voicewake.set", {{"triggers", {"marvin"}}});
    const Json event = client.wait_event("voicewake.changed");
    EXPECT_EQ(event["payload"]["triggers"], Json::parse(R"(["marvin"])"));
    EXPECT_EQ(ask(client, "voicewake.get")["triggers"], Json::parse(R"(["marvin"])"));
    EXPECT_TRUE(std::filesystem::exists(hardshell->state_dir() + "/settings/voicewake.json"));
    EXPECT_EQ(ask(client, "talk.mode", {{"enabled", true}, {"phase", "listening"}})["phase"],
              "listening");

    const Json skills = ask(client, "skills.status");
    EXPECT_EQ(skills["managedSkillsDir"], hardshell->state_dir() + "/skills");
    EXPECT_EQ(skills["skills"], Json::array());
    const Json skill = ask(client, "skills.update", {{"skillKey", "weather"}, {"enabled", false}});
    EXPECT_EQ(skill["config"]["enabled"], false);
}

TEST_F(Methods, StandBehindTheCommandLine) {
    start_with_channels();
    GatewayClient client = connect();
    chat_turn(client, "hello");
    const auto run = [&](const std::vector<std::string>& words) {
        const auto result = hardshell->command(words);
        EXPECT_EQ(result.exit_code, 0) << words[0] << ": " << result.output;
        return result.output;
    };
    const auto json = [&](const std::vector<std::string>& words) {
        const Result<Json> parsed = parse_json(run(words));
        EXPECT_TRUE(parsed) << words[0] << " " << words[1];
        return parsed ? *parsed : Json();
    };
    EXPECT_EQ(json({"channels", "list", "--json"})["chat"]["telegram"][0], "default");
    EXPECT_NE(run({"channels", "status", "--probe"}).find("not running"), std::string::npos);
    EXPECT_EQ(json({"sessions", "--json", "--active", "5"})["count"], 1);
    EXPECT_EQ(json({"agents", "list", "--json"})[0]["id"], "main");
    EXPECT_GT(json({"models", "list", "--json"})["count"], 0);
    EXPECT_EQ(json({"gateway", "probe", "--json"})["ok"], true);
    EXPECT_EQ(json({"gateway", "usage-cost", "--days", "2", "--json"})["days"], 2);
    EXPECT_EQ(json({"health", "--json", "--timeout", "5000", "--verbose"})["ok"], true);
    EXPECT_EQ(json({"status", "--json"})["sessions"]["count"], 1);
    run({"status", "--json", "--all", "--usage", "--deep", "--timeout", "5000"});
    EXPECT_NE(run({"logs", "--limit", "5", "--max-bytes", "100000", "--plain"}).find("["),
              std::string::npos);
    EXPECT_NE(run({"pairing", "list"}).find("No pairing request"), std::string::npos);
    const auto sent = hardshell->command(
        {"message", "send", "-t", "1", "-m", "hi", "--channel", "telegram", "--json"});
    EXPECT_EQ(sent.exit_code, 1);
    EXPECT_NE(sent.output.find("no worker runs for Telegram"), std::string::npos) << sent.output;
}

}  // namespace
