// How far an account has come, kept across its processes:
// <state>/telegram/update-offset-<account>.json, as OpenClaw has it, with the bot it is of.
//
// A write is whole and on the disk, or not at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "workers/common/base/result.h"

namespace telegram {

struct KeptOffset {
    int64_t last_update = 0;
    // Written by OpenClaw, which does not say for which bot.
    bool is_of_unknown_bot = false;
};

class OffsetFile {
  public:
    // `folder` is the account's channel's: "<state>/telegram".
    OffsetFile(std::string folder, const std::string& account, std::string bot_id);

    // Nothing: there is none, it cannot be read, it is of another bot, or so old that Telegram may
    // number anew (`now` and the file's age decide).
    std::optional<KeptOffset> read(std::chrono::system_clock::time_point now) const;
    Done write(int64_t last_update) const;
    const std::string& path() const { return path_; }

    static constexpr std::chrono::hours trusted_for{6 * 24};

  private:
    std::string folder_;
    std::string path_;
    std::string bot_id_;
};

// "12345" of the token "12345:secret".
std::string bot_id_of(const std::string& token);
// The text of such a file; a test of its own reads any bytes with it. `bot_id` empty: not said.
struct OffsetText {
    int64_t last_update = 0;
    std::string bot_id;
};
std::optional<OffsetText> read_offset_text(const std::string& text);

}  // namespace telegram
