// What the gateway costs its clients: calls, connections, idle clients, broadcasts; README.md says
// how each is measured.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <thread>

#include "tests/bench/bare_server.h"
#include "tests/bench/load_client.h"
#include "tests/bench/measure.h"
#include "tests/bench/processor_time.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t clients = 16;
constexpr uint64_t warm_up = 2'000;
constexpr int connects = 500;
constexpr int broadcasts = 200;
constexpr size_t listeners = 500;

[[noreturn]] void give_up(const std::string& why, const HardshellProcess& hardshell) {
    std::fprintf(stderr, "bench: %s\n%s", why.c_str(), hardshell.log().c_str());
    std::exit(1);
}

class Clients {
  public:
    Clients(const HardshellProcess& hardshell, size_t count) : all_(count) {
        for (GatewayClient& client : all_) {
            if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
            descriptors_.push_back(client.socket().descriptor());
        }
    }
    const std::vector<int>& descriptors() const { return descriptors_; }

  private:
    std::vector<GatewayClient> all_;
    std::vector<int> descriptors_;
};

struct Call {
    const char* method;
    uint64_t answers;
    // OpenClaw's milliseconds of processor time and requests per second on the same work.
    double their_ms;
    double their_rate;
};
constexpr Call calls[] = {
    {"system-presence", 200'000, 0.019, 47'000},
    {"health", 100'000, 0.26, 2'600},
    {"status", 50'000, 0.15, 6'600},
    {"sessions.list", 50'000, 0.14, 7'000},
    {"config.get", 500, 0.55, 1'800},
    {"models.list", 10'000, 0.28, 2'600},
};

void print_calls(const HardshellProcess& hardshell, const char* store) {
    const Clients peers(hardshell, clients);
    const std::vector<pid_t> pids = tree(hardshell);
    for (const Call& call : calls) {
        const std::string request =
            std::string(R"({"type":"req","id":"b","method":")") + call.method + R"(","params":{}})";
        load(peers.descriptors(), request, std::min<uint64_t>(warm_up, call.answers / 5));
        const double before = processor_ms(pids);
        const LoadResult result = load(peers.descriptors(), request, call.answers);
        const double cost = (processor_ms(pids) - before) / static_cast<double>(result.answered);
        std::printf("| %-16s | %-12s | %9.0f | %7.2f | %7.2f | %9.1f | %7.2f | %7.1f |\n",
                    call.method, store, result.per_second, result.p50_ms, result.p99_ms,
                    cost * 1000, cost / call.their_ms, result.per_second / call.their_rate);
        std::fflush(stdout);
    }
}

// What the kernel alone takes for answers of that size: the floor on this machine.
void print_floor(size_t payload) {
    const BareServer server(payload);
    std::vector<TcpSocket> sockets;
    std::vector<int> descriptors;
    for (size_t i = 0; i < clients; ++i) {
        sockets.push_back(TcpSocket::connect(server.port(), Deadline(patience)));
        descriptors.push_back(sockets.back().descriptor());
    }
    const double before = processor_ms({server.pid()});
    const LoadResult result = load(descriptors, R"({"type":"req"})", 50'000);
    const double cost =
        (processor_ms({server.pid()}) - before) / static_cast<double>(result.answered);
    std::printf("| %-16s | %-12s | %9.0f | %7.2f | %7.2f | %9.1f | %7s | %7s |\n", "kernel alone",
                (std::to_string(payload) + " bytes").c_str(), result.per_second, result.p50_ms,
                result.p99_ms, cost * 1000, "", "");
    std::fflush(stdout);
}

void fill_store(HardshellProcess& hardshell, int sessions) {
    GatewayClient client;
    if (!client.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
    for (int i = 0; i < sessions; ++i) {
        const Turn turn = chat_turn(client, "hello", "agent:main:dm:peer" + std::to_string(i));
        if (turn.state != "final") give_up("turn failed: " + turn.error, hardshell);
        client.forget_events();
    }
}

void print_connects() {
    HardshellProcess hardshell;
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    const DeviceKey key;
    GatewayClient::Options options = owner();
    options.device = &key;
    const std::vector<pid_t> pids = tree(hardshell);
    const double before = processor_ms(pids);
    const auto started = Clock::now();
    for (int i = 0; i < connects; ++i) {
        GatewayClient client;
        if (!client.admitted(hardshell.port(), options)) give_up("not admitted", hardshell);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
    std::printf(
        "connect and authenticate with a device, one after another: %.0f/s, %.2f ms "
        "processor each (OpenClaw 74-113/s)\n",
        connects / seconds, (processor_ms(pids) - before) / connects);
}

double gateway_kib(const HardshellProcess& hardshell) {
    return static_cast<double>(proportional_set_size(tree(hardshell))) / 1024;
}

void print_idle(size_t count) {
    const HardshellProcess::Options options;
    HardshellProcess hardshell(options);
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    { const Clients first(hardshell, 4); }
    const double before = gateway_kib(hardshell);
    const Clients peers(hardshell, count);
    std::this_thread::sleep_for(1s);
    std::printf(
        "idle authenticated client, PSS of all processes, %zu of them: %.2f KiB each "
        "(OpenClaw 19-35)\n",
        count, (gateway_kib(hardshell) - before) / static_cast<double>(count));
}

void print_idle_clients() {
    print_idle(500);
    print_idle(10'000);
}

void print_broadcast_floor() {
    const BareServer server(300, BareServer::To::all);
    std::vector<TcpSocket> sockets;
    std::vector<int> descriptors;
    for (size_t i = 0; i < listeners; ++i) {
        sockets.push_back(TcpSocket::connect(server.port(), Deadline(patience)));
        descriptors.push_back(sockets.back().descriptor());
    }
    const auto shout = [&] {
        sockets.front().send("shout");
        return drain(descriptors, 1);
    };
    (void)shout();
    const double before = processor_ms({server.pid()});
    uint64_t seen = 0;
    for (int i = 0; i < broadcasts; ++i) seen += shout();
    std::printf("the kernel alone, 300 bytes to each: %.2f us\n",
                (processor_ms({server.pid()}) - before) * 1000 / static_cast<double>(seen));
}

void print_broadcast() {
    HardshellProcess hardshell;
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    const Clients peers(hardshell, listeners);
    GatewayClient speaker;
    if (!speaker.admitted(hardshell.port(), owner())) give_up("not admitted", hardshell);
    std::this_thread::sleep_for(500ms);
    (void)drain(peers.descriptors(), broadcasts);
    const std::vector<pid_t> pids = tree(hardshell);
    const double before = processor_ms(pids);
    uint64_t seen = 0;
    for (int i = 0; i < broadcasts; ++i) {
        speaker.request("system-event", {{"text", "bench " + std::to_string(i)}});
        speaker.forget_events();
        seen += drain(peers.descriptors(), 1);
    }
    if (seen < broadcasts * listeners * 9 / 10) give_up("broadcasts were lost", hardshell);
    std::printf("broadcast to %zu clients: %.2f us processor per delivery (OpenClaw 5.2)\n",
                listeners,
                (processor_ms(pids) - before) * 1000 / static_cast<double>(broadcasts * listeners));
}

void print_broadcasts() {
    print_broadcast();
    print_broadcast_floor();
}

void allow_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void print_all_calls() {
    std::printf("16 clients, one request open each; x: against OpenClaw 2026.1.29\n\n");
    std::printf("| %-16s | %-12s | %9s | %7s | %7s | %9s | %7s | %7s |\n", "method", "store",
                "per s", "p50 ms", "p99 ms", "CPU us", "x CPU", "x rate");
    std::printf(
        "|------------------|--------------|-----------|---------|---------|-----------|"
        "---------|---------|\n");
    print_floor(200);
    print_floor(60'000);
    HardshellProcess hardshell;
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell);
    print_calls(hardshell, "empty");
    fill_store(hardshell, 150);
    print_calls(hardshell, "150 sessions");
    std::printf("\n");
    if (hardshell.stop() != 0) give_up("it did not stop with exit code 0", hardshell);
}

struct Part {
    std::string_view name;
    void (*run)();
};
constexpr Part parts[] = {
    {"calls", print_all_calls},
    {"connects", print_connects},
    {"idle", print_idle_clients},
    {"broadcast", print_broadcasts},
};

}  // namespace

// All parts, or the named one.
int main(int count, char** arguments) {
    const std::string_view wanted = count > 1 ? arguments[1] : "";
    allow_descriptors();
    bool known = false;
    for (const Part& part : parts) {
        if (!wanted.empty() && part.name != wanted) continue;
        part.run();
        known = true;
    }
    if (known) return 0;
    std::fprintf(stderr, "bench: there is no part named %s\n", arguments[1]);
    return 2;
}
