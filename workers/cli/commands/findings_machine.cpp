#include "workers/cli/commands/findings_machine.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <sstream>
#include <thread>

#include "workers/cli/plan_query.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::WorkerPlan;

constexpr std::chrono::seconds name_patience{5};
constexpr int connect_patience_ms = 3000;
constexpr uint64_t least_machine_mb = 256;
constexpr const char* check_path = "/startupz";
constexpr int64_t clock_slack_seconds = 600;
constexpr const char* budget_variable = "HARDSHELL_STOP_BUDGET_MS";
constexpr int64_t least_budget_ms = 100;  // as the supervisor takes it
constexpr int64_t longest_kill_timeout_ms = 300'000;
constexpr int start_field = 22;  // of /proc/<pid>/stat: in ticks since the boot, see proc(5)
constexpr int64_t long_standstill_ms = 60'000;  // less may be a clock that was set right

struct KnownProvider {
    const char* name;  // in models.providers
    const char* host;
};
// Where a provider without a baseUrl of its own is called.
constexpr KnownProvider known_providers[] = {
    {"anthropic", "api.anthropic.com"},
    {"openai", "api.openai.com"},
    {"google", "generativelanguage.googleapis.com"},
    {"openrouter", "openrouter.ai"},
    {"groq", "api.groq.com"},
    {"xai", "api.x.ai"},
    {"mistral", "api.mistral.ai"},
    {"cerebras", "api.cerebras.ai"},
    {"moonshot", "api.moonshot.ai"},
    {"minimax", "api.minimax.io"},
    {"zai", "api.z.ai"},
    {"venice", "api.venice.ai"},
    {"vercel-ai-gateway", "ai-gateway.vercel.sh"},
};
struct ServiceApi {
    const char* kind;      // of the worker
    const char* subject;   // of voice: the company
    const char* host;      // without the variable
    const char* variable;  // that names another address
};
constexpr ServiceApi service_apis[] = {
    {"telegram", "telegram", "api.telegram.org", "HARDSHELL_TELEGRAM_API_URL"},
    {"discord", "discord", "discord.com", "HARDSHELL_DISCORD_API_URL"},
    {"voice", "twilio", "api.twilio.com", "HARDSHELL_TWILIO_API_URL"},
    {"voice", "telnyx", "api.telnyx.com", "HARDSHELL_TELNYX_API_URL"},
    {"voice", "plivo", "api.plivo.com", "HARDSHELL_PLIVO_API_URL"},
};

// The mount point that holds `path`, from the lines of mountinfo.
std::string mount_of(const std::string& mountinfo, const std::string& path) {
    std::string best = "/";
    std::istringstream lines(mountinfo);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string skipped;
        std::string point;
        for (int field = 0; field < 4; ++field) words >> skipped;
        words >> point;
        const bool holds = path == point || path.starts_with(point == "/" ? "/" : point + "/");
        if (holds && point.size() >= best.size()) best = point;
    }
    return best;
}

Finding judge_volume(const FlyEvidence& evidence) {
    const std::string point = mount_of(evidence.mountinfo, evidence.state_dir);
    if (point != "/")
        return {Weight::good, "fly volume", evidence.state_dir + " lies on the volume " + point,
                ""};
    return {Weight::problem, "fly volume",
            evidence.state_dir + " lies on the machine's own disk, which a deploy replaces",
            "in fly.toml: [mounts] destination = \"/data\", [env] OPENCLAW_STATE_DIR = \"/data\""};
}

Findings judge_machine_size(const paths::Environment& environment) {
    const uint64_t size = std::strtoull(environment("FLY_VM_MEMORY_MB").c_str(), nullptr, 10);
    if (size == 0 || size >= least_machine_mb) return {};
    return {{Weight::problem, "fly memory", "the machine has " + std::to_string(size) + " MB",
             "fly scale memory " + std::to_string(least_machine_mb)}};
}

