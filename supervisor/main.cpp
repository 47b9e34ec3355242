// The first process: arguments in, exit code out.
//
//   supervisor --state-dir DIR --config-path FILE --run-dir DIR [-- gateway arguments…]

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "supervisor/own_settings.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"
#include "workers/common/base/exit_codes.h"
#include "workers/common/base/paths.h"

extern char** environ;

namespace {

using supervisor::Supervisor;

bool parse(int count, char** arguments, Supervisor::Options& options) {
    int i = 1;
    for (; i + 1 < count && std::string_view(arguments[i]) != "--"; i += 2) {
        const std::string_view name = arguments[i];
        if (name == "--state-dir")
            options.state_dir = arguments[i + 1];
        else if (name == "--config-path")
            options.config_path = arguments[i + 1];
        else if (name == "--run-dir")
            options.run_dir = arguments[i + 1];
        else
            return false;
    }
    for (++i; i < count; ++i) options.gateway_arguments.emplace_back(arguments[i]);
    return !options.state_dir.empty() && !options.config_path.empty() && !options.run_dir.empty();
}

// Descriptors 0 to 2 must exist, or a socket could take their place.
void open_standard_descriptors() {
    int descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2) descriptor = open("/dev/null", O_RDWR);
    if (descriptor > 2) close(descriptor);
}

// Workers must not take the supervisor with them when the machine is full; where we may not say so
// (containers), their own higher scores still do. Their descriptors are limited, ours are not.
void take_precedence() {
    const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!write(file, "-1000", 5);
        close(file);
    }
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they tell more
// A bug of ours: the last word, then an end that is no success. The workers follow by their
// parent-death signals.
void crashed(int number) {
    constexpr char text[] = "[supervisor] error: bug: the supervisor crashed and ends\n";
    (void)!write(STDOUT_FILENO, text, sizeof text - 1);
    _exit(128 + number);
}

void watch_for_crashes() {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) signal(number, crashed);
}
#else
void watch_for_crashes() {}
#endif

}  // namespace

int main(int count, char** arguments) {
    open_standard_descriptors();
    watch_for_crashes();
    take_precedence();
    prctl(PR_SET_DUMPABLE, 0);  // every secret passes through here
    Supervisor::Options options;
    if (!parse(count, arguments, options)) {
        std::fputs("hardshell: this program is started by `hardshell gateway`\n", stderr);
        return 1;
    }
    const paths::Environment environment = paths::process_environment();
    options.libexec = paths::libexec_dir();
    for (char** entry = environ; *entry; ++entry) options.environment.emplace_back(*entry);
    const supervisor::OwnSettings settings =
        supervisor::own_settings(environment, options.gateway_arguments);
    options.stop_budget = settings.stop_budget;
    options.log_level = settings.log_level;
    umask(0022);  // the directories that workers pass through say themselves who may

    const std::unique_ptr<Loop> loop = make_epoll_loop();
    supervisor::LogPump log(*loop, STDOUT_FILENO, {"/proc/self/fd/2", "/dev/console"});
    if (environment("HARDSHELL_LOG_FORMAT") == "json") log.format(supervisor::LogFormat::json);
    for (const std::string& remark : settings.remarks) log.say("warn", remark);
    Supervisor supervisor(*loop, log, std::move(options));
    if (const Done begun = supervisor.begin(); !begun) {
        const bool is_wanted = supervisor::is_asked_to_end();
        log.say(is_wanted ? "" : "error",
                is_wanted ? "stopped before it began: it was asked to end" : begun.error().what);
        log.flush(std::chrono::milliseconds(500));
        return is_wanted ? exit_code::requested : 1;
    }
    return loop->run();
}
