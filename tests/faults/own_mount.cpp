#include "tests/faults/own_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace {

// The file system itself, in whatever namespaces it is mounted: a plain remount also changes the
// mount of this one, of which others may have copies.
bool reconfigure(const std::string& path, const char* flag) {
    const Fd file_system(fspick(AT_FDCWD, path.c_str(), FSPICK_CLOEXEC));
    return file_system && fsconfig(file_system.get(), FSCONFIG_SET_FLAG, flag, nullptr, 0) == 0 &&
           fsconfig(file_system.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) == 0;
}

}  // namespace

OwnMount::OwnMount() : before_(open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)) {
    char name[] = "/tmp/hf-mount-XXXXXX";
    path_ = mkdtemp(name);
    chmod(path_.c_str(), 0755);
    image_ = path_ + ".image";
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        before_.reset();
}

OwnMount::~OwnMount() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
    if (before_) (void)!setns(before_.get(), CLONE_NEWNS);
    unlink(image_.c_str());
    rmdir(path_.c_str());
}

bool OwnMount::in_memory(size_t bytes) {
    const std::string options = "mode=0755,size=" + std::to_string(bytes);
    is_mounted_ = before_ && mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    return is_mounted_;
}

bool OwnMount::ext4(size_t bytes) {
    if (!before_) return false;
    {
        const Fd file(open(image_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return false;
    }
    const std::string make = "mkfs.ext4 -q -F -m 0 " + image_ + " >/dev/null 2>&1";
    const std::string use = "mount -o loop,errors=remount-ro " + image_ + " " + path_ + " 2>&1";
    is_mounted_ = std::system(make.c_str()) == 0 && std::system(use.c_str()) == 0;
    if (is_mounted_) chmod(path_.c_str(), 0755);
    return is_mounted_;
}

bool OwnMount::make_read_only() const {
    return reconfigure(path_, "ro");
}

bool OwnMount::make_writable() const {
    return reconfigure(path_, "rw");
}

bool OwnMount::fail() const {
    return mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT, "abort") == 0;
}

void OwnMount::fill() const {
    const Fd file(
        open((path_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const std::string block(64u << 10, 'x');
    for (size_t size = block.size(); size > 0;) {
        const ssize_t count = write(file.get(), block.data(), size);
        if (count <= 0) size /= 2;
    }
}

void OwnMount::make_room() const {
    unlink((path_ + "/filler").c_str());
}
