#include "workers/agent/sessions_json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace agent {

namespace {

constexpr int64_t stale_after_ms = 30'000;
constexpr size_t most_in_hand = 256u << 10;  // bytes

int64_t modified_ns(const struct stat& facts) {
    return facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec;
}

bool is_stale(const std::string& lock, int64_t now_ms) {
    struct stat facts {};
    if (::stat(lock.c_str(), &facts) != 0) return false;
    return now_ms - modified_ns(facts) / 1'000'000 > stale_after_ms;
}

bool write_text(int descriptor, const std::string& text) {
    size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(descriptor, text.data() + done, text.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        done += static_cast<size_t>(written);
    }
    return true;
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    return {modified_ns(facts), facts.st_size};
}

Result<SessionsLock> SessionsLock::take(const std::string& path, int64_t now_ms) {
    const std::string lock = path + ".lock";
    for (int attempt = 0; attempt < 2; ++attempt) {
        const Fd file(::open(lock.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file) {
            write_text(file.get(), print_json(Json{{"pid", ::getpid()}, {"startedAt", now_ms}}));
            return SessionsLock(lock);
        }
        if (errno != EEXIST) return system_error("cannot create " + lock, errno);
        if (!is_stale(lock, now_ms)) break;
        ::unlink(lock.c_str());
    }
    return Error{Fault::busy, "another program holds " + lock};
}

SessionsLock::~SessionsLock() {
    if (!lock_.empty()) ::unlink(lock_.c_str());
}

SessionsFile::SessionsFile(std::string path, std::string temporary, Fd file)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

SessionsFile::SessionsFile(SessionsFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      text_(std::move(other.text_)),
      is_first_(other.is_first_),
      failure_(other.failure_) {}

SessionsFile::~SessionsFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<SessionsFile> SessionsFile::begin(const std::string& path) {
    std::string temporary = path + ".hardshell-new";
    Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return system_error("cannot create " + temporary, errno);
    return SessionsFile(path, std::move(temporary), std::move(file));
}

void SessionsFile::add(const std::string& key, const std::string& entry_json) {
    text_ += is_first_ ? "\n  " : ",\n  ";
    is_first_ = false;
    text_ += print_json(Json(key)) + ": " + entry_json;
    if (text_.size() >= most_in_hand) write();
}

// On its way to the disk at once: else all of it would be waited for at the end.
void SessionsFile::write() {
    if (failure_ == 0 && !write_text(file_.get(), text_)) failure_ = errno;
    (void)::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    text_.clear();
}

Done SessionsFile::complete() {
    text_ += is_first_ ? "}\n" : "\n}\n";
    write();
    if (failure_ == 0 && ::fdatasync(file_.get()) != 0) failure_ = errno;
    return failure_ == 0 ? Done() : Done(system_error("cannot write " + path_, failure_));
}

Result<FileStamp> SessionsFile::replace() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        return system_error("cannot write " + path_, errno);
    temporary_.clear();
    return stamp_of(path_);
}

}  // namespace agent
