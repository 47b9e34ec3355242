// The planner of tests with a channel: the only difference is that there is a worker for it.

#include "workers/planner/workers_table.h"

namespace planner {

std::span<const ChannelKind> channels() {
    static const ChannelKind rows[] = {
        {"discord", {"DISCORD_BOT_TOKEN"}, true},
        {"telegram", {"TELEGRAM_BOT_TOKEN"}, true},
    };
    return rows;
}

}  // namespace planner
