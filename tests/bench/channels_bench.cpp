// What channels and telephone calls cost: the real workers at doubles of their platforms, over TLS
// where they have it. README.md says how it is measured.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/support/channel_worker.h"
#include "tests/support/discord_double.h"
#include "tests/support/telegram_double.h"
#include "tests/support/telephone_double.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using World = DiscordDouble::World;

namespace {

constexpr size_t messages = 300;
// So that the worker does not hold back what the platform would refuse: Telegram takes 30 a second.
constexpr auto apart = 40ms;
constexpr int kills = 5;
constexpr size_t callers = 50;
constexpr int rounds_of_calls = 10;
constexpr int moves = 20;
constexpr int64_t ann = 555;
constexpr const char* public_url = "https://voice.example.com/voice/webhook";

[[noreturn]] void give_up(const std::string& why, const std::string& log) {
    std::fprintf(stderr, "bench: %s\n%s", why.c_str(), log.c_str());
    std::exit(1);
}

// Milliseconds until it holds, looked at every twenty microseconds.
double until(const std::function<bool()>& holds, const std::function<std::string()>& log) {
    const auto begun = Clock::now();
    while (!holds()) {
        if (Clock::now() - begun > 20s) give_up("it never came", log());
        std::this_thread::sleep_for(20us);
    }
    return Milliseconds(Clock::now() - begun).count();
}

void print(const char* what, const std::vector<double>& taken_ms) {
    std::printf("| %-52s | %8.2f | %8.2f |\n", what, percentile(taken_ms, 0.5),
                percentile(taken_ms, 0.99));
    std::fflush(stdout);
}

ChannelWorker::Options discord_worker(const DiscordDouble& discord) {
    ChannelWorker::Options options;
    options.program = "discord";
    options.config_json =
        R"({"channels":{"discord":{"guilds":{"300000000000000001":{"requireMention":false}}}}})";
    options.secrets = {{"channels.discord.token", DiscordDouble::token}};
    options.environment = {{"HARDSHELL_DISCORD_API_URL", discord.api_url()},
                           {"NODE_EXTRA_CA_CERTS", discord.certificate_file()}};
    return options;
}

ChannelWorker::Options telegram_worker(const TelegramDouble& telegram) {
    ChannelWorker::Options options;
    options.program = "telegram";
    options.config_json =
        R"({"channels":{"telegram":{"dmPolicy":"open","allowFrom":["*"],"streamMode":"off"}}})";
    options.secrets = {{"channels.telegram.botToken", telegram.token()}};
    options.environment = {{"HARDSHELL_TELEGRAM_API_URL", telegram.url()},
                           {"NODE_EXTRA_CA_CERTS", telegram.certificate_file()}};
    return options;
}

// `say` makes the platform tell of a message; `has_written` counts what the bot has written.
void pass_messages(const std::string& name, ChannelWorker& worker, const std::string& place,
                   const std::function<void(const std::string&)>& say,
                   const std::function<size_t()>& has_written) {
    const auto log = [&] { return worker.log(); };
    std::vector<double> in, out;
    for (size_t i = 0; i < messages; ++i) {
        say("message " + std::to_string(i));
        in.push_back(until([&] { return worker.offers() > i; }, log));
        const std::string id = std::to_string(i);
        const auto begun = Clock::now();
        worker.deliver(id, place, "answer " + id, [](auto& message) {
            message.mutable_place()->set_kind(hardshell::proto::Place::DIRECT);
        });
        until([&] { return has_written() > i; }, log);
        out.push_back(Milliseconds(Clock::now() - begun).count());
        until([&] { return worker.is_settled(id); }, log);
        std::this_thread::sleep_for(apart);
    }
    print((name + ": event to the agent").c_str(), in);
    print((name + ": answer to a request").c_str(), out);
}

void measure_discord() {
    DiscordDouble::Options unlimited;
    unlimited.message_limit = 1'000'000;
    DiscordDouble discord(unlimited);
    ChannelWorker worker(discord_worker(discord));
    worker.start();
    until([&] { return worker.status().connected(); }, [&] { return worker.log(); });
    pass_messages(
        "Discord", worker, World::general,
        [&](const std::string& text) { discord.say(World::general, World::ann, text); },
        [&] { return discord.posts(); });
}

void measure_telegram() {
    TelegramDouble telegram;
    // The worker reads it from its own environment.
    setenv("NODE_EXTRA_CA_CERTS", telegram.certificate_file().c_str(), 1);
    ChannelWorker worker(telegram_worker(telegram));
    worker.start();
    until([&] { return telegram.is_polled(); }, [&] { return worker.log(); });
    // A chat takes a message a second: every message in a chat of its own.
    const auto log = [&] { return worker.log(); };
    std::vector<double> in, out;
    for (size_t i = 0; i < messages; ++i) {
        const int64_t chat = ann + static_cast<int64_t>(i);
        until([&] { return telegram.is_polled(); }, log);
        telegram.say(chat, chat, "message");
        in.push_back(until([&] { return worker.offers() > i; }, log));
        const auto begun = Clock::now();
        const std::string id = std::to_string(i);
        worker.deliver(id, std::to_string(chat), "answer", [](auto& message) {
            message.mutable_place()->set_kind(hardshell::proto::Place::DIRECT);
        });
        until([&] { return !telegram.from_bot(chat).empty(); }, log);
        out.push_back(Milliseconds(Clock::now() - begun).count());
        until([&] { return worker.is_settled(id); }, log);
        std::this_thread::sleep_for(apart);
    }
    print("Telegram: event to the agent", in);
    print("Telegram: answer to a request", out);
}

// Both doubles' authorities in one file.
std::string write_authorities(const DiscordDouble& discord, const TelegramDouble& telegram) {
    std::string path = "/tmp/authorities-XXXXXX";
    ::close(mkstemp(path.data()));
    chmod(path.c_str(), 0644);  // the workers are users of their own
    std::ofstream(path) << std::ifstream(discord.certificate_file()).rdbuf()
                        << std::ifstream(telegram.certificate_file()).rdbuf();
    return path;
}

HardshellProcess::Options everything(const DiscordDouble& discord, const TelegramDouble& telegram,
                                     const TelephoneDouble& company,
                                     const std::string& authorities) {
    HardshellProcess::Options options;
    options.config = R"({
  "gateway": {"mode": "local"},
  "channels": {
    "discord": {"guilds": {"300000000000000001": {"requireMention": true}}},
    "telegram": {"dmPolicy": "open", "allowFrom": ["*"]}},
  "plugins": {"entries": {"voice-call": {"enabled": true, "config": {
    "provider": "twilio", "fromNumber": "+15550002222",
    "twilio": {"accountSid": "AC0123456789"},
    "inboundPolicy": "open", "maxConcurrentCalls": 100,
    "publicUrl": "https://voice.example.com/voice/webhook"}}}}
})";
    options.environment = {{"TELEGRAM_BOT_TOKEN", telegram.token()},
                           {"HARDSHELL_TELEGRAM_API_URL", telegram.url()},
                           {"DISCORD_BOT_TOKEN", DiscordDouble::token},
                           {"HARDSHELL_DISCORD_API_URL", discord.api_url()},
                           {"NODE_EXTRA_CA_CERTS", authorities},
                           {"TWILIO_AUTH_TOKEN", TelephoneDouble::token},
                           {"HARDSHELL_TWILIO_API_URL", company.url()}};
    return options;
}

