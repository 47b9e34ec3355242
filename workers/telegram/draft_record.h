// Which message of Telegram's shows which unfinished answer, kept across the account's processes:
// <state>/telegram/drafts-<account>.json. So whoever finishes the answer does it in that message,
// and no half of an answer stays beside the whole one.
//
// Best effort: what cannot be written is known to this process only. Bounded.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "workers/common/base/result.h"

namespace telegram {

struct ShownDraft {
    std::string chat_id;
    std::string message_id;
    int64_t at_ms = 0;  // since 1970
};

class DraftRecord {
  public:
    // Reads what an earlier process left; nothing that is another bot's, or too old.
    DraftRecord(std::string folder, std::string account, std::string bot_id, int64_t now_ms);

    std::optional<ShownDraft> find(const std::string& draft_id) const;
    void add(const std::string& draft_id, ShownDraft shown);
    // It is an answer now, or gone.
    void forget(const std::string& draft_id);

    static constexpr size_t most = 200;
    // As long as the agent keeps an answer that cannot be delivered.
    static constexpr int64_t keep_ms = 24 * 3600 * 1000;

  private:
    void write();

    std::string folder_;
    std::string account_;
    std::string bot_id_;
    std::map<std::string, ShownDraft> shown_;  // by draft
    bool write_failed_ = false;
};

}  // namespace telegram
