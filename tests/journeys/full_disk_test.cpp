// The disk fills while people write: what was accepted is answered, what cannot be kept is refused
// or stays with the platform, and once there is room everybody has been answered exactly once.

#include <unistd.h>

#include <algorithm>
#include <set>

#include "tests/faults/own_mount.h"
#include "tests/journeys/journey.h"
#include "tests/journeys/model_config.h"
#include "tests/support/model_double.h"
#include "tests/support/telegram_double.h"

using namespace std::chrono_literals;

namespace {

constexpr int64_t ann = 555;
constexpr size_t disk_bytes = 24u << 20;
constexpr size_t most_until_refused = 400;
// Each message is a turn of its own, so that each has an answer of its own.
const std::string config = config_with_model(R"(
  "messages": {"queue": {"mode": "followup", "debounceMs": 0, "cap": 1000}},
  "channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"]}})");

// The word that begins with '#'.
std::string tag_in(const std::string& text) {
    const size_t begin = text.find('#');
    if (begin == std::string::npos) return "nothing";
    return text.substr(begin, text.find_first_of(" \n", begin) - begin);
}

class FullDisk : public Journey {
  protected:
    void SetUp() override {
        if (geteuid() != 0) GTEST_SKIP() << "only root can mount a disk of the test's own";
        disk = std::make_unique<OwnMount>();
        if (!disk->in_memory(disk_bytes))
            GTEST_SKIP()
                << "this machine lets nobody mount a file system (CAP_SYS_ADMIN is missing)";
        models.answer_with([](const ModelRequestSeen& request) {
            ModelReply reply;
            reply.text = "answer to " + tag_in(last_user_text(request.body)) + " .";
            return reply;
        });
        HardshellProcess::Options options;
        options.config = config;
        options.state_dir = disk->path() + "/state";
        options.environment = telegram.environment();
        options.environment["MODEL_URL"] = models.url();
        start(std::move(options));
    }
    void TearDown() override {
        Journey::TearDown();
        hardshell.reset();  // before its disk
    }
    // Of Ann, with so many further bytes.
    void say(const std::string& tag, size_t bytes = 0) {
        telegram.say(ann, ann, tag + " " + std::string(bytes, 'x'));
    }
    size_t answers_to(const std::string& tag) const {
        const auto sent = telegram.from_bot(ann);
        return static_cast<size_t>(std::count_if(sent.begin(), sent.end(), [&](const auto& one) {
            return one.text.find("answer to " + tag + " ") != std::string::npos;
        }));
    }
    // What was put off is tried again within a minute.
    bool is_answered(const std::string& tag) const {
        return telegram.wait([&](const TelegramDouble&) { return answers_to(tag) > 0; });
    }
    Json ready() const { return Json::parse(http_get(hardshell->port(), "/readyz").body); }
    // Until one is refused: the error's text. The ids of those that were accepted before.
    std::string write_until_refused(GatewayClient& client, std::set<std::string>& accepted);

    std::unique_ptr<OwnMount> disk;
    ModelDouble models;
    TelegramDouble telegram;
};

std::string FullDisk::write_until_refused(GatewayClient& client, std::set<std::string>& accepted) {
    for (size_t n = 0; n < most_until_refused; ++n) {
        const std::string id = "full-" + std::to_string(n);
        const Json answer =
            client.request("chat.send", {{"sessionKey", "other"},
                                         {"message", "#" + id + " " + std::string(20'000, 'x')},
                                         {"idempotencyKey", id}});
        if (!bool_member(answer, "ok"))
            return text_member(member(answer, "error"), "message", print_json(answer));
        accepted.insert(id);
    }
    return {};
}

}  // namespace

TEST_F(FullDisk, LosesNothingRefusesClearlyAndAnswersEverybodyOnce) {
    say("#before");
    ASSERT_TRUE(is_answered("#before"));
    ASSERT_TRUE(hardshell->wait_ready());
    GatewayClient client = connect();

    const size_t line = hardshell->line_count();
    disk->fill();
    ASSERT_TRUE(hardshell->wait_line("the state directory is full", line));
    const Deadline told(patience);
    while (!ready().contains("volume") && !told.over()) usleep(20'000);
    EXPECT_FALSE(bool_member(ready(), "ok"));
    EXPECT_NE(text_member(ready(), "volume").find("full"), std::string::npos);
    EXPECT_EQ(http_get(hardshell->port(), "/startupz").status, 200) << "clients are let in";
    EXPECT_NE(hardshell->command({"status"}).output.find("the state directory is full"),
              std::string::npos);

    std::set<std::string> accepted;
    const std::string refusal = write_until_refused(client, accepted);
    EXPECT_NE(refusal.find("no space is left"), std::string::npos) << refusal;
    const std::vector<std::string> tags = {"#one", "#two", "#three", "#four", "#five"};
    // Shorter than what Telegram cuts a long text into: those are put together again.
    for (const std::string& tag : tags) say(tag, 2'000);

    const size_t room = hardshell->line_count();
    disk->make_room();
    ASSERT_TRUE(hardshell->wait_line("the state directory has room again", room));
    for (const std::string& tag : tags) ASSERT_TRUE(is_answered(tag)) << tag;
    say("#after");
    ASSERT_TRUE(is_answered("#after"));
    EXPECT_EQ(telegram.unconfirmed(), 0u);
    for (const std::string& tag : tags) EXPECT_EQ(answers_to(tag), 1u) << tag;

    // Whoever was told that a message was taken has been told its end, and one end only.
    for (const std::string& id : accepted) {
        const Json waited =
            client.request("agent.wait", {{"runId", id}, {"timeoutMs", 20'000}}, 30s);
        const std::string status = text_member(member(waited, "payload"), "status");
        EXPECT_TRUE(status == "ok" || status == "error") << id << ": " << print_json(waited);
    }
    const Turn last = chat_turn(client, "#last .", "other");
    EXPECT_EQ(last.state, "final") << last.error;
    EXPECT_EQ(last.text, "answer to #last .");
    client.read_waiting();
    std::map<std::string, int> ends;
    for (const Json& payload : client.payloads("chat"))
        if (text_member(payload, "state") != "delta") ++ends[text_member(payload, "runId")];
    for (const std::string& id : accepted) EXPECT_EQ(ends[id], 1) << id;
    EXPECT_TRUE(hardshell->wait_ready()) << "the alarm ends with the trouble";
}
