#include "supervisor/stock_locks.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include "supervisor/signals.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/fd.h"

namespace supervisor {

namespace {

constexpr size_t largest_lock = 4096;
constexpr size_t most_locks = 64;  // of one directory
constexpr uint64_t largest_pid = 1u << 22;
constexpr int between_looks_ms = 25;
constexpr std::string_view names_of_openclaw[] = {"openclaw", "clawdbot", "moltbot", "moldbot"};

// OpenClaw writes a lock right after it has made it: one that says nothing and is older is dead.
constexpr int64_t longest_writing_s = 30;

struct FoundLock {
    std::string path;
    StockLock lock;
    bool exists = false;
    bool may_be_in_the_making = false;
};

struct Place {
    std::string path;
    Fd directory;
    bool is_shared = false;
};

// Takes values from the top level of one JSON object and steps over everything else.
class LockScanner {
  public:
    explicit LockScanner(std::string_view json) : rest_(json) {}

    std::optional<StockLock> scan() {
        skip_blanks();
        if (!rest_.starts_with('{')) return std::nullopt;
        while (!rest_.empty() && !is_done_) step();
        return is_done_ ? std::optional(lock_) : std::nullopt;
    }

  private:
    void step() {
        const char byte = rest_.front();
        if (byte == '"') return take_string();
        if (byte >= '0' && byte <= '9') return take_number();
        rest_.remove_prefix(1);
        if (byte == '{' || byte == '[') ++depth_;
        if (byte == '}' || byte == ']') is_done_ = --depth_ == 0;
        if (byte == ',') key_.clear();
        if (byte == '-') key_.clear();  // what we look for is never negative
    }

    void take_string() {
        std::string text;
        size_t at = 1;
        for (; at < rest_.size() && rest_[at] != '"'; ++at) {
            if (rest_[at] == '\\') ++at;
            if (at < rest_.size()) text += rest_[at];
        }
        rest_.remove_prefix(std::min(at + 1, rest_.size()));
        skip_blanks();
        if (depth_ != 1) return;
        if (rest_.starts_with(':'))
            key_ = text;
        else if (key_ == "configPath")
            lock_.config_path = text;
    }

    void take_number() {
        uint64_t number = 0;
        const auto [end, error] =
            std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
        rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
        if (depth_ == 1 && error == std::errc() && key_ == "pid") lock_.pid = number;
        if (depth_ == 1 && error == std::errc() && key_ == "startTime") lock_.start_time = number;
        key_.clear();  // "1.5" is not 5
    }

    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }

    std::string_view rest_;
    int depth_ = 0;
    bool is_done_ = false;
    std::string key_;
    StockLock lock_;
};

std::string read_some(int directory, const std::string& name, size_t most) {
    // Not blocking: the name may be that of a pipe.
    const Fd file(
        openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    std::string text(most + 1, '\0');
    const ssize_t count = pread(file.get(), text.data(), text.size(), 0);
    if (count < 0 || static_cast<size_t>(count) > most) return {};
    text.resize(static_cast<size_t>(count));
    return text;
}

std::string process_file(uint64_t pid, const std::string& name) {
    return read_some(AT_FDCWD, "/proc/" + std::to_string(pid) + "/" + name, 64u << 10);
}

// Counted from the end of the second field, which may hold blanks.
uint64_t start_time_of(uint64_t pid) {
    const std::string stat = process_file(pid, "stat");
    size_t at = stat.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    uint64_t time = 0;
    if (at != std::string::npos)
        std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), time);
    return time;
}

bool looks_like_openclaw(const std::string& command) {
    return std::any_of(std::begin(names_of_openclaw), std::end(names_of_openclaw),
                       [&](auto name) { return command.find(name) != std::string::npos; });
}

// Why nobody holds it; empty when somebody does.
std::string why_stale(const FoundLock& found) {
    if (found.lock.pid == 0 || found.lock.pid > largest_pid) return "it names no process";
    const uint64_t pid = found.lock.pid;
    const std::string named = "pid " + std::to_string(pid);
    const uint64_t start_time = start_time_of(pid);
    if (start_time == 0) return named + " has ended";
    if (pid == static_cast<uint64_t>(getpid()) || pid == static_cast<uint64_t>(getppid()))
        return named + " is our own by now";
    if (found.lock.start_time != 0 && found.lock.start_time != start_time)
        return named + " has ended and is another process by now";
    const std::string command = process_file(pid, "cmdline");
    if (command.empty()) return named + " has ended";  // its memory is gone, its number not yet
    if (!looks_like_openclaw(command)) return named + " is no OpenClaw";
    return {};
}

