#include "workers/planner/workers_table.h"

namespace planner {

std::span<const ChannelKind> channels() {
    // clang-format off
    static const ChannelKind rows[] = {
        // id          configured by one of these too         has a worker
        {"discord",  {"DISCORD_BOT_TOKEN"},                    true},
        {"telegram", {"TELEGRAM_BOT_TOKEN"},                   true},
        {"slack",    {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"},   false},
        {"whatsapp", {},                                       false},
        {"signal",   {},                                       false},
        {"imessage", {},                                       false},
        {"googlechat", {},                                     false},
        {"msteams",  {},                                       false},
        {"matrix",   {},                                       false},
        {"mattermost", {},                                     false},
    };
    // clang-format on
    return rows;
}

}  // namespace planner
