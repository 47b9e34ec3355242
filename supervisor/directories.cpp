#include "supervisor/directories.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "supervisor/roster.h"
#include "workers/common/base/users.h"
#include "workers/common/base/workspace_place.h"

namespace supervisor {

namespace {

constexpr int deepest_folder = 16;
// Of those that are in every plan.
constexpr const char* longest_usual_socket = "/links/gateway-agent/socket";

std::string parent_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

Done make_directories(const std::string& path, mode_t mode) {
    if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
    if (errno == EACCES)
        return system_error("cannot create the directory " + path +
                                " (set OPENCLAW_STATE_DIR, or HOME, to one that can be written)",
                            errno);
    if (errno != ENOENT) return system_error("cannot create the directory " + path, errno);
    if (Done parent = make_directories(parent_of(path), 0755); !parent) return parent.error();
    if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
    return system_error("cannot create the directory " + path, errno);
}

// The first directory on the way that users other than its owner cannot pass.
std::string closed_ancestor(std::string path) {
    for (;;) {
        struct stat info {};
        if (stat(path.c_str(), &info) == 0 && !(info.st_mode & S_IXOTH)) return path;
        if (path == "/") return {};
        path = parent_of(path);
    }
}

struct NeededRight {
    int capability;
    const char* name;
};
// Without one of them user 0 cannot start, serve and end the processes of other users.
constexpr NeededRight needed_rights[] = {
    {CAP_SETUID, "CAP_SETUID"},
    {CAP_SETGID, "CAP_SETGID"},
    {CAP_CHOWN, "CAP_CHOWN"},
    {CAP_KILL, "CAP_KILL"},
};

// The first of them that is missing; null when none is.
const char* missing_right() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    if (syscall(SYS_capget, &header, sets) != 0) return nullptr;
    for (const NeededRight& right : needed_rights)
        if (!(sets[right.capability / 32].effective & 1u << right.capability % 32))
            return right.name;
    return nullptr;
}

struct Owner {
    unsigned user;
    bool shares = false;  // with the workspace group
};

void give(int directory, const char* name, const Owner& owner, int depth);

void give_content(int folder, const Owner& owner, int depth) {
    DIR* listing = fdopendir(folder);
    if (!listing) {
        close(folder);
        return;
    }
    while (const dirent* entry = readdir(listing)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") give(dirfd(listing), entry->d_name, owner, depth);
    }
    closedir(listing);
}

// What the group may do with it becomes what its owner may; new files in a folder are shared, too.
void share(int directory, const char* name, const struct stat& info) {
    mode_t mode = (info.st_mode & 0777) | ((info.st_mode & 0700) >> 3);
    if (S_ISDIR(info.st_mode)) mode |= S_ISGID;
    if (info.st_gid == workspace_group && (info.st_mode & 07777) == mode) return;
    // By descriptor: a link laid in its place meanwhile is not followed.
    const Fd file(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return;
    (void)!fchown(file.get(), static_cast<uid_t>(-1), workspace_group);
    (void)!fchmod(file.get(), mode);
}

// Gives a file or a folder with its content to its owner; leaves the group, so that the tools that
// wrote it before can still be let in, unless it is shared.
void give(int directory, const char* name, const Owner& owner, int depth) {
    struct stat info {};
    if (depth > deepest_folder || fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISREG(info.st_mode) && info.st_nlink != 1) return;
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
    if (info.st_uid != owner.user)
        (void)!fchownat(directory, name, owner.user, static_cast<gid_t>(-1), AT_SYMLINK_NOFOLLOW);
    if (owner.shares) share(directory, name, info);
    if (!S_ISDIR(info.st_mode)) return;
    const int folder = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0) give_content(folder, owner, depth + 1);
}

Done make_folder(int state_dir, std::string_view path, mode_t mode) {
    const std::string name(path);
    const size_t slash = name.rfind('/');
    if (slash != std::string::npos)
        if (Done parent = make_folder(state_dir, name.substr(0, slash), 0711); !parent)
            return parent.error();
    if (mkdirat(state_dir, name.c_str(), mode) == 0) return {};
    struct stat info {};
    if (errno == EEXIST && fstatat(state_dir, name.c_str(), &info, 0) == 0 &&
        !S_ISDIR(info.st_mode))
        return Error{Fault::bad_config,
                     name + " in the state directory is no directory; move it away", ENOTDIR};
    if (errno == EEXIST) return {};
    return system_error("cannot create " + name + " in the state directory", errno);
}

// Through a folder, to what somebody was told the name of.
void let_pass(int state_dir, const char* folder) {
    const Fd opened(openat(state_dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (opened && fstat(opened.get(), &info) == 0)
        (void)!fchmod(opened.get(), (info.st_mode & 07777) | S_IXOTH | S_IXGRP);
}

// The planner writes the configuration by rename, so it owns the directory that holds it.
void give_config_to(unsigned user, int state_dir, const std::string& config_path) {
    const Owner owner{user};
    (void)!fchown(state_dir, user, static_cast<gid_t>(-1));
    struct stat info {};
    if (fstat(state_dir, &info) == 0 && !(info.st_mode & S_IXOTH))
        (void)!fchmod(state_dir, (info.st_mode & 07777) | S_IXOTH | S_IXGRP);
    const std::string name = config_path.substr(config_path.rfind('/') + 1);
    for (const char* suffix : {"", ".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4"})
        give(state_dir, (name + suffix).c_str(), owner, 0);
    give(state_dir, ".env", owner, 0);
    for (const char* file : {"hardshell.json", "exec-approvals.json"})
        give(state_dir, file, owner, 0);
}

// The next folder on a way that a worker could have laid links on; none when it is a link.
Result<Fd> step_into(int parent, const std::string& name, mode_t mode) {
    const bool is_new = mkdirat(parent, name.c_str(), mode) == 0;
    if (!is_new && errno != EEXIST)
        return system_error("cannot create " + name + " in the state directory", errno);
    Fd folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const int why = errno;
    struct stat info {};
    if (folder ||
        (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))) {
        if (folder && is_new) (void)!fchmod(folder.get(), mode);  // whatever the mask has left
        return folder;
    }
    if (why == ENOTDIR)
        return Error{Fault::bad_config,
                     name + " in the state directory is no directory; move it away", ENOTDIR};
    return system_error("cannot open " + name + " in the state directory", why);
}

}  // namespace

namespace {

Owner owner_of(const KindOfWorker& row, std::string_view folder, bool isolate) {
    if (!isolate) return {0};
    const auto& shared = row.extra.workspaces;
    return {user_of(row), std::find(shared.begin(), shared.end(), folder) != shared.end()};
}

}  // namespace

UserIsolation user_isolation(const std::string& state_dir, const std::string& run_dir) {
    if (geteuid() != 0) return {false, "not started as root"};
    if (const char* missing = missing_right())
        return {false, "root has no " + std::string(missing) + " here"};
    for (const std::string& directory : {parent_of(state_dir), parent_of(run_dir)}) {
        const std::string closed = closed_ancestor(directory);
        if (!closed.empty())
            return {false, "other users cannot pass " + closed +
                               "; move the state directory (OPENCLAW_STATE_DIR=/data)"};
    }
    return {true, {}};
}

Result<Fd> open_state_dir(const std::string& state_dir) {
    if (Done made = make_directories(state_dir, 0711); !made) return made.error();
    Fd directory(open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return system_error("cannot open the state directory " + state_dir, errno);
    if (Done made = make_folder(directory.get(), "hardshell", 0711); !made) return made.error();
    return directory;
}

Done prepare_state_dir(int directory, const std::string& state_dir, const std::string& config_path,
                       bool isolate) {
    for (const KindOfWorker& row : roster())
        for (const std::string_view folder : row.directories) {
            if (Done made = make_folder(directory, folder, 0700); !made) return made.error();
            if (row.extra.shows_files) let_pass(directory, std::string(folder).c_str());
            // Back to root, too, where workers had users of their own before: without capabilities
            // even user 0 writes only what is its own.
            if (geteuid() == 0)
                give(directory, std::string(folder).c_str(), owner_of(row, folder, isolate), 0);
        }
    give_config(directory, state_dir, config_path, isolate);
    return {};
}

Done prepare_workspace(int directory, const std::string& state_dir, const std::string& path,
                       bool isolate) {
    const auto& rows = roster();
    const auto row = std::find_if(rows.begin(), rows.end(), [](const KindOfWorker& candidate) {
        return !candidate.extra.workspaces.empty();
    });
    if (row == rows.end()) return {};
    // Whoever planned it has looked, too; this is the process that could do harm.
    const Result<std::string> below = workspace_below(state_dir + "/" + path, state_dir);
    if (!below) return below.error();
    if (below->empty()) return Error{Fault::bad_config, path + " leads out of the state directory"};
    std::string rest = *below;
    Fd above;
    int at = directory;
    for (size_t slash = rest.find('/'); slash != std::string::npos; slash = rest.find('/')) {
        Result<Fd> next = step_into(at, rest.substr(0, slash), 0711);
        if (!next) return next.error();
        if (!*next) return {};
        above = std::move(*next);
        at = above.get();
        rest.erase(0, slash + 1);
    }
    if (const Result<Fd> made = step_into(at, rest, 0700); !made) return made.error();
    if (geteuid() == 0)
        give(at, rest.c_str(), owner_of(*row, row->extra.workspaces.front(), isolate), 0);
    return {};
}

void give_config(int state_dir, const std::string& state_dir_path, const std::string& config_path,
                 bool isolate) {
    if (geteuid() != 0 || parent_of(config_path) != state_dir_path) return;
    give_config_to(isolate ? user_of(*find_kind("planner")) : 0, state_dir, config_path);
}

Error too_long(const std::string& socket_path) {
    return {Fault::bad_config, "the path " + socket_path + " is too long for a socket: it has " +
                                   std::to_string(socket_path.size()) + " bytes, " +
                                   std::to_string(longest_socket_path) +
                                   " are possible; set HARDSHELL_RUN_DIR to a shorter one"};
}

Done prepare_run_dir(const std::string& run_dir, bool isolate) {
    const std::string socket = run_dir + longest_usual_socket;
    if (socket.size() > longest_socket_path) return too_long(socket);
    if (Done made = make_directories(run_dir, 0711); !made) return made.error();
    struct stat info {};
    const bool exists = lstat(run_dir.c_str(), &info) == 0;
    const char* why = !exists                    ? "is gone again"
                      : info.st_uid != geteuid() ? "belongs to somebody else"
                      : S_ISLNK(info.st_mode)    ? "is a symbolic link, which is not followed"
                      : !S_ISDIR(info.st_mode)   ? "is no directory"
                                                 : nullptr;
    if (why)
        return Error{Fault::system, "the run directory " + run_dir + " " + why +
                                        "; remove it or set HARDSHELL_RUN_DIR"};
    if (chmod(run_dir.c_str(), isolate ? 0711 : 0700) != 0)
        return system_error("cannot protect " + run_dir, errno);
    return make_directories(run_dir + "/links", isolate ? 0711 : 0700);
}

Done prepare_link_dir(const std::string& directory, std::optional<unsigned> binder,
                      std::optional<unsigned> connector) {
    if (Done made = make_directories(directory, 0700); !made) return made.error();
    if (binder && connector) {
        if (chown(directory.c_str(), *binder, *connector) != 0)
            return system_error("cannot give away " + directory, errno);
        // With the set-group bit the socket inside belongs to the connector's group.
        if (chmod(directory.c_str(), 02710) != 0)
            return system_error("cannot protect " + directory, errno);
    }
    return {};
}

}  // namespace supervisor
