// What turns cost when there are many: at once, one after another, and in a large store. README.md
// says how it is measured.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/instant_model.h"
#include "tests/bench/measure.h"
#include "tests/bench/processor_time.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

constexpr size_t sessions_at_once = 32;
constexpr int rounds = 10;

[[noreturn]] void give_up(const std::string& why, const HardshellProcess& hardshell) {
    std::fprintf(stderr, "bench: %s\n%s", why.c_str(), hardshell.log().c_str());
    std::exit(1);
}

std::string config_for(const InstantModel& model, size_t at_once) {
    return R"({gateway: {mode: "local"},
  models: {providers: {instant: {baseUrl: "http://127.0.0.1:)" +
           std::to_string(model.port()) + R"(", api: "anthropic-messages", apiKey: "bench-key",
    models: [{id: "instant", name: "Instant"}]}}},
  agents: {defaults: {model: {primary: "instant/instant"}, heartbeat: {every: "0m"},
    maxConcurrent: )" +
           std::to_string(at_once) + "}}}";
}

std::string session(size_t number) {
    return "agent:main:dm:peer" + std::to_string(number);
}

struct Turns {
    std::vector<double> taken_ms;
    int failed = 0;
    double processor_ms = 0;  // per turn, all processes
};

// `count` turns, each in the next of `sessions` from `first` on, by one client, one after another.
Turns one_after_another(const HardshellProcess& hardshell, int count, size_t sessions,
                        size_t first = 0) {
    GatewayClient client;
    if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
    Turns turns;
    const std::vector<pid_t> pids = tree(hardshell);
    const double before = processor_ms(pids);
    for (int i = 0; i < count; ++i) {
        client.forget_events();
        const auto asked = Clock::now();
        const Turn turn = chat_turn(client, "turn " + std::to_string(i),
                                    session(first + static_cast<size_t>(i) % sessions));
        turns.taken_ms.push_back(Milliseconds(Clock::now() - asked).count());
        turns.failed += turn.state != "final";
    }
    turns.processor_ms = (processor_ms(pids) - before) / count;
    return turns;
}

Turns all_at_once() {
    const InstantModel model;
    HardshellProcess::Options options;
    options.config = config_for(model, 4);
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    GatewayClient client;
    if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
    Turns turns;
    const std::vector<pid_t> pids = tree(hardshell);
    const double before = processor_ms(pids);
    for (int round = 0; round < rounds; ++round) {
        client.forget_events();
        const auto asked = Clock::now();
        for (size_t i = 0; i < sessions_at_once; ++i)
            client.send("chat.send",
                        {{"sessionKey", session(i)},
                         {"message", "round " + std::to_string(round)},
                         {"idempotencyKey", std::to_string(round) + "-" + std::to_string(i)}});
        for (size_t i = 0; i < sessions_at_once; ++i) {
            const Json last = client.wait_event("chat", [](const Json& payload) {
                return text_member(payload, "state") != "delta";
            });
            if (!last.is_object()) give_up("a turn has no end", hardshell);
            turns.failed += text_member(member(last, "payload"), "state") != "final";
            turns.taken_ms.push_back(Milliseconds(Clock::now() - asked).count());
        }
    }
    turns.processor_ms = (processor_ms(pids) - before) / static_cast<double>(turns.taken_ms.size());
    return turns;
}

std::vector<double> token_delays() {
    const InstantModel model(20ms);
    HardshellProcess::Options options;
    options.config = config_for(model, sessions_at_once);
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    GatewayClient client;
    if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
    for (size_t i = 0; i < sessions_at_once; ++i)
        client.send("chat.send", {{"sessionKey", session(i)},
                                  {"message", "speak"},
                                  {"idempotencyKey", "speak-" + std::to_string(i)}});
    std::vector<double> delays;
    for (size_t ended = 0; ended < sessions_at_once;) {
        const Json event = client.wait_event("agent");
        if (!event.is_object()) give_up("a stream has no end", hardshell);
        const double now =
            static_cast<double>(std::chrono::nanoseconds(Clock::now().time_since_epoch()).count());
        const Json& payload = member(event, "payload");
        const Json& data = member(payload, "data");
        const std::string stream = text_member(payload, "stream");
        if (stream == "lifecycle" && text_member(data, "phase") != "start") ++ended;
        if (stream != "assistant") continue;
        const std::string delta = text_member(data, "delta");
        for (size_t at = delta.find('@'); at != std::string::npos;) {
            delays.push_back((now - std::strtod(delta.c_str() + at + 1, nullptr)) / 1e6);
            at = delta.find('@', delta.find('@', at + 1) + 1);
        }
        client.forget_events();
    }
    return delays;
}

double agent_mib(const HardshellProcess& hardshell) {
    return static_cast<double>(proportional_set_size({hardshell.worker("agent")})) / 1048576;
}

// A store as OpenClaw leaves it.
void fill_store(const HardshellProcess& hardshell, int sessions) {
    const std::string directory = hardshell.state_dir() + "/agents/main/sessions";
    std::filesystem::create_directories(directory);
    Json index = Json::object();
    for (int i = 0; i < sessions; ++i) {
        char id[40];
        std::snprintf(id, sizeof id, "00000000-0000-4000-8000-%012d", i);
        index["agent:main:dm:old" + std::to_string(i)] = {
            {"sessionId", id}, {"updatedAt", 1'700'000'000'000 + i}, {"chatType", "direct"}};
    }
    std::ofstream(directory + "/sessions.json") << print_json(index);
}

Turns with_sessions(int sessions) {
    const InstantModel model;
    HardshellProcess::Options options;
    options.config = config_for(model, 4);
    HardshellProcess hardshell(options);
    fill_store(hardshell, sessions);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    (void)one_after_another(hardshell, 50, 10);  // the first find nothing in any cache
    return one_after_another(hardshell, 300, 10);
}

// A session that grows to 1,000 messages: its first 100 turns, and its last.
std::pair<Turns, Turns> one_that_grows() {
    const InstantModel model;
    HardshellProcess::Options options;
    options.config = config_for(model, 4);
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    (void)one_after_another(hardshell, 50, 10);  // of others: nothing is in any cache at first
    Turns first = one_after_another(hardshell, 100, 1, 11);
    Turns between = one_after_another(hardshell, 300, 1, 11);
    Turns last = one_after_another(hardshell, 100, 1, 11);
    last.failed += between.failed;
    return {std::move(first), std::move(last)};
}

void print(const char* what, const Turns& turns) {
    std::printf("| %-44s | %8.2f | %8.2f | %8.2f | %6d |\n", what, percentile(turns.taken_ms, 0.5),
                percentile(turns.taken_ms, 0.99), turns.processor_ms, turns.failed);
    std::fflush(stdout);
}

}  // namespace

