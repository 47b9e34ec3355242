#include "workers/common/base/paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace paths {

namespace {

constexpr const char* directory_names[] = {".openclaw", ".clawdbot", ".moltbot", ".moldbot"};
constexpr const char* file_names[] = {"openclaw.json", "clawdbot.json", "moltbot.json",
                                      "moldbot.json"};

bool exists(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0;
}

std::string home(const Environment& environment) {
    const std::string home = environment("HOME");
    return home.empty() ? "/root" : home;
}

std::string absolute(const Environment& environment, std::string path) {
    if (path == "~" || path.compare(0, 2, "~/") == 0) path = home(environment) + path.substr(1);
    if (path.empty() || path[0] != '/') {
        char here[PATH_MAX];
        if (getcwd(here, sizeof here)) path = std::string(here) + "/" + path;
    }
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::string first_set(const Environment& environment, const char* name, const char* legacy) {
    const std::string value = environment(name);
    return value.empty() ? environment(legacy) : value;
}

// FNV-1a: a short name for a directory, not a secret.
std::string short_hash(const std::string& text) {
    uint64_t hash = 14695981039346656037ull;
    for (const char byte : text) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 1099511628211ull;
    }
    char hex[17];
    std::snprintf(hex, sizeof hex, "%08x", static_cast<unsigned>(hash ^ (hash >> 32)));
    return hex;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::string {
        const char* value = std::getenv(name.c_str());
        return value ? value : "";
    };
}

std::string state_dir(const Environment& environment) {
    const std::string set = first_set(environment, "OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR");
    if (!set.empty()) return absolute(environment, set);
    for (const char* name : directory_names)
        if (exists(home(environment) + "/" + name)) return home(environment) + "/" + name;
    return home(environment) + "/" + directory_names[0];
}

std::string config_path(const Environment& environment, const std::string& state_dir) {
    const std::string set = first_set(environment, "OPENCLAW_CONFIG_PATH", "CLAWDBOT_CONFIG_PATH");
    if (!set.empty()) return absolute(environment, set);
    for (const char* name : file_names)
        if (exists(state_dir + "/" + name)) return state_dir + "/" + name;
    if (first_set(environment, "OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR").empty())
        for (const char* directory : directory_names)
            for (const char* name : file_names) {
                const std::string path = home(environment) + "/" + directory + "/" + name;
                if (exists(path)) return path;
            }
    return state_dir + "/" + file_names[0];
}

std::string run_dir(const Environment& environment, const std::string& state_dir) {
    const std::string set = environment("HARDSHELL_RUN_DIR");
    if (!set.empty()) return absolute(environment, set);
    // Resolved as far as it exists, so that the name is the same before and after its creation.
    std::error_code failure;
    const auto resolved = std::filesystem::weakly_canonical(state_dir, failure);
    const std::string name = short_hash(failure ? state_dir : resolved.string());
    if (geteuid() == 0 && access("/run", W_OK) == 0) return "/run/hardshell/" + name;
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    if (!runtime.empty()) return runtime + "/hardshell/" + name;
    return "/tmp/hardshell-" + std::to_string(geteuid()) + "/" + name;
}

std::string control_socket(const std::string& run_dir) {
    return run_dir + "/control.sock";
}

std::string libexec_dir() {
    char self[PATH_MAX];
    const ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    std::string directory(self, size > 0 ? static_cast<size_t>(size) : 0);
    directory.erase(directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/'));
    for (const std::string& candidate :
         {directory + "/libexec/hardshell", directory + "/../libexec/hardshell"})
        if (exists(candidate)) return candidate;
    return directory;
}

std::string generated_token_file(const std::string& state_dir) {
    return state_dir + "/hardshell/planner/gateway-token";
}

}  // namespace paths
