// Keeps each kind of data on the volume within its quota (volume_quotas.h): looks at what there is
// from time to time, a few files at once, shows it on the status board, and removes the oldest of
// what nobody needs where it is too much, with a line in the log for each.
//
// Never removes what a session of the index names, what a run that has not ended or a message that
// is not delivered needs, or anything when that cannot be told.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "workers/agent/channels/channel_store.h"
#include "workers/agent/session_store.h"
#include "workers/agent/volume_quotas.h"
#include "workers/agent/volume_walk.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/loop.h"

namespace agent {

class Housekeeping {
  public:
    struct Services {
        Loop& loop;
        BoardPage& board;
        ChannelStore& channels;
        std::function<int64_t()> now_ms;
        std::string state_dir = ".";          // as this process reaches it
        std::function<Volume()> volume = {};  // how full it is; empty: the file system is asked
        // Of all agents, below the state directory; none of them in another.
        std::vector<std::string> workspaces = {"workspace"};
    };
    // A start is busy enough without it.
    static constexpr std::chrono::milliseconds first_look{60'000};
    static constexpr std::chrono::milliseconds period{1'800'000};
    static constexpr std::chrono::milliseconds period_when_filling{300'000};
    static constexpr std::chrono::milliseconds pause{50};  // between two slices
    static constexpr size_t slice = 64;                    // files
    static constexpr size_t most_candidates = 4096;        // of a kind, the oldest
    static constexpr size_t most_at_once = 256;            // files removed of a kind

    explicit Housekeeping(Services services);

  private:
    struct Taken {
        uint64_t bytes = 0;
        std::vector<DataFile> candidates;
    };
    void begin();
    void go_on();
    DataKind kind_of(const std::string& path) const;
    void see(const std::string& path, const struct stat& facts);
    void finish();
    // The rest of them waits for the next look.
    bool prune(DataKind kind);
    bool remove(const DataFile& file, const std::string& why);
    Taken& taken(DataKind kind) { return taken_[static_cast<size_t>(kind)]; }
    // What is needed of that kind: names without folders.
    Result<std::set<std::string>> needed(DataKind kind) const;
    void say_too_much(DataKind kind, uint64_t most);

    Services services_;
    std::unique_ptr<VolumeWalk> walk_;  // while one is under way
    std::array<Taken, static_cast<size_t>(DataKind::count_)> taken_;
    std::set<DataKind> said_;  // to be too much, with nothing to be done
    Volume volume_;
    Loop::Registration timer_;
};

}  // namespace agent