int main() {
    std::printf("| %-44s | %8s | %8s | %8s | %6s |\n", "turns, the model's own time included",
                "p50 ms", "p99 ms", "CPU ms", "failed");
    std::printf("|%s|----------|----------|----------|--------|\n", std::string(46, '-').c_str());
    print("32 sessions at once, maxConcurrent 4", all_at_once());
    print("one after another, 10 sessions in the store", with_sessions(10));
    print("one after another, 100,000 in the store", with_sessions(100'000));
    const auto [first, last] = one_that_grows();
    print("one session, its first 100 turns", first);
    print("one session, its turns 401 to 500", last);

    const std::vector<double> delays = token_delays();
    std::printf(
        "\na word of the model to the client, 32 streams, %zu words: p50 %.2f ms, p99 %.2f ms\n",
        delays.size(), percentile(delays, 0.5), percentile(delays, 0.99));

    const InstantModel model;
    HardshellProcess::Options options;
    options.config = config_for(model, 4);
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    (void)one_after_another(hardshell, 1, 1);
    std::this_thread::sleep_for(3s);
    const double idle = agent_mib(hardshell);
    const Turns turns = one_after_another(hardshell, 1'000, 100);
    std::this_thread::sleep_for(3s);
    const double after = agent_mib(hardshell);
    std::printf(
        "PSS of the agent: %.2f MiB idle, %.2f MiB after 1,000 turns in 100 sessions: %.2f times "
        "(%d failed)\n",
        idle, after, after / idle, turns.failed);
    return turns.failed ? 1 : 0;
}
