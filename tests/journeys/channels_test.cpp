// A person writes on a channel and is answered, whoever ends in the middle of it.

#include <signal.h>

#include <fstream>
#include <map>
#include <mutex>

#include "tests/journeys/journey.h"
#include "tests/journeys/model_config.h"
#include "tests/support/chat_platform.h"
#include "tests/support/model_double.h"

using namespace std::chrono_literals;

namespace {

const std::string config = config_with_model(R"(
  "channels": {"telegram": {"botToken": "1:stub"}})");

// Processes begin anew in between, on a machine that may be busy with other things.
constexpr std::chrono::milliseconds long_patience{90'000};

// Whoever is killed at a step of a turn.
enum class Victim { agent, channel, both };

class Channels : public Journey {
  protected:
    void start_with_channel(bool drops_repetitions = true, const std::string& text = config) {
        platform = std::make_unique<ChatPlatform>(drops_repetitions);
        models.answer_with([this](const ModelRequestSeen& request) { return reply(request); });
        HardshellProcess::Options options;
        options.config = text;
        options.environment = {{"MODEL_URL", models.url()},
                               {"HARDSHELL_TEST_PLATFORM", std::to_string(platform->port())}};
        if (drops_repetitions) options.environment["HARDSHELL_TEST_DROPS_REPETITIONS"] = "1";
        options.programs = {{"planner", "tests/support/channel_planner"},
                            {"telegram", "tests/support/channel_stub"}};
        hardshell = std::make_unique<HardshellProcess>(std::move(options));
        hardshell->start();
        ASSERT_TRUE(hardshell->wait_started(long_patience));
        platform->at_each_step(
            [this](const std::string& step, const std::string& said) { reached(step, said); });
    }
    void TearDown() override {
        Journey::TearDown();
        if (platform) platform->at_each_step(nullptr);
        models.answer_with(nullptr);
        hardshell.reset();
    }

    // What arrives at once, when processes begin anew, is not answered together.
    static std::string one_by_one() {
        std::string text = config;
        text.replace(text.find("\"channels\""), 0,
                     R"("messages": {"queue": {"mode": "followup", "debounceMs": 0}}, )");
        return text;
    }
    static std::string answer_to(const std::string& text) { return "answer to " + text; }
    // What a person wrote, out of what the model was shown.
    static std::string said_in(const std::string& body) {
        const std::string shown = last_user_text(body);
        const size_t at = shown.rfind("] say ");
        return at == std::string::npos ? shown
                                       : shown.substr(at + 2, shown.find('\n', at) - at - 2);
    }
    ModelReply reply(const ModelRequestSeen& request) {
        const std::string said = said_in(request.body);
        reached("run started", said);
        ModelReply made;
        made.text = answer_to(said);
        return made;
    }

    // The next turn is cut off there, once.
    void strike(const std::string& step, Victim victim, int times = 1) {
        const std::lock_guard lock(mutex);
        strike_at = step;
        strike_turn = turn;
        strike_whom = victim;
        strikes = times;
    }
    void reached(const std::string& step, const std::string& said) {
        const std::lock_guard lock(mutex);
        if (strikes == 0 || step != strike_at || said.find(strike_turn) == std::string::npos)
            return;
        --strikes;
        if (strike_whom != Victim::channel) kill(hardshell->worker("agent"), SIGKILL);
        if (strike_whom != Victim::agent) kill(hardshell->worker("telegram"), SIGKILL);
    }
    // One turn of the conversation, named so that it is found everywhere.
    std::string next_turn() {
        const std::lock_guard lock(mutex);
        turn = "say " + std::to_string(++turns) + ".";
        return turn;
    }
    bool was_struck() {
        const std::lock_guard lock(mutex);
        return strikes == 0;
    }
    // Everything before this has arrived when it has: messages to one chat keep their order.
    void round_off() {
        const std::string last = next_turn();
        platform->say(last);
        ASSERT_TRUE(platform->wait_for(answer_to(last), long_patience));
    }

    ModelDouble models;
    std::unique_ptr<ChatPlatform> platform;
    std::mutex mutex;
    std::string strike_at;
    std::string strike_turn;
    Victim strike_whom = Victim::agent;
    int strikes = 0;
    std::string turn = "-";
    int turns = 0;
};

constexpr const char* every_step[] = {"received", "accepted", "run started", "answered",
                                      "sending",  "given",    "sent",        "reported"};
constexpr Victim everybody[] = {Victim::agent, Victim::channel, Victim::both};

TEST_F(Channels, AnswerEveryMessageOnceWhoeverIsKilledInTheMiddle) {
    start_with_channel();
    std::vector<std::string> expected;
    for (const char* step : every_step)
        for (const Victim victim : everybody) {
            SCOPED_TRACE(std::string(step) + ", victim " +
                         std::to_string(static_cast<int>(victim)));
            const std::string said = next_turn();
            strike(step, victim);
            platform->say(said);
            ASSERT_TRUE(platform->wait_for(answer_to(said), long_patience));
            expected.push_back(answer_to(said));
            round_off();
            EXPECT_TRUE(was_struck());
            EXPECT_EQ(platform->count(answer_to(said)), 1u);
        }
    for (const std::string& text : expected) EXPECT_EQ(platform->count(text), 1u) << text;
}

// Nobody can know what became of a message that was given to such a platform by a process that
// ended: it is said so, and never sent twice.
TEST_F(Channels, NeverAnswerTwiceWhereThePlatformCannotTell) {
    start_with_channel(false, one_by_one());
    for (const char* step : every_step)
        for (const Victim victim : everybody) {
            SCOPED_TRACE(std::string(step) + ", victim " +
                         std::to_string(static_cast<int>(victim)));
            const bool is_ambiguous = victim != Victim::agent &&
                                      (step == std::string("sending") ||
                                       step == std::string("given") || step == std::string("sent"));
            const std::string said = next_turn();
            const size_t line = hardshell->line_count();
            strike(step, victim);
            platform->say(said);
            if (is_ambiguous) {
                EXPECT_TRUE(hardshell->wait_line("is unknown", line, long_patience));
            }
            round_off();
            EXPECT_TRUE(was_struck());
            const size_t got = platform->count(answer_to(said));
            EXPECT_LE(got, 1u);
            if (!is_ambiguous) {
                EXPECT_EQ(got, 1u);
            }
        }
}

// The answer goes out in blocks while the model writes; whoever is killed at the first of them,
// each arrives once, and in order.
TEST_F(Channels, GetEachBlockOfAnAnswerOnceWhoeverIsKilledInTheMiddle) {
    std::string in_blocks = config;
    in_blocks.replace(in_blocks.find("\"heartbeat\""), 0,
                      R"("blockStreamingDefault": "on",
                         "blockStreamingChunk": {"minChars": 20, "maxChars": 60},
                         "blockStreamingCoalesce": {"minChars": 1, "maxChars": 60, "idleMs": 10},
                         )");
    start_with_channel(true, in_blocks);
    const auto blocks_to = [](const std::string& said) {
        std::vector<std::string> blocks;
        for (const char* number : {"first", "second", "third", "fourth"})
            blocks.push_back(std::string("The ") + number + " part of the answer to " + said);
        return blocks;
    };
    models.answer_with([this, blocks_to](const ModelRequestSeen& request) {
        const std::string said = said_in(request.body);
        reached("run started", said);
        ModelReply made;
        made.text.clear();
        for (const std::string& block : blocks_to(said))
            made.text += (made.text.empty() ? "" : "\n\n") + block;
        made.between = 5ms;
        return made;
    });
    for (const char* step : every_step)
        for (const Victim victim : everybody) {
            SCOPED_TRACE(std::string(step) + ", victim " +
                         std::to_string(static_cast<int>(victim)));
            const std::string said = next_turn();
            strike(step, victim);
            platform->say(said);
            const std::vector<std::string> blocks = blocks_to(said);
            ASSERT_TRUE(platform->wait_for(blocks.back(), long_patience));
            EXPECT_TRUE(was_struck());
            std::vector<std::string> got;
            for (const auto& message : platform->arrived())
                if (message.text.find(said) != std::string::npos) got.push_back(message.text);
            EXPECT_EQ(got, blocks);
        }
}

TEST_F(Channels, TellAPersonWhoseMessageEndsTheAgentTwice) {
    start_with_channel(true, one_by_one());
    const std::string said = next_turn();
    strike("run started", Victim::agent, 2);
    platform->say(said);
    round_off();
    EXPECT_TRUE(was_struck());
    size_t notices = 0;
    for (const auto& message : platform->arrived())
        notices += message.text.find("ended twice while answering this") != std::string::npos;
    EXPECT_EQ(notices, 1u);
    EXPECT_EQ(platform->count(answer_to(said)), 0u);
}

TEST_F(Channels, AnswerAfterARestartOfEverything) {
    start_with_channel();
    const std::string said = next_turn();
    platform->fail_with("later");
    platform->say(said);
    ASSERT_TRUE(models.wait_for_requests(1));
    ASSERT_EQ(hardshell->stop(), 0);
    platform->fail_with("");
    hardshell->start();
    ASSERT_TRUE(hardshell->wait_started(long_patience));
    EXPECT_TRUE(platform->wait_for(answer_to(said), long_patience));
    round_off();
    EXPECT_EQ(platform->count(answer_to(said)), 1u);
}

TEST_F(Channels, LetStrangersInWhenTheirCodeIsApproved) {
    start_with_channel();
    platform->say("hello?", "777");
    std::string code;
    for (const Deadline deadline(long_patience); code.empty() && !deadline.over();)
        for (const auto& message : platform->arrived())
            if (message.text.starts_with("code ")) code = message.text.substr(5);
    ASSERT_EQ(code.size(), 8u);
    const auto listed = hardshell->command({"pairing", "list", "telegram"});
    EXPECT_NE(listed.output.find(code), std::string::npos) << listed.output;
    const auto approved = hardshell->command({"pairing", "approve", "telegram", code});
    EXPECT_EQ(approved.exit_code, 0) << approved.output;
    EXPECT_TRUE(
        platform->wait_for("✅ OpenClaw access approved. Send a message to start chatting."));
    const std::string said = next_turn();
    platform->say(said, "777");
    ASSERT_TRUE(platform->wait_for(answer_to(said), long_patience));
    EXPECT_EQ(platform->arrived().back().chat, "777");
}

TEST_F(Channels, LetStrangersInOrNotAsAClientDecides) {
    start_with_channel();
    platform->say("hello?", "777");
    platform->say("me too", "888");
    GatewayClient client = connect();
    const auto waiting = [&] {
        const Json answer = client.request("hardshell.pairing.list");
        const Json& channels = member(member(answer, "payload"), "channels");
        std::map<std::string, std::string> codes;
        for (const Json& channel : channels)
            for (const Json& request : channel["requests"])
                codes[text_member(request, "id")] = text_member(request, "code");
        return codes;
    };
    std::map<std::string, std::string> codes;
    for (const Deadline deadline(long_patience); codes.size() < 2 && !deadline.over();)
        codes = waiting();
    ASSERT_EQ(codes.size(), 2u);
    const auto decide = [&](const std::string& verb, const std::string& code) {
        return client.request("hardshell.pairing." + verb,
                              {{"channel", "telegram"}, {"code", code}});
    };
    const Json approved = decide("approve", codes["777"]);
    EXPECT_EQ(member(approved, "payload")["id"], "777") << print_json(approved);
    EXPECT_TRUE(
        platform->wait_for("✅ OpenClaw access approved. Send a message to start chatting."));
    EXPECT_TRUE(bool_member(decide("reject", codes["888"]), "ok"));
    EXPECT_TRUE(waiting().empty());
    const Json again = decide("approve", codes["888"]);
    EXPECT_EQ(text_member(member(again, "error"), "code"), "INVALID_REQUEST") << print_json(again);
    const std::string said = next_turn();
    platform->say(said, "777");
    ASSERT_TRUE(platform->wait_for(answer_to(said), long_patience));
    EXPECT_EQ(platform->arrived().back().chat, "777");
}

TEST_F(Channels, AreSeenProbedAndWrittenToByClients) {
    start_with_channel();
    GatewayClient client = connect();
    const auto status = [&](const Json& params) {
        return member(client.request("channels.status", params), "payload");
    };
    Json account;
    for (const Deadline deadline(long_patience); !deadline.over();) {
        account = status({})["channelAccounts"]["telegram"][0];
        if (bool_member(account, "connected")) break;
    }
    EXPECT_EQ(account["running"], true);
    EXPECT_EQ(account["connected"], true);
    account = status({{"probe", true}, {"timeoutMs", 5000}})["channelAccounts"]["telegram"][0];
    EXPECT_EQ(account["probe"]["ok"], true);
    const Json sent = client.request(
        "send",
        {{"to", "555"}, {"message", "by hand"}, {"channel", "telegram"}, {"idempotencyKey", "s1"}});
    EXPECT_EQ(sent["ok"], true) << print_json(sent);
    EXPECT_EQ(platform->count("by hand"), 1u);
    const Json again = client.request(
        "send",
        {{"to", "555"}, {"message", "by hand"}, {"channel", "telegram"}, {"idempotencyKey", "s1"}});
    EXPECT_EQ(again["payload"]["messageId"], sent["payload"]["messageId"]);
    EXPECT_EQ(platform->count("by hand"), 1u);
}

// A channel more or less is none of the gateway's connections' business.
TEST_F(Channels, ComeAndGoWithoutTheGateway) {
    start_with_channel();
    GatewayClient client = connect();
    const pid_t gateway = hardshell->worker("gateway");
    std::string without = config;
    without.replace(without.find("\"botToken\""), 0, "\"enabled\": false, ");
    size_t line = hardshell->line_count();
    hardshell->write_config(without);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    for (const Deadline deadline(long_patience);
         hardshell->worker("telegram") != 0 && !deadline.over();)
        ;
    EXPECT_EQ(hardshell->worker("telegram"), 0);
    line = hardshell->line_count();
    hardshell->write_config(config);
    EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    EXPECT_TRUE(hardshell->wait_line("logged in as account default", line, long_patience));
    round_off();
    EXPECT_EQ(hardshell->worker("gateway"), gateway);
    EXPECT_FALSE(client.socket().is_closed());
}

TEST_F(Channels, RefuseASecondAccountWithTheSameToken) {
    std::string twice = config;
    twice.replace(
        twice.find("\"botToken\": \"1:stub\""), 20,
        R"("accounts": {"default": {"botToken": "1:stub"}, "ops": {"botToken": "1:stub"}})");
    start_with_channel(true, twice);
    EXPECT_TRUE(hardshell->wait_line("account ops has the same token as telegram"));
    round_off();
}

TEST_F(Channels, WaitForATokenAndSayWhichOne) {
    std::string none = config;
    none.replace(none.find("\"botToken\": \"1:stub\""), 20, R"("enabled": true)");
    start_with_channel(true, none);
    const auto said = hardshell->wait_line("there is no token");
    ASSERT_TRUE(said);
    EXPECT_NE(hardshell->log().find("TELEGRAM_BOT_TOKEN"), std::string::npos);
    EXPECT_NE(hardshell->log().find("channels.telegram.botToken"), std::string::npos);
    EXPECT_EQ(hardshell->log().find("1:stub"), std::string::npos);
}

}  // namespace
