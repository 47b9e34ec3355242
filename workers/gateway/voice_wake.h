// The words that wake a voice device: kept in settings/voicewake.json, the same for all.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/record_files.h"

namespace gateway {

// At most 32 of at most 64 characters, without blanks around them and without empty ones; where
// nothing is left, the usual ones.
std::vector<std::string> wake_words(const Json& sent);

class VoiceWake {
  public:
    explicit VoiceWake(std::string directory) : files_(std::move(directory)) {}

    // {triggers}; the usual ones where the file says nothing.
    Json get() const;
    // The new {triggers}, which are on the disk.
    Result<Json> set(const Json& triggers, int64_t now_ms);

  private:
    RecordFiles files_;
};

}  // namespace gateway
