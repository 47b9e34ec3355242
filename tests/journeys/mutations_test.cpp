// Thousands of spoilt frames and configuration files, the same ones each time: nothing dies of
// them, every request that can be answered is, and what is said about them is in our own words.

#include <filesystem>
#include <map>

#include "tests/journeys/journey.h"
#include "tests/support/mutator.h"
#include "tests/workers/planner/planner_fixture.h"

namespace {

constexpr size_t largest_frame = 524'288;  // one byte more ends the connection
constexpr const char* library_name = "json.exception";

bool is_utf8(const std::string& text) {
    try {
        return !Json(text).dump().empty();
    } catch (const Json::exception&) {
        return false;
    }
}

// The id under which it must be answered; empty: none can be told.
std::string id_in(const std::string& frame) {
    const Result<Json> parsed = parse_json(frame);
    return parsed ? text_member(*parsed, "id") : std::string();
}

// Of methods whose answer does not wait for something to happen.
constexpr const char* requests[] = {
    R"("health","params":{"probe":false})",
    R"("status")",
    R"("system-presence")",
    R"("logs.tail","params":{"cursor":0,"limit":5,"maxBytes":2000})",
    R"("hardshell.logs","params":{"worker":"agent","cursor":0,"limit":5,"maxBytes":2000})",
    R"("hardshell.chat.history","params":{"sessionKey":"main","skip":1,"limit":20})",
    R"("channels.status","params":{"probe":true,"timeoutMs":1000})",
    R"("config.get","params":{})",
    R"("config.schema","params":{})",
    R"("models.list","params":{})",
    R"("agents.list","params":{})",
    R"("agent.identity.get","params":{"agentId":"main","sessionKey":"agent:main:main"})",
    R"("skills.status","params":{"agentId":"main"})",
    R"("sessions.list","params":{"limit":10,"activeMinutes":5,"includeGlobal":true,"search":"a"})",
    R"("sessions.preview","params":{"keys":["main","agent:main:other"],"limit":3,"maxChars":80})",
    R"("sessions.resolve","params":{"key":"main"})",
    R"("sessions.patch","params":{"key":"main","label":"tea","thinkingLevel":"low"})",
    R"("sessions.reset","params":{"key":"agent:main:spare"})",
    R"("sessions.compact","params":{"key":"agent:main:spare","maxLines":3})",
    R"("chat.history","params":{"sessionKey":"main","limit":20})",
    R"("chat.send","params":{"sessionKey":"main","message":"hi","deliver":false,"idempotencyKey":"k"})",
    R"("chat.abort","params":{"sessionKey":"main","runId":"k"})",
    R"("chat.inject","params":{"sessionKey":"main","message":"a note","label":"l"})",
    R"("cron.add","params":{"name":"tea","enabled":true,"schedule":{"kind":"every","everyMs":3600000},)"
    R"("sessionTarget":"main","wakeMode":"next-heartbeat","payload":{"kind":"systemEvent","text":"tea"}})",
    R"("cron.list","params":{"includeDisabled":true})",
    R"("cron.update","params":{"id":"x","patch":{"enabled":false,"schedule":{"kind":"cron","expr":"* * * * *"}}})",
    R"("cron.runs","params":{"id":"x","limit":5})",
    R"("usage.cost","params":{"days":3})",
    R"("system-event","params":{"text":"rain","deviceId":"d","tags":["a"],"lastInputSeconds":3})",
    R"("set-heartbeats","params":{"enabled":false})",
    R"("last-heartbeat","params":{})",
    R"("voicewake.set","params":{"triggers":["marvin"]})",
    R"("device.pair.list","params":{})",
    R"("device.pair.approve","params":{"requestId":"r"})",
    R"("device.token.rotate","params":{"deviceId":"d","role":"operator","scopes":["operator.read"]})",
    R"("node.list","params":{})",
    R"("node.pair.request","params":{"nodeId":"n","displayName":"N","caps":["a"],"permissions":{"x":true}})",
    R"("node.rename","params":{"nodeId":"n","displayName":"N"})",
    R"("exec.approvals.get","params":{})",
    R"("talk.mode","params":{"enabled":true,"phase":"p"})",
    R"("tts.status","params":{})",
    R"("connect","params":{"minProtocol":3,"maxProtocol":3})",
};

class Mutations : public Journey {
  protected:
    void SetUp() override {
        start();
        gateway = hardshell->worker("gateway");
        agent = hardshell->worker("agent");
    }
    // The same processes serve as before.
    void expect_all_well() {
        EXPECT_EQ(http_get(hardshell->port(), "/healthz").status, 200);
        EXPECT_EQ(http_get(hardshell->port(), "/startupz").status, 200);
        GatewayClient client = connect();
        EXPECT_TRUE(bool_member(client.request("health"), "ok"));
        EXPECT_TRUE(bool_member(client.request("agents.list"), "ok"));
        EXPECT_EQ(hardshell->worker("gateway"), gateway) << "it died";
        EXPECT_EQ(hardshell->worker("agent"), agent) << "it died";
        EXPECT_EQ(hardshell->log().find(library_name), std::string::npos);
    }

    pid_t gateway = 0;
    pid_t agent = 0;
};

// One admitted client's frames, sent in batches; it connects anew where one ends its connection.
class Owner {
  public:
    Owner(const HardshellProcess& hardshell, GatewayClient::Options options)
        : hardshell_(hardshell), options_(std::move(options)) {}

