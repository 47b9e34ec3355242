// Chat goes on while everybody is killed, over and over: no accepted message is lost, none is
// answered twice.
//
// HARDSHELL_ENDURANCE multiplies how long it lasts; 1 by default, 8 is more than a minute.

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/journeys/journey.h"
#include "tests/support/fault_report.h"

using namespace std::chrono_literals;

namespace {

class Endurance : public Journey {
  protected:
    static void SetUpTestSuite() { report_faults(); }

    static int scale() {
        const char* factor = std::getenv("HARDSHELL_ENDURANCE");
        return factor ? std::max(1, std::atoi(factor)) : 1;
    }
    int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
    // Only to spread the kills over all moments: nothing is expected after it.
    static void pass(int milliseconds) { poll(nullptr, 0, milliseconds); }

    std::string next_text() { return "message " + std::to_string(++count_); }
    // Until it is accepted, over as many connections as it takes.
    bool deliver(GatewayClient& client, const std::string& text) {
        for (const Deadline deadline(3 * patience); !deadline.over();) {
            if (client.socket().is_closed() &&
                !bool_member(client.connect(hardshell->port(), owner()), "ok"))
                continue;
            const Json answer = client.request(
                "chat.send",
                {{"sessionKey", "main"}, {"message", text}, {"idempotencyKey", "key of " + text}},
                2s);
            if (bool_member(answer, "ok")) return true;
        }
        return false;
    }
    // Whatever becomes of this run here; its end may be told to a connection that is gone.
    static void wait_end_or_loss(GatewayClient& client, const std::string& text) {
        client.wait_event(
            "chat",
            [&](const Json& payload) {
                return text_member(payload, "runId") == "key of " + text &&
                       text_member(payload, "state") != "delta";
            },
            500ms);
        client.forget_events();
    }

    // How often the conversation holds each user's text, and how many entries of the assistant
    // follow it: its answer, or the word that the turn was interrupted.
    struct Counts {
        std::map<std::string, int> asked;
        std::map<std::string, int> answered;
    };
    Counts counts() const {
        Counts counts;
        const auto sessions = hardshell->state_dir() + "/agents/main/sessions";
        std::error_code failure;
        for (const auto& entry : std::filesystem::directory_iterator(sessions, failure)) {
            if (entry.path().extension() != ".jsonl") continue;
            std::ifstream file(entry.path());
            std::string asked;
            for (std::string line; std::getline(file, line);) {
                const auto parsed = parse_json(line);
                if (!parsed) continue;
                const Json& message = member(*parsed, "message");
                const std::string role = text_member(message, "role");
                if (role == "user") ++counts.asked[asked = message_text(message)];
                if (role == "assistant") ++counts.answered[asked];
            }
        }
        return counts;
    }
    // Everything that was accepted is there once, and answered once.
    void expect_all_answered_once(const std::vector<std::string>& accepted) {
        Counts found;
        for (const Deadline deadline(3 * patience);
             found.answered.size() < accepted.size() && !deadline.over(); pass(20))
            found = counts();
        for (const std::string& text : accepted) {
            EXPECT_EQ(found.asked[text], 1) << text << " is asked";
            EXPECT_EQ(found.answered[text], 1) << text << " is answered";
        }
        EXPECT_EQ(found.asked.size(), accepted.size());
    }

    std::mt19937 random_{20260129};
    int count_ = 0;
};

TEST_F(Endurance, ChatGoesOnWhileEveryWorkerIsKilled) {
    RecordProperty("scenario", "E2");
    start();
    const pid_t supervisor = hardshell->pid();
    GatewayClient client = connect();
    std::vector<std::string> accepted;
    int kills = 0;
    for (const Deadline deadline(8s * scale()); !deadline.over() || kills <= 5;) {
        accepted.push_back(next_text());
        const std::string victim = up_to(2) == 0 ? "gateway" : "agent";
        pass(up_to(20));
        if (const pid_t pid = hardshell->worker(victim); pid > 1 && up_to(1) == 0)
            kills += kill(pid, SIGKILL) == 0;
        ASSERT_TRUE(deliver(client, accepted.back()));
        if (const pid_t pid = hardshell->worker("agent"); pid > 1 && up_to(3) == 0) {
            pass(up_to(10));
            kills += kill(pid, SIGKILL) == 0;  // in the middle of the turn
        }
        // Whoever was killed: the port answers.
        ASSERT_EQ(http_get(hardshell->port(), "/healthz", {}, "GET", patience).status, 200);
        wait_end_or_loss(client, accepted.back());
    }
    expect_all_answered_once(accepted);
    EXPECT_EQ(hardshell->pid(), supervisor);
    EXPECT_TRUE(hardshell->wait_started());
    EXPECT_GT(kills, 5);
    RecordProperty("remark", std::to_string(accepted.size()) + " messages, " +
                                 std::to_string(kills) + " kills, none lost, none doubled");
}

TEST_F(Endurance, EverythingIsKilledAndStartsAgain) {
    RecordProperty("scenario", "E3");
    start();
    std::vector<std::string> accepted;
    const int lives = 12 * scale();
    for (int life = 0; life < lives; ++life) {
        GatewayClient client = connect();
        for (int i = up_to(2); i >= 0; --i) {
            accepted.push_back(next_text());
            ASSERT_TRUE(deliver(client, accepted.back()));
        }
        pass(up_to(40));
        hardshell->kill_all();
        ASSERT_TRUE(hardshell->start_and_wait()) << "life " << life;
    }
    expect_all_answered_once(accepted);
    EXPECT_EQ(hardshell->stop(), 0);
    RecordProperty("remark", std::to_string(lives) + " lives, " + std::to_string(accepted.size()) +
                                 " messages, none lost, none doubled");
}

TEST_F(Endurance, ALinkWhoseFileIsGoneIsMadeAgain) {
    RecordProperty("scenario", "44");
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "before").state, "final");
    const std::filesystem::path links = hardshell->state_dir() + "/../run/links";
    int removed = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(links))
        if (entry.is_socket()) removed += std::filesystem::remove(entry.path());
    ASSERT_GT(removed, 0);
    // Who connects has to find the way again; who binds has noticed.
    for (const std::string name : {"agent", "gateway"}) {
        const pid_t former = hardshell->worker(name);
        ASSERT_EQ(kill(former, SIGKILL), 0);
        ASSERT_NE(hardshell->wait_worker_replaced(name, former), 0);
        ASSERT_TRUE(hardshell->wait_started());
        client = connect();
        EXPECT_EQ(chat_turn(client, "after the end of " + name).state, "final");
        for (const auto& entry : std::filesystem::recursive_directory_iterator(links))
            if (entry.is_socket()) std::filesystem::remove(entry.path());
    }
}

}  // namespace
