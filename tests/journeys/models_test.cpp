// Answers from model providers: as they arrive, over fallbacks, and through deaths in mid-turn.

#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "tests/journeys/journey.h"
#include "tests/support/model_double.h"

using namespace std::chrono_literals;

namespace {

std::string model_of(const ModelRequestSeen& request) {
    const auto body = parse_json(request.body);
    return body ? text_member(*body, "model") : std::string();
}

ModelReply failure(int status, const std::string& type) {
    ModelReply reply;
    reply.status = status;
    reply.error_type = type;
    reply.error_message = "the double refuses";
    return reply;
}

ModelReply closing() {
    ModelReply reply;
    reply.manner = ModelReply::Manner::close_at_once;
    return reply;
}

// Long enough to be interrupted at any point of it.
ModelReply slow(std::chrono::milliseconds between = 50ms) {
    ModelReply reply;
    for (int i = 0; i < 150; ++i) reply.text += " word";
    reply.piece = 100;
    reply.between = between;
    return reply;
}

class Models : public Journey {
  protected:
    void start_with_models() {
        HardshellProcess::Options options;
        options.environment = {{"MODEL_URL", models.url()},
                               {"ANTHROPIC_API_KEY", "sk-ant-from-the-environment"},
                               {"OPENAI_API_KEY", "sk-openai-from-the-environment"}};
        hardshell = std::make_unique<HardshellProcess>(options);
        const char* source = std::getenv("HARDSHELL_SOURCE");
        const std::string fixtures = std::string(source ? source : ".") + "/tests/fixtures/";
        std::filesystem::copy_file(fixtures + "openclaw-fly.json",
                                   hardshell->state_dir() + "/openclaw-fly.json");
        std::filesystem::copy_file(fixtures + "openclaw-fly-local-models.json5",
                                   hardshell->config_path());
        ASSERT_TRUE(hardshell->start_and_wait());
    }
    static std::string send(GatewayClient& client, const std::string& run_id,
                            const std::string& text = "tell me something long") {
        const Json answer = client.request(
            "chat.send", {{"sessionKey", "main"}, {"message", text}, {"idempotencyKey", run_id}});
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        return text_member(member(answer, "payload"), "status");
    }
    static Json chat_event(GatewayClient& client, const std::string& run_id,
                           const std::string& state) {
        const Json event = client.wait_event("chat", [&](const Json& payload) {
            return text_member(payload, "runId") == run_id &&
                   text_member(payload, "state") == state;
        });
        EXPECT_FALSE(event.is_null()) << "no chat event of " << run_id << " in state " << state;
        return member(event, "payload");
    }
    static int count_of(GatewayClient& client, const std::string& run_id,
                        const std::string& state) {
        client.read_waiting();
        int count = 0;
        for (const Json& payload : client.payloads("chat"))
            count +=
                text_member(payload, "runId") == run_id && text_member(payload, "state") == state;
        return count;
    }
    static size_t entries_with(GatewayClient& client, const std::string& stop_reason) {
        size_t count = 0;
        const Json answer = client.request("chat.history", {{"sessionKey", "main"}});
        for (const Json& message : member(member(answer, "payload"), "messages"))
            count += text_member(message, "stopReason") == stop_reason ? 1 : 0;
        return count;
    }
    ModelDouble models;
};

TEST_F(Models, AnswerWithTheKeyOfTheEnvironmentAtTheConfiguredAddress) {
    start_with_models();
    GatewayClient client = connect();
    const Turn turn = chat_turn(client, "hello model");
    EXPECT_EQ(turn.state, "final") << turn.error;
    EXPECT_EQ(turn.text, "Hello from the model double.");
    const auto requests = models.requests();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(model_of(requests[0]), "claude-opus-4-5");
    EXPECT_EQ(requests[0].headers.at("x-api-key"), "sk-ant-from-the-environment");
    EXPECT_EQ(last_user_text(requests[0].body).find("hello model"), 0u)
        << last_user_text(requests[0].body);
}

TEST_F(Models, SeeTheConversationSoFar) {
    start_with_models();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "my name is Ada").state, "final");
    ASSERT_EQ(chat_turn(client, "what is my name?").state, "final");
    const std::string body = models.requests().at(1).body;
    EXPECT_NE(body.find("my name is Ada"), std::string::npos);
    EXPECT_NE(body.find("Hello from the model double."), std::string::npos);
}

