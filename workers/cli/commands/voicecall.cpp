#include "workers/cli/commands/voicecall.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "workers/cli/commands/gateway_methods.h"

namespace cli {

namespace {

constexpr int64_t patience_ms = 20'000;
// `transcriptTimeoutMs` may be an hour, and ends it there.
constexpr int64_t listening_ms = 3'620'000;
constexpr const char* calls_file = "/voice-calls/calls.jsonl";
constexpr int64_t lines_by_default = 25;
constexpr int64_t most_lines = 1'000'000;
constexpr int64_t poll_ms = 250;
constexpr int64_t least_poll_ms = 50;
constexpr int64_t most_poll_ms = 60'000;

struct Row {
    const char* method;
    const char* option;
    const char* member;
    bool is_needed;
};
constexpr Row rows[] = {
    // method, option, member of its parameters, whether it is needed
    {"voicecall.initiate", "to", "to", false},
    {"voicecall.initiate", "message", "message", true},
    {"voicecall.initiate", "mode", "mode", false},
    {"voicecall.start", "to", "to", true},
    {"voicecall.start", "message", "message", false},
    {"voicecall.start", "mode", "mode", false},
    {"voicecall.continue", "call-id", "callId", true},
    {"voicecall.continue", "message", "message", true},
    {"voicecall.speak", "call-id", "callId", true},
    {"voicecall.speak", "message", "message", true},
    {"voicecall.end", "call-id", "callId", true},
    {"voicecall.status", "call-id", "callId", true},
};

struct Exposure {
    const char* mode;
    const char* provider;
};
constexpr Exposure exposures[] = {
    // --mode, tunnel.provider
    {"off", "none"},
    {"serve", "tailscale-serve"},
    {"funnel", "tailscale-funnel"},
};

int run(const Context& context, const std::string& method, int64_t patience = patience_ms) {
    const Result<Json> params = voicecall_params(method, context.arguments);
    if (!params) return fail(params.error());
    const Result<Json> answer = call_gateway(context, method, *params, patience);
    if (!answer) return fail(answer.error());
    return print(pretty(*answer)) ? 0 : 1;
}

}  // namespace

Result<Json> voicecall_params(const std::string& method, const Arguments& given) {
    Json params = Json::object();
    for (const Row& row : rows) {
        if (method != row.method) continue;
        const std::string value = given.text(row.option);
        if (!value.empty())
            params[row.member] = value;
        else if (row.is_needed)
            return Error{Fault::bad_message, std::string("--") + row.option + " is missing"};
    }
    return params;
}

int run_voicecall_call(const Context& context) {
    return run(context, "voicecall.initiate");
}
int run_voicecall_start(const Context& context) {
    return run(context, "voicecall.start");
}
int run_voicecall_continue(const Context& context) {
    return run(context, "voicecall.continue", listening_ms);
}
int run_voicecall_speak(const Context& context) {
    return run(context, "voicecall.speak");
}
int run_voicecall_end(const Context& context) {
    return run(context, "voicecall.end");
}
int run_voicecall_status(const Context& context) {
    return run(context, "voicecall.status");
}

int run_voicecall_tail(const Context& context) {
    const Arguments& given = context.arguments;
    int64_t since = lines_by_default;
    if (given.has("since") && !parse_number(given.text("since"), most_lines, since))
        return fail({Fault::bad_message, "--since: use a whole number, like 25"});
    const Result<int64_t> period = given.number("poll", poll_ms, most_poll_ms);
    if (!period) return fail(period.error());
    CallLog calls(given.text("file", context.state_dir + calls_file));
    Result<std::vector<std::string>> lines = calls.more();
    if (lines && lines->size() > static_cast<size_t>(since))
        lines->erase(lines->begin(), lines->end() - since);
    while (lines) {
        std::string text;
        for (const std::string& line : *lines) text += line + "\n";
        if (!text.empty() && !print(text)) return 0;  // a closed pipe ends it
        std::this_thread::sleep_for(std::chrono::milliseconds(std::max(*period, least_poll_ms)));
        lines = calls.more();
    }
    return fail(lines.error());
}

int run_voicecall_expose(const Context& context) {
    return fail(instead_of_expose(context.arguments.text("mode", "funnel")));
}

Error instead_of_expose(const std::string& mode) {
    const std::string key = "plugins.entries.voice-call.config.";
    for (const Exposure& row : exposures) {
        if (mode != row.mode) continue;
        const std::string command =
            program_name() + " config set " + key + "tunnel.provider " + row.provider;
        return {Fault::bad_message, "the running gateway keeps the tunnels itself: use `" +
                                        command + "` (the path is " + key + "serve.path)"};
    }
    return {Fault::bad_message, "--mode: use off, serve or funnel"};
}

Result<std::vector<std::string>> CallLog::more() {
    if (!file_)
        if (const Done done = open(); !done) return done.error();
    std::vector<std::string> lines = read_on();
    const std::hash<std::string> hash{};
    for (const std::string& line : lines) told_.insert(hash(line));
    if (!was_made_anew() || !open()) return lines;
    const std::unordered_set<size_t> before = std::exchange(told_, {});
    for (std::string& line : read_on()) {
        told_.insert(hash(line));
        if (!before.contains(hash(line))) lines.push_back(std::move(line));
    }
    return lines;
}

Done CallLog::open() {
    Fd opened(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened && errno == ENOENT)
        return Error{Fault::bad_message, "there is no " + path_ + ": no call has been kept there"};
    if (!opened) return system_error("cannot read " + path_, errno);
    file_ = std::move(opened);
    begun_.clear();
    return {};
}

// While it is open, no other file has its number.
bool CallLog::was_made_anew() const {
    struct stat now {};
    struct stat ours {};
    return ::stat(path_.c_str(), &now) == 0 && ::fstat(file_.get(), &ours) == 0 &&
           (now.st_ino != ours.st_ino || now.st_dev != ours.st_dev);
}

std::vector<std::string> CallLog::read_on() {
    char piece[64 * 1024];
    for (ssize_t got = 0; (got = ::read(file_.get(), piece, sizeof piece)) > 0;)
        begun_.append(piece, static_cast<size_t>(got));
    std::vector<std::string> lines;
    size_t from = 0;
    for (size_t end = 0; (end = begun_.find('\n', from)) != std::string::npos; from = end + 1)
        if (end > from) lines.push_back(begun_.substr(from, end - from));
    begun_.erase(0, from);
    return lines;
}

}  // namespace cli
