// Who is here: one entry per device, instance or connection, the gateway itself among them.
//
// Entries fade five minutes after they were last touched; the gateway's own never does.
#pragma once

#include <map>
#include <string>

#include "workers/common/base/json.h"

namespace gateway {

class Presence {
  public:
    static constexpr int64_t entry_life_ms = 300'000;
    static constexpr size_t most_entries = 200;

    // The gateway's own entry.
    Presence(std::string host, std::string version);

    // Writes the members of `facts` into the entry of that key (compared in lower case).
    // True when one of them changed, text and idle time aside.
    bool touch(const std::string& key, const Json& facts, int64_t now_ms);
    // Newest first.
    Json list(int64_t now_ms);

  private:
    void forget_faded(int64_t now_ms);

    std::string own_key_;
    std::map<std::string, Json> entries_;
};

}  // namespace gateway
