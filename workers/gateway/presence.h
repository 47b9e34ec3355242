// Who is here: one entry per device, instance or connection, the gateway itself among them.
//
// Entries fade five minutes after they were last touched; the gateway's own never does.
#pragma once

#include <cstdint>
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
    // Newest first, as JSON text. Printed again only where it changed.
    std::string list(int64_t now_ms);

  private:
    struct Entry {
        Json facts = Json::object();
        int64_t touched_ms = 0;
        std::string text;  // of the facts; empty: to be printed
    };
    using Entries = std::map<std::string, Entry>;
    void forget_faded(int64_t now_ms);
    Entries::iterator oldest();
    void print_others();

    std::string own_key_;
    Entries entries_;
    std::string others_;  // all but our own, newest first, each after a comma
    bool others_known_ = false;
    int64_t next_fades_ms_ = INT64_MAX;  // no entry fades before
};

}  // namespace gateway