TEST_F(Models, AreHeardWhileTheyAreStillTalking) {
    models.always(slow(10ms));
    start_with_models();
    GatewayClient client = connect();
    send(client, "talking");
    const Json first = chat_event(client, "talking", "delta");
    const auto heard = std::chrono::steady_clock::now();
    const Json last = chat_event(client, "talking", "final");
    EXPECT_GT(std::chrono::steady_clock::now() - heard, 200ms);
    EXPECT_LT(message_text(member(first, "message")).size(),
              message_text(member(last, "message")).size());
    EXPECT_GE(count_of(client, "talking", "delta"), 2);
}

struct PrimaryFailure {
    const char* name;
    ModelReply reply;
};

class Fallback : public Models, public testing::WithParamInterface<PrimaryFailure> {};

TEST_P(Fallback, AnswersWhenThePrimaryFails) {
    models.answer_with([](const ModelRequestSeen& request) {
        if (model_of(request) == "claude-opus-4-5") return GetParam().reply;
        ModelReply reply;
        reply.text = "answered by " + model_of(request);
        return reply;
    });
    start_with_models();
    GatewayClient client = connect();
    const Turn turn = chat_turn(client, "anyone?", "main", 60s);
    EXPECT_EQ(turn.state, "final") << turn.error;
    EXPECT_EQ(turn.text.find("answered by "), 0u) << turn.text;
    EXPECT_EQ(turn.text.find("opus"), std::string::npos) << turn.text;
    EXPECT_EQ(count_of(client, turn.run_id, "final"), 1);
    EXPECT_EQ(count_of(client, turn.run_id, "error"), 0);
    const auto lines = history(client);
    EXPECT_EQ(lines.size(), 2u) << testing::PrintToString(lines);
    EXPECT_EQ(lines.back(), "assistant: " + turn.text);
}

