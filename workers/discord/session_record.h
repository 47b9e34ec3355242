// What a session with the gateway leaves behind, so that the next process goes on with it instead
// of beginning anew: Discord takes a bot's token away after a thousand beginnings a day.
//
// The text is JSON. What cannot be read is a session that is not there.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"

namespace discord {

// When sessions were begun, by the hour.
class IdentifyLog {
  public:
    void add(int64_t now_ms);
    // In the last 24 hours, rounded up to whole hours.
    uint32_t in_a_day(int64_t now_ms) const;
    int64_t last_ms() const { return last_ms_; }
    // When the next may be: the more there were today, the longer it takes, so that a day's
    // thousand never runs out.
    int64_t next_allowed_ms(int64_t now_ms) const;

    const std::map<int64_t, uint32_t>& hours() const { return hours_; }
    void restore(std::map<int64_t, uint32_t> hours, int64_t last_ms);

  private:
    std::map<int64_t, uint32_t> hours_;  // hours since 1970
    int64_t last_ms_ = 0;
};

struct SessionRecord {
    std::string id;  // empty: none
    std::string resume_url;
    // Everything up to it is the agent's.
    uint64_t sequence = 0;
    // Whose session: of another bot it is worth nothing.
    std::string bot_id;
    IdentifyLog identifies;
    // Of the commands that Discord was last told.
    std::string commands_digest;
};

std::string print_record(const SessionRecord& record);
SessionRecord parse_record(std::string_view text);

// Reads and writes it in a file of the account's own, whole or not at all.
class SessionFile {
  public:
    explicit SessionFile(std::string path) : path_(std::move(path)) {}
    // An empty record when there is none.
    SessionRecord read() const;
    Done write(const SessionRecord& record) const;

  private:
    std::string path_;
};

}  // namespace discord
