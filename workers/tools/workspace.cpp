#include "workers/tools/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "workers/common/base/users.h"
#include "workers/common/base/workspace_place.h"

namespace tools {

namespace {

constexpr mode_t new_file = 0660;
constexpr mode_t new_directory = 0770;

Fd open_at(int directory, const std::string& name, int flags, mode_t mode = 0) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return Fd(static_cast<int>(syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
}

// As the model can act on it.
Error refusal(const std::string& name, int error) {
    if (error == EXDEV || error == ELOOP)
        return {Fault::bad_message, name + " leads out of the workspace", error};
    if (error == ENOENT) return {Fault::bad_message, "there is no " + name, error};
    return system_error(name, error);
}

Done write_all(int file, std::string_view text, const std::string& name) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(file, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return system_error("cannot write " + name, errno);
        text.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
}

std::string temporary_name() {
    static std::atomic<uint64_t> count{0};
    return ".hardshell-" + std::to_string(getpid()) + "-" + std::to_string(++count) + ".tmp";
}

}  // namespace

Result<Workspace> Workspace::open(const std::string& path) {
    if (path.empty() || path.front() != '/')
        return Error{Fault::bad_message, "the workspace " + path + " is no absolute path"};
    Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return system_error("cannot open the workspace " + path, errno);
    return Workspace(path, std::move(directory));
}

bool Workspace::is_writable() const {
    return faccessat(directory_.get(), ".", W_OK | X_OK, AT_EACCESS) == 0;
}

Done make_workspace(const std::string& path, const std::string& state_dir) {
    if (const Result<std::string> place = workspace_below(path, state_dir); !place)
        return place.error();
    if (mkdir(path.c_str(), new_directory) == 0) {
        // Not where there is no such group for us: then commands run as our own user.
        if (chown(path.c_str(), static_cast<uid_t>(-1), workspace_group) == 0)
            (void)!chmod(path.c_str(), S_ISGID | new_directory);
    } else if (errno != EEXIST) {
        const int why = errno;
        return system_error("the workspace " + path + " cannot be made; make it, for the group " +
                                std::to_string(workspace_group) +
                                " with mode 2770, or name a folder below " + state_dir,
                            why);
    }
    return {};
}

Result<Workspace> open_workspace(const std::string& path, const std::string& state_dir,
                                 const std::string& key) {
    const std::string said = key.empty() ? "" : " (" + key + ")";
    if (const Result<std::string> place = workspace_below(path, state_dir); !place)
        return Error{place.error().fault, place.error().what + said};
    Result<Workspace> workspace = Workspace::open(path);
    if (!workspace)
        return Error{workspace.error().fault, workspace.error().what + said, workspace.error().sys};
    return workspace;
}

Result<std::string> Workspace::below(std::string_view name) const {
    if (name.empty() || name.find('\0') != std::string_view::npos)
        return Error{Fault::bad_message, "a path is missing"};
    if (name.front() == '~')
        return Error{Fault::bad_message, std::string(name) + " leads out of the workspace"};
    if (name.front() == '/') {
        if (name.substr(0, path_.size()) != path_ ||
            (name.size() > path_.size() && name[path_.size()] != '/'))
            return Error{Fault::bad_message, std::string(name) + " is not in the workspace " +
                                                 path_ + ", which is all that can be reached"};
        name.remove_prefix(path_.size());
        while (!name.empty() && name.front() == '/') name.remove_prefix(1);
    }
    return name.empty() ? std::string(".") : std::string(name);
}

Result<Fd> Workspace::open_beneath(const std::string& name, int flags) const {
    Fd file = open_at(directory_.get(), name, flags);
    if (!file) return refusal(name, errno);
    return file;
}

Result<std::string> Workspace::directory(std::string_view name) const {
    const Result<std::string> place = below(name);
    if (!place) return place.error();
    const Result<Fd> found = open_beneath(*place, O_PATH | O_DIRECTORY);
    if (!found) return found.error();
    return *place == "." ? path_ : path_ + "/" + *place;
}

Result<std::string> Workspace::read(std::string_view name) const {
    const Result<std::string> place = below(name);
    if (!place) return place.error();
    const Result<Fd> file = open_beneath(*place, O_RDONLY | O_NONBLOCK);
    if (!file) return file.error();
    struct stat info {};
    if (fstat(file->get(), &info) != 0 || !S_ISREG(info.st_mode))
        return Error{Fault::bad_message, *place + " is no regular file"};
    if (static_cast<uint64_t>(info.st_size) > largest_file)
        return Error{Fault::bad_message, *place + " is larger than 32 MiB"};
    std::string content(static_cast<size_t>(info.st_size), '\0');
    size_t have = 0;
    while (have < content.size()) {
        const ssize_t got = ::read(file->get(), content.data() + have, content.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read " + *place, errno);
        if (got == 0) break;
        have += static_cast<size_t>(got);
    }
    content.resize(have);
    return content;
}

Result<Fd> Workspace::parent_of(const std::string& name, bool make, std::string& leaf) const {
    const size_t slash = name.rfind('/');
    leaf = slash == std::string::npos ? name : name.substr(slash + 1);
    if (leaf.empty() || leaf == "." || leaf == "..")
        return Error{Fault::bad_message, name + " is no file name"};
    if (slash == std::string::npos) return open_beneath(".", O_RDONLY | O_DIRECTORY);
    const std::string directory = name.substr(0, slash);
    for (size_t end = directory.find('/'); make; end = directory.find('/', end + 1)) {
        const std::string part = directory.substr(0, end);
        std::string last;
        if (!open_at(directory_.get(), part, O_PATH | O_DIRECTORY)) {
            const Result<Fd> above = parent_of(part, false, last);
            if (!above) return above.error();
            if (mkdirat(above->get(), last.c_str(), new_directory) != 0 && errno != EEXIST)
                return system_error("cannot make the directory " + part, errno);
        }
        if (end == std::string::npos) break;
    }
    return open_beneath(directory, O_RDONLY | O_DIRECTORY);
}

Done Workspace::write(std::string_view name, std::string_view content) const {
    const Result<std::string> place = below(name);
    if (!place) return place.error();
    std::string leaf;
    const Result<Fd> parent = parent_of(*place, true, leaf);
    if (!parent) return parent.error();
    struct stat old {};
    const bool exists = fstatat(parent->get(), leaf.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return Error{Fault::bad_message, *place + " is there and is no regular file"};
    const std::string temporary = temporary_name();
    const Fd file = open_at(parent->get(), temporary, O_WRONLY | O_CREAT | O_EXCL, new_file);
    if (!file) return system_error("cannot write in the directory of " + *place, errno);
    Done done = write_all(file.get(), content, *place);
    if (done && exists) (void)!fchmod(file.get(), (old.st_mode & 0777) | 0660);
    if (done && renameat(parent->get(), temporary.c_str(), parent->get(), leaf.c_str()) != 0)
        done = system_error("cannot write " + *place, errno);
    if (!done) unlinkat(parent->get(), temporary.c_str(), 0);
    return done;
}

Done Workspace::remove(std::string_view name) const {
    const Result<std::string> place = below(name);
    if (!place) return place.error();
    std::string leaf;
    const Result<Fd> parent = parent_of(*place, false, leaf);
    if (!parent) return parent.error();
    if (unlinkat(parent->get(), leaf.c_str(), 0) != 0) return refusal(*place, errno);
    return {};
}

bool Workspace::exists(std::string_view name) const {
    const Result<std::string> place = below(name);
    if (!place) return false;
    std::string leaf;
    const Result<Fd> parent = parent_of(*place, false, leaf);
    struct stat found {};
    return parent && fstatat(parent->get(), leaf.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
}

std::vector<std::string> Workspace::list(std::string_view name) const {
    std::vector<std::string> names;
    const Result<std::string> place = below(name);
    if (!place) return names;
    Result<Fd> directory = open_beneath(*place, O_RDONLY | O_DIRECTORY);
    if (!directory) return names;
    DIR* listing = fdopendir(directory->release());
    if (!listing) return names;
    while (const dirent* entry = readdir(listing))
        if (entry->d_type == DT_REG) names.emplace_back(entry->d_name);
    closedir(listing);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace tools
