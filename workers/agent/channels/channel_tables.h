// The channel store of a single machine: two tables of the agent's SQLite file.
#pragma once

#include "workers/agent/channels/channel_store.h"

namespace agent {

class Tables;

class ChannelTables final : public ChannelStore {
  public:
    explicit ChannelTables(Tables& tables) : tables_(tables) {}

    Result<std::vector<bool>> put_inbound(const std::vector<InboundRow>& rows) override;
    Result<std::vector<InboundRow>> open_inbound() override;
    Done put_tries(const InboundRow& row) override;
    Done settle_inbound(const std::vector<const InboundRow*>& handled,
                        const std::vector<const OutboundRow*>& replies, int64_t now_ms) override;
    Done put_outbound(const std::vector<const OutboundRow*>& rows) override;
    Result<std::vector<OutboundRow>> open_outbound() override;
    Result<std::optional<OutboundRow>> find_outbound(const std::string& origin) override;
    Result<std::vector<std::string>> outbound_origins(const std::string& prefix) override;
    Done prune(int64_t now_ms) override;

  private:
    void write(const OutboundRow& row);

    Tables& tables_;
};

}  // namespace agent
