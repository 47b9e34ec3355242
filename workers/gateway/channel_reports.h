// What clients are told about chat channels: which are configured, which run, and why one does not.
//
// `channels` is what the agent tells (ChannelsChanged), never the configuration:
// {"<id>": {defaultAccount, accounts: {"<account>": {enabled, configured, tokenSource, …,
// live?}}}}.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/reports.h"

namespace gateway {

// The payload of channels.status.
Json channels_report(const Json& channels, const WorkerStates& workers, int64_t now_ms);
// `channels`, `channelOrder` and `channelLabels` of a health report.
void add_channels_health(Json& report, const Json& channels, const WorkerStates& workers);
// One line per channel, for the status report.
Json channel_lines(const Json& channels, const WorkerStates& workers);

// Why a message or poll cannot go out on a channel; "" stands for the usual one. Nothing: it can.
std::optional<Failure> outbound_refusal(const Json& channels, const WorkerStates& workers,
                                        const std::string& channel, const std::string& account);
// Why a channel cannot be logged out of; nothing: it can.
std::optional<Failure> logout_refusal(const Json& channels, const std::string& channel,
                                      const std::string& account);

}  // namespace gateway
