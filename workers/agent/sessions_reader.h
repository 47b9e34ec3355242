// Reads OpenClaw's session index an entry at a time: at stock OpenClaw's entries of some kilobytes
// it is soon larger than what this process may hold.
//
// Promises to refuse a file that is not one whole JSON object, as parse_json() does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

// A session in the index, and where the file has its entry.
struct IndexEntry {
    std::string key;
    int64_t updated_at = 0;
    int64_t offset = 0;  // bytes from the file's beginning
    size_t size = 0;     // bytes
};

class SessionsReader {
  public:
    // Without a file there are no entries. An error names the file.
    static Result<SessionsReader> open(const std::string& path);
    // Those that are objects, in the file's order; keys as the file spells them.
    Result<std::vector<IndexEntry>> entries() const;
    // bad_message when another program has written into the file meanwhile.
    Result<Json> entry(const IndexEntry& place) const;

  private:
    SessionsReader(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}
    std::string path_;
    Fd file_;
};

}  // namespace agent
