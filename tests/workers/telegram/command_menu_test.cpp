#include "workers/telegram/command_menu.h"

#include <gmock/gmock.h>

namespace telegram {

namespace {

using hardshell::proto::CommandList;

CommandList commands(std::initializer_list<const char*> names) {
    CommandList list;
    for (const char* name : names) {
        auto& command = *list.add_commands();
        command.set_name(name);
        command.set_description("does " + std::string(name));
    }
    return list;
}

}  // namespace

TEST(CommandMenu, ShowsTheAgentsAndTheOwnersCommands) {
    Settings settings;
    settings.custom_commands = {{"/Deploy", "ship it"}};
    const CommandMenu menu = command_menu(commands({"status", "stop", "no-dash"}), settings);
    EXPECT_EQ(menu.commands.size(), 3u);
    EXPECT_EQ(menu.commands[0]["description"], "does status");
    EXPECT_EQ(menu.commands[2]["command"], "deploy");
    EXPECT_TRUE(menu.errors.empty());
}

TEST(CommandMenu, NamesConflictsAndBadNames) {
    Settings settings;
    settings.custom_commands = {{"status", "x"}, {"with blank", "x"}};
    const CommandMenu menu = command_menu(commands({"status"}), settings);
    ASSERT_EQ(menu.errors.size(), 2u);
    EXPECT_EQ(menu.errors[0],
              "Telegram custom command \"/status\" conflicts with a native command.");
    EXPECT_EQ(menu.commands.size(), 1u);
}

TEST(CommandMenu, IsEmptyWithoutNativeCommands) {
    Settings settings;
    settings.native_commands = false;
    EXPECT_EQ(command_menu(commands({"status"}), settings).commands, Json::array());
}

TEST(CommandMenu, KeepsDescriptionsWithinTheLimit) {
    CommandList list = commands({"status"});
    list.mutable_commands(0)->set_description(std::string(400, 'x'));
    list.add_commands()->set_name("bare");
    const CommandMenu menu = command_menu(list, Settings());
    EXPECT_EQ(menu.commands[0]["description"].get<std::string>().size(), 256u);
    EXPECT_EQ(menu.commands[1]["description"], "bare");
}

}  // namespace telegram