Findings judge_bind(const Plan& plan) {
    Findings found;
    for (const auto& listener : plan.listeners()) {
        const bool reachable = std::any_of(
            listener.addresses().begin(), listener.addresses().end(), [](const auto& address) {
                return address.ip() != "::1" && !address.ip().starts_with("127.");
            });
        if (listener.name() == "http" && !reachable)
            found.push_back({Weight::problem, "fly bind",
                             "the gateway listens on loopback only, where neither Fly's proxy nor "
                             "`fly proxy` reaches it",
                             "add --bind lan to the command in fly.toml"});
    }
    return found;
}

Finding judge_stop_budget(const paths::Environment& environment) {
    const std::string text = environment(budget_variable);
    if (text.empty())
        return {Weight::note, "fly stop", "turns have 4.5 s to finish when the machine is stopped",
                "in fly.toml: kill_timeout = \"30s\", [env] HARDSHELL_STOP_BUDGET_MS = \"25000\""};
    int64_t budget = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, budget);
    if (error == std::errc() && rest == end && budget >= least_budget_ms &&
        budget < longest_kill_timeout_ms)
        return {Weight::good, "fly stop",
                "turns have " + text + " ms to finish, if kill_timeout in fly.toml is longer", ""};
    return {Weight::problem, "fly stop",
            std::string(budget_variable) + " is \"" + text + "\": no number of milliseconds from " +
                std::to_string(least_budget_ms) + " to what Fly grants, 300 s",
            "in fly.toml: kill_timeout = \"30s\", [env] HARDSHELL_STOP_BUDGET_MS = \"25000\""};
}

// The machine's own settings are not shown within it: only what they did, or that one has to look.
Findings judge_autostop(const FlyEvidence& evidence) {
    const char* const cure =
        "in fly.toml: auto_stop_machines = \"off\"; fly/check_toml.py looks for it";
    if (evidence.stood_still_ms >= long_standstill_ms)
        return {{Weight::problem, "fly autostop",
                 "the machine was suspended for " + std::to_string(evidence.stood_still_ms / 1000) +
                     " s since the gateway started: messages of chat channels do not wake it",
                 cure}};
    if (!evidence.asked_for) return {};
    return {{Weight::note, "fly autostop",
             "whether Fly's proxy may stop this machine cannot be seen from within; messages of "
             "chat channels would not wake it",
             cure}};
}

// "https://host:port/path" taken apart; an empty host when it is none of that.
Place place_of(const std::string& subject, const std::string& url) {
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos) return {subject, "", ""};
    std::string rest = url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
    const size_t bracket = rest.find(']');
    const size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
    std::string port = url.starts_with("http:") ? "80" : "443";
    if (colon != std::string::npos) {
        port = rest.substr(colon + 1);
        rest.resize(colon);
    }
    if (rest.size() > 2 && rest.front() == '[') rest = rest.substr(1, rest.size() - 2);
    return {subject, rest, port};
}

// Whom that worker will call: of voice the company that its settings name.
bool calls(const WorkerPlan& worker, const ServiceApi& api) {
    if (worker.kind() != api.kind) return false;
    if (worker.kind() != "voice") return true;
    const Result<Json> config = parse_json(worker.settings().config_json());
    if (!config) return false;
    const Json& entry = member(member_at(*config, "plugins.entries"), "voice-call");
    return text_member(member(entry, "config"), "provider") == api.subject;
}

Place place_of_service(const WorkerPlan& worker, const ServiceApi& api) {
    const auto& variables = worker.settings().environment();
    const auto other = variables.find(std::string(api.variable));
    if (other != variables.end()) return place_of(api.subject, other->second);
    return {api.subject, api.host, "443"};
}

// What names the address of a place.
std::string setting_of(const Place& place) {
    for (const ServiceApi& api : service_apis)
        if (place.subject == api.subject) return api.variable;
    return "models.providers." + place.subject + ".baseUrl";
}

