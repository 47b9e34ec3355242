#include "workers/tools/cell_files.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"

namespace tools {

using hardshell::proto::StartCell;

namespace {

// Room of a command's own; counted as memory.
constexpr const char* temporary_options = "size=256m,mode=1777";
constexpr const char* shared_memory_options = "size=64m,mode=1777";
constexpr const char* curtain_options = "size=64k,mode=755";
constexpr unsigned long plain = MS_NOSUID | MS_NODEV;

bool is_directory(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool set_flags(int at, const char* path, unsigned flags, uint64_t attributes) {
    mount_attr attribute{};
    attribute.attr_set = attributes;
    return syscall(SYS_mount_setattr, at, path, flags, &attribute, sizeof attribute) == 0;
}

bool make_way(const std::string& path) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
        if (const std::string part = path.substr(0, slash);
            mkdir(part.c_str(), 0755) != 0 && errno != EEXIST && !is_directory(part))
            return false;
    return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST || is_directory(path);
}

bool mount_own(const char* place, const char* options) {
    return !is_directory(place) || mount("tmpfs", place, "tmpfs", plain, options) == 0;
}

bool close_curtain(const std::string& path) {
    return mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | plain,
                 nullptr) == 0;
}

struct LandlockRules {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

struct Right {
    int since;
    uint64_t bit;
    bool of_files;
};
constexpr Right rights[] = {
    {1, LANDLOCK_ACCESS_FS_WRITE_FILE, true},   {1, LANDLOCK_ACCESS_FS_REMOVE_DIR, false},
    {1, LANDLOCK_ACCESS_FS_REMOVE_FILE, false}, {1, LANDLOCK_ACCESS_FS_MAKE_DIR, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_REG, false},    {1, LANDLOCK_ACCESS_FS_MAKE_SOCK, false},
    {1, LANDLOCK_ACCESS_FS_MAKE_FIFO, false},   {1, LANDLOCK_ACCESS_FS_MAKE_SYM, false},
    {2, LANDLOCK_ACCESS_FS_REFER, false},       {3, 1ULL << 14 /* TRUNCATE */, true},
};
constexpr uint64_t devices = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
constexpr int scopes_since = 6;
constexpr uint64_t all_scopes = 3;  // abstract sockets and signals to the outside

uint64_t rights_of(int version, bool of_files_only) {
    uint64_t bits = 0;
    for (const Right& right : rights)
        if (right.since <= version && (right.of_files || !of_files_only)) bits |= right.bit;
    return bits;
}

bool allow(int ruleset, const char* path, uint64_t bits) {
    const Fd place(open(path, O_PATH | O_CLOEXEC));
    if (!place) return errno == ENOENT;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = bits;
    rule.parent_fd = place.get();
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

}  // namespace

const char* mount_files(const StartCell& order) {
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return "part its mounts from the machine's";
    // Taken before everything else becomes unwritable or is hidden.
    const Fd workspace(
        static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, order.workspace().c_str(),
                                 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
    if (!workspace) return "take its workspace";
    if (!set_flags(AT_FDCWD, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID))
        return "make the files unwritable";
    if (!mount_own("/tmp", temporary_options) || !mount_own("/dev/shm", shared_memory_options))
        return "make its temporary directory";
    std::vector<std::string> curtains;
    for (const std::string& path : order.hidden()) {
        if (!is_directory(path)) continue;
        if (mount("tmpfs", path.c_str(), "tmpfs", plain, curtain_options) != 0)
            return "hide the state directory";
        curtains.push_back(path);
    }
    if (!make_way(order.workspace())) return "make a place for its workspace";
    if (!set_flags(workspace.get(), "", AT_EMPTY_PATH | AT_RECURSIVE,
                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) ||
        syscall(SYS_move_mount, workspace.get(), "", AT_FDCWD, order.workspace().c_str(),
                MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return "mount its workspace";
    for (const std::string& path : curtains)
        if (!close_curtain(path)) return "hide the state directory";
    // Refused in containers that cover parts of it; the old one tells of others' names only.
    (void)mount("proc", "/proc", "proc", plain | MS_NOEXEC, nullptr);
    return nullptr;
}

int landlock_version() {
    const long version =
        syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

const char* confine_writes(int landlock, const StartCell& order) {
    if (landlock == 0) return nullptr;
    LandlockRules handled{rights_of(landlock, false) | devices, 0, 0};
    size_t size = sizeof handled.files;
    if (landlock >= scopes_since) {
        handled.scopes = all_scopes;
        size = sizeof handled;
    }
    const Fd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
    if (!ruleset) return "make its Landlock rules";
    const uint64_t all = rights_of(landlock, false);
    for (const char* place : {order.workspace().c_str(), "/tmp", "/dev/shm"})
        if (!allow(ruleset.get(), place, all)) return "allow its workspace";
    for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty"})
        if (!allow(ruleset.get(), device, rights_of(landlock, true))) return "allow its devices";
    if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return "confine its writes";
    return nullptr;
}

}  // namespace tools
