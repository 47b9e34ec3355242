// Transcripts in use: the active branch of the recently used ones in memory, so that a turn with a
// long history does not read the file again.
//
// Promises at most `most_open` branches and about `most_bytes` of them, the one in use excepted,
// and that a file changed by another program is read anew before it is added to.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/agent/transcript_file.h"

namespace agent {

class Conversations {
  public:
    static constexpr size_t most_open = 16;
    static constexpr size_t most_bytes = 8u << 20;

    // `directory` is written into the header of new files.
    explicit Conversations(std::string directory) : directory_(std::move(directory)) {}

    Result<std::vector<Message>> context(const std::string& path, int64_t now_ms);
    Done append(const std::string& path, const std::string& session_id, const std::string& entry_id,
                const Json& message, int64_t now_ms, bool durable);
    // Adds an entry that is no message, durably. The branch is read again when it is next used:
    // what a model is shown of it may be another.
    Done append_entry(const std::string& path, const std::string& entry_id, const Json& entry,
                      int64_t now_ms);
    // Forgets all branches: each is read again when it is next used.
    void forget() { open_.clear(); }
    void forget(const std::string& path) {
        open_.remove_if([&](const Branch& branch) { return branch.path == path; });
    }
    // Branches in memory, and their estimated size.
    size_t open_count() const { return open_.size(); }
    size_t open_bytes() const;

  private:
    struct Branch {
        std::string path;
        std::string leaf;
        uint64_t file_bytes = 0;
        bool has_header = false;
        std::vector<Message> messages;
        size_t bytes = 0;
    };
    Result<Branch*> use(const std::string& path, int64_t now_ms);
    Result<Branch> load(const std::string& path, int64_t now_ms) const;
    void remember(Branch& branch, const Json& message, const std::string& entry_id);
    void shrink();

    std::string directory_;
    std::list<Branch> open_;  // most recently used first
};

}  // namespace agent
