#include "workers/agent/volume_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "workers/common/base/fd.h"

namespace agent {

VolumeWalk::VolumeWalk(std::string root, std::vector<std::string> folders, Seen seen)
    : root_(std::move(root)), folders_(std::move(folders)), seen_(std::move(seen)) {
    struct stat facts {};
    if (::stat(root_.c_str(), &facts) == 0) device_ = facts.st_dev;
}

bool VolumeWalk::step(size_t entries) {
    for (; entries > 0; --entries) {
        if (open_.empty()) {
            if (folders_.empty()) return false;
            const std::string folder = std::move(folders_.back());
            folders_.pop_back();
            enter(AT_FDCWD, (root_ + "/" + folder).c_str(), folder);
            continue;
        }
        const dirent* found = ::readdir(open_.back().listing.get());
        if (!found) {
            open_.pop_back();
            continue;
        }
        if (++entries_ > most_entries) {
            cut_short_ = true;
            open_.clear();
            folders_.clear();
            return false;
        }
        const std::string name = found->d_name;
        if (name != "." && name != "..") look(open_.back(), name.c_str());
    }
    return true;
}

void VolumeWalk::enter(int parent, const char* name, const std::string& path) {
    if (open_.size() >= deepest) {
        cut_short_ = true;
        return;
    }
    Fd folder(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts {};
    if (!folder || ::fstat(folder.get(), &facts) != 0 || facts.st_dev != device_) return;
    DIR* listing = ::fdopendir(folder.get());
    if (!listing) return;
    (void)folder.release();  // the listing's now
    open_.push_back({std::unique_ptr<DIR, Closed>(listing), path});
}

void VolumeWalk::look(Folder& folder, const char* name) {
    struct stat facts {};
    const int parent = ::dirfd(folder.listing.get());
    if (::fstatat(parent, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return;
    const std::string path = folder.path + "/" + name;
    if (S_ISDIR(facts.st_mode))
        enter(parent, name, path);  // `folder` may have moved
    else if (S_ISREG(facts.st_mode))
        seen_(path, facts);
}

}  // namespace agent
