// People tell the assistant what to do with their messages: commands, queues, keys, long
// conversations; seen from the page's side and from a channel's.

#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "tests/journeys/journey.h"
#include "tests/support/chat_platform.h"
#include "tests/support/model_double.h"

namespace {

constexpr std::chrono::milliseconds long_patience{60'000};

class Commands : public Journey {
  protected:
    Commands() {
        config["gateway"]["mode"] = "local";
        config["agents"]["defaults"]["model"]["primary"] = "double/m";
        config["agents"]["defaults"]["heartbeat"]["every"] = "0m";
        config["models"]["providers"]["double"] = {
            {"baseUrl", "${MODEL_URL}/v1"},
            {"apiKey", "sk-journey-settings-0123456789"},
            {"api", "openai-completions"},
            {"models", Json::array({{{"id", "m"}, {"name", "m"}, {"contextWindow", 32'000}}})}};
    }
    void prepare(bool with_channel) {
        HardshellProcess::Options options;
        if (with_channel) {
            platform = std::make_unique<ChatPlatform>();
            config["channels"]["telegram"]["botToken"] = "1:stub";
            options.environment["HARDSHELL_TEST_PLATFORM"] = std::to_string(platform->port());
            options.environment["HARDSHELL_TEST_DROPS_REPETITIONS"] = "1";
            options.programs = {{"planner", "tests/support/channel_planner"},
                                {"telegram", "tests/support/channel_stub"}};
        }
        options.environment["MODEL_URL"] = models.url();
        options.config = print_json(config);
        hardshell = std::make_unique<HardshellProcess>(std::move(options));
    }
    void start_all(bool with_channel) {
        prepare(with_channel);
        hardshell->start();
        ASSERT_TRUE(hardshell->wait_started(long_patience));
    }
    void TearDown() override {
        Journey::TearDown();
        release();
        if (platform) platform->at_each_step(nullptr);
        hardshell.reset();
        models.answer_with(nullptr);
    }

    // The model's first answer waits until release().
    void hold_first_answer() {
        models.answer_with([this](const ModelRequestSeen&) {
            std::unique_lock lock(mutex);
            const bool is_first = ++asked == 1;
            freed.wait(lock, [&] { return !is_first || released; });
            ModelReply reply;
            reply.text = "answer " + std::to_string(is_first ? 1 : asked);
            return reply;
        });
        platform->at_each_step([this](const std::string& step, const std::string& text) {
            if (step != "accepted") return;
            const std::lock_guard lock(mutex);
            accepted.push_back(text);
            freed.notify_all();
        });
    }
    void release() {
        const std::lock_guard lock(mutex);
        released = true;
        freed.notify_all();
    }
    bool wait_accepted(const std::string& text) {
        std::unique_lock lock(mutex);
        return freed.wait_for(lock, long_patience, [&] {
            return std::find(accepted.begin(), accepted.end(), text) != accepted.end();
        });
    }
    bool told(const std::string& piece) {
        for (const Deadline deadline(long_patience); !deadline.over();)
            for (const auto& message : platform->arrived())
                if (message.text.find(piece) != std::string::npos) return true;
        return false;
    }
    std::string asked_of_model(size_t request) {
        return last_user_text(models.requests().at(request).body);
    }

    Json config;
    ModelDouble models;
    std::unique_ptr<ChatPlatform> platform;
    std::mutex mutex;
    std::condition_variable freed;
    std::vector<std::string> accepted;
    size_t asked = 0;
    bool released = false;
};

TEST_F(Commands, AreAnsweredOnAChannelAndAskNoModel) {
    start_all(true);
    platform->say("/think high");
    ASSERT_TRUE(told("Thinking level set to high."));
    platform->say("/status");
    ASSERT_TRUE(told("Think: high"));
    platform->say("/model nothing/such");
    ASSERT_TRUE(told("⚠️"));
    platform->say("/commands");
    ASSERT_TRUE(told("/compact [instructions]"));
    EXPECT_TRUE(models.requests().empty());
    const pid_t agent = hardshell->worker("agent");
    ::kill(agent, SIGKILL);
    ASSERT_NE(hardshell->wait_worker_replaced("agent", agent), 0);
    platform->say("/think");
    EXPECT_TRUE(told("Current thinking level: high.")) << "what was set outlives the process";
}

TEST_F(Commands, CountForATurnWithinAMessage) {
    start_all(false);
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "/think low what is six by seven?").state, "final");
    EXPECT_EQ(asked_of_model(0).find("/think"), std::string::npos);
    EXPECT_NE(asked_of_model(0).find("what is six by seven?"), std::string::npos);
    EXPECT_NE(chat_turn(client, "/status").text.find("Think: "), std::string::npos);
    EXPECT_EQ(models.requests().size(), 1u);
    EXPECT_NE(chat_turn(client, "/help").text.find("/new"), std::string::npos);
    EXPECT_NE(chat_turn(client, "/new").text.find("New session started"), std::string::npos);
}

TEST_F(Commands, OfMessagesThatComeDuringAnAnswerMakeOneTurn) {
    start_all(true);
    hold_first_answer();
    platform->say("first");
    ASSERT_TRUE(models.wait_for_requests(1));
    platform->say("second");
    platform->say("third");
    ASSERT_TRUE(wait_accepted("third"));
    release();
    ASSERT_TRUE(platform->wait_for("answer 2", long_patience));
    EXPECT_EQ(models.requests().size(), 2u);
    const std::string together = asked_of_model(1);
    EXPECT_NE(together.find("[Queued messages while agent was busy]"), std::string::npos);
    EXPECT_NE(together.find("second"), std::string::npos);
    EXPECT_NE(together.find("Queued #2"), std::string::npos);
    EXPECT_NE(together.find("third"), std::string::npos);
    EXPECT_EQ(platform->count("answer 1"), 1u);
    EXPECT_EQ(platform->count("answer 2"), 1u);
}

TEST_F(Commands, InterruptWhenTheQueueIsSetTo) {
    start_all(true);
    platform->say("/queue interrupt");
    ASSERT_TRUE(told("Queue mode set to interrupt"));
    hold_first_answer();
    platform->say("first");
    ASSERT_TRUE(models.wait_for_requests(1));
    platform->say("second");
    ASSERT_TRUE(platform->wait_for("answer 2", long_patience)) << "while the first still waits";
    EXPECT_EQ(platform->count("answer 1"), 0u);
}

TEST_F(Commands, StopWhatIsUnderWay) {
    start_all(true);
    hold_first_answer();
    platform->say("first");
    ASSERT_TRUE(models.wait_for_requests(1));
    platform->say("stop");
    EXPECT_TRUE(told("⚙️ Agent was aborted."));
    EXPECT_EQ(platform->count("answer 1"), 0u);
}

TEST_F(Commands, CondenseALongConversation) {
    start_all(false);
    GatewayClient client = connect();
    for (const char* word : {"apples", "pears", "plums"})
        ASSERT_EQ(chat_turn(client, word + (" " + std::string(11'000, 'q'))).state, "final");
    ModelReply summary;
    summary.text = "They spoke of fruit.";
    models.next(summary);
    const Turn told = chat_turn(client, "/compact");
    EXPECT_NE(told.text.find("⚙️ Compacted ("), std::string::npos) << told.text << told.error;
    ASSERT_EQ(chat_turn(client, "and now?").state, "final");
    const std::string body = models.requests().back().body;
    EXPECT_NE(body.find("They spoke of fruit."), std::string::npos);
    EXPECT_EQ(body.find("apples"), std::string::npos);
    EXPECT_TRUE(contains(history(client), "apples")) << "nothing is taken from the person";
}

TEST_F(Commands, CondenseByItselfWhatAModelFindsTooLong) {
    start_all(false);
    GatewayClient client = connect();
    for (const char* word : {"apples", "pears", "plums"})
        ASSERT_EQ(chat_turn(client, word + (" " + std::string(11'000, 'q'))).state, "final");
    ModelReply refusal;
    refusal.status = 400;
    refusal.error_type = "invalid_request_error";
    refusal.error_message = "prompt is too long: 31000 tokens";
    models.next(refusal);
    ModelReply summary;
    summary.text = "They spoke of fruit.";
    models.next(summary);
    const Turn turn = chat_turn(client, "and now?");
    EXPECT_EQ(turn.state, "final") << turn.error;
    EXPECT_EQ(models.requests().size(), 6u) << "refused, condensed, asked again";
    EXPECT_NE(asked_of_model(5).find("and now?"), std::string::npos);
}

TEST_F(Commands, UseAnotherKeyWhenOneIsRefused) {
    prepare(false);
    const std::string folder = hardshell->state_dir() + "/agents/main/agent";
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/auth-profiles.json") << R"({"version": 1, "profiles": {
        "double:a": {"type": "api_key", "provider": "double", "key": "sk-journey-a-0123456789"},
        "double:b": {"type": "api_key", "provider": "double", "key": "sk-journey-b-0123456789"}},
        "order": {"double": ["double:a", "double:b"]}})";
    hardshell->start();
    ASSERT_TRUE(hardshell->wait_started(long_patience));
    ModelReply refusal;
    refusal.status = 429;
    refusal.error_type = "rate_limit_error";
    refusal.error_message = "slow down";
    refusal.retry_after = "600";
    models.next(refusal);
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "one").state, "final");
    ASSERT_EQ(chat_turn(client, "two").state, "final");
    std::vector<std::string> keys;
    for (const auto& request : models.requests())
        keys.push_back(request.headers.at("authorization").substr(18, 1));
    EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "b"}));
    EXPECT_NE(chat_turn(client, "/status").text.find("🔑 api-key (double:b)"), std::string::npos);
    EXPECT_NE(
        chat_turn(client, "/model double/m@a").text.find("Model set to double/m with double:a"),
        std::string::npos);
    const Turn resting = chat_turn(client, "three");
    EXPECT_EQ(resting.state, "error");
    EXPECT_NE(resting.error.find("rests until"), std::string::npos) << resting.error;
    EXPECT_EQ(hardshell->log().find("sk-journey-"), std::string::npos) << "no key in the log";
}

}  // namespace
