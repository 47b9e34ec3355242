// Plain HTTP at the public port of a whole Hardshell: every path there is, with and without what it
// asks for.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/journeys/journey.h"

using testing::HasSubstr;

namespace {

constexpr const char* config = R"({
    "gateway": {"mode": "local", "http": {"endpoints": {
        "chatCompletions": {"enabled": true}, "responses": {"enabled": true}}}},
    "agents": {"list": [{"id": "main", "identity": {"name": "Bob", "avatar": "me.png"}}]},
    "tools": {"deny": ["sessions_history"]},
    "hooks": {"enabled": true, "token": "the-hooks-token", "presets": ["gmail"], "mappings": [
        {"match": {"path": "git"}, "messageTemplate": "{{who}} pushed to {{headers.x-repository}}",
         "name": "Git", "sessionKey": "hook:git", "wakeMode": "next-heartbeat"},
        {"match": {"path": "js"}, "transform": {"module": "t.js"}}]}})";

class Http : public Journey {
  protected:
    void SetUp() override {
        HardshellProcess::Options options;
        options.config = config;
        start(options);
    }
    HttpAnswer post(const std::string& path, const std::string& body,
                    const std::string& bearer = HardshellProcess::token,
                    const std::string& headers = {}) const {
        return http_post(hardshell->port(), path, body, bearer, headers);
    }
    HttpAnswer get(const std::string& path, const std::string& headers = {},
                   const std::string& method = "GET") const {
        return http_get(hardshell->port(), path, headers, method);
    }
    static Json json_of(const HttpAnswer& answer) {
        const Result<Json> parsed = parse_json(answer.body);
        EXPECT_TRUE(parsed) << answer.status << " " << answer.body;
        return parsed ? *parsed : Json();
    }
    // Until one of the session's messages has the text.
    bool told(GatewayClient& client, const std::string& session, const std::string& text) {
        const Deadline deadline(patience);
        while (!deadline.over())
            if (contains(history(client, session), text)) return true;
        return false;
    }
};

}  // namespace

TEST_F(Http, AnswersChatsByTheAgent) {
    const HttpAnswer whole =
        post("/v1/chat/completions",
             R"({"model":"openclaw","user":"ann","messages":[{"role":"user","content":"hello"}]})");
    EXPECT_EQ(whole.status, 200) << whole.body;
    const Json completion = json_of(whole);
    EXPECT_FALSE(text_member(completion["choices"][0]["message"], "content").empty());
    const HttpAnswer stream =
        post("/v1/chat/completions",
             R"({"stream":true,"messages":[{"role":"user","content":"hello"}]})");
    EXPECT_THAT(stream.headers, HasSubstr("text/event-stream"));
    EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
    GatewayClient client = connect();
    EXPECT_TRUE(told(client, "agent:main:openai-user:ann", "user: hello"));
    const HttpAnswer response = post("/v1/responses", R"({"model":"m","input":"hello"})");
    EXPECT_EQ(json_of(response)["status"], "completed");
    EXPECT_EQ(post("/v1/responses", R"({"model":"m","input":"x","stream":true})").status, 200);
    EXPECT_EQ(post("/v1/chat/completions", "{}", "wrong").status, 401);
    EXPECT_EQ(post("/v1/responses", "{}", "the-hooks-token").status, 401);
}

TEST_F(Http, TakesHooks) {
    GatewayClient client = connect();
    EXPECT_EQ(post("/hooks/wake", R"({"text":"the door bell"})", "the-hooks-token").body,
              R"({"ok":true,"mode":"now"})");
    EXPECT_TRUE(told(client, "main", "the door bell"));
    const HttpAnswer run = post("/hooks/git", R"({"who":"ann"})", "",
                                "X-OpenClaw-Token: the-hooks-token\r\nX-Repository: shell\r\n");
    EXPECT_EQ(run.status, 202) << run.body;
    EXPECT_TRUE(told(client, "hook:git", "ann pushed to shell"));
    EXPECT_EQ(post("/hooks/js", "{}", "the-hooks-token").status, 500);
    EXPECT_EQ(post("/hooks/other", "{}", "the-hooks-token").status, 404);
    EXPECT_EQ(post("/hooks/wake", "{}", HardshellProcess::token).status, 401);
    EXPECT_EQ(post("/hooks/agent", R"({"message":"m","channel":"fax"})", "the-hooks-token").status,
              400);
    EXPECT_TRUE(hardshell->wait_line("hooks.mappings[1].transform.module"));
    // What it ended with reaches the main session with its next turn.
    const Deadline deadline(patience);
    bool reached = false;
    while (!reached && !deadline.over()) {
        EXPECT_EQ(post("/hooks/wake", R"({"text":"and now"})", "the-hooks-token").status, 200);
        reached = contains(history(client, "main"), "Hook Git: ");
    }
    EXPECT_TRUE(reached);
}