struct AddressList {
    addrinfo* list = nullptr;
    int error = 0;
    ~AddressList() {
        if (list) freeaddrinfo(list);
    }
};

// getaddrinfo has no deadline of its own: it runs in a thread that is left behind if it must be.
std::shared_ptr<AddressList> look_up(const Place& place) {
    auto promise = std::make_shared<std::promise<std::shared_ptr<AddressList>>>();
    auto answer = promise->get_future();
    std::thread([promise, place] {
        auto found = std::make_shared<AddressList>();
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        found->error = getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found->list);
        promise->set_value(std::move(found));
    }).detach();
    return answer.wait_for(name_patience) == std::future_status::ready ? answer.get() : nullptr;
}

// 0, or why no connection came about.
int connect_error(const addrinfo& address) {
    const Fd socket_fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_fd) return errno;
    if (::connect(socket_fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd wait{socket_fd.get(), POLLOUT, 0};
    if (::poll(&wait, 1, connect_patience_ms) != 1) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

}  // namespace

Findings judge_fly(const FlyEvidence& evidence, const Result<Plan>& plan) {
    if (evidence.environment("FLY_MACHINE_ID").empty()) {
        if (!evidence.asked_for) return {};
        return {{Weight::note, "fly", "this is no machine of Fly.io: FLY_MACHINE_ID is not set",
                 "fly ssh console -C \"hardshell doctor --fly\"; for the file: fly/check_toml.py"}};
    }
    Findings found;
    if (!evidence.environment("RELEASE_COMMAND").empty())
        found.push_back({Weight::problem, "fly release", "a release machine has no volume",
                         "remove release_command from fly.toml"});
    found.push_back(judge_volume(evidence));
    for (const Findings& part :
         {judge_machine_size(evidence.environment), plan ? judge_bind(*plan) : Findings{}})
        found.insert(found.end(), part.begin(), part.end());
    found.push_back(judge_stop_budget(evidence.environment));
    append_new(found, judge_autostop(evidence));
    return found;
}

int64_t stood_still_ms(const std::string& stat, int64_t started_wall_ms, const ClockReadings& now) {
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos || started_wall_ms <= 0) return 0;
    std::istringstream words(stat.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < start_field; ++field) words >> skipped;
    int64_t ticks = 0;
    if (!(words >> ticks)) return 0;
    const int64_t ran = now.boottime_ms - ticks * 1000 / ::sysconf(_SC_CLK_TCK);
    const int64_t missed = std::max<int64_t>(0, now.wall_ms - started_wall_ms - ran);
    return missed + now.boottime_ms - now.monotonic_ms;
}

Findings judge_clock(const std::string& state_dir, int64_t now_seconds) {
    struct stat newest {};
    for (const char* name : {"/hardshell/agent/state.sqlite", "/hardshell/agent/state.sqlite-wal",
                             "/openclaw.json", "/hardshell"}) {
        struct stat info {};
        if (::stat((state_dir + name).c_str(), &info) == 0 && info.st_mtime > newest.st_mtime)
            newest = info;
    }
    if (newest.st_mtime <= now_seconds + clock_slack_seconds) return {};
    return {{Weight::problem, "clock",
             "the clock stands " + std::to_string((newest.st_mtime - now_seconds) / 60) +
                 " minutes before files that were written already",
             "set the machine's clock: certificates, cron jobs and device signatures need it"}};
}

