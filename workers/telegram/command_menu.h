// The menu of commands that Telegram shows: the agent's and the owner's own. Pure.
#pragma once

#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/json.h"
#include "workers/telegram/settings.h"

namespace telegram {

struct CommandMenu {
    Json commands = Json::array();    // as setMyCommands takes them
    std::vector<std::string> errors;  // a sentence each for the owner
};

CommandMenu command_menu(const hardshell::proto::CommandList& list, const Settings& settings);

}  // namespace telegram
