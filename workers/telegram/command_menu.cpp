#include "workers/telegram/command_menu.h"

#include <algorithm>
#include <set>

#include "workers/common/channel/measure.h"
#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

constexpr size_t most_commands = 100;
constexpr size_t longest_name = 32;
constexpr size_t longest_description = 256;

bool is_command_name(const std::string& name) {
    return !name.empty() && name.size() <= longest_name &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

Json entry(const std::string& name, const std::string& description) {
    const std::string text = description.empty() ? name : description;
    return {{"command", name},
            {"description",
             text.substr(0, bytes_within(text, longest_description, Measure::utf16_units))}};
}

}  // namespace

CommandMenu command_menu(const hardshell::proto::CommandList& list, const Settings& settings) {
    CommandMenu menu;
    std::set<std::string> names;
    const auto add = [&](const std::string& name, const std::string& description) {
        if (menu.commands.size() < most_commands && names.insert(name).second)
            menu.commands.push_back(entry(name, description));
    };
    if (settings.native_commands)
        for (const auto& command : list.commands())
            if (const std::string name = lower_ascii(command.name()); is_command_name(name))
                add(name, command.description());
    for (const Command& command : settings.custom_commands) {
        std::string name = lower_ascii(without_blanks_around(command.name));
        if (name.starts_with('/')) name.erase(0, 1);
        if (!is_command_name(name))
            menu.errors.push_back("Telegram custom command \"/" + name +
                                  "\" is not valid: up to 32 of a-z, 0-9 and _ are");
        else if (names.contains(name))
            menu.errors.push_back("Telegram custom command \"/" + name +
                                  "\" conflicts with a native command.");
        else
            add(name, command.description);
    }
    return menu;
}

}  // namespace telegram
