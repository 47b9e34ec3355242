// One transcript on disk: opened, repaired, appended to, read backwards.
//
// Promises that a line is appended whole or not at all, and that nothing is cut off without a copy
// of the file as it was. Never rewrites what is there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/transcript.h"
#include "workers/common/base/fd.h"

namespace agent {

// Bytes of a file that does not exist: 0.
// Opens a regular file and nothing else: a pipe in its place would be waited for without end.
Result<Fd> open_regular(const std::string& path, int flags);
uint64_t file_size(const std::string& path);
Done write_all(int descriptor, std::string_view bytes, const std::string& path);
// Less than asked for at the end of the file.
Result<std::string> read_at(int descriptor, uint64_t offset, size_t size);
// Returns once its content is on the disk; also when there is no such file.
Done sync_file(const std::string& path);
// Makes the names in the path's directory durable.
Done sync_directory(const std::string& path);

// Cuts a torn end off, after copying the file to "<path>.torn-<time>"; gives a last line without
// its line break the one that is missing. Then the index describes the file as it is on disk.
struct OpenedTranscript {
    TranscriptIndex index;
    uint64_t size = 0;
    std::string torn_copy;  // empty: nothing was cut off
};
Result<OpenedTranscript> open_transcript(const std::string& path, int64_t now_ms);

// The entry that the line describes; null when it cannot be read.
Json read_entry(int descriptor, const TranscriptLine& line);
// What a model is shown of the whole file.
Result<std::vector<Json>> read_shown(const std::string& path, const TranscriptIndex& index);

// Appends lines (each with its line break) to a file of `expected_size` bytes; creates it when that
// is 0. `durable`: returns once it is on the disk. After a failed write the file has its old size.
// busy when the file has another size: somebody else wrote to it.
Done append_lines(const std::string& path, uint64_t expected_size, std::string_view lines,
                  bool durable);

// Calls with each line from the last to the first until `wanted` returns false.
Done read_backwards(const std::string& path,
                    const std::function<bool(std::string_view line)>& wanted);

}  // namespace agent