TEST_F(Http, KeepsTheHooksTokenToTheGateway) {
    EXPECT_EQ(hardshell->log().find("the-hooks-token"), std::string::npos);
    const std::string environment =
        "/proc/" + std::to_string(hardshell->worker("agent")) + "/environ";
    std::ifstream file(environment);
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(all.find("the-hooks-token"), std::string::npos);
}

TEST_F(Http, RestartsOnlyTheGatewayWhenHooksChange) {
    const pid_t gateway = hardshell->worker("gateway");
    const pid_t agent = hardshell->worker("agent");
    std::string changed = config;
    changed.replace(changed.find("the-hooks-token"), 15, "another-token-1");
    hardshell->write_config(changed);
    EXPECT_NE(hardshell->wait_worker_replaced("gateway", gateway), 0);
    EXPECT_TRUE(hardshell->wait_started());
    EXPECT_EQ(post("/hooks/wake", R"({"text":"x"})", "the-hooks-token").status, 401);
    EXPECT_EQ(post("/hooks/wake", R"({"text":"x"})", "another-token-1").status, 200);
    EXPECT_EQ(hardshell->worker("agent"), agent);
}

TEST_F(Http, InvokesToolsThatOnlyTell) {
    const HttpAnswer agents = post("/tools/invoke", R"({"tool":"agents_list"})");
    EXPECT_EQ(agents.status, 200);
    EXPECT_EQ(json_of(agents)["result"]["details"]["defaultId"], "main");
    EXPECT_EQ(post("/tools/invoke", R"({"tool":"session_status"})").status, 200);
    for (const char* tool : {"exec", "sessions_send", "sessions_history"})
        EXPECT_EQ(post("/tools/invoke", std::string(R"({"tool":")") + tool + "\"}").status, 404)
            << tool;
    EXPECT_EQ(post("/tools/invoke", "{}").status, 400);
    EXPECT_EQ(post("/tools/invoke", R"({"tool":"agents_list"})", "").status, 401);
    EXPECT_EQ(get("/tools/invoke").status, 405);
}

TEST_F(Http, ServesThePageOfTheAssistant) {
    std::filesystem::create_directories(hardshell->state_dir() + "/workspace");
    std::ofstream(hardshell->state_dir() + "/workspace/me.png") << "picture";
    const HttpAnswer page = get("/");
    EXPECT_THAT(page.body, HasSubstr(R"(NAME__="Bob")"));
    EXPECT_THAT(page.body, HasSubstr(R"(AVATAR__="/avatar/main")"));
    EXPECT_EQ(get("/avatar/main").body, "picture");
    EXPECT_EQ(get("/avatar/nobody?meta=1").body, R"({"avatarUrl":null})");
    EXPECT_EQ(get("/avatar/nobody").status, 404);
    EXPECT_EQ(get("/chat", "", "PUT").status, 405);
    EXPECT_EQ(get("/nothing.js").status, 404);
}

TEST_F(Http, ServesAnotherBuildOfThePageFromAnywhere) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/page-XXXXXX";
    const std::string root = mkdtemp(pattern.data());
    std::filesystem::permissions(root, static_cast<std::filesystem::perms>(0755));
    std::ofstream(root + "/index.html") << "<head></head>another build";
    const pid_t gateway = hardshell->worker("gateway");
    std::string changed = config;
    changed.insert(changed.find(R"("mode")"),
                   R"("controlUi": {"basePath": "/ui", "root": ")" + root + "\"}, ");
    hardshell->write_config(changed);
    EXPECT_NE(hardshell->wait_worker_replaced("gateway", gateway), 0);
    EXPECT_TRUE(hardshell->wait_started());
    EXPECT_THAT(get("/ui/").body, HasSubstr("another build"));
    EXPECT_EQ(get("/").status, 404);
    std::filesystem::remove_all(root);
}
