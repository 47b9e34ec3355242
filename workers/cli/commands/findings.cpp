#include "workers/cli/commands/findings.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "workers/cli/output.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/json.h"
#include "workers/common/base/paths.h"

namespace cli {

namespace {

using hardshell::proto::Notice;
using hardshell::proto::Plan;

constexpr uint64_t scarce_room = 100ull << 20;
constexpr uint64_t full_percent = 85;
constexpr size_t short_token = 16;
constexpr size_t largest_lock = 4096;
constexpr int64_t start_slack_seconds = 10;

// What OpenClaw and Hardshell know by these names.
constexpr const char* secret_variables[] = {
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_OAUTH_TOKEN",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "OPENROUTER_API_KEY",
    "GROQ_API_KEY",
    "XAI_API_KEY",
    "MISTRAL_API_KEY",
    "CEREBRAS_API_KEY",
    "VENICE_API_KEY",
    "MINIMAX_API_KEY",
    "MOONSHOT_API_KEY",
    "ZAI_API_KEY",
    "AI_GATEWAY_API_KEY",
    "BRAVE_API_KEY",
    "TELEGRAM_BOT_TOKEN",
    "DISCORD_BOT_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "TWILIO_AUTH_TOKEN",
    "TELNYX_API_KEY",
    "TELNYX_PUBLIC_KEY",
    "PLIVO_AUTH_TOKEN",
    "NGROK_AUTHTOKEN",
    "TS_AUTHKEY",
};

// In the directory of the programs: the supervisor, those of its roster, and the command line's
// own.
constexpr const char* program_names[] = {
    "supervisor", "planner", "gateway", "agent",  "tools",
    "telegram",   "discord", "voice",   "tunnel", "client",
};

// Never to give it to somebody else: a gateway that runs would lose its files.
std::string cure_for_directory(const std::string& state_dir, uid_t owner, int why) {
    if (why == EROFS) return "make the file system writable";
    if (owner == geteuid()) return "chmod u+rwx " + state_dir;
    return "run this as root or as the user that runs the gateway; a gateway of your own needs "
           "another OPENCLAW_STATE_DIR";
}

Findings judge_room(const std::string& state_dir) {
    struct statvfs room {};
    if (::statvfs(state_dir.c_str(), &room) != 0) return {};
    const uint64_t left = static_cast<uint64_t>(room.f_bavail) * room.f_frsize;
    if (left < scarce_room)
        return {{Weight::problem, "state directory",
                 "only " + size(left) + " are free under " + state_dir,
                 "delete what is not needed, or make the volume larger"}};
    const uint64_t blocks = room.f_blocks - room.f_bfree + room.f_bavail;
    const uint64_t used = blocks ? 100 * (room.f_blocks - room.f_bfree) / blocks : 0;
    if (used >= full_percent)
        return {{Weight::problem, "state directory",
                 std::to_string(used) + " % of the file system under " + state_dir + " is used",
                 "delete what is not needed, or make the volume larger (fly volumes extend)"}};
    if (room.f_files > 0 && room.f_favail == 0)
        return {{Weight::problem, "state directory", "no file can be added under " + state_dir,
                 "delete files: the file system has no inodes left"}};
    return {{Weight::good, "state directory", state_dir + ", " + size(left) + " free", ""}};
}

Finding judge_notice(const Notice& notice) {
    const bool serious = notice.severity() == Notice::ERROR || notice.severity() == Notice::WARNING;
    return {serious ? Weight::problem : Weight::note, "configuration", notice.text(), ""};
}

Findings judge_credential(const Plan& plan) {
    const auto* token = gateway_secret(plan, "gateway.auth.token");
    const auto* password = gateway_secret(plan, "gateway.auth.password");
    if (!token && !password)
        return {{Weight::note, "gateway token", "none is configured",
                 "one is made at the first start; `hardshell dashboard` shows it"}};
    const auto* used = token ? token : password;
    const std::string name = token ? "gateway token" : "gateway password";
    if (used->value().size() < short_token)
        return {{Weight::problem, name,
                 "it has only " + std::to_string(used->value().size()) + " characters (" +
                     used->source() + "): whoever guesses it controls the assistant",
                 "use one of " + std::to_string(short_token) + " or more random characters"}};
    if (used->source() == paths::token_of_this_start)
        return {{Weight::problem, name, "it is another one after each start",
                 "make room for it in the state directory, or set OPENCLAW_GATEWAY_TOKEN"}};
    return {{Weight::good, name, "set (" + used->source() + ")", ""}};
}

Findings judge_model_keys(const Plan& plan) {
    const auto* agent = worker_of_kind(plan, "agent");
    Findings found;
    if (agent)
        for (const auto& secret : agent->secrets())
            if (secret.name().starts_with("models.providers."))
                found.push_back({Weight::good, "model key",
                                 secret.name().substr(std::strlen("models.providers.")) + " (" +
                                     secret.source() + ")",
                                 ""});
    if (found.empty())
        found.push_back(
            {Weight::problem, "model key",
             "none is known: a model that needs one cannot be called, and with no model "
             "configured the built-in demonstration answers",
             "set ANTHROPIC_API_KEY or OPENAI_API_KEY and restart the gateway"});
    return found;
}

// The process a lock file names; 0 when it names none.
pid_t owner_of(const std::filesystem::path& lock) {
    std::ifstream file(lock);
    std::string text(largest_lock, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    const Result<Json> content = parse_json(text);
    const int64_t pid = content ? int_member(*content, "pid") : 0;
    return pid > 0 && pid < INT32_MAX ? static_cast<pid_t>(pid) : 0;
}

bool is_gone(pid_t pid) {
    return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

// Numbers of processes come again with each start of the machine, files on a volume stay.
bool is_of_an_earlier_start(const std::filesystem::path& lock) {
    struct stat info {};
    timespec now{};
    timespec up{};
    if (::stat(lock.c_str(), &info) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0 ||
        ::clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return false;
    return info.st_mtime + start_slack_seconds < now.tv_sec - up.tv_sec;
}

void look_for_locks(const std::string& directory, const std::string& prefix, Findings& found) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(directory, failed)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(prefix) || !name.ends_with(".lock") || !entry.is_regular_file(failed))
            continue;
        const pid_t owner = owner_of(entry.path());
        const char* const cure = "it may be deleted; Hardshell takes it over by itself";
        if (is_gone(owner))
            found.push_back({Weight::note, "stale lock",
                             entry.path().string() + " is left over from process " +
                                 std::to_string(owner) + ", which is gone",
                             cure});
        else if (is_of_an_earlier_start(entry.path()))
            found.push_back({Weight::note, "stale lock",
                             entry.path().string() + " is older than the machine's last start",
                             cure});
    }
}

}  // namespace

Findings judge_state_dir(const std::string& state_dir) {
    struct stat info {};
    if (::stat(state_dir.c_str(), &info) != 0) {
        if (errno == ENOENT)
            return {{Weight::note, "state directory", state_dir + " does not exist yet",
                     "`hardshell gateway` makes it"}};
        return {{Weight::problem, "state directory",
                 state_dir + " cannot be looked at: " + std::strerror(errno),
                 "run this as the user that owns it, or as root"}};
    }
    if (!S_ISDIR(info.st_mode))
        return {{Weight::problem, "state directory", state_dir + " is not a directory",
                 "move the file away, or point OPENCLAW_STATE_DIR to a directory"}};
    if (::access(state_dir.c_str(), W_OK | X_OK) != 0) {
        const int why = errno;
        return {{Weight::problem, "state directory",
                 state_dir + " cannot be written: " + std::strerror(why),
                 cure_for_directory(state_dir, info.st_uid, why)}};
    }
    return judge_room(state_dir);
}

Findings judge_permissions(const std::string& state_dir, const std::string& config_path) {
    Findings found;
    for (const std::string& path :
         {config_path, state_dir + "/.env", state_dir + "/hardshell/planner/gateway-token"}) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
            found.push_back({Weight::problem, "permissions",
                             path + " can be read by other users, and may hold secrets",
                             "chmod 600 " + path});
    }
    return found;
}

