#include "supervisor/state_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "supervisor/signals.h"
#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

std::string read_small(int descriptor) {
    char buffer[512];
    const ssize_t count = pread(descriptor, buffer, sizeof buffer, 0);
    return {buffer, count > 0 ? static_cast<size_t>(count) : 0};
}

std::string read_small(const std::string& path) {
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_small(file.get()) : "";
}

std::string line_of(const std::string& text, const std::string& key) {
    const size_t at = text.find(key + "=");
    if (at == std::string::npos) return {};
    const size_t begin = at + key.size() + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
}

std::string boot_id() {
    std::string id = read_small("/proc/sys/kernel/random/boot_id");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
}

// Field 22 of /proc/self/stat; the second field may hold spaces, so counted from its end.
std::string start_time() {
    const std::string stat = read_small("/proc/self/stat");
    size_t at = stat.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    return at == std::string::npos ? "" : stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

std::string describe_self() {
    return "pid=" + std::to_string(getpid()) + "\nstart=" + start_time() + "\nboot=" + boot_id() +
           "\nsince=" + iso_time(wall_ms()) + "\n";
}

}  // namespace

Result<StateLock> lock_state(int directory, const std::string& path,
                             std::chrono::milliseconds patience) {
    StateLock lock;
    lock.file = Fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    // On a volume that is read-only it can still be held, and the owner can be told.
    if (!lock.file && errno == EROFS) lock.file = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!lock.file) return system_error("cannot open the lock " + path, errno);
    const int64_t deadline = monotonic_ms() + patience.count();
    // The directory itself: the file may be removed under a gateway that runs.
    while (flock(directory, LOCK_EX | LOCK_NB) != 0 ||
           flock(lock.file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return system_error("cannot lock " + path, errno);
        if (monotonic_ms() >= deadline)
            return Error{Fault::busy, "gateway already running (pid " +
                                          line_of(read_small(lock.file.get()), "pid") +
                                          "); it holds " + path + "; lock timeout after " +
                                          std::to_string(patience.count()) + "ms"};
        if (is_asked_to_end()) return Error{Fault::busy, "asked to end while " + path + " is held"};
        poll(nullptr, 0, 25);
    }
    const std::string previous = read_small(lock.file.get());
    if (const std::string pid = line_of(previous, "pid"); !pid.empty())
        lock.reclaimed =
            "pid " + pid + (line_of(previous, "boot") == boot_id() ? "" : " of an earlier boot");
    else if (!previous.empty())
        lock.reclaimed = "an unknown program";
    const std::string body = describe_self();
    if (ftruncate(lock.file.get(), 0) != 0 ||
        pwrite(lock.file.get(), body.data(), body.size(), 0) < 0) {
        // A full disk: the lock holds all the same.
    }
    return lock;
}

}  // namespace supervisor
