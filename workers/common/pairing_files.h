// Who asks to be let in on a chat channel, and who was: <channel>-pairing.json and
// <channel>-allowFrom.json, shared by the agent and the command lines, ours and the stock one.
//
// Promises that a change is whole and made under the stock lock, and that a request which was
// approved but could not be crossed out can be approved once more.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/shared_file.h"

class PairingFiles {
  public:
    static constexpr int64_t expires_after_ms = 3'600'000;  // as OpenClaw counts it

    // The directory must outlive this.
    explicit PairingFiles(const SharedDirectory& directory) : directory_(directory) {}

    // Those that have a file of requests, by name.
    std::vector<std::string> channels() const;
    // The requests of a channel that have not expired: [{id, code, createdAt, lastSeenAt, meta?}].
    Result<Json> pending(const std::string& channel, int64_t now_ms) const;

    // Both answer the request that had the code, in letters of any case. bad_message: there is
    // none; busy: another program has a file.
    Result<Json> approve(const std::string& channel, const std::string& code, int64_t now_ms,
                         std::chrono::milliseconds patience) const;
    Result<Json> reject(const std::string& channel, const std::string& code, int64_t now_ms,
                        std::chrono::milliseconds patience) const;

  private:
    const SharedDirectory& directory_;
};

// Such names become names of files.
bool is_channel_name(std::string_view name);
std::string pairing_file(const std::string& channel);
std::string allow_file(const std::string& channel);
// Of a pairing file.
Json pending_pairings(const Json& file, int64_t now_ms);
// Milliseconds for "2026-01-30T10:00:00.000Z"; nothing that can be read is 0.
int64_t read_iso_time(const std::string& text);