std::vector<Place> places_of(const Plan& plan) {
    std::vector<Place> places;
    const auto* agent = worker_of_kind(plan, "agent");
    const Result<Json> config = agent ? parse_json(agent->settings().config_json()) : Json();
    const Json& providers = config ? member(member(*config, "models"), "providers") : Json();
    if (providers.is_object())
        for (const auto& [name, provider] : providers.items())
            if (const std::string url = text_member(provider, "baseUrl"); !url.empty())
                places.push_back(place_of(name, url));
    const auto add = [&](const Place& added) {
        if (std::none_of(places.begin(), places.end(),
                         [&](const Place& place) { return place.subject == added.subject; }))
            places.push_back(added);
    };
    if (agent)
        for (const auto& secret : agent->secrets())
            for (const KnownProvider& known : known_providers)
                if (secret.name() == std::string("models.providers.") + known.name + ".apiKey")
                    add({known.name, known.host, "443"});
    for (const auto& worker : plan.workers())
        for (const ServiceApi& api : service_apis)
            if (calls(worker, api)) add(place_of_service(worker, api));
    std::erase_if(places, [](const Place& place) { return place.host.empty(); });
    return places;
}

std::string reach(const Place& place) {
    const std::shared_ptr<AddressList> found = look_up(place);
    if (!found)
        return "the name server did not answer within " + std::to_string(name_patience.count()) +
               " s";
    if (found->error != 0)
        return std::string("the name cannot be resolved: ") + gai_strerror(found->error);
    int error = EHOSTUNREACH;
    for (const addrinfo* address = found->list; address; address = address->ai_next) {
        error = connect_error(*address);
        if (error == 0) return "";
    }
    return std::string("no connection to port ") + place.port + ": " + std::strerror(error);
}

Findings judge_places(const std::vector<Place>& places, const paths::Environment& environment,
                      const Reach& reach_place) {
    for (const char* name : {"HTTPS_PROXY", "https_proxy"})
        if (!environment(name).empty())
            return {{Weight::note, "network",
                     std::string("a proxy connects to the APIs (") + name +
                         "); they were not tried from here",
                     ""}};
    Findings found;
    for (const Place& place : places) {
        const std::string why = reach_place(place);
        if (why.empty())
            found.push_back({Weight::good, "network", place.host + " can be reached", ""});
        else
            found.push_back(
                {Weight::problem, "network", place.host + " (" + place.subject + "): " + why,
                 "check the machine's network and name server; if the address is wrong, "
                 "correct " +
                     setting_of(place)});
    }
    return found;
}

Result<std::string> ask_check_path(const Place& place, std::chrono::milliseconds patience) {
    const std::shared_ptr<AddressList> found = look_up(place);
    if (!found || found->error != 0 || !found->list)
        return Error{Fault::unreachable, place.host + " cannot be looked up"};
    const auto failed = [patience](const char* what) -> Error {
        if (errno != EAGAIN && errno != EINPROGRESS) return system_error(what, errno);
        return {Fault::timed_out,
                std::string(what) + " within " + std::to_string(patience.count()) + " ms"};
    };
    const addrinfo& address = *found->list;
    const Fd to(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
    if (!to || ::setsockopt(to.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        ::setsockopt(to.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        ::connect(to.get(), address.ai_addr, address.ai_addrlen) != 0)
        return failed("no connection");
    const std::string ask = std::string("GET ") + check_path + " HTTP/1.1\r\nHost: " + place.host +
                            "\r\nConnection: close\r\n\r\n";
    if (::send(to.get(), ask.data(), ask.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(ask.size()))
        return failed("nothing can be sent");
    char answer[256];
    const ssize_t size = ::recv(to.get(), answer, sizeof answer, 0);
    if (size < 0) return failed("no answer");
    const std::string text(answer, static_cast<size_t>(size));
    return text.substr(0, text.find_first_of("\r\n"));
}

Findings judge_check_path(const Place& place, const Result<std::string>& first_line) {
    const std::string asked = std::string(check_path) + " on port " + place.port;
    if (first_line && first_line->starts_with("HTTP/1.1 200"))
        return {{Weight::good, "check path", asked + " says that the gateway has started", ""}};
    return {{Weight::problem, "check path",
             asked + ": " +
                 (first_line ? "answered \"" + *first_line + "\"" : first_line.error().what) +
                 "; a health check would take the machine for a dead one",
             "see `hardshell status` and `hardshell logs gateway`"}};
}

}  // namespace cli
