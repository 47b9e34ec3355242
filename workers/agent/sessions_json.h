// OpenClaw's session index, `agents/<id>/sessions/sessions.json`, as the stock tools read and write
// it: one object, key to entry, guarded by a lock file.
//
// Promises to replace the file at once or not at all, never while a stock tool holds its lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

// Tells one state of a file from another.
struct FileStamp {
    int64_t modified_ns = 0;
    int64_t size = -1;  // -1: no file
    bool operator==(const FileStamp&) const = default;
};
FileStamp stamp_of(const std::string& path);

// An empty object when there is no file.
Result<Json> read_sessions_json(const std::string& path);

// The lock file `<path>.lock`, created exclusively; one older than 30 s is stale and taken over.
class SessionsLock {
  public:
    // busy when another program holds it.
    static Result<SessionsLock> take(const std::string& path, int64_t now_ms);
    SessionsLock(SessionsLock&& other) noexcept : lock_(std::move(other.lock_)) {
        other.lock_.clear();
    }
    SessionsLock& operator=(SessionsLock&&) = delete;
    ~SessionsLock();

  private:
    explicit SessionsLock(std::string lock) : lock_(std::move(lock)) {}
    std::string lock_;
};

// Writes key and entry text pairs, as `each` hands them over, to a temporary file and renames it.
using EntryWriter = std::function<void(const std::string& key, const std::string& entry_json)>;
Result<FileStamp> write_sessions_json(const std::string& path,
                                      const std::function<Done(const EntryWriter&)>& each);

}  // namespace agent