Findings judge_programs(const std::string& libexec_dir) {
    Findings found;
    for (const char* name : program_names) {
        const std::string path = libexec_dir + "/" + name;
        if (::access(path.c_str(), X_OK) != 0)
            found.push_back({Weight::problem, "installation",
                             path + " cannot be run: " + std::strerror(errno),
                             "build or install Hardshell again"});
    }
    if (found.empty())
        found.push_back({Weight::good, "installation", "all programs are in " + libexec_dir, ""});
    return found;
}

Findings judge_plan(const Result<Plan>& plan, const std::string& config_path, bool gateway_runs) {
    if (!plan)
        return {{Weight::problem, "configuration", plan.error().what,
                 plan.error().fault == Fault::bad_config
                     ? "correct " + config_path + "; until then the gateway keeps its last good one"
                     : ""}};
    Findings found;
    if (!plan->degraded().empty())
        found.push_back({Weight::problem, "configuration", plan->degraded(),
                         std::string(gateway_runs ? doctor::correct_it : "correct it") +
                             "; `hardshell config validate` names all that is wrong"});
    // The reason for a degraded state often is one of the notices.
    for (const Notice& notice : plan->notices()) append_new(found, {judge_notice(notice)});
    if (found.empty())
        found.push_back({Weight::good, "configuration",
                         plan->source() == "file"
                             ? config_path + " can be used"
                             : "no file at " + config_path + ", none is needed",
                         ""});
    for (Findings part : {judge_credential(*plan), judge_model_keys(*plan)})
        found.insert(found.end(), part.begin(), part.end());
    return found;
}

