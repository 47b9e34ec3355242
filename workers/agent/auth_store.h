// The files of keys, one per agent: read when they have changed, written when a key was refused or
// has worked.
//
// Promises that the answer to a turn waits for none of it: what was noted counts at once in this
// process, and goes to the disk under the lock that the stock command line knows, which another
// program may hold for a while. A file that cannot be read is named once, holds no keys, and is
// left as it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/agent/auth_profiles.h"
#include "workers/common/base/loop.h"

namespace agent {

class AuthStore {
  public:
    struct Services {
        Loop& loop;
        const Json& config;     // the resolved openclaw.json
        std::string state_dir;  // empty: there are no files
        std::string default_agent;
        std::function<int64_t()> now_ms;
    };
    explicit AuthStore(Services services);
    // Writes what is not on the disk yet, if it can be done at once.
    ~AuthStore();

    // An agent without a file of its own uses that of the default agent.
    std::vector<AuthProfile> profiles(const std::string& agent, const std::string& provider);
    std::optional<std::string> named(const std::string& agent, const std::string& provider,
                                     const std::string& name);

    void failed(const std::string& agent, const std::string& id, const ModelFailure& failure);
    void worked(const std::string& agent, const std::string& id);

    static constexpr std::chrono::milliseconds write_again{500};
    // That a key was used is no news worth a write for each turn.
    static constexpr std::chrono::milliseconds write_used_after{10'000};

  private:
    using Edit = std::function<void(Json&)>;
    struct File {
        std::string directory;
        Json content = Json::object();
        int64_t changed_ns = -1;  // of the file that was read
        int64_t size = -1;
        uint64_t inode = 0;
        std::string trouble;  // last said
        std::vector<Edit> unwritten;
        Loop::Registration write;
    };
    File& file_of(const std::string& agent);
    File& fresh(const std::string& agent);
    void edit(File& file, Edit edit, std::chrono::milliseconds after);
    void write(File& file);
    bool has_file(const std::string& agent) const;

    Services services_;
    std::map<std::string, File> files_;  // by agent
};

}  // namespace agent
