// What is kept of messages from and to channels, free of how.
//
// Promises that what a call returned from survives a crash of the process and of the machine, and
// that a message is handed out open until it is settled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/result.h"

namespace agent {

// A message that a person wrote, until something came of it.
struct InboundRow {
    std::string worker;  // the account's: "telegram:ops"
    std::string key;
    int64_t received_ms = 0;
    std::string message;  // a serialised InboundMessage; empty once settled
    // How many processes began to handle what an earlier one had left without a run.
    int tries = 0;
};

// A message to a person.
struct OutboundRow {
    enum class State { open = 0, sent = 1, refused = 2, unknown = 3, expired = 4 };

    std::string id;      // the delivery's
    std::string worker;  // the account's
    std::string chat;    // deliveries to one chat go one after another
    std::string agent;   // whose session it belongs to; may be empty
    std::string session;
    std::string origin;  // the run or the request that it comes from
    int64_t created_ms = 0;
    int64_t next_try_ms = 0;
    int64_t settled_ms = 0;
    int attempts = 0;  // put off so often
    uint32_t part = 0;
    uint32_t parts = 0;       // 0: not known yet
    bool part_begun = false;  // may be with the platform already
    State state = State::open;
    std::string platform_id;  // of the first part
    std::string reason;
    std::string message;  // a serialised DeliverMessage or ChangeMessage
    bool is_change = false;

    bool is_settled() const { return state != State::open; }
};
const char* state_name(OutboundRow::State state);

class ChannelStore {
  public:
    virtual ~ChannelStore() = default;

    // In one transaction; which of them were not known before.
    virtual Result<std::vector<bool>> put_inbound(const std::vector<InboundRow>& rows) = 0;
    // Not settled, oldest first.
    virtual Result<std::vector<InboundRow>> open_inbound() = 0;
    // Its number of tries, as the row has it.
    virtual Done put_tries(const InboundRow& row) = 0;
    // Something came of these messages, and it is to be delivered: one transaction.
    virtual Done settle_inbound(const std::vector<const InboundRow*>& handled,
                                const std::vector<const OutboundRow*>& replies, int64_t now_ms) = 0;
    // New ones and what became of known ones, in one transaction.
    virtual Done put_outbound(const std::vector<const OutboundRow*>& rows) = 0;
    // Not settled, oldest first.
    virtual Result<std::vector<OutboundRow>> open_outbound() = 0;
    // By the run or request it comes from, the newest.
    virtual Result<std::optional<OutboundRow>> find_outbound(const std::string& origin) = 0;
    // Those that begin so.
    virtual Result<std::vector<std::string>> outbound_origins(const std::string& prefix) = 0;
    // Forgets what was settled long ago.
    virtual Done prune(int64_t now_ms) = 0;

    // For so long a repeated message is recognised, and a settled delivery known.
    static constexpr int64_t keep_ms = 3 * 24 * 3'600'000LL;
    static constexpr int64_t keep_most = 20'000;
};

}  // namespace agent
