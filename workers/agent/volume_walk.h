// A look at every file below some folders, a few at a time.
//
// Promises to follow no symbolic link, to stay on the file system where it began, to hold few
// descriptors, and to end: below `deepest` and after `most_entries` nothing is looked at.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace agent {

class VolumeWalk {
  public:
    // `path` is below the root, with that of the folder: "agents/main/sessions/….jsonl".
    using Seen = std::function<void(const std::string& path, const struct stat& facts)>;

    VolumeWalk(std::string root, std::vector<std::string> folders, Seen seen);

    // Looks at no more than `entries`; false: there are no more.
    bool step(size_t entries);
    // Whether something was left out.
    bool is_cut_short() const { return cut_short_; }

    static constexpr size_t deepest = 24;
    static constexpr size_t most_entries = 200'000;

  private:
    struct Closed {
        void operator()(DIR* folder) const { ::closedir(folder); }
    };
    struct Folder {
        std::unique_ptr<DIR, Closed> listing;
        std::string path;
    };
    void enter(int parent, const char* name, const std::string& path);
    void look(Folder& folder, const char* name);

    std::string root_;
    std::vector<std::string> folders_;  // not yet begun
    Seen seen_;
    std::vector<Folder> open_;  // the innermost last
    dev_t device_ = 0;
    size_t entries_ = 0;
    bool cut_short_ = false;
};

}  // namespace agent
