// Transcripts that go out of use: put aside under a name that says why and when, whole or all but
// their last lines.
//
// Promises that nothing is thrown away, and that a transcript is at every moment under its name
// either as it was or as it is to be.
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/result.h"

namespace agent {

// "<path>.deleted.2026-01-30T10-00-00.000Z", not yet taken.
std::string archive_name(const std::string& path, const char* why, int64_t now_ms);

// Renames the file; its new path, empty when there was no file.
Result<std::string> put_aside(const std::string& path, const char* why, int64_t now_ms);

struct KeptLines {
    bool has_file = false;
    size_t kept = 0;       // entries, the header not counted
    std::string archived;  // where the whole file is now; empty: it was short enough
};
// Keeps the header and the last `most` entries; the file as it was becomes "<path>.bak.<time>".
Result<KeptLines> keep_last_lines(const std::string& path, size_t most, int64_t now_ms);

// Writes at `to`, which must not exist, a conversation that begins as the active branch of `from`
// is now. False: there is nothing in that. All of it is on the disk, or nothing is there.
struct ForkedAs {
    std::string session_id;
    std::string directory;
    int64_t now_ms = 0;
};
Result<bool> fork_transcript(const std::string& from, const std::string& to, const ForkedAs& as);

}  // namespace agent
