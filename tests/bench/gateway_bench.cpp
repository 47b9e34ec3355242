// The numbers a user of a small machine feels, measured on the real programs; README.md says how.

#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "tests/bench/instant_model.h"
#include "tests/bench/measure.h"
#include "tests/bench/processor_time.h"
#include "tests/support/http_get.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

constexpr int starts = 20;
constexpr int kills = 9;
constexpr int turns = 300;
constexpr auto settle = 3s;  // the definition of "idle": this long after ready

[[noreturn]] void give_up(const std::string& why, const HardshellProcess* hardshell = nullptr) {
    std::fprintf(stderr, "bench: %s\n%s", why.c_str(), hardshell ? hardshell->log().c_str() : "");
    std::exit(1);
}

// The endpoint sends no event; asking without a pause would take a core from what is measured.
constexpr auto pause_between_questions = 1ms;

bool poll_started(uint16_t port, const Deadline& deadline) {
    while (!deadline.over()) {
        if (http_get(port, "/startupz", {}, "GET", 1s).status == 200) return true;
        std::this_thread::sleep_for(pause_between_questions);
    }
    return false;
}

double measure_start() {
    HardshellProcess hardshell;
    const auto before = Clock::now();
    hardshell.start();
    if (!poll_started(hardshell.port(), Deadline(20s))) give_up("it did not start", &hardshell);
    const double taken = Milliseconds(Clock::now() - before).count();
    if (hardshell.stop() != 0) give_up("it did not stop with exit code 0", &hardshell);
    return taken;
}

struct Memory {
    std::string breakdown;
    double mebibytes = 0;
    double alone = 0;  // every page counted in full
};

Memory measure_memory() {
    HardshellProcess hardshell;
    if (!hardshell.start_and_wait()) give_up("it did not start", &hardshell);
    std::this_thread::sleep_for(settle);
    Memory memory;
    std::vector<ProcessEntry> all = hardshell.descendants();
    all.insert(all.begin(), ProcessEntry{hardshell.pid(), 0, 'S', "supervisor", 0});
    for (const ProcessEntry& entry : all) {
        const double size = static_cast<double>(proportional_set_size({entry.pid})) / 1048576.0;
        if (size == 0) give_up("cannot read smaps_rollup of " + entry.name);
        memory.mebibytes += size;
        char text[64];
        std::snprintf(text, sizeof text, "%s%s %.1f", memory.breakdown.empty() ? "" : ", ",
                      entry.name.c_str(), size);
        memory.breakdown += text;
    }
    std::vector<pid_t> pids;
    for (const ProcessEntry& entry : all) pids.push_back(entry.pid);
    memory.alone = static_cast<double>(distinct_pages_size(pids)) / 1048576.0;
    return memory;
}

std::string config_for(const InstantModel& model) {
    return R"({gateway: {mode: "local"},
  models: {providers: {instant: {baseUrl: "http://127.0.0.1:)" +
           std::to_string(model.port()) + R"(", api: "anthropic-messages", apiKey: "bench-key",
    models: [{id: "instant", name: "Instant"}]}}},
  agents: {defaults: {model: {primary: "instant/instant"}}}})";
}

struct Turns {
    std::vector<double> own_ms;
    double processor_ms = 0;  // per turn, all processes
};

Turns measure_turns() {
    InstantModel model;
    HardshellProcess::Options options;
    options.config = config_for(model);
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", &hardshell);
    GatewayClient client;
    if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", &hardshell);
    const std::vector<pid_t> pids = tree(hardshell);
    const double processor_before = processor_ms(pids);
    Turns measured;
    for (int i = 0; i < turns; ++i) {
        client.forget_events();
        const size_t asked = model.own_times().size();
        const auto before = Clock::now();
        const Turn turn = chat_turn(client, "turn number " + std::to_string(i));
        const auto whole = Clock::now() - before;
        if (turn.state != "final") give_up("turn failed: " + turn.error, &hardshell);
        const auto times = model.own_times();
        if (times.size() != asked + 1) give_up("a turn took more than one model call", &hardshell);
        measured.own_ms.push_back(Milliseconds(whole - times.back()).count());
    }
    measured.processor_ms = (processor_ms(pids) - processor_before) / turns;
    return measured;
}

