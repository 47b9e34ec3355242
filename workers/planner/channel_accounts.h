// Which channel accounts get a process, and what each is told: its own section merged over its
// channel's, its own token.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/notices.h"
#include "workers/planner/secrets.h"
#include "workers/planner/workers_table.h"

namespace planner {

struct PlannedAccount {
    std::string worker;   // "telegram", "telegram:ops"
    std::string channel;  // also the kind
    std::string account;  // "default", "ops"
    Json config;          // what its worker may know, secrets removed
    std::vector<FoundSecret> secrets;
};

// Of the kinds that have a worker: every account that is enabled. Two accounts with one token are
// two readers of one mailbox: the second gets no process, and a notice says so.
std::vector<PlannedAccount> planned_accounts(std::span<const ChannelKind> kinds, const Json& config,
                                             const std::string& config_path,
                                             const Environment& environment, Notices& notices);

}  // namespace planner