Findings judge_idle_secrets(const Plan& plan, const paths::Environment& environment) {
    if (!plan.degraded().empty()) return {};  // the file that would use them is not in force
    Findings found;
    for (const char* name : secret_variables) {
        const std::string set = environment(name);
        // A value is trimmed on its way, and may be a part of a longer one.
        const auto holds = [&set](const auto& secret) {
            return !secret.value().empty() && (set.find(secret.value()) != std::string::npos ||
                                               secret.value().find(set) != std::string::npos);
        };
        const bool is_used =
            std::any_of(plan.workers().begin(), plan.workers().end(), [&holds](const auto& worker) {
                return std::any_of(worker.secrets().begin(), worker.secrets().end(), holds);
            });
        if (!set.empty() && !is_used)
            found.push_back({Weight::note, "secret",
                             std::string(name) +
                                 " is set and nobody uses it: openclaw.json has another value in "
                                 "its place, or nothing that takes it",
                             "configure what it is for, or remove it (on Fly: fly secrets unset " +
                                 std::string(name) + ")"});
    }
    return found;
}

Findings judge_authorities(const paths::Environment& environment) {
    Findings found;
    for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}) {
        const std::string path = environment(name);
        if (path.empty()) continue;
        const std::string file = std::string(name) + ": " + path;
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) {
            const int why = errno;
            found.push_back({Weight::problem, "certificates",
                             file + " cannot be read: " + std::strerror(why),
                             "correct the variable, or put the file there"});
        } else if (geteuid() == 0 && (info.st_mode & S_IROTH) == 0) {
            found.push_back({Weight::problem, "certificates",
                             file + " cannot be read by the workers, which have users of their own",
                             "chmod a+r " + path});
        }
    }
    return found;
}

Findings judge_locks(const std::string& state_dir, const std::string& temporary) {
    Findings found;
    const std::string own = "/openclaw-" + std::to_string(getuid());
    look_for_locks(state_dir, "gateway.", found);
    look_for_locks(temporary + own, "gateway.", found);
    look_for_locks(state_dir + "/tmp" + own, "gateway.", found);
    std::error_code failed;
    for (const auto& agent : std::filesystem::directory_iterator(state_dir + "/agents", failed))
        look_for_locks(agent.path() / "sessions", "", found);
    return found;
}

}  // namespace cli