std::vector<double> measure_kills() {
    std::vector<double> taken;
    for (int i = 0; i < kills; ++i) {
        // A fresh start each time: repeated deaths are held back on purpose.
        HardshellProcess hardshell;
        if (!hardshell.start_and_wait()) give_up("it did not start", &hardshell);
        GatewayClient client;
        if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", &hardshell);
        if (!bool_member(client.request("sessions.list"), "ok")) give_up("no answer", &hardshell);
        const pid_t agent = hardshell.worker("agent");
        const auto before = Clock::now();
        kill(agent, SIGKILL);
        // Served by the agent: answered again only by its next life, or refused by the gateway.
        for (bool served = false; !served;) {
            served = bool_member(client.request("sessions.list"), "ok") && !is_running(agent);
            if (Clock::now() - before > 10s) give_up("the agent did not return", &hardshell);
        }
        taken.push_back(Milliseconds(Clock::now() - before).count());
    }
    return taken;
}

std::string machine() {
    std::ifstream info("/proc/cpuinfo");
    std::string model;
    for (std::string line; std::getline(info, line);)
        if (line.compare(0, 10, "model name") == 0) model = line.substr(line.find(':') + 2);
    utsname names{};
    uname(&names);
    return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores, Linux " +
           names.release;
}

void row(const char* what, const std::string& measured, const char* goal, const char* openclaw) {
    std::printf("| %-42s | %-14s | %-9s | %-28s |\n", what, measured.c_str(), goal, openclaw);
}

std::string in(double value, const char* unit) {
    char text[48];
    std::snprintf(text, sizeof text, "%.2f %s", value, unit);
    return text;
}

}  // namespace

int main() {
    std::vector<double> ready;
    for (int i = 0; i < starts; ++i) ready.push_back(measure_start());
    const Memory memory = measure_memory();
    const Turns turn = measure_turns();
    const std::vector<double>& own = turn.own_ms;
    const std::vector<double> back = measure_kills();

    std::printf("%s\n\n", machine().c_str());
    row("what", "measured", "goal", "OpenClaw 2026.1.29");
    row(std::string(42, '-').c_str(), std::string(14, '-'), "---------",
        std::string(28, '-').c_str());
    row("exec to /startupz 200, median of 20", in(percentile(ready, 0.5), "ms"), "50 ms",
        "4.1-5.6 s warm, 27-37 s cold");
    row("idle memory, all processes, sum of PSS", in(memory.mebibytes, "MiB"), "10 MiB",
        "215-280 MiB");
    if (memory.alone > 0)
        row("the same where nothing shares a page", in(memory.alone, "MiB"), "10 MiB", "");
    row("own time in a turn, p50 of 300", in(percentile(own, 0.5), "ms"), "3 ms", "77-117 ms");
    row("own time in a turn, p99 of 300", in(percentile(own, 0.99), "ms"), "", "190-770 ms");
    row("processor time of a turn, all processes", in(turn.processor_ms, "ms"), "2 ms",
        "81-113 ms");
    row("killed agent to served again, median of 9", in(percentile(back, 0.5), "ms"), "40 ms", "");
    std::printf("\nmemory by process (MiB): %s\n", memory.breakdown.c_str());
    std::printf("start: fastest %.2f ms, slowest %.2f ms\n", percentile(ready, 0),
                percentile(ready, 1));
    // The session grows, and with it what the model is sent.
    std::printf(
        "own time in a turn: first %.2f ms, p50 of the first 50 %.2f ms, of the last 50 %.2f ms\n",
        own.front(), percentile({own.begin(), own.begin() + 50}, 0.5),
        percentile({own.end() - 50, own.end()}, 0.5));
    return 0;
}
