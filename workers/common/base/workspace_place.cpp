#include "workers/common/base/workspace_place.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

namespace {

// Those of the roster, and those that OpenClaw has beside them.
constexpr std::string_view own_folders[] = {"agents",  "credentials", "cron",      "devices",
                                            "discord", "extensions",  "hardshell", "identity",
                                            "logs",    "media",       "nodes",     "settings",
                                            "skills",  "telegram",    "tunnel",    "voice-calls"};

// Without ".", "..", doubled slashes and one at the end.
std::string plain_path(const std::string& path) {
    std::string plain = std::filesystem::path(path).lexically_normal().string();
    while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
    return plain;
}

}  // namespace

bool is_own_folder(std::string_view name) {
    return name.starts_with('.') ||
           std::find(std::begin(own_folders), std::end(own_folders), name) != std::end(own_folders);
}

Result<std::string> workspace_below(const std::string& path, const std::string& state_dir) {
    const std::string place = plain_path(path);
    const std::string state = plain_path(state_dir);
    if (place == "/" || place == state || state.starts_with(place + "/"))
        return Error{Fault::bad_config, path +
                                            " holds the state directory, which no command may "
                                            "reach; name a folder of the workspace's own"};
    if (!place.starts_with(state + "/")) return std::string();
    const std::string below = place.substr(state.size() + 1);
    if (is_own_folder(std::string_view(below).substr(0, below.find('/'))))
        return Error{Fault::bad_config,
                     path + " lies in a folder that is not for agents; name another, such as " +
                         state + "/workspace-of-it"};
    return below;
}