INSTANTIATE_TEST_SUITE_P(
    Of, Fallback,
    testing::Values(PrimaryFailure{"Overloaded", failure(529, "overloaded_error")},
                    PrimaryFailure{"Refused", failure(401, "authentication_error")},
                    PrimaryFailure{"RateLimited", failure(429, "rate_limit_error")},
                    PrimaryFailure{"Closing", closing()}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(Models, ThatAllFailEndTheTurnWithAnErrorAndNotWithSilence) {
    models.always(failure(401, "authentication_error"));
    start_with_models();
    GatewayClient client = connect();
    const Turn turn = chat_turn(client, "anyone?", "main", 60s);
    EXPECT_EQ(turn.state, "error");
    EXPECT_NE(turn.error.find("the double refuses"), std::string::npos) << turn.error;
    EXPECT_EQ(turn.error.find("sk-"), std::string::npos) << turn.error;
    EXPECT_EQ(count_of(client, turn.run_id, "final"), 0);
    models.always({});
    EXPECT_FALSE(client.socket().is_closed());
    EXPECT_TRUE(bool_member(client.request("health"), "ok"));
}

TEST_F(Models, AreLeftWhenTheUserAborts) {
    models.next(slow());
    start_with_models();
    GatewayClient client = connect();
    send(client, "unwanted");
    chat_event(client, "unwanted", "delta");
    const Json answer =
        client.request("chat.abort", {{"sessionKey", "main"}, {"runId", "unwanted"}});
    EXPECT_TRUE(bool_member(member(answer, "payload"), "aborted")) << print_json(answer);
    ASSERT_EQ(member_at(answer, "payload.runIds").size(), 1u);
    EXPECT_EQ(text_member(chat_event(client, "unwanted", "aborted"), "stopReason"), "rpc");
    EXPECT_TRUE(models.wait_for_closed_connections(1)) << "the model still talks to us";
    EXPECT_EQ(chat_turn(client, "go on").state, "final");
    EXPECT_EQ(count_of(client, "unwanted", "final"), 0);
    const Json again =
        client.request("chat.abort", {{"sessionKey", "main"}, {"runId", "unwanted"}});
    EXPECT_TRUE(bool_member(again, "ok"));
    EXPECT_FALSE(bool_member(member(again, "payload"), "aborted", true));
}

TEST_F(Models, AreAskedOnceForARequestSentTwice) {
    models.next(slow(10ms));
    start_with_models();
    GatewayClient client = connect();
    EXPECT_EQ(send(client, "same"), "started");
    EXPECT_EQ(send(client, "same"), "in_flight");
    chat_event(client, "same", "final");
    EXPECT_EQ(send(client, "same"), "ok");
    EXPECT_EQ(models.requests().size(), 1u);
}

TEST_F(Models, LosingTheAgentInMidTurnIsToldAndTheTurnBeginsAgain) {
    models.next(slow());
    start_with_models();
    GatewayClient client = connect();
    GatewayClient other = connect();
    send(client, "interrupted");
    chat_event(client, "interrupted", "delta");
    const pid_t agent = hardshell->worker("agent");
    ASSERT_EQ(kill(agent, SIGKILL), 0);
    for (GatewayClient* each : {&client, &other}) {
        const Json error = chat_event(*each, "interrupted", "error");
        EXPECT_FALSE(text_member(error, "errorMessage").empty());
        EXPECT_FALSE(each->wait_event("agent",
                                      [](const Json& payload) {
                                          return text_member(payload, "runId") == "interrupted" &&
                                                 text_member(member(payload, "data"), "phase") ==
                                                     "error";
                                      })
                         .is_null());
    }
    const Json late = chat_event(client, "interrupted", "final");
    EXPECT_EQ(message_text(member(late, "message")), "Hello from the model double.");
    const Turn next = chat_turn(client, "are you back?");
    EXPECT_EQ(next.state, "final") << next.error;
    EXPECT_FALSE(client.socket().is_closed());
    EXPECT_EQ(models.requests().size(), 3u);
    const auto lines = history(client);
    ASSERT_EQ(lines.size(), 4u) << testing::PrintToString(lines);
    EXPECT_EQ(lines[0], "user: tell me something long");
    EXPECT_EQ(lines[1], "assistant: Hello from the model double.");
    EXPECT_EQ(entries_with(client, "error"), 0u);
}

TEST_F(Models, LosingTheGatewayInMidTurnLosesNoAnswer) {
    models.next(slow(10ms));
    start_with_models();
    GatewayClient client = connect();
    send(client, "unheard");
    chat_event(client, "unheard", "delta");
    const pid_t gateway = hardshell->worker("gateway");
    ASSERT_EQ(kill(gateway, SIGKILL), 0);
    EXPECT_TRUE(client.wait_closed());
    ASSERT_NE(hardshell->wait_worker_replaced("gateway", gateway), 0);
    ASSERT_TRUE(hardshell->wait_started());
    client = connect();
    const Json waited = client.request("agent.wait", {{"runId", "unheard"}, {"timeoutMs", 9000}});
    EXPECT_EQ(text_member(member(waited, "payload"), "status"), "ok") << print_json(waited);
    const auto lines = history(client);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[1].find("word word"), std::string::npos);
}

TEST_F(Models, LosingEverythingInMidTurnTwiceIsToldInTheHistory) {
    models.next(slow());
    models.next(slow());
    start_with_models();
    GatewayClient client = connect();
    send(client, "lost");
    chat_event(client, "lost", "delta");
    hardshell->kill_all();
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(models.wait_for_requests(2)) << "it was not begun again";
    hardshell->kill_all();
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(chat_turn(client, "are you back?").state, "final");
    const auto lines = history(client);
    ASSERT_EQ(lines.size(), 4u) << testing::PrintToString(lines);
    EXPECT_EQ(lines[0], "user: tell me something long");
    EXPECT_EQ(entries_with(client, "error"), 1u);
    EXPECT_EQ(models.requests().size(), 3u);
}

TEST_F(Models, StoppedTwiceStillEndTheirRunsWithAWord) {
    models.next(slow());
    start_with_models();
    GatewayClient client = connect();
    send(client, "hurried");
    chat_event(client, "hurried", "delta");
    hardshell->signal(SIGTERM);
    ASSERT_TRUE(hardshell->wait_line("stopping: SIGTERM"));
    hardshell->signal(SIGTERM);
    EXPECT_FALSE(text_member(chat_event(client, "hurried", "error"), "errorMessage").empty());
    EXPECT_FALSE(client.wait_event("shutdown").is_null());
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.socket().close_code(), 1012);
    EXPECT_EQ(hardshell->wait_exit(10s), 0);
}

TEST_F(Models, StillTalkingDoNotHoldUpAStop) {
    models.always(slow(1000ms));
    start_with_models();
    GatewayClient client = connect();
    send(client, "cut short");
    ASSERT_TRUE(models.wait_for_requests(1));
    hardshell->signal(SIGTERM);
    EXPECT_FALSE(client.wait_event("shutdown").is_null());
    EXPECT_EQ(hardshell->wait_exit(10s), 0);
}

}  // namespace
