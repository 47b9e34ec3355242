#include "workers/agent/sessions_json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "workers/common/base/fd.h"

namespace agent {

namespace {

constexpr int64_t stale_after_ms = 30'000;

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

Result<Json> read_sessions_json(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode))  // a pipe would never end
        return Error{Fault::bad_message, path + " is not a regular file"};
    std::ifstream file(path, std::ios::binary);
    if (!file && errno == ENOENT) return Json::object();
    if (!file) return system_error("cannot read " + path, errno);
    std::ostringstream text;
    text << file.rdbuf();
    Result<Json> sessions = parse_json(text.str());
    if (!sessions) return Error{Fault::bad_message, path + ": " + sessions.error().what};
    if (!sessions->is_object()) return Error{Fault::bad_message, path + " holds no object"};
    return sessions;
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

Result<FileStamp> write_sessions_json(const std::string& path,
                                      const std::function<Done(const EntryWriter&)>& each) {
    const std::string temporary = path + ".hardshell-new";
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return system_error("cannot create " + temporary, errno);
    std::string text = "{";
    bool whole = true;
    bool first = true;
    const Done done = each([&](const std::string& key, const std::string& entry_json) {
        text += first ? "\n  " : ",\n  ";
        first = false;
        text += print_json(Json(key)) + ": " + entry_json;
        if (text.size() < (64u << 10)) return;
        whole = whole && write_text(file.get(), text);
        text.clear();
    });
    text += first ? "}\n" : "\n}\n";
    whole = whole && write_text(file.get(), text);
    if (!done || !whole || ::fdatasync(file.get()) != 0 ||
        ::rename(temporary.c_str(), path.c_str()) != 0) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        return done ? system_error("cannot write " + path, reason) : done.error();
    }
    return stamp_of(path);
}

}  // namespace agent
