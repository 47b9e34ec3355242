// TABLE what of the state may take how much of the volume, and what goes when it takes more.
//
// Promises that nothing goes while its kind is within its quota, and that what an open message or a
// session of the index needs is never a candidate.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/board_page.h"

namespace agent {

enum class DataKind {
    transcripts,  // conversations
    copies,       // archived, torn and damaged ones
    media,        // files on their way to people
    logs,         // of jobs
    leftovers,    // unfinished files that a crash left
    database,     // the journal
    workspace,
    count_,
    none = count_,
};

struct DataQuota {
    DataKind kind;
    const char* name;  // as the log calls it
    Counter shown;
    bool prunes;  // false: its size is told, nothing else
    // The smaller of the two; half of it while the volume is filling.
    uint64_t percent;  // of the volume
    uint64_t most_bytes;
    int64_t spared_ms;  // younger than that never goes
};
const DataQuota& quota_of(DataKind kind);

// What a file is, by its path below the state directory ("agents/main/sessions/….jsonl").
DataKind kind_of_file(std::string_view path);

struct Volume {
    uint64_t total_bytes = 0;  // 0: not known
    uint64_t free_bytes = 0;
    bool is_filling() const { return total_bytes > 0 && free_bytes * 100 <= total_bytes * 15; }
};
uint64_t most_bytes_of(const DataQuota& quota, const Volume& volume);

struct DataFile {
    std::string path;
    uint64_t bytes = 0;
    int64_t modified_ms = 0;
};
// Of the candidates those that are to go, oldest first, until `taken` bytes are no more than
// `most`.
std::vector<DataFile> files_to_prune(std::vector<DataFile> candidates, const DataQuota& quota,
                                     uint64_t taken, uint64_t most, int64_t now_ms,
                                     const std::function<bool(const DataFile&)>& is_needed);

}  // namespace agent
