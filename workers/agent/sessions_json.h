// OpenClaw's session index, `agents/<id>/sessions/sessions.json`, as the stock tools read and write
// it: one object, key to entry, guarded by a lock file.
//
// Promises to replace the file at once or not at all, never while a stock tool holds its lock.
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/fd.h"
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

// The index, written anew beside the old one, a part at a time, to take its place at once. Let go
// of before, it leaves the old one.
class SessionsFile {
  public:
    // `path` is the index's own.
    static Result<SessionsFile> begin(const std::string& path);
    SessionsFile(SessionsFile&& other) noexcept;
    SessionsFile& operator=(SessionsFile&&) = delete;
    ~SessionsFile();

    void add(const std::string& key, const std::string& entry_json);
    // All of it is on the disk when it returns.
    Done complete();
    Result<FileStamp> replace();

  private:
    SessionsFile(std::string path, std::string temporary, Fd file);
    void write();

    std::string path_;
    std::string temporary_;  // empty once it has taken its place
    Fd file_;
    std::string text_ = "{";
    bool is_first_ = true;
    int failure_ = 0;  // errno of the first write that failed
};

}  // namespace agent
