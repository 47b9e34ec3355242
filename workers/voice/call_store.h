// The calls on disk: voice-calls/calls.jsonl, a line per change, of each call the last one counts.
//
// Promises that what was kept survives the end of this process at any instant; a torn last line is
// left out, not fatal. The file is read by its owner alone (mode 0600): it says who called and what
// was said. It is written anew, without the changes and the calls of the past, when it has grown.
//
// Not synced to the disk: a machine that falls takes its calls with it.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"
#include "workers/voice/call.h"

namespace voice {

class CallStore {
  public:
    // `folder`: "voice-calls".
    explicit CallStore(std::string folder);

    // Every call that is kept, oldest first, after writing the file anew. no_storage: the volume
    // takes nothing. A file that cannot be read is set aside, and remark() says so.
    Result<std::vector<Call>> load(int64_t now_ms);
    const std::string& remark() const { return remark_; }
    // no_storage: the volume takes nothing; the call goes on without. The file is then to be made
    // anew, as when it has grown: wants_rewrite().
    Done put(const Call& call);
    bool wants_rewrite() const { return !file_ || grown_ > rewrite_after; }
    // With these calls and no other, but for those of the past.
    Done rewrite(std::vector<Call> calls, int64_t now_ms);

    static constexpr size_t rewrite_after = 4u << 20;  // bytes
    static constexpr int64_t kept_ms = 7 * 86'400'000LL;
    static constexpr size_t most_kept = 500;
    static constexpr size_t largest_file = 64u << 20;

  private:
    std::string folder_;
    std::string path_;
    std::string aside_;  // where one goes that cannot be read
    std::string remark_;
    Fd file_;
    size_t grown_ = 0;  // since it was made anew
};

}  // namespace voice
