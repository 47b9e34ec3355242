// The assistant does things: the model asks for tools, commands run in their cells, and nothing
// gets out.

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "tests/journeys/journey.h"
#include "tests/support/model_double.h"

namespace {

class Tools : public Journey {
  protected:
    static constexpr const char* model_key = "sk-tools-journey-0123456789abcdef";

    void start_with_tools(const Json& more = Json::object()) {
        Json config = more;
        config["agents"]["defaults"]["model"]["primary"] = "double/one";
        config["agents"]["defaults"]["verboseDefault"] = "full";
        config["models"]["providers"]["double"] = {
            {"baseUrl", models.url() + "/v1"},
            {"apiKey", model_key},
            {"api", "openai-completions"},
            {"models", Json::array({{{"id", "one"}, {"name", "One"}}})}};
        HardshellProcess::Options options;
        options.config = print_json(config);
        start(options);
        ASSERT_TRUE(hardshell->wait_line("the tools worker offers"));
    }
    // The model asks for that tool, then says what came of it.
    std::string use(GatewayClient& client, const std::string& name, const Json& arguments,
                    const std::string& session = "main") {
        ModelReply wants;
        wants.text = "";
        wants.tools = {{"call_" + std::to_string(++calls), name, print_json(arguments)}};
        models.next(wants);
        models.next({});
        EXPECT_EQ(chat_turn(client, "do it", session).state, "final");
        return last_tool_result(models.requests().back().body);
    }
    std::string exec(GatewayClient& client, const std::string& command,
                     const std::string& session = "main") {
        return use(client, "exec", {{"command", command}}, session);
    }
    std::string workspace() const { return hardshell->state_dir() + "/workspace"; }
    static std::string content(const std::string& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    std::string transcript() const {
        std::string all;
        for (const auto& entry :
             std::filesystem::directory_iterator(hardshell->state_dir() + "/agents/main/sessions"))
            if (entry.path().extension() == ".jsonl") all += content(entry.path());
        return all;
    }

    static bool eventually(const std::function<bool()>& holds) {
        for (const Deadline deadline(patience); !deadline.over(); usleep(5'000))
            if (holds()) return true;
        return holds();
    }

    ModelDouble models;
    int calls = 0;
};

TEST_F(Tools, AreUsedAndTheirResultsAreInTheTranscript) {
    start_with_tools();
    GatewayClient client = connect();
    EXPECT_EQ(use(client, "write", {{"path", "note.txt"}, {"content", "tea at four"}}),
              "Wrote 11 bytes to note.txt.");
    EXPECT_EQ(content(workspace() + "/note.txt"), "tea at four");
    EXPECT_EQ(exec(client, "cat note.txt; id -u > user.txt"), "tea at four");
    EXPECT_EQ(use(client, "read", {{"path", "note.txt"}}), "tea at four");
    EXPECT_EQ(use(client, "edit", {{"path", "note.txt"}, {"oldText", "four"}, {"newText", "five"}}),
              "Changed note.txt.");
    const std::string written = transcript();
    EXPECT_NE(written.find("\"toolResult\""), std::string::npos);
    EXPECT_NE(written.find("\"toolCall\""), std::string::npos);
    client.read_waiting();
    size_t starts = 0, results = 0;
    for (const Json& payload : client.payloads("agent")) {
        if (text_member(payload, "stream") != "tool") continue;
        starts += text_member(member(payload, "data"), "phase") == "start";
        results += text_member(member(payload, "data"), "phase") == "result";
    }
    EXPECT_EQ(starts, 4u);
    EXPECT_EQ(results, 4u);
    if (geteuid() == 0) {
        EXPECT_GE(std::atoi(content(workspace() + "/user.txt").c_str()), 64100)
            << "a user of its own";
    }
}

TEST_F(Tools, HaveAWorkspaceWithTheFilesOfItsFirstDay) {
    start_with_tools();
    ASSERT_TRUE(eventually([&] { return !content(workspace() + "/HEARTBEAT.md").empty(); }));
    GatewayClient client = connect();
    EXPECT_EQ(chat_turn(client, "hello").state, "final");
    EXPECT_NE(models.requests().back().body.find("your first conversation"), std::string::npos);
    use(client, "write", {{"path", "BOOTSTRAP.md"}, {"content", ""}});
    use(client, "write", {{"path", "SOUL.md"}, {"content", "Is brief."}});
    ASSERT_EQ(hardshell->stop(), 0);
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(chat_turn(client, "and now?").state, "final");
    const std::string asked = models.requests().back().body;
    EXPECT_EQ(asked.find("your first conversation"), std::string::npos);
    EXPECT_EQ(content(workspace() + "/SOUL.md"), "Is brief.");
}

TEST_F(Tools, HaveAWorkspaceForEachAgentThatOthersCannotReach) {
    Json config;
    for (const char* id : {"main", "Ops", "../kai"})
        config["agents"]["list"].push_back({{"id", id}});
    start_with_tools(config);
    GatewayClient client = connect();
    const std::string state = hardshell->state_dir();
    for (const std::string id : {"ops", "kai"}) {
        const std::string session = "agent:" + id + ":main";
        const std::string place = state + "/workspace-" + id;
        EXPECT_EQ(use(client, "write", {{"path", "note.txt"}, {"content", "of " + id}}, session),
                  "Wrote " + std::to_string(3 + id.size()) + " bytes to note.txt.");
        EXPECT_EQ(content(place + "/note.txt"), "of " + id);
        EXPECT_EQ(exec(client, "pwd; cat note.txt; echo by command > ran.txt", session),
                  place + "\nof " + id);
        EXPECT_EQ(content(place + "/ran.txt"), "by command\n");
        EXPECT_FALSE(content(place + "/AGENTS.md").empty());
    }
    const std::string of_ops = state + "/workspace-ops/note.txt";
    for (const std::string session : {"main", "agent:kai:main"}) {
        for (const std::string& path : {of_ops, std::string("../workspace-ops/note.txt")})
            use(client, "write", {{"path", path}, {"content", "mine now"}}, session);
        exec(client,
             "ln -s " + of_ops + " way; echo mine now > " + of_ops + "; echo mine now > way",
             session);
        use(client, "write", {{"path", "way"}, {"content", "mine now"}}, session);
        use(client, "edit", {{"path", "way"}, {"oldText", "ops"}, {"newText", "kai"}}, session);
    }
    EXPECT_EQ(content(of_ops), "of ops");
    EXPECT_FALSE(std::filesystem::exists(state + "/kai"));
}

TEST_F(Tools, HaveAWorkspaceForAnAgentThatIsAddedWhileItRuns) {
    start_with_tools();
    GatewayClient client = connect();
    Json config = *parse_json(content(hardshell->state_dir() + "/openclaw.json"));
    const std::string team = hardshell->state_dir() + "/team/kim";
    config["agents"]["list"] =
        Json::array({{{"id", "main"}},
                     {{"id", "late"}},
                     {{"id", "kim"}, {"workspace", team}},
                     {{"id", "thief"}, {"workspace", hardshell->state_dir() + "/credentials"}}});
    const pid_t gateway = hardshell->worker("gateway");
    const pid_t agent = hardshell->worker("agent");
    const pid_t tools = hardshell->worker("tools");
    hardshell->write_config(print_json(config));
    ASSERT_TRUE(hardshell->wait_line("agents.list[3].workspace: "));
    ASSERT_GT(hardshell->wait_worker_replaced("gateway", gateway), 0);
    ASSERT_GT(hardshell->wait_worker_replaced("agent", agent), 0);
    ASSERT_GT(hardshell->wait_worker_replaced("tools", tools), 0);
    client = connect();
    const std::string late = "agent:late:main";
    // The two new processes find each other while we ask.
    ASSERT_TRUE(eventually([&] {
        return use(client, "write", {{"path", "a.txt"}, {"content", "here"}}, late) ==
               "Wrote 4 bytes to a.txt.";
    }));
    EXPECT_EQ(content(hardshell->state_dir() + "/workspace-late/a.txt"), "here");
    exec(client, "echo ran > b.txt", "agent:kim:main");
    EXPECT_EQ(content(team + "/b.txt"), "ran\n");
    EXPECT_NE(use(client, "write", {{"path", "a.txt"}, {"content", "x"}}, "agent:thief:main")
                  .find("agents.list[3].workspace"),
              std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(hardshell->state_dir() + "/credentials/a.txt"));
}

TEST_F(Tools, LetNothingOut) {
    start_with_tools();
    GatewayClient client = connect();
    const std::string agent = std::to_string(hardshell->worker("agent"));
    const std::string state = hardshell->state_dir();
    EXPECT_EQ(exec(client, "cat /proc/" + agent + "/environ /proc/" + agent +
                               "/mem /proc/*/environ 2>&1 | grep -c sk-tools")
                  .find("0"),
              0u);
    EXPECT_NE(exec(client, "cat " + state + "/openclaw.json").find("exit code"), std::string::npos);
    EXPECT_NE(exec(client, "ls " + state + "/agents").find("exit code"), std::string::npos);
    EXPECT_NE(exec(client, "echo x > /etc/hardshell-escape").find("exit code"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists("/etc/hardshell-escape"));
    EXPECT_NE(exec(client, "kill -9 " + agent).find("exit code"), std::string::npos);
    EXPECT_NE(exec(client, "kill -9 -1; sleep 0.1; kill -0 " + agent).find("("), std::string::npos);
    const std::string port = std::to_string(hardshell->port());
    const std::string connect_to =
        "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0)||die \"held\";"
        "connect(S,sockaddr_in(" +
        port +
        ",inet_aton(\"127.0.0.1\")))||die \"held\";"
        "print \"REACHED\"' 2>&1";
    EXPECT_EQ(exec(client, connect_to).find("REACHED"), std::string::npos);
    EXPECT_NE(use(client, "read", {{"path", "../openclaw.json"}}).find("workspace"),
              std::string::npos);
    EXPECT_NE(use(client, "read", {{"path", "/proc/self/environ"}}).find("workspace"),
              std::string::npos);
    EXPECT_NE(use(client, "web_fetch", {{"url", "http://127.0.0.1:" + port + "/healthz"}})
                  .find("The page was not read"),
              std::string::npos);
    EXPECT_EQ(hardshell->worker("agent"), std::atoi(agent.c_str())) << "the agent was replaced";
    EXPECT_EQ(hardshell->log().find(model_key), std::string::npos);
    EXPECT_EQ(transcript().find(model_key), std::string::npos);
}

TEST_F(Tools, WhoseProcessDiesGiveAnErrorAndAreBackForTheNext) {
    start_with_tools();
    GatewayClient client = connect();
    ModelReply wants;
    wants.text = "";
    wants.tools = {{"call_slow", "exec", R"({"command":"echo x >> ran.txt; sleep 1000"})"}};
    models.next(wants);
    models.next({});
    const Json sent = client.request(
        "chat.send", {{"sessionKey", "main"}, {"message", "go"}, {"idempotencyKey", "slow"}});
    ASSERT_TRUE(bool_member(sent, "ok"));
    ASSERT_TRUE(eventually([&] { return content(workspace() + "/ran.txt") == "x\n"; }));
    const pid_t former = hardshell->worker("tools");
    const auto before = hardshell->descendants();
    ASSERT_EQ(kill(former, SIGKILL), 0);
    EXPECT_FALSE(client
                     .wait_event("chat",
                                 [](const Json& payload) {
                                     return text_member(payload, "state") == "final";
                                 })
                     .is_null());
    EXPECT_NE(last_tool_result(models.requests().back().body).find("ended before this"),
              std::string::npos);
    EXPECT_GT(hardshell->wait_worker_replaced("tools", former), 0);
    EXPECT_EQ(exec(client, "cat ran.txt"), "x\n") << "ran once";
    for (const ProcessEntry& entry : before) {
        if (entry.name != "sleep") continue;
        EXPECT_TRUE(HardshellProcess::still_running({entry}, std::chrono::seconds(5)).empty())
            << "a command outlived its worker";
    }
}

TEST_F(Tools, RunNothingTwiceWhenTheAgentDies) {
    start_with_tools();
    GatewayClient client = connect();
    ModelReply wants;
    wants.text = "";
    wants.tools = {{"call_slow", "exec", R"({"command":"echo x >> ran.txt; sleep 1000"})"}};
    models.next(wants);
    models.next({});
    const Json sent = client.request(
        "chat.send", {{"sessionKey", "main"}, {"message", "go"}, {"idempotencyKey", "slow"}});
    ASSERT_TRUE(bool_member(sent, "ok"));
    ASSERT_TRUE(eventually([&] { return content(workspace() + "/ran.txt") == "x\n"; }));
    const pid_t former = hardshell->worker("agent");
    ASSERT_EQ(kill(former, SIGKILL), 0);
    ASSERT_GT(hardshell->wait_worker_replaced("agent", former), 0);
    ASSERT_TRUE(models.wait_for_requests(2));
    EXPECT_NE(last_tool_result(models.requests().back().body), "");
    EXPECT_TRUE(eventually([&] {
        for (const ProcessEntry& entry : hardshell->descendants())
            if (entry.name == "sleep") return false;
        return true;
    })) << "the command of the agent that died goes on";
    EXPECT_EQ(content(workspace() + "/ran.txt"), "x\n");
}

TEST_F(Tools, AskTheirOwnerWhereTheConfigurationSaysSo) {
    start_with_tools(Json{{"tools", {{"exec", {{"host", "gateway"}, {"ask", "always"}}}}}});
    ASSERT_EQ(hardshell->stop(), 0);
    std::ofstream(hardshell->state_dir() + "/exec-approvals.json")
        << R"({"version":1,"defaults":{"security":"allowlist","ask":"on-miss"},"agents":{}})";
    const size_t from = hardshell->line_count();
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(hardshell->wait_line("the tools worker offers", from));
    GatewayClient::Options decider = owner();
    decider.scopes.push_back("operator.approvals");
    GatewayClient client = connect(decider);
    for (const char* decision : {"allow-once", "deny", "allow-always"}) {
        ModelReply wants;
        wants.text = "";
        wants.tools = {{std::string("call_") + decision, "exec", R"({"command":"echo approved"})"}};
        models.next(wants);
        models.next({});
        const Json sent = client.request(
            "chat.send", {{"sessionKey", "main"}, {"message", "go"}, {"idempotencyKey", decision}});
        ASSERT_TRUE(bool_member(sent, "ok"));
        std::string id;
        ASSERT_FALSE(client
                         .wait_event("exec.approval.requested",
                                     [&](const Json& payload) {
                                         id = text_member(payload, "id");
                                         return text_member(member(payload, "request"),
                                                            "command") == "echo approved";
                                     })
                         .is_null());
        const Json resolved =
            client.request("exec.approval.resolve", {{"id", id}, {"decision", decision}});
        ASSERT_TRUE(bool_member(resolved, "ok")) << print_json(resolved);
        ASSERT_FALSE(client
                         .wait_event("chat",
                                     [&](const Json& payload) {
                                         return text_member(payload, "runId") == decision &&
                                                text_member(payload, "state") == "final";
                                     })
                         .is_null());
        const std::string result = last_tool_result(models.requests().back().body);
        if (std::string_view(decision) == "deny") {
            EXPECT_NE(result.find("its owner denied it"), std::string::npos) << result;
        } else {
            EXPECT_EQ(result, "approved\n");
        }
        client.forget_events();
    }
    EXPECT_TRUE(eventually([&] {
        return content(hardshell->state_dir() + "/exec-approvals.json").find("/echo\"") !=
               std::string::npos;
    })) << "always also counts after a restart";
}

TEST_F(Tools, AreOnlyThoseThatThePolicyAllows) {
    start_with_tools(Json{{"tools", {{"deny", Json::array({"group:runtime"})}}}});
    GatewayClient client = connect();
    EXPECT_EQ(exec(client, "echo x > forbidden.txt"), "There is no tool exec here.");
    EXPECT_FALSE(std::filesystem::exists(workspace() + "/forbidden.txt"));
    EXPECT_EQ(models.requests().back().body.find("\"name\":\"exec\",\"description\""),
              std::string::npos);
    EXPECT_NE(models.requests().back().body.find("\"name\":\"read\""), std::string::npos);
}

}  // namespace