    void send(const std::string& frame) {
        if (!client_) connect();
        const bool is_last = frame.size() > largest_frame || !is_utf8(frame);
        if (is_last) settle();
        ASSERT_TRUE(client_->socket().send_text(frame));
        if (is_last) {
            EXPECT_TRUE(client_->wait_closed());
            client_.reset();
        } else if (const std::string id = id_in(frame); !id.empty()) {
            ++expected_[id];
        }
    }

    // Until all of them are answered.
    void settle() {
        if (!client_) return;
        for (const auto& [id, times] : expected_)
            for (int time = 0; time < times; ++time) {
                const Json answer = client_->response(id);
                EXPECT_TRUE(answer.is_object()) << "not answered: " << id;
                EXPECT_EQ(print_json(answer).find(library_name), std::string::npos)
                    << print_json(answer);
            }
        expected_.clear();
        client_->forget_events();
    }

  private:
    void connect() {
        client_.emplace();
        ASSERT_TRUE(client_->admitted(hardshell_.port(), options_));
    }

    const HardshellProcess& hardshell_;
    GatewayClient::Options options_;
    std::optional<GatewayClient> client_;
    std::map<std::string, int> expected_;
};

class ConfigMutations : public PlannerTest {
  public:
    static std::string text_of(const std::string& file) { return slurp(file); }
};

}  // namespace

TEST_F(Mutations, OfAnOwnersRequestsAreAnswered) {
    constexpr int rounds = 40;
    Mutator mutator(1);
    Owner client(*hardshell, owner());
    int number = 0;
    for (int round = 0; round < rounds; ++round) {
        for (const char* request : requests)
            client.send(mutator.mutated(R"({"type":"req","id":"m)" + std::to_string(++number) +
                                        R"(","method":)" + request + "}"));
        client.settle();
        ASSERT_FALSE(HasFailure()) << "in round " << round;
    }
    expect_all_well();
}

TEST_F(Mutations, OfAStrangersFirstFrameAreRefused) {
    constexpr int times = 700;
    Mutator mutator(2);
    for (int time = 0; time < times; ++time) {
        GatewayClient client;
        ASSERT_TRUE(client.open(hardshell->port(), owner()));
        const std::string frame =
            mutator.mutated(print_json({{"type", "req"},
                                        {"id", "first"},
                                        {"method", "connect"},
                                        {"params", client.connect_params(owner())}}));
        ASSERT_TRUE(client.socket().send_text(frame));
        const std::string id = id_in(frame);
        const bool ends = frame.size() > 65'536 || !is_utf8(frame);
        if (id.empty() || ends) {
            EXPECT_TRUE(client.wait_closed()) << frame.substr(0, 500);
            continue;
        }
        const Json answer = client.response(id);
        EXPECT_EQ(print_json(answer).find(library_name), std::string::npos) << print_json(answer);
        // What is no request at all is not told anything.
        EXPECT_TRUE(answer.is_object() || client.socket().is_closed()) << frame.substr(0, 500);
    }
    expect_all_well();
}

TEST_F(Mutations, OfTheConfigurationLeaveTheLastGoodOneInForce) {
    constexpr int times = 25;
    const std::string good = R"({"gateway":{"mode":"local"},"agents":{"list":[{"id":"main"}]}})";
    const size_t from = hardshell->line_count();
    hardshell->write_config(good);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    for (const char* line : {"gateway is ready again", "agent is ready again"})
        ASSERT_TRUE(hardshell->wait_line(line, from));
    gateway = hardshell->worker("gateway");
    agent = hardshell->worker("agent");
    Mutator mutator(3);
    for (int time = 0; time < times; ++time) {
        // Broken for certain.
        const std::string text = mutator.mutated(good) + "{";
        hardshell->write_config(text);
        const auto checked = hardshell->command({"config", "validate"});
        EXPECT_NE(checked.exit_code, 0) << text.substr(0, 200);
        EXPECT_EQ(checked.output.find(library_name), std::string::npos) << checked.output;
        EXPECT_EQ(hardshell->command({"reload"}).exit_code, 1);
        EXPECT_EQ(ConfigMutations::text_of(hardshell->config_path()), text)
            << "the owner's file changed";
        ASSERT_FALSE(HasFailure()) << "at " << time;
    }
    expect_all_well();
    hardshell->write_config(good);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
}

TEST_F(ConfigMutations, AlwaysGiveAPlan) {
    constexpr int times = 600;
    Mutator mutator(4);
    std::vector<std::string> good = {
        R"({"gateway":{"mode":"local","port":18789,"auth":{"mode":"token","token":"t"}},
            "hooks":{"enabled":true,"token":"h","mappings":[{"match":{"path":"a"}}]},
            "agents":{"defaults":{"model":{"primary":"anthropic/x"}},"list":[{"id":"main"}]},
            "channels":{"telegram":{"botToken":"1:a","allowFrom":[1]}},"bindings":[]})",
        fixture("openclaw-fly.json"), fixture("openclaw-fly-local-models.json5")};
    for (int time = 0; time < times; ++time) {
        const std::string text = mutator.mutated(good[mutator.below(good.size())]);
        const auto planned = plan_of(text);
        EXPECT_GT(planned.workers_size(), 1) << text.substr(0, 500);
        EXPECT_EQ(read("openclaw.json"), text) << "the owner's file changed";
        const std::string told = errors(planned) + warnings(planned) + planned.degraded();
        EXPECT_EQ(told.find(library_name), std::string::npos) << told;
        if (HasFailure()) break;
    }
}