void print_memory(const HardshellProcess& hardshell) {
    std::vector<ProcessEntry> all = hardshell.descendants();
    all.insert(all.begin(), ProcessEntry{hardshell.pid(), 0, 'S', "supervisor", 0});
    double sum = 0;
    std::string each;
    std::vector<pid_t> pids;
    for (const ProcessEntry& entry : all) {
        const double size = static_cast<double>(proportional_set_size({entry.pid})) / 1048576;
        sum += size;
        pids.push_back(entry.pid);
        char text[64];
        std::snprintf(text, sizeof text, "%s%s %.2f", each.empty() ? "" : ", ", entry.name.c_str(),
                      size);
        each += text;
    }
    std::printf(
        "\nidle, all channels connected, PSS in MiB: %.2f (%s); every page counted in full: %.2f\n",
        sum, each.c_str(), static_cast<double>(distinct_pages_size(pids)) / 1048576);
}

void measure_kills(const HardshellProcess& hardshell, const DiscordDouble& discord) {
    const auto log = [&] { return hardshell.log(); };
    std::vector<double> taken;
    for (int i = 0; i < kills; ++i) {
        // What died after less than a second is held back on purpose.
        std::this_thread::sleep_for(2s);
        const int before = discord.resumes();
        kill(hardshell.worker("discord"), SIGKILL);
        taken.push_back(until([&] { return discord.resumes() > before; }, log));
    }
    print("Discord worker killed to session resumed", taken);
}

