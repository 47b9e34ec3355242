// What the answers in transcripts took and cost, by local day.
//
// Promises to keep the loop for a few milliseconds at a time, however large the store is, and to
// read of a file only what was added since the last scan. A line that cannot be read counts
// nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workers/agent/session_store.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace agent {

// Dollars for one answer, in transcript form: as written there, else by its model's price; nothing
// when neither is known.
std::optional<double> cost_of_answer(const Json& message, const SessionStore::CostOf& cost_of);

class UsageScan {
  public:
    static constexpr std::chrono::milliseconds longest_slice{4};
    static constexpr size_t block = 64u << 10;

    explicit UsageScan(Loop& loop) : loop_(loop) {}

    // All transcripts in the folders, also those of deleted sessions. Calls back later.
    void run(std::vector<std::string> folders, int64_t since_ms, SessionStore::CostOf cost_of,
             std::function<void(const UsageByDay&)> done);
    // Bytes read since it was made; for tests of what is read again.
    uint64_t bytes_read() const { return bytes_read_; }
    size_t slices() const { return slices_; }

  private:
    struct File {
        uint64_t inode = 0;
        uint64_t read = 0;  // up to the end of the last whole line
        UsageByDay days;
    };
    struct Request {
        std::vector<std::string> folders;
        int64_t since_ms;
        SessionStore::CostOf cost_of;
        std::function<void(const UsageByDay&)> done;
    };
    void begin();
    void slice();
    bool open_next();
    void read_block();
    void take_line(std::string_view line);
    void finish();

    Loop& loop_;
    std::map<std::string, File> files_;
    std::vector<Request> waiting_;
    std::vector<Request> served_;         // by the scan under way
    std::vector<std::string> unvisited_;  // paths
    std::map<std::string, File> visited_;
    int64_t since_ms_ = 0;
    Fd open_;
    File* current_ = nullptr;
    std::string partial_;
    bool overlong_ = false;
    uint64_t bytes_read_ = 0;
    size_t slices_ = 0;
    Loop::Registration timer_;
};

}  // namespace agent
