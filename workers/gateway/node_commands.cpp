#include "workers/gateway/node_commands.h"

#include <algorithm>
#include <iterator>

#include "workers/common/base/text.h"

namespace gateway {

namespace {

constexpr unsigned ios = 1, android = 2, mac = 4, linux_ = 8, windows = 16;
constexpr unsigned with_screen = ios | android | mac;
constexpr unsigned computers = mac | linux_ | windows;

struct Row {
    std::string_view command;
    unsigned platforms;
};
// A platform that is not known may have them all.
constexpr Row table[] = {
    {"canvas.present", with_screen},
    {"canvas.hide", with_screen},
    {"canvas.navigate", with_screen},
    {"canvas.eval", with_screen},
    {"canvas.snapshot", with_screen},
    {"canvas.a2ui.push", with_screen},
    {"canvas.a2ui.pushJSONL", with_screen},
    {"canvas.a2ui.reset", with_screen},
    {"camera.list", with_screen},
    {"camera.snap", with_screen},
    {"camera.clip", with_screen},
    {"screen.record", with_screen},
    {"location.get", with_screen},
    {"sms.send", android},
    {"system.run", computers},
    {"system.which", computers},
    {"system.notify", computers},
    {"browser.proxy", computers},
};

struct PlatformName {
    std::string_view begins;
    unsigned platform;
};
constexpr PlatformName platform_names[] = {
    {"ios", ios}, {"iphone", ios}, {"ipad", ios},     {"android", android},
    {"mac", mac}, {"darwin", mac}, {"linux", linux_}, {"win", windows},
};

unsigned platform_of(std::string_view name) {
    const std::string lower = lower_case(name);
    for (const PlatformName& row : platform_names)
        if (lower.compare(0, row.begins.size(), row.begins) == 0) return row.platform;
    return ~0u;
}

bool holds(const std::vector<std::string>& list, std::string_view entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

bool is_usual(std::string_view command, unsigned platform) {
    return std::any_of(std::begin(table), std::end(table), [&](const Row& row) {
        return row.command == command && (row.platforms & platform) != 0;
    });
}

}  // namespace

bool is_phone(std::string_view platform) {
    const unsigned known = platform_of(platform);
    return known == ios || known == android;
}

std::string command_refusal(std::string_view command, std::string_view platform,
                            const std::vector<std::string>& declared, const NodePolicy& policy) {
    // These change what may be run without asking, and have a method of their own.
    if (command.substr(0, 21) == "system.execApprovals.")
        return "use exec.approvals.node.get and exec.approvals.node.set";
    if (holds(policy.denied, command)) return "denied by gateway.nodes.denyCommands";
    if (!is_usual(command, platform_of(platform)) && !holds(policy.allowed, command))
        return "not usual on this platform; add it to gateway.nodes.allowCommands";
    if (!holds(declared, command)) return "the node does not offer it";
    return {};
}

}  // namespace gateway
