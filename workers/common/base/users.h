// Users and groups of our own, outside what Debian gives to people, packages and nobody.
#pragma once

// A kind of worker has the user of this number and its row's offset.
inline constexpr unsigned first_worker_user = 64000;
// Who reads and writes agent workspaces: the agent, the tools worker, and the commands it runs.
inline constexpr unsigned workspace_group = 64099;
// Each command that runs at a time has one of these.
inline constexpr unsigned first_command_user = 64100;
inline constexpr unsigned command_users = 64;