TelephoneDouble::Fields call_event(size_t number, const char* status) {
    const std::string caller = "+1555001" + std::to_string(1'000 + number);
    return {{"AccountSid", TelephoneDouble::account},
            {"CallSid", "CAbench" + std::to_string(number)},
            {"CallStatus", status},
            {"Direction", "inbound"},
            {"From", caller},
            {"To", "+15550002222"}};
}

void measure_calls(const HardshellProcess& hardshell, const TelephoneDouble& company) {
    std::vector<std::vector<double>> taken(callers);
    std::vector<std::thread> threads;
    std::vector<int> refused(callers);
    for (size_t i = 0; i < callers; ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < rounds_of_calls; ++round) {
                auto form = call_event(i, "ringing");
                form.emplace_back("Timestamp", std::to_string(round));  // an event of its own
                const std::string signature = TelephoneDouble::signature(public_url, form);
                const auto begun = Clock::now();
                const HttpAnswer answer =
                    company.post_signed(hardshell.port(), public_url, "", form, signature);
                taken[i].push_back(Milliseconds(Clock::now() - begun).count());
                refused[i] += answer.status != 200;
                std::this_thread::sleep_for(50ms);
            }
        });
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    int all_refused = 0;
    for (size_t i = 0; i < callers; ++i) {
        all.insert(all.end(), taken[i].begin(), taken[i].end());
        all_refused += refused[i];
    }
    print("voice webhook, 50 calls at once", all);
    if (all_refused) std::printf("%d of them refused\n", all_refused);
}

// Telegram by a tunnel whose agent is a double of ngrok's: memory, and an address that changes.
void measure_tunnel(const TelegramDouble& telegram, const std::string& authorities) {
    HardshellProcess::Options options;
    options.config = R"({
  "gateway": {"mode": "local"},
  "channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"],
    "webhookUrl": "tunnel", "webhookSecret": "bench-secret"}},
  "plugins": {"entries": {"voice-call": {"enabled": true, "config": {
    "provider": "twilio", "fromNumber": "+15550002222",
    "twilio": {"accountSid": "AC0123456789"}, "tunnel": {"provider": "ngrok"}}}}}
})";
    options.environment = {{"TELEGRAM_BOT_TOKEN", telegram.token()},
                           {"HARDSHELL_TELEGRAM_API_URL", telegram.url()},
                           {"NODE_EXTRA_CA_CERTS", authorities},
                           {"TWILIO_AUTH_TOKEN", TelephoneDouble::token},
                           {"NGROK_AUTHTOKEN", "a-token"},
                           {"HARDSHELL_TUNNEL_PATH",
                            std::string(std::getenv("HARDSHELL_BUILD")) + "/tests/support/agents"}};
    HardshellProcess hardshell(std::move(options));
    const std::string folder = hardshell.state_dir() + "/tunnel";
    std::filesystem::create_directory(folder);
    const auto is_told = [&](const std::string& origin) {
        return until([&] { return telegram.webhook_url() == origin + "/telegram-webhook"; },
                     [&] { return hardshell.log(); });
    };
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell.log());
    is_told("https://one.ngrok.app");
    std::this_thread::sleep_for(3s);
    const double size =
        static_cast<double>(proportional_set_size({hardshell.worker("tunnel")})) / 1048576;
    std::vector<double> taken;
    for (int i = 0; i < moves; ++i) {
        const std::string origin = "https://move" + std::to_string(i) + ".ngrok.app";
        std::ofstream(folder + "/next.json") << "{\"url\":\"" << origin << "\"}";
        if (rename((folder + "/next.json").c_str(), (folder + "/double.json").c_str()) != 0)
            give_up("the agent's double cannot be told", hardshell.log());
        taken.push_back(is_told(origin));
    }
    print("tunnel's address changed to webhook told to Telegram", taken);
    std::printf("tunnel worker without its agent, idle, PSS in MiB: %.2f\n", size);
    hardshell.stop();
}

}  // namespace

int main() {
    std::printf("| %-52s | %8s | %8s |\n|%s|----------|----------|\n", "what", "p50 ms", "p99 ms",
                std::string(54, '-').c_str());
    measure_discord();
    measure_telegram();
    const DiscordDouble discord;
    const TelegramDouble telegram;
    const TelephoneDouble company;
    const std::string authorities = write_authorities(discord, telegram);
    HardshellProcess hardshell(everything(discord, telegram, company, authorities));
    if (!hardshell.start_and_wait()) give_up("it did not start", hardshell.log());
    until([&] { return discord.open_gateways() > 0 && telegram.is_polled(); },
          [&] { return hardshell.log(); });
    std::this_thread::sleep_for(3s);
    print_memory(hardshell);
    measure_calls(hardshell, company);
    measure_kills(hardshell, discord);
    const bool stopped_well = hardshell.stop() == 0;
    measure_tunnel(telegram, authorities);
    unlink(authorities.c_str());
    return stopped_well ? 0 : 1;
}
