#include "workers/common/shared_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "workers/common/base/clock.h"

namespace {

constexpr size_t largest_file = 4u << 20;
constexpr int64_t stale_after_ms = 30'000;  // as OpenClaw counts it
constexpr std::chrono::milliseconds lock_pause{50};

// The lock that other programs know: whoever makes the directory has it.
class StockLock {
  public:
    static Result<StockLock> take(int directory, const std::string& name,
                                  std::chrono::milliseconds patience) {
        const int64_t until = monotonic_ms() + patience.count();
        for (;;) {
            if (mkdirat(directory, name.c_str(), 0700) == 0) return StockLock(directory, name);
            if (errno != EEXIST) return system_error("cannot lock " + name, errno);
            if (is_stale(directory, name)) {
                (void)unlinkat(directory, name.c_str(), AT_REMOVEDIR);
                continue;
            }
            if (monotonic_ms() >= until)
                return Error{Fault::busy, "another program has locked " + name + "; try again"};
            std::this_thread::sleep_for(lock_pause);
        }
    }
    StockLock(StockLock&& other) noexcept
        : directory_(other.directory_), name_(std::move(other.name_)) {
        other.name_.clear();
    }
    StockLock& operator=(StockLock&&) = delete;
    ~StockLock() {
        if (!name_.empty()) (void)unlinkat(directory_, name_.c_str(), AT_REMOVEDIR);
    }

  private:
    StockLock(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}

    static bool is_stale(int directory, const std::string& name) {
        struct stat info {};
        if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
        return wall_ms() - static_cast<int64_t>(info.st_mtime) * 1000 > stale_after_ms;
    }

    int directory_;
    std::string name_;
};

Done write_all(int file, const std::string& text) {
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(file, text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write", errno);
        written += static_cast<size_t>(count);
    }
    return fsync(file) == 0 ? Done() : system_error("cannot sync", errno);
}

}  // namespace

Result<SharedDirectory> SharedDirectory::open(const std::string& path) {
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory && errno == EACCES)
        return Error{Fault::bad_credentials,
                     path + " belongs to another user; run this as the gateway's user or root",
                     EACCES};
    if (!directory) return system_error("cannot open " + path, errno);
    return SharedDirectory(path, std::move(directory));
}

std::vector<std::string> SharedDirectory::names() const {
    std::vector<std::string> names;
    const int own = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* listing = own >= 0 ? fdopendir(own) : nullptr;
    if (!listing) {
        if (own >= 0) close(own);
        return names;
    }
    while (const dirent* entry = readdir(listing)) names.emplace_back(entry->d_name);
    closedir(listing);
    return names;
}

Result<Json> SharedDirectory::read(const std::string& name) const {
    const std::string path = path_ + "/" + name;
    const Fd file(
        openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ENOENT) return Json::object();
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return system_error("cannot read " + path, errno);
    if (!S_ISREG(info.st_mode) || static_cast<size_t>(info.st_size) > largest_file)
        return Error{Fault::bad_message, path + " is no file of this kind"};
    std::string text(static_cast<size_t>(info.st_size), '\0');
    const ssize_t count = ::read(file.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    Result<Json> parsed = parse_json(text);
    if (parsed && parsed->is_object()) return parsed;
    return Error{Fault::bad_message,
                 path + " cannot be read: " + (parsed ? "no object" : parsed.error().what)};
}

Done SharedDirectory::change(const std::string& name, const std::function<Done(Json&)>& edit,
                             std::chrono::milliseconds patience) const {
    const Result<StockLock> lock = StockLock::take(directory_.get(), name + ".lock", patience);
    if (!lock) return lock.error();
    Result<Json> file = read(name);
    if (!file) return file.error();
    if (Done edited = edit(*file); !edited) return edited;
    return write(name, file->dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// As root the file stays with its owner, or goes to that of the directory.
Done SharedDirectory::write(const std::string& name, const std::string& text) const {
    const std::string fresh = name + "." + std::to_string(getpid()) + ".tmp";
    (void)unlinkat(directory_.get(), fresh.c_str(), 0);
    {
        const Fd file(openat(directory_.get(), fresh.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return system_error("cannot write " + path_ + "/" + name, errno);
        struct stat info {};
        const bool known =
            fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 ||
            fstat(directory_.get(), &info) == 0;
        if (known && geteuid() == 0) (void)!fchown(file.get(), info.st_uid, info.st_gid);
        if (Done written = write_all(file.get(), text); !written) {
            (void)unlinkat(directory_.get(), fresh.c_str(), 0);
            return Error{written.error().fault, path_ + "/" + name + ": " + written.error().what,
                         written.error().sys};
        }
    }
    if (renameat(directory_.get(), fresh.c_str(), directory_.get(), name.c_str()) != 0)
        return system_error("cannot replace " + path_ + "/" + name, errno);
    (void)!fsync(directory_.get());
    return {};
}