bool is_same_file(const std::string& one, const std::string& two) {
    struct stat first {};
    struct stat second {};
    if (one == two) return true;
    return stat(one.c_str(), &first) == 0 && stat(two.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The directory below `parent`, not through a link; of a shared parent only one that is ours.
Fd open_below(const Fd& parent, const std::string& name, bool must_be_ours) {
    Fd directory(openat(parent.get(), name.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (directory && must_be_ours &&
        (fstat(directory.get(), &info) != 0 || info.st_uid != geteuid()))
        directory.reset();
    return directory;
}

Fd open_top(const std::string& path) {
    return Fd(open(path.c_str(), O_DIRECTORY | O_CLOEXEC));
}

std::vector<Place> open_places(const StockLockPlaces& places) {
    const std::string own = "openclaw-" + std::to_string(geteuid());
    std::vector<Place> opened;
    opened.push_back({places.temporary_dir + "/" + own,
                      open_below(open_top(places.temporary_dir), own, true), true});
    Fd state = open_top(places.state_dir);
    opened.push_back({places.state_dir + "/tmp/" + own,
                      open_below(open_below(state, "tmp", false), own, false)});
    opened.push_back({places.state_dir, std::move(state)});
    std::erase_if(opened, [](const Place& place) { return !place.directory; });
    return opened;
}

std::optional<struct stat> regular_file(const Place& place, const char* name) {
    struct stat info {};
    if (fstatat(place.directory.get(), name, &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return S_ISREG(info.st_mode) ? std::optional(info) : std::nullopt;
}

std::vector<std::string> lock_names(const Place& place) {
    std::vector<std::string> names;
    const int copy = openat(place.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy >= 0 ? fdopendir(copy) : nullptr,
                                                      closedir);
    if (!listing) return names;
    while (const dirent* entry = readdir(listing.get())) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with("gateway.") || !name.ends_with(".lock")) continue;
        if (!regular_file(place, entry->d_name)) continue;
        names.emplace_back(name);
        if (names.size() == most_locks) break;
    }
    return names;
}

FoundLock read_lock(const Place& place, const std::string& name) {
    FoundLock found{place.path + "/" + name, {}};
    const std::optional<struct stat> info = regular_file(place, name.c_str());
    if (!info) return found;
    found.exists = true;
    if (const auto lock = parse_stock_lock(read_some(place.directory.get(), name, largest_lock)))
        found.lock = *lock;
    else
        found.may_be_in_the_making = wall_ms() / 1000 - info->st_mtime < longest_writing_s;
    return found;
}

// Waits for the one who holds it; what to say about it, or nothing when it is gone or not ours.
Result<std::string> clear_lock(const Place& place, const std::string& name,
                               const std::string& config_path, int64_t deadline,
                               std::chrono::milliseconds patience) {
    for (;; poll(nullptr, 0, between_looks_ms)) {
        const FoundLock found = read_lock(place, name);
        if (!found.exists) return std::string();
        if (place.is_shared && !is_same_file(found.lock.config_path, config_path))
            return std::string();
        const std::string why = why_stale(found);
        const bool is_late = monotonic_ms() >= deadline;
        if (!why.empty() && (is_late || !found.may_be_in_the_making)) {
            if (unlinkat(place.directory.get(), name.c_str(), 0) == 0)
                return "removed the stale lock " + found.path + ": " + why;
            const std::string what = "the stale lock " + found.path + " (" + why + ")";
            return system_error(what + " cannot be removed", errno).what;
        }
        if (is_late)
            return Error{Fault::busy, "gateway already running (pid " +
                                          std::to_string(found.lock.pid) + "); it holds " +
                                          found.path + "; lock timeout after " +
                                          std::to_string(patience.count()) + "ms"};
        if (is_asked_to_end())
            return Error{Fault::busy, "asked to end while " + found.path + " is held"};
    }
}

}  // namespace

std::optional<StockLock> parse_stock_lock(std::string_view json) {
    return LockScanner(json).scan();
}

std::string node_temporary_dir(const std::vector<std::string>& environment) {
    for (const std::string_view name : {"TMPDIR=", "TMP=", "TEMP="})
        for (const std::string& variable : environment) {
            if (!variable.starts_with(name) || variable.size() == name.size()) continue;
            std::string path = variable.substr(name.size());
            while (path.size() > 1 && path.ends_with('/')) path.pop_back();
            return path;
        }
    return "/tmp";
}

Result<std::vector<std::string>> clear_stock_locks(const StockLockPlaces& places,
                                                   std::chrono::milliseconds patience) {
    const int64_t deadline = monotonic_ms() + patience.count();
    std::vector<std::string> said;
    for (const Place& place : open_places(places))
        for (const std::string& name : lock_names(place)) {
            Result<std::string> cleared =
                clear_lock(place, name, places.config_path, deadline, patience);
            if (!cleared) return cleared.error();
            if (!cleared->empty()) said.push_back(std::move(*cleared));
        }
    return said;
}

}  // namespace supervisor
